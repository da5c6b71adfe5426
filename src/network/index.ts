/** The real network: libp2p over TCP, between the participants of one chain and nobody else. */
export type { NetworkErrorCode } from './errors.ts';
export { NetworkError } from './errors.ts';
export { createNetwork } from './network.ts';
export type { DialAddress, LibP2pNetwork, NetworkMember, NetworkOptions } from './options.ts';

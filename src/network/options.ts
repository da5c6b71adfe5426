/** What a host of the real network is made of. */
import type { Clock, Logger, Network, Random } from '../ports.ts';
import type { ChainId, ParticipantId, PublicKey } from '../types/index.ts';

export interface NetworkMember {
  readonly participant: ParticipantId;
  /** The Ed25519 key that its host proves in the Noise handshake. */
  readonly networkKey: PublicKey;
}

export interface DialAddress {
  readonly participant: ParticipantId;
  /** A TCP multiaddr (`/ip4/127.0.0.1/tcp/7001`, `/dns4/node.bank.example/tcp/7001`); a `/p2p/…` suffix may follow. */
  readonly address: string;
}

export interface NetworkOptions {
  readonly chainId: ChainId;
  readonly self: ParticipantId;
  /** Ed25519 seed (RFC 8032 section 5.1.5) of `self`'s network key, 32 bytes. */
  readonly privateKey: Uint8Array;
  /** Who may connect; `self` is among them. */
  readonly members: readonly NetworkMember[];
  /** TCP multiaddrs; port 0 takes a free port. */
  readonly listen: readonly string[];
  /** Where members are found. Nothing else is ever dialled. */
  readonly dial: readonly DialAddress[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Longest wait between two attempts to reach a member, in ms; 2,000 where absent. */
  readonly retryMaxMs?: number;
  /** How often each connection is pinged, in ms; 2,000 where absent. A peer has 1.5 times as long to answer. */
  readonly keepAliveMs?: number;
}

export interface LibP2pNetwork extends Network {
  /** Addresses this host listens on, as others may dial them; known after `start`. */
  addresses(): readonly string[];
}

/**
 * The libp2p host: TCP, Noise, Yamux, identify and gossipsub, and nothing that finds, relays or announces. It dials what the
 * dialler names and no one else.
 */
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import type { GossipSub } from '@libp2p/gossipsub';
import type { Identify } from '@libp2p/identify';
import { identify } from '@libp2p/identify';
import type { ConnectionGater, Libp2p } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import type { Libp2pOptions } from 'libp2p';
import { createLibp2p } from 'libp2p';
import { fromHex } from '../codec/hex.ts';
import { publicKeyOf } from '../crypto/ed25519.ts';
import type { StreamWatcher } from './gossip/registrar.ts';
import { gossipService } from './gossip/service.ts';
import {
  HANDSHAKE_TIMEOUT_MS,
  KEEP_ALIVE_ANSWER_INTERVALS,
  KEEP_ALIVE_MS,
  MAX_CONNECTIONS_PER_MEMBER,
  MAX_INBOUND_PER_SECOND,
  MAX_PENDING_INBOUND,
  MAX_STREAM_WINDOW_BYTES,
  MAX_STREAMS_PER_CONNECTION,
  STREAM_TIMEOUT_MS,
} from './limits.ts';
import { chainName } from './names.ts';
import { noiseCrypto } from './noise-crypto.ts';
import type { NetworkOptions } from './options.ts';
import { withQuietReads } from './reads.ts';
import { joinWrites, withRareCredit } from './writes.ts';

type HostServices = { identify: Identify; gossip: GossipSub };
export type Host = Libp2p<HostServices>;

/**
 * @param seen is told of each gossip stream.
 * @returns a host that is not started yet.
 */
export async function createHost(options: NetworkOptions, gater: ConnectionGater, seen: StreamWatcher): Promise<Host> {
  const { chainId, privateKey, members, listen, keepAliveMs = KEEP_ALIVE_MS } = options;
  const answerMs = keepAliveMs * KEEP_ALIVE_ANSWER_INTERVALS;
  return await createLibp2p<HostServices>({
    start: false,
    // libp2p would derive the public half in JavaScript, which takes 40 ms.
    privateKey: privateKeyFromRaw(Buffer.concat([privateKey, fromHex(publicKeyOf(privateKey), 32)])),
    // What identify tells to members.
    nodeInfo: { name: 'tonle', version: '1', userAgent: 'tonle' },
    addresses: { listen: [...listen] },
    // Node switches Nagle's algorithm off for these sockets by the transport's default (noDelay), both ways.
    transports: [tcp({ maxConnections: members.length * MAX_CONNECTIONS_PER_MEMBER + MAX_PENDING_INBOUND })],
    connectionEncrypters: [noise(noiseCrypto())],
    // A protector is libp2p's hook between the socket and the encryption.
    connectionProtector: () => ({ protect: (connection) => Promise.resolve(joinWrites(connection)) }),
    streamMuxers: [
      withQuietReads(
        withRareCredit(
          yamux({
            maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
            maxOutboundStreams: MAX_STREAMS_PER_CONNECTION,
            streamOptions: { maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES },
          }),
        ),
      ),
    ],
    connectionGater: gater,
    connectionManager: connectionLimits(members.length),
    connectionMonitor: {
      pingInterval: keepAliveMs,
      pingTimeout: { minTimeout: answerMs, maxTimeout: answerMs },
      protocolPrefix: chainName(chainId),
    },
    services: {
      // With the chain in its name, hosts of another network never get as far as each other's protocols.
      identify: identify({ protocolPrefix: chainName(chainId), timeout: STREAM_TIMEOUT_MS }),
      gossip: gossipService(chainId, seen),
    },
  });
}

function connectionLimits(memberCount: number): NonNullable<Libp2pOptions['connectionManager']> {
  return {
    maxConnections: memberCount * MAX_CONNECTIONS_PER_MEMBER,
    maxIncomingPendingConnections: MAX_PENDING_INBOUND,
    inboundConnectionThreshold: MAX_INBOUND_PER_SECOND,
    inboundUpgradeTimeout: HANDSHAKE_TIMEOUT_MS,
    dialTimeout: HANDSHAKE_TIMEOUT_MS,
    addressDialTimeout: HANDSHAKE_TIMEOUT_MS,
    inboundStreamProtocolNegotiationTimeout: STREAM_TIMEOUT_MS,
    outboundStreamProtocolNegotiationTimeout: STREAM_TIMEOUT_MS,
    // No look-ups but those of the operating system.
    resolvers: {},
    reconnectRetries: 0,
  };
}

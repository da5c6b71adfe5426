/** The gossipsub service, set up for few members that are all connected and all known. */
import { hash } from 'node:crypto';
import type { GossipSub, GossipSubComponents, Message } from '@libp2p/gossipsub';
import { gossipsub, StrictNoSign } from '@libp2p/gossipsub';
import type { ChainId } from '../../types/index.ts';
import {
  HEARTBEAT_MS,
  MAX_GOSSIP_UNSENT_BYTES,
  MAX_RPC_BYTES,
  MESH,
  NOTICE_MIN_BYTES,
  RPC_LIMITS,
  SEEN_MS,
  TOPICS,
  topicName,
} from './constants.ts';
import type { StreamWatcher } from './registrar.ts';
import { watchedRegistrar } from './registrar.ts';

/**
 * StrictNoSign: each message is a statement that its author signed with a key of the ledger. A second signature, by the
 * transport's key, would only cost time.
 */
export function gossipService(chainId: ChainId, seen: StreamWatcher): (components: GossipSubComponents) => GossipSub {
  const create = gossipsub({
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: messageId,
    allowedTopics: TOPICS.map((topic) => topicName(chainId, topic)),
    fallbackToFloodsub: false,
    floodPublish: true,
    batchPublish: true,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    doPX: false,
    tagMeshPeers: false,
    maxInboundStreams: 1,
    maxInboundDataLength: MAX_RPC_BYTES,
    maxOutboundBufferSize: MAX_GOSSIP_UNSENT_BYTES,
    decodeRpcLimits: RPC_LIMITS,
    ...MESH,
    // No lazy gossip: who missed a message asks for what it needs (`ask`), and gets it with a proof.
    gossipFactor: 0,
    mcacheLength: 1,
    mcacheGossip: 1,
    heartbeatInterval: HEARTBEAT_MS,
    seenTTL: SEEN_MS,
    idontwantMinDataSize: NOTICE_MIN_BYTES,
    // A reject bans. Scores would only punish members that share an address or are slow.
    scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0, appSpecificWeight: 0 },
  });
  return ({ privateKey, peerId, peerStore, registrar, connectionManager, logger }) =>
    create({
      privateKey,
      peerId,
      peerStore,
      connectionManager,
      logger,
      registrar: watchedRegistrar(registrar, seen),
    });
}

/**
 * SHA-256 of the topic and the data. The topic is part of it, or whoever sends a proposal's bytes to another topic first
 * would have the proposal taken for a duplicate.
 */
function messageId(message: Message): Uint8Array {
  return hash('sha256', Buffer.concat([Buffer.from(`${message.topic}\n`), message.data]), 'buffer');
}

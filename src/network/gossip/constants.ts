/** Names, sizes and tuning of gossip: few, small messages among 4 to 31 hosts that are all connected to each other. */
import { MAX_ANNOUNCEMENT_BYTES, MAX_EVIDENCE_BYTES, MAX_PROPOSAL_BYTES, MAX_VOTE_BYTES } from '../../codec/limits.ts';
import { assert } from '../../errors.ts';
import type { Topic } from '../../ports.ts';
import type { ChainId } from '../../types/index.ts';
import { chainName } from '../names.ts';

export const TOPICS: readonly Topic[] = ['proposals', 'votes', 'announcements', 'evidence'];

export function topicName(chainId: ChainId, topic: Topic): string {
  return `/${chainName(chainId)}/${topic}`;
}

/** What the codec allows and room for a later version's fields, so that this host still carries what it cannot read. */
export const MAX_GOSSIP_BYTES: Readonly<Record<Topic, number>> = {
  proposals: 64 * 1024,
  votes: 1024,
  announcements: 1024,
  evidence: 1024,
};
/** One message a call, its topic's name and mesh upkeep of four topics. */
export const MAX_RPC_BYTES = MAX_GOSSIP_BYTES.proposals + 4 * 1024;
export const RPC_LIMITS = {
  /** Our four topics, subscribed or left. */
  maxSubscriptions: 8,
  /** This library sends one a call. */
  maxMessages: 8,
  /** Grafts, prunes and notices of one heartbeat. */
  maxControlMessages: 16,
  maxIdontwantMessageIDs: 64,
  // Lazy gossip and peer exchange are off: nobody here sends these.
  maxIhaveMessageIDs: 0,
  maxIwantMessageIDs: 0,
  maxPeerInfos: 0,
};

/** Ten rounds a second of 31 validators, two votes and a full proposal each, are 3 MiB with all duplicates. */
export const GOSSIP_BYTES_PER_SECOND = 4 * 1024 * 1024;
export const GOSSIP_BURST_BYTES = 8 * 1024 * 1024;
/** Messages of one peer that wait for a verdict; beyond it they are dropped, and asked for later. */
export const MAX_GOSSIP_IN_HAND = 512;
/** Unsent bytes a peer may owe before its connection is given up: some seconds of gossip. */
export const MAX_GOSSIP_UNSENT_BYTES = 4 * 1024 * 1024;

/**
 * Publishing floods: the author sends to every host it is connected to. The mesh matters only where two hosts have lost
 * their link, so it is sparse: each extra neighbour costs every host one more duplicate of every message.
 */
export const MESH = { D: 2, Dlo: 1, Dhi: 3, Dscore: 1, Dout: 0, Dlazy: 0 };
/** Repairs the mesh; no message waits for it. */
export const HEARTBEAT_MS = 1_000;
/** How long a message id is remembered: far longer than a message travels, short enough that a flood stays small. */
export const SEEN_MS = 30_000;
/** From this size on, telling neighbours "I have it" is cheaper than receiving it twice. */
export const NOTICE_MIN_BYTES = 4 * 1024;

assert(MAX_PROPOSAL_BYTES <= MAX_GOSSIP_BYTES.proposals, 'a proposal fits its topic');
assert(MAX_VOTE_BYTES <= MAX_GOSSIP_BYTES.votes, 'a vote fits its topic');
assert(MAX_ANNOUNCEMENT_BYTES <= MAX_GOSSIP_BYTES.announcements, 'an announcement fits its topic');
assert(MAX_EVIDENCE_BYTES <= MAX_GOSSIP_BYTES.evidence, 'evidence fits its topic');

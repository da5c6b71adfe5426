/** Consensus messages straight to each peer: one kept stream each way, one frame a message, its kind in the first byte. */
import type { Topic } from '../../ports.ts';
import type { ChainId } from '../../types/index.ts';
import { MAX_GOSSIP_BYTES, TOPICS } from '../gossip/constants.ts';
import { chainName } from '../names.ts';

export function directProtocol(chainId: ChainId): string {
  return `/${chainName(chainId)}/direct/1.0.0`;
}

/** The first byte of a frame that says whom its sender is connected to; a message has its topic's number. */
export const LINKS_KIND = 0;

export function kindOf(topic: Topic): number {
  return TOPICS.indexOf(topic) + 1;
}

export function topicOf(kind: number): Topic | undefined {
  return kind === LINKS_KIND ? undefined : TOPICS[kind - 1];
}

/** The largest message and its kind. */
export const MAX_DIRECT_FRAME_BYTES = Math.max(...Object.values(MAX_GOSSIP_BYTES)) + 1;
/** Some seconds of consensus; what a peer misses beyond it comes back by an exchange. */
export const MAX_DIRECT_UNSENT_BYTES = 4 * 1024 * 1024;
/** Messages of one peer that wait for a verdict; the next are not read meanwhile. */
export const MAX_DIRECT_IN_HAND = 64;

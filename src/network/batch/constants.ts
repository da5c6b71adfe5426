/** The batch protocol: one stream from each host to each peer, kept open, one frame a batch, nothing comes back. */
import { MAX_BATCH_BYTES } from '../../codec/limits.ts';
import { assert } from '../../errors.ts';
import type { ChainId } from '../../types/index.ts';
import { chainName } from '../names.ts';

export function batchProtocol(chainId: ChainId): string {
  return `/${chainName(chainId)}/batch/1.0.0`;
}

/** What a slow peer may owe: a few seconds of a busy bank. Beyond it a batch is not sent, and the peer asks for it. */
export const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
/** Batches of one peer that the node checks at once: enough to keep its verifying threads busy. */
export const MAX_BATCHES_IN_HAND = 8;
/** Beyond what a machine verifies (18,000 transfers of 300 bytes a second), so that it slows only a flood. */
export const BATCH_BYTES_PER_SECOND = 16 * 1024 * 1024;
export const BATCH_BURST_BYTES = 32 * 1024 * 1024;

assert(MAX_BATCH_BYTES * MAX_BATCHES_IN_HAND <= MAX_UNSENT_BYTES, 'a sender may be as far ahead as a reader checks');

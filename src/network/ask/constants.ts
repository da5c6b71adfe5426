/**
 * The question protocols: a stream a question. The asker sends one frame and ends its half. The other side sends a frame
 * with the number of frames in its answer, then those. A stream that ends earlier carries no answer, however it ends: a host
 * that stops ends its streams in good order, and a part of an answer must not pass for all of it.
 *
 * | message | frame | meaning | validation |
 * |---|---|---|---|
 * | question | bytes | what is asked, by the node's codec | up to 64 KiB, within 5 s |
 * | count | u32, big-endian | frames that follow | up to 4,096 |
 * | answer | bytes | one item, by the node's codec | 32 MiB in all, 5 s without progress, 32 s in all |
 */
import { MAX_CHUNK_BYTES, MAX_MANIFEST_BYTES, MAX_SYNC_BYTES } from '../../codec/limits.ts';
import { assert } from '../../errors.ts';
import type { Question } from '../../ports.ts';
import type { ChainId } from '../../types/index.ts';
import { chainName } from '../names.ts';

export const QUESTIONS: readonly Question[] = ['batches', 'blocks', 'round', 'manifest', 'chunk'];

export function questionProtocol(chainId: ChainId, question: Question): string {
  return `/${chainName(chainId)}/ask/${question}/1.0.0`;
}

export const COUNT_BYTES = 4;
/** A list of 1,000 digests and more. */
export const MAX_QUESTION_BYTES = 64 * 1024;
/** Block sync's own bound and room for its framing. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Blocks, batches or votes of one answer; the largest list asked for is a few hundred long. */
export const MAX_ANSWER_FRAMES = 4_096;
/** Of one kind, from one peer, at once: enough to keep a link busy; more only queue up behind each other. */
export const MAX_OPEN_QUESTIONS = 4;

/** From the opened stream to the whole question. */
export const QUESTION_TIMEOUT_MS = 5_000;
/** Without a byte of the answer; covers reading 24 MiB from a slow disk. */
export const ANSWER_STALL_MS = 5_000;
/** From the question to the whole answer: 32 MiB at 1 MiB/s. */
export const ANSWER_TIMEOUT_MS = 32_000;

/** What one peer may have answered each second, a question counting for at least `QUESTION_COST_BYTES`. */
export const ANSWER_BYTES_PER_SECOND = 32 * 1024 * 1024;
export const ANSWER_BURST_BYTES = 64 * 1024 * 1024;
/** Work that does not show in bytes; with the rate above it bounds a peer to 2,048 questions a second. */
export const QUESTION_COST_BYTES = 16 * 1024;

assert(
  Math.max(MAX_SYNC_BYTES, MAX_MANIFEST_BYTES, MAX_CHUNK_BYTES) < MAX_ANSWER_BYTES,
  'an answer of block sync fits, and so do the parts of a snapshot',
);

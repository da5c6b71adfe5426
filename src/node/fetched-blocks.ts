/**
 * Blocks that a peer gave, checked in their order. While one becomes part of the chain the signatures of the next ones are checked: a
 * node that missed a lot runs beside those who go on, and gets their processors only now and then.
 */
import { committedBlock } from '../codec/block.ts';
import { MAX_COMMITTED_BLOCK_BYTES } from '../codec/limits.ts';
import { CodecError, decode } from '../codec/schema.ts';
import type { CommittedBlock } from '../types/index.ts';
import { areSigned, WRONG_SIGNATURE } from './admission.ts';
import type { Context } from './context.ts';
import { type BatchContent, withIds } from './execution.ts';
import { holdsItsBatches } from './record.ts';

/** Blocks whose signatures are checked at a time, and transactions in them: one more is begun while there are fewer. */
const MAX_CHECKING_BLOCKS = 8;
const MAX_CHECKING_TRANSACTIONS = 512;

/** A block that may become part of the chain, or why not. */
export type Fetched =
  | { readonly committed: CommittedBlock; readonly batches: readonly BatchContent[] }
  | Lie
  | LaterBlock
  | 'postponed';

/** What no honest peer would have sent. */
export interface Lie {
  readonly reason: string;
}

/** A true block that shows where the peer's record begins. */
interface LaterBlock {
  readonly first: number;
}

export const NOT_ASKED_FOR: Lie = { reason: 'a block that nobody asked for' };

/** @param from height of the first; those after it follow. */
export async function* checkedBlocks(
  context: Context,
  frames: readonly Uint8Array[],
  from: number,
): AsyncGenerator<Fetched> {
  const ahead: Checking[] = [];
  let transactions = 0;
  let next = 0;
  do {
    while (ahead.length < MAX_CHECKING_BLOCKS && (ahead.length === 0 || transactions < MAX_CHECKING_TRANSACTIONS)) {
      const frame = frames[next];
      if (frame === undefined) break;
      const begun = beginChecking(context, frame, from + next);
      ahead.push(begun);
      transactions += begun.transactions;
      next += 1;
    }
    const first = ahead.shift();
    if (first === undefined) return;
    transactions -= first.transactions;
    yield await first.result;
  } while (ahead.length > 0 || next < frames.length);
}

interface Checking {
  readonly transactions: number;
  readonly result: Promise<Fetched>;
}

function beginChecking(context: Context, bytes: Uint8Array, due: number): Checking {
  const read = readBlock(context, bytes, due);
  if (!('committed' in read)) return { transactions: 0, result: Promise.resolve(read) };
  const { committed } = read;
  const transactions = committed.batches.reduce((sum, batch) => sum + batch.transactions.length, 0);
  return { transactions, result: checkSignatures(context, committed) };
}

function readBlock(
  { chain }: Context,
  bytes: Uint8Array,
  due: number,
): { committed: CommittedBlock } | Lie | LaterBlock {
  let committed: CommittedBlock;
  try {
    committed = decode(committedBlock, bytes, MAX_COMMITTED_BLOCK_BYTES);
  } catch (error) {
    if (error instanceof CodecError) return { reason: error.message };
    throw error;
  }
  if (committed.block.header.chainId !== chain.chainId) return { reason: 'a block of another chain' };
  if (!holdsItsBatches(committed)) return { reason: 'a block without the batches that it names' };
  if (!chain.isCertified(committed)) return { reason: 'a block without a valid certificate' };
  const { height } = committed.block.header;
  if (height !== due) return height > due ? { first: height } : NOT_ASKED_FOR;
  return { committed };
}

/** Of batches that came by themselves meanwhile they were checked before. */
async function checkSignatures({ batches, verifier }: Context, committed: CommittedBlock): Promise<Fetched> {
  const contents: BatchContent[] = [];
  // One batch after the other: a full block has more signatures than the verifier takes at once.
  for (const [at, batch] of committed.batches.entries()) {
    const digest = committed.block.batches[at];
    const known = digest === undefined ? undefined : batches.get(digest);
    const content = known ?? withIds(batch);
    const signed = known !== undefined || (await areSigned(content.transactions, verifier));
    if (signed === 'postponed') return signed;
    if (!signed) return { reason: WRONG_SIGNATURE };
    contents.push(content);
  }
  return { committed, batches: contents };
}

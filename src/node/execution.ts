/** Running the content of a block over the state that it is built on. */
import { transactionId } from '../crypto/ids.ts';
import { assert } from '../errors.ts';
import {
  applyBlock,
  type BlockInput,
  type BlockResult,
  type IdentifiedTransaction,
  type Rules,
} from '../ledger/ledger.ts';
import type { Batch, BlockWrites, Header, Receipt, StateKey } from '../types/index.ts';

/** What a block's content does to the state it is built on. */
export interface Execution {
  readonly result: BlockResult;
  /** Those that took part: one for each receipt. */
  readonly transactions: readonly IdentifiedTransaction[];
  /** Of each of those among all transactions of the content. */
  readonly positions: readonly number[];
}

/** What a block is built on. */
export interface Parent {
  readonly height: number;
  readonly timeMs: number;
  /** What it does to the committed state, as long as it is not committed itself. */
  readonly writes: BlockWrites | null;
}

/** @param view of the committed state: all that the transactions and the evidence touch. It is changed to one of the parent's. */
export function runOver(
  rules: Rules,
  view: Map<StateKey, Uint8Array | null>,
  { height, timeMs: parentTimeMs, writes }: Parent,
  content: Pick<BlockInput, 'timeMs' | 'transactions' | 'evidence'>,
): Execution {
  const input = { ...content, height: height + 1, parentTimeMs };
  if (writes !== null) goOn(view, writes);
  const result = applyBlock(rules, view, input);
  return { result, ...tookPart(result.receipts, content.transactions) };
}

/** Whether the results are those that the header says. */
export function givesRootsOf(header: Header, { result }: Execution): boolean {
  const roots = ['transactionsRoot', 'receiptsRoot', 'writesRoot'] as const;
  return roots.every((root) => result[root] === header[root]);
}

/** Makes the view one of what these keys hold after the writes. */
function goOn(view: Map<StateKey, Uint8Array | null>, { entries, forget }: BlockWrites): void {
  if (forget !== null) for (const key of view.keys()) if (isForgotten(key, forget)) view.set(key, null);
  for (const { key, value } of entries) if (view.has(key)) view.set(key, value);
}

function isForgotten(key: StateKey, { from, to }: NonNullable<BlockWrites['forget']>): boolean {
  return key >= from && key < to;
}

/** Which of the transactions each receipt is of: the first with its id, as what comes again is left out. */
function tookPart(
  receipts: readonly Receipt[],
  offered: readonly IdentifiedTransaction[],
): Pick<Execution, 'transactions' | 'positions'> {
  const positions: number[] = [];
  for (let position = 0; position < offered.length; position++) {
    if (receipts[positions.length]?.transactionId === offered[position]?.id) positions.push(position);
  }
  assert(positions.length === receipts.length, 'receipts are of transactions that were run, in their order');
  // As a rule all did.
  if (positions.length === offered.length) return { transactions: offered, positions };
  return { transactions: positions.map((position) => offered[position] as IdentifiedTransaction), positions };
}

/** A batch's transactions with their ids. */
export interface BatchContent {
  readonly transactions: readonly IdentifiedTransaction[];
}

export function withIds(batch: Batch): BatchContent {
  return {
    transactions: batch.transactions.map((transaction) => ({ id: transactionId(transaction.body), transaction })),
  };
}

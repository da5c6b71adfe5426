/** Values of the indexes under the keys of `node/indexes.ts`. They are local: rebuilt from the log, sent to nobody. */
import type { Transaction } from '../types/index.ts';
import * as f from './fields.ts';
import { MAX_SAFE } from './limits.ts';
import { field, integer, record } from './schema.ts';
import { transaction } from './transaction.ts';

/** A transaction that took part in a block, and where. */
export interface IndexedTransaction {
  readonly height: number;
  readonly index: number;
  /** Time of the block. */
  readonly timeMs: number;
  /** Code of its receipt. */
  readonly status: number;
  readonly transaction: Transaction;
}

export const indexedTransaction = record<IndexedTransaction>('IndexedTransaction', {
  height: field(integer(1, MAX_SAFE), 'block'),
  index: field(integer(0, MAX_SAFE), 'place in the block'),
  timeMs: field(f.timeMs, 'time of the block'),
  status: field(integer(0, 999), 'code of its receipt'),
  transaction: field(transaction, 'as it was submitted'),
});

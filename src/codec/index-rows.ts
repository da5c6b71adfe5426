/** Values of the indexes under the keys of `node/indexes.ts`. They are local: rebuilt from the log, sent to nobody. */
import type { Receipt } from '../types/index.ts';
import * as f from './fields.ts';
import { MAX_BATCH_TRANSACTIONS, MAX_BLOCK_BATCHES, MAX_COMMANDS, MAX_SAFE } from './limits.ts';
import { field, integer, list, nullable, record } from './schema.ts';

const MAX_BLOCK_TRANSACTIONS = MAX_BLOCK_BATCHES * MAX_BATCH_TRANSACTIONS;
const MAX_INDEXED_RECEIPT_BYTES = 48;

/** The receipts of a fullest block. */
export const MAX_BLOCK_RECEIPTS_BYTES = MAX_BLOCK_TRANSACTIONS * MAX_INDEXED_RECEIPT_BYTES + 8;
export const MAX_PLACE_BYTES = 16;

/** Where a transaction took part. */
export interface Place {
  readonly height: number;
  /** Of its receipt among those of the block. */
  readonly index: number;
}

export const place = record<Place>('Place', {
  height: field(integer(1, MAX_SAFE), 'block'),
  index: field(integer(0, MAX_BLOCK_TRANSACTIONS - 1), 'place of its receipt in the block'),
});

/** A receipt without what its place in the list says, and where its transaction stands. */
export interface IndexedReceipt extends Pick<Receipt, 'transactionId' | 'status' | 'failedCommand'> {
  /** Among all transactions of the block's batches, those that were left out included. */
  readonly position: number;
}

export const indexedReceipt = record<IndexedReceipt>('IndexedReceipt', {
  transactionId: field(f.transactionId, 'what it is the receipt of'),
  status: field(integer(0, 999), 'status code; 0 is success'),
  failedCommand: field(nullable(integer(0, MAX_COMMANDS - 1)), 'the command that was refused'),
  position: field(integer(0, MAX_BLOCK_TRANSACTIONS - 1), "place among all transactions of the block's batches"),
});

/** Of one block, in order. */
export const blockReceipts = list(indexedReceipt, 0, MAX_BLOCK_TRANSACTIONS);

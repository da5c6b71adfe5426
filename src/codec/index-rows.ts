/** Values of the indexes. They are local: rebuilt from the log, sent to nobody. */
import type { Receipt } from '../types/index.ts';
import { MAX_BATCH_TRANSACTIONS, MAX_BLOCK_BATCHES, MAX_COMMANDS, MAX_SAFE } from './limits.ts';
import { byteString, field, integer, list, nullable, record } from './schema.ts';

const MAX_BLOCK_TRANSACTIONS = MAX_BLOCK_BATCHES * MAX_BATCH_TRANSACTIONS;
const MAX_INDEXED_RECEIPT_BYTES = 16;

/** The receipts of a fullest block. */
export const MAX_BLOCK_RECEIPTS_BYTES = MAX_BLOCK_TRANSACTIONS * MAX_INDEXED_RECEIPT_BYTES + 8;

/** A receipt without what its place in the list and the record say, and where its transaction stands in that. */
export interface IndexedReceipt extends Pick<Receipt, 'status' | 'failedCommand'> {
  /** Among all transactions of the block's batches, those that were left out included. */
  readonly position: number;
}

export const indexedReceipt = record<IndexedReceipt>('IndexedReceipt', {
  status: field(integer(0, 999), 'status code; 0 is success'),
  failedCommand: field(nullable(integer(0, MAX_COMMANDS - 1)), 'the command that was refused'),
  position: field(integer(0, MAX_BLOCK_TRANSACTIONS - 1), "place among all transactions of the block's batches"),
});

/** Of one block, in order. */
export const blockReceipts = list(indexedReceipt, 0, MAX_BLOCK_TRANSACTIONS);

/** A part of the index of places: what some blocks that follow each other put into it. */
export interface PlaceRun {
  /** How often what is in it was merged. */
  readonly level: number;
  readonly firstHeight: number;
  readonly lastHeight: number;
  readonly records: number;
  /** The heads of the first record of each of its rows, 4 bytes each. */
  readonly heads: Uint8Array;
  /** Rows that its filter is in; 0 where it has none. */
  readonly filterRows: number;
}

const MAX_LEVEL = 32;
const MAX_HEADS_BYTES = 64 * 1024 * 1024;
export const MAX_PLACE_RUN_BYTES = MAX_HEADS_BYTES + 64;

export const placeRun = record<PlaceRun>('PlaceRun', {
  level: field(integer(0, MAX_LEVEL), 'how often what is in it was merged'),
  firstHeight: field(integer(0, MAX_SAFE), 'first block'),
  lastHeight: field(integer(0, MAX_SAFE), 'last block'),
  records: field(integer(0, MAX_SAFE), 'how many there are'),
  heads: field(byteString(0, MAX_HEADS_BYTES), 'the first 4 bytes of each of its rows'),
  filterRows: field(integer(0, MAX_SAFE), 'rows that its filter is in'),
});

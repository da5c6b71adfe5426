/**
 * What took part in a block: its receipts from the index, its transactions from the record. The newest blocks, and those
 * that were asked for last, are kept as they are in memory, since most questions are about them.
 */
import { blockReceipts, MAX_BLOCK_RECEIPTS_BYTES } from '../codec/index-rows.ts';
import { decode } from '../codec/schema.ts';
import { transactionId } from '../crypto/ids.ts';
import { assert } from '../errors.ts';
import type { StateStore } from '../ports.ts';
import type { CommittedBlock, Receipt, Transaction } from '../types/index.ts';
import { receiptsIndexKey } from './indexes.ts';

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

export interface BlockContent {
  readonly committed: CommittedBlock;
  /** In order. */
  readonly receipts: readonly Receipt[];
  /** One for each receipt. */
  readonly transactions: readonly Transaction[];
}

/** A full block of small payments takes some 30 MB decoded. */
const MAX_KEPT_TRANSACTIONS = 2_048;
const MAX_KEPT_BLOCKS = 64;

export interface ContentsParts {
  readonly store: StateStore;
  /** A block of the record. */
  readonly read: (height: number) => Promise<CommittedBlock | null>;
}

export class Contents {
  readonly #parts: ContentsParts;
  /** The one that was asked for last stands last. */
  readonly #kept = new Map<number, BlockContent>();
  readonly #reading = new Map<number, Promise<BlockContent | null>>();
  #transactions = 0;

  constructor(parts: ContentsParts) {
    this.#parts = parts;
  }

  /** Of a block that is in the record and the indexes; null otherwise. */
  of(height: number): Promise<BlockContent | null> {
    const kept = this.#kept.get(height);
    if (kept !== undefined) {
      this.#keep(height, kept);
      return Promise.resolve(kept);
    }
    const reading = this.#reading.get(height) ?? this.#read(height).finally(() => this.#reading.delete(height));
    this.#reading.set(height, reading);
    return reading;
  }

  /** Of a block that is being made part of the chain. */
  add(content: BlockContent): void {
    this.#keep(content.committed.block.header.height, content);
  }

  /** The chain begins anew. */
  clear(): void {
    this.#kept.clear();
    this.#reading.clear();
    this.#transactions = 0;
  }

  async #read(height: number): Promise<BlockContent | null> {
    const { store, read } = this.#parts;
    const row = await store.indexGet(receiptsIndexKey(height));
    const committed = row === null ? null : await read(height);
    if (row === null || committed === null) return null;
    const all = committed.batches.flatMap((batch) => batch.transactions);
    const indexed = decode(blockReceipts, row, MAX_BLOCK_RECEIPTS_BYTES);
    const receipts: Receipt[] = [];
    const transactions: Transaction[] = [];
    for (const [index, { status, failedCommand, position }] of indexed.entries()) {
      const transaction = all[position];
      assert(transaction !== undefined, 'a transaction that took part is in the record');
      transactions.push(transaction);
      const id = transactionId(transaction.body);
      receipts.push({ version: 1, transactionId: id, height, index, status, failedCommand });
    }
    const content = { committed, receipts, transactions };
    this.#keep(height, content);
    return content;
  }

  #keep(height: number, content: BlockContent): void {
    this.#forget(height);
    this.#kept.set(height, content);
    this.#transactions += content.transactions.length;
    for (const oldest of this.#kept.keys()) {
      if (oldest === height) break;
      if (this.#kept.size <= MAX_KEPT_BLOCKS && this.#transactions <= MAX_KEPT_TRANSACTIONS) break;
      this.#forget(oldest);
    }
  }

  #forget(height: number): void {
    this.#transactions -= this.#kept.get(height)?.transactions.length ?? 0;
    this.#kept.delete(height);
  }
}

/**
 * Blocks for event streams, one after the other from any height on: the newest from memory, older ones from the record.
 * A reader has a place of its own and fetches at its own pace, so nothing piles up for a slow one.
 */
import { assert } from '../errors.ts';
import type { NodeEvent } from '../node/events.ts';
import type { CommittedBlock, Currency, Receipt, Transaction } from '../types/index.ts';
import type { NodeFace } from './node-face.ts';
import { entryJson } from './present.ts';
import type { BlockEventJson, EntryJson } from './types.ts';

export interface FeedBlock {
  readonly event: BlockEventJson;
  readonly transactions: readonly FeedTransaction[];
}

interface FeedTransaction {
  readonly transaction: Transaction;
  /** What is told of it; written when first asked for. */
  readonly entry: () => EntryJson;
}

/** Readers that keep up ask for the newest block only, each a moment after the other. */
const KEPT_BLOCKS = 4;

export class BlockFeed {
  readonly #node: NodeFace;
  readonly #currencies: readonly Currency[];
  /** Put together when the first reader asks: most blocks of a busy node have none. */
  readonly #kept = new Map<number, () => FeedBlock>();
  readonly #waiting = new Set<() => void>();
  readonly #unsubscribe: () => void;

  constructor(node: NodeFace, currencies: readonly Currency[]) {
    this.#node = node;
    this.#currencies = currencies;
    this.#unsubscribe = node.subscribe((event) => this.#hear(event));
  }

  /** Height of the last final block. */
  get tip(): number {
    return this.#node.status().height;
  }

  /** Height of the first block that can be told. */
  get first(): number {
    return this.#node.status().knownFromHeight;
  }

  /** @param height from the first to the tip. */
  async at(height: number): Promise<FeedBlock> {
    return this.#kept.get(height)?.() ?? (await this.#fromRecord(height));
  }

  /** Calls `wake` once, at the next block; the answer takes that back. */
  onNext(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  close(): void {
    this.#unsubscribe();
    this.#waiting.clear();
  }

  #hear(event: NodeEvent): void {
    if (event.type !== 'committed') return;
    const { committed, transactions } = event;
    const { height } = committed.block.header;
    let made: FeedBlock | null = null;
    this.#kept.set(height, () => {
      made ??= this.#feedBlock(committed, transactions);
      return made;
    });
    this.#kept.delete(height - KEPT_BLOCKS);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  async #fromRecord(height: number): Promise<FeedBlock> {
    const { queries } = this.#node;
    const committed = await queries.block(height);
    assert(committed !== null, 'every block from the first to the tip is in the record');
    const receipts = await queries.receipts(height);
    const transactions: { receipt: Receipt; transaction: Transaction }[] = [];
    for (const receipt of receipts) {
      const indexed = await queries.transaction(receipt.transactionId);
      assert(indexed !== null, 'a transaction with a receipt is in the index');
      transactions.push({ receipt, transaction: indexed.transaction });
    }
    return this.#feedBlock(committed, transactions);
  }

  #feedBlock(
    { block: { header }, certificate }: CommittedBlock,
    transactions: readonly { readonly receipt: Receipt; readonly transaction: Transaction }[],
  ): FeedBlock {
    const { height, timeMs, proposer } = header;
    const event = { height, hash: certificate.blockHash, timeMs, proposer, transactions: transactions.length };
    const told = transactions.map(({ receipt, transaction }) => {
      let written: EntryJson | null = null;
      const entry = () => {
        written ??= entryJson(receipt.transactionId, { ...receipt, timeMs }, transaction, this.#currencies);
        return written;
      };
      return { transaction, entry };
    });
    return { event, transactions: told };
  }
}

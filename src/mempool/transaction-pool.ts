/**
 * Transactions that wallets gave this node: waiting for a batch, or on their way in one. Each stays until it is final or
 * has expired, so that its sender can always learn which.
 */
import type { Nonce, PublicKey, Transaction, TransactionId } from '../types/index.ts';

export interface PooledTransaction {
  readonly id: TransactionId;
  readonly transaction: Transaction;
  /** Length of its canonical bytes. */
  readonly bytes: number;
}

/** What became of an offer. `full` and `referenceTaken` leave the pool as it was. */
export type Offer = 'added' | 'known' | 'full' | 'referenceTaken';

export class TransactionPool {
  readonly #maxTransactions: number;
  readonly #all = new Map<TransactionId, PooledTransaction>();
  readonly #byReference = new Map<string, TransactionId>();
  #waiting: PooledTransaction[] = [];
  /** No transaction here expires before this: until then nobody needs to look at all of them. */
  #noneExpiresBeforeMs = Number.POSITIVE_INFINITY;

  /** @param maxTransactions some seconds of the busiest traffic; more would only wait longer. */
  constructor(maxTransactions = 4_096) {
    this.#maxTransactions = maxTransactions;
  }

  get size(): number {
    return this.#all.size;
  }

  get room(): number {
    return this.#maxTransactions - this.#all.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  has(id: TransactionId): boolean {
    return this.#all.has(id);
  }

  offer(entry: PooledTransaction): Offer {
    if (this.#all.has(entry.id)) return 'known';
    const reference = spelled(referenceOf(entry.transaction));
    if (this.#byReference.has(reference)) return 'referenceTaken';
    if (this.#all.size >= this.#maxTransactions) return 'full';
    this.#all.set(entry.id, entry);
    this.#noneExpiresBeforeMs = Math.min(this.#noneExpiresBeforeMs, entry.transaction.body.validUntilMs);
    this.#byReference.set(reference, entry.id);
    this.#waiting.push(entry);
    return 'added';
  }

  /** Takes the oldest waiting transactions, up to both limits; they stay known until `settle` or `expire`. */
  takeBatch(maxTransactions: number, maxBytes: number): PooledTransaction[] {
    const taken: PooledTransaction[] = [];
    let bytes = 0;
    let passed = 0;
    for (const entry of this.#waiting) {
      if (taken.length === maxTransactions || bytes + entry.bytes > maxBytes) break;
      passed += 1;
      // A block may hold it already, through another participant's batch.
      if (!this.#all.has(entry.id)) continue;
      bytes += entry.bytes;
      taken.push(entry);
    }
    this.#waiting = this.#waiting.slice(passed);
    return taken;
  }

  /** All that it knows, oldest first. */
  entries(): readonly PooledTransaction[] {
    return [...this.#all.values()];
  }

  /** A block holds it. */
  settle(id: TransactionId): void {
    const entry = this.#all.get(id);
    if (entry === undefined) return;
    this.#all.delete(id);
    this.#byReference.delete(spelled(referenceOf(entry.transaction)));
  }

  /** Forgets and returns what no later block can hold: its validity ended before `timeMs`, the time of the last block. */
  expire(timeMs: number): PooledTransaction[] {
    if (timeMs <= this.#noneExpiresBeforeMs) return [];
    const expired: PooledTransaction[] = [];
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#all.values()) {
      const { validUntilMs } = entry.transaction.body;
      if (validUntilMs < timeMs) expired.push(entry);
      else earliestMs = Math.min(earliestMs, validUntilMs);
    }
    this.#noneExpiresBeforeMs = earliestMs;
    for (const { id } of expired) this.settle(id);
    if (expired.length > 0) this.#waiting = this.#waiting.filter(({ id }) => this.#all.has(id));
    return expired;
  }
}

/** What a client calls a transaction by; it belongs to the first key that signed. */
export interface Reference {
  readonly publicKey: PublicKey;
  readonly nonce: Nonce;
}

export function referenceOf({ body, signatures }: Transaction): Reference {
  return { publicKey: signatures[0]?.publicKey ?? NO_KEY, nonce: body.nonce };
}

const NO_KEY = '' as PublicKey;

function spelled({ publicKey, nonce }: Reference): string {
  return `${publicKey}/${nonce}`;
}

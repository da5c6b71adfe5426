/**
 * Batches whose signatures were checked and that no block holds yet, in order of arrival. Bounded by author, so that one
 * participant's flood leaves the others their room; whoever is turned away keeps its batch and offers it again.
 */
import { MAX_BATCH_BYTES, MAX_BLOCK_BATCHES } from '../codec/limits.ts';
import type { Batch, BatchDigest, ParticipantId, Transaction, TransactionId } from '../types/index.ts';

/** A batch with all that was computed when its bytes came in. */
export interface KnownBatch {
  readonly digest: BatchDigest;
  readonly batch: Batch;
  /** Canonical bytes, as they are pushed and answered. */
  readonly bytes: Uint8Array;
  readonly transactions: readonly { readonly id: TransactionId; readonly transaction: Transaction }[];
}

export interface BatchPoolLimits {
  readonly maxBytesPerAuthor: number;
  /** How many digests of committed batches are remembered, so that a late push does not come back as new. */
  readonly maxCommitted: number;
}

/** A full block's worth for each author, half a gigabyte from the largest set of them; minutes of digests. */
const BATCH_POOL_LIMITS: BatchPoolLimits = {
  maxBytesPerAuthor: MAX_BLOCK_BATCHES * MAX_BATCH_BYTES,
  maxCommitted: 16_384,
};

export class BatchPool {
  readonly #limits: BatchPoolLimits;
  readonly #batches = new Map<BatchDigest, KnownBatch>();
  /** Bytes that each author's batches take. */
  readonly #byAuthor = new Map<ParticipantId, number>();
  readonly #committed = new Set<BatchDigest>();
  readonly #refused = new Set<BatchDigest>();

  constructor(limits: BatchPoolLimits = BATCH_POOL_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#batches.size;
  }

  get(digest: BatchDigest): KnownBatch | undefined {
    return this.#batches.get(digest);
  }

  /** Whether its bytes are here, for a block that names it. */
  holds(digest: BatchDigest): boolean {
    return this.#batches.has(digest);
  }

  /** Whether there is nothing to gain from being pushed this batch. */
  has(digest: BatchDigest): boolean {
    return this.#batches.has(digest) || this.#committed.has(digest);
  }

  /**
   * @param wanted a block names it, so it is taken whatever its author's share.
   * @returns whether it is in the pool now and was not before.
   */
  add(known: KnownBatch, wanted = false): boolean {
    if (this.#batches.has(known.digest) || (this.#committed.has(known.digest) && !wanted)) return false;
    const { author } = known.batch;
    const bytes = (this.#byAuthor.get(author) ?? 0) + known.bytes.length;
    if (bytes > this.#limits.maxBytesPerAuthor && !wanted) return false;
    this.#byAuthor.set(author, bytes);
    this.#batches.set(known.digest, known);
    return true;
  }

  /** Whether a batch with this digest was looked at, and no block may name it. */
  isRefused(digest: BatchDigest): boolean {
    return this.#refused.has(digest);
  }

  /** What has this digest is malformed or has a wrong signature, on every node alike. */
  refuse(digest: BatchDigest): void {
    this.#refused.add(digest);
    dropOldest(this.#refused, this.#limits.maxCommitted);
  }

  /** The oldest batches, at most `count`. */
  oldest(count: number): KnownBatch[] {
    return [...this.#batches.values()].slice(0, count);
  }

  /** These batches are in a block: drops and remembers them. */
  commit(digests: readonly BatchDigest[]): void {
    for (const digest of digests) {
      this.drop(digest);
      this.#committed.add(digest);
    }
    dropOldest(this.#committed, this.#limits.maxCommitted);
  }

  drop(digest: BatchDigest): void {
    const known = this.#batches.get(digest);
    if (known === undefined) return;
    this.#batches.delete(digest);
    const { author } = known.batch;
    const left = (this.#byAuthor.get(author) ?? 0) - known.bytes.length;
    if (left <= 0) this.#byAuthor.delete(author);
    else this.#byAuthor.set(author, left);
  }

  /** Drops what can never take effect any more: batches of which every transaction has expired. */
  expire(timeMs: number): KnownBatch[] {
    const expired = [...this.#batches.values()].filter(({ transactions }) =>
      transactions.every(({ transaction }) => transaction.body.validUntilMs < timeMs),
    );
    for (const { digest } of expired) this.drop(digest);
    return expired;
  }
}

function dropOldest<T>(set: Set<T>, max: number): void {
  for (const oldest of set) {
    if (set.size <= max) return;
    set.delete(oldest);
  }
}

/**
 * Batches whose signatures were checked and that no block holds yet, in order of arrival. Bounded by author, so that one
 * participant's flood leaves the others their room; whoever is turned away keeps its batch and offers it again.
 *
 * A batch is open while a transaction of it may still take part in a block. When none may, because blocks brought all of them
 * in other batches, it is no work any more, on every node at once; but it stays until the height ends, for a block that is
 * being voted on may name it.
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
  /** How many settled transactions are remembered, so that a late push of the same ones is no work. */
  readonly maxSettled: number;
}

/** A full block's worth for each author, half a gigabyte from the largest set of them; minutes of digests and ids. */
const BATCH_POOL_LIMITS: BatchPoolLimits = {
  maxBytesPerAuthor: MAX_BLOCK_BATCHES * MAX_BATCH_BYTES,
  maxCommitted: 16_384,
  maxSettled: 65_536,
};

export class BatchPool {
  readonly #limits: BatchPoolLimits;
  readonly #batches = new Map<BatchDigest, KnownBatch>();
  /** Bytes that each author's batches take. */
  readonly #byAuthor = new Map<ParticipantId, number>();
  /** How many transactions of each open batch no block has settled. */
  readonly #open = new Map<BatchDigest, number>();
  /** Which batches hold a transaction that no block has settled: one as a rule, and then it stands there by itself. */
  readonly #holders = new Map<TransactionId, BatchDigest | readonly BatchDigest[]>();
  readonly #settled = new Set<TransactionId>();
  readonly #committed = new Set<BatchDigest>();
  readonly #refused = new Set<BatchDigest>();

  constructor(limits: BatchPoolLimits = BATCH_POOL_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#batches.size;
  }

  /** Whether there is something to put in a block. */
  get hasWork(): boolean {
    return this.#open.size > 0;
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
    const unsettled = known.transactions.filter(({ id }) => !this.#settled.has(id));
    if (unsettled.length === 0 && !wanted) return false;
    this.#byAuthor.set(author, bytes);
    this.#batches.set(known.digest, known);
    if (unsettled.length > 0) this.#open.set(known.digest, unsettled.length);
    for (const { id } of unsettled) {
      const others = this.#holders.get(id);
      this.#holders.set(id, others === undefined ? known.digest : [...listOf(others), known.digest]);
    }
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

  /** The oldest open batches, at most `count`. */
  oldest(count: number): KnownBatch[] {
    const found: KnownBatch[] = [];
    for (const digest of this.#open.keys()) {
      if (found.length === count) break;
      const known = this.#batches.get(digest);
      if (known !== undefined) found.push(known);
    }
    return found;
  }

  /** It was tried, and no transaction of it takes part: it is no work any more, and goes when the height ends. */
  putAside(digest: BatchDigest): void {
    this.#open.delete(digest);
  }

  /**
   * A height has ended: drops and remembers these batches, which its block names, and drops all that are not open any more.
   *
   * @param settled transactions that the block has settled.
   */
  commit(digests: readonly BatchDigest[], settled: readonly TransactionId[]): void {
    for (const digest of digests) {
      this.drop(digest);
      this.#committed.add(digest);
    }
    for (const id of settled) this.#settle(id);
    for (const digest of this.#batches.keys()) if (!this.#open.has(digest)) this.drop(digest);
    dropOldest(this.#committed, this.#limits.maxCommitted);
    dropOldest(this.#settled, this.#limits.maxSettled);
  }

  drop(digest: BatchDigest): void {
    const known = this.#batches.get(digest);
    if (known === undefined) return;
    this.#batches.delete(digest);
    this.#open.delete(digest);
    for (const { id } of known.transactions) this.#release(id, digest);
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

  #settle(id: TransactionId): void {
    this.#settled.add(id);
    const holders = this.#holders.get(id);
    if (holders === undefined) return;
    for (const digest of listOf(holders)) {
      const left = this.#open.get(digest) ?? 0;
      if (left > 1) this.#open.set(digest, left - 1);
      else this.#open.delete(digest);
    }
    this.#holders.delete(id);
  }

  #release(id: TransactionId, digest: BatchDigest): void {
    const holders = this.#holders.get(id);
    const others =
      holders === undefined || holders === digest ? [] : listOf(holders).filter((other) => other !== digest);
    if (others.length > 0) this.#holders.set(id, others);
    else if (holders !== undefined) this.#holders.delete(id);
  }
}

function listOf(holders: BatchDigest | readonly BatchDigest[]): readonly BatchDigest[] {
  return typeof holders === 'string' ? [holders] : holders;
}

function dropOldest<T>(set: Set<T>, max: number): void {
  for (const oldest of set) {
    if (set.size <= max) return;
    set.delete(oldest);
  }
}

/**
 * How transactions spread: this node's own go out in batches, pushed once to every peer; batches of others come in by
 * push, or are fetched by digest when a block names one that did not arrive.
 */
import { batch as batchSchema } from '../codec/block.ts';
import { MAX_BATCH_BYTES, MAX_BATCH_TRANSACTIONS } from '../codec/limits.ts';
import { batchesQuestion } from '../codec/messages.ts';
import { encode } from '../codec/schema.ts';
import { batchDigestOfBytes } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import type { KnownBatch } from '../mempool/batch-pool.ts';
import type { Verdict } from '../ports.ts';
import type { Batch, BatchDigest, ParticipantId } from '../types/index.ts';
import { areSigned, knownBatch, readBatch, WRONG_SIGNATURE } from './admission.ts';
import type { Context } from './context.ts';

/** What a batch's own fields take at most, beside its transactions. */
const BATCH_OVERHEAD_BYTES = 128;
/** Between two rounds of asking every peer for a batch. */
const RETRY_MS = 250;
/** A push that is on its way comes within this time; asking at once would send and check the batch twice. */
const PUSH_GRACE_MS = 20;
/**
 * Own batches that are under way at a time: one in the block that is voted on, and some that the peers check meanwhile for the
 * next. With one of those, whatever came after it missed the next block as well. Bounded, so that batches grow with the load
 * and blocks name few of them, whatever a block takes.
 */
const MAX_UNDER_WAY = 4;
/**
 * Of the time between blocks, how long a transaction waits for company at most. It leaves when a block is locked on, as a rule; this is
 * for blocks that are not. What is sent between two blocks is all in the next one, and each batch costs every node a message.
 */
const DELAY_SHARE = 1.6;
/** How much the last interval between blocks counts in their average. */
const LAST_SHARE = 0.2;
/** Where blocks take long, company comes soon; a batch more costs little beside such a block, and waiting is what its payments then do most. */
const MAX_DELAY_MS = 50;

export class Spread {
  readonly #context: Context;
  readonly #onBatch: () => Promise<void>;
  /** Own batches that no block holds yet. */
  readonly #underWay = new Set<BatchDigest>();
  /** Batches on their way into the pool, whose signatures are checked first: whoever wants one waits instead of fetching it. */
  readonly #inHand = new Map<BatchDigest, Promise<unknown>>();
  #cancelFlush: (() => void) | null = null;
  #flushDueMs: number | null = null;
  #lastBlockMs: number | null = null;
  /** Average time between blocks, where they follow each other. */
  #blockMs = 0;
  #stopped = false;

  /** @param onBatch runs in the inbox after a batch joined the pool. */
  constructor(context: Context, onBatch: () => Promise<void>) {
    this.#context = context;
    this.#onBatch = onBatch;
  }

  /** In the inbox: sends waiting transactions off, at once where none of ours are under way, else in company. */
  async flush(): Promise<void> {
    const { transactions, timings } = this.#context;
    if (transactions.waiting === 0) return;
    const mayFollow = this.#underWay.size < MAX_UNDER_WAY;
    const isFull = transactions.waiting >= MAX_BATCH_TRANSACTIONS;
    if (this.#underWay.size === 0 || (mayFollow && isFull)) await this.#sendBatch();
    else this.#sendAfter(mayFollow ? this.#delayMs : timings.batchHoldMs);
  }

  /**
   * In the inbox: a block will probably be final soon. What waits here leaves now, so that it is with the next proposer by then, and not
   * a moment late.
   */
  blockLikely(): void {
    if (this.#underWay.size < MAX_UNDER_WAY) this.#cut();
  }

  /** In the inbox: a block holds these, so the next transactions need not wait for company. */
  async committed(digests: readonly BatchDigest[]): Promise<void> {
    this.#countBlock();
    for (const digest of digests) this.#underWay.delete(digest);
    for (const digest of this.#underWay) if (!this.#context.batches.holds(digest)) this.#underWay.delete(digest);
    if (this.#underWay.size < MAX_UNDER_WAY) await this.flush();
  }

  get #delayMs(): number {
    const { batchDelayMs, batchHoldMs } = this.#context.timings;
    const companyMs = Math.min(MAX_DELAY_MS, this.#blockMs * DELAY_SHARE);
    return Math.min(batchHoldMs, Math.max(batchDelayMs, companyMs));
  }

  #countBlock(): void {
    const { clock, timings } = this.#context;
    const nowMs = clock.now();
    // After a rest it says nothing of the next one.
    const sinceMs = nowMs - (this.#lastBlockMs ?? nowMs);
    if (sinceMs <= timings.batchHoldMs) this.#blockMs += LAST_SHARE * (sinceMs - this.#blockMs);
    this.#lastBlockMs = nowMs;
  }

  /** A batch that a peer pushes. */
  async receive(from: ParticipantId, bytes: Uint8Array): Promise<Verdict> {
    const { batches, chain, inbox } = this.#context;
    const digest = batchDigestOfBytes(bytes);
    if (batches.has(digest) || this.#inHand.has(digest)) return 'ignore';
    const read = readBatch(chain.chainId, bytes);
    if ('problem' in read) return this.#refuse(from, read.problem);
    const { known } = read;
    if (known.batch.author !== from) return this.#refuse(from, "a push of somebody else's batch");
    return await this.#holding(known, async (isSigned) => {
      if (isSigned === 'postponed') return 'ignore';
      if (!isSigned) return this.#refuse(from, WRONG_SIGNATURE);
      const added = await inbox.post(async () => {
        if (!batches.add(known)) return false;
        this.#tellOf(known);
        await this.#onBatch();
        return true;
      });
      return added === true ? 'accept' : 'ignore';
    });
  }

  /** Asks for batches that a block names: its proposer first, then whoever is connected, until they are here. */
  fetch(digests: readonly BatchDigest[], holder: ParticipantId): void {
    const height = this.#context.chain.tip.height;
    const missing = digests.filter((digest) => !this.#inHand.has(digest));
    if (missing.length === 0) void this.#fetchAll(digests, holder, height);
    else this.#context.clock.schedule(PUSH_GRACE_MS, () => void this.#fetchAll(digests, holder, height));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelFlush?.();
  }

  /** Checks the signatures of a batch, then does `act`, for which others who want the batch wait. */
  async #holding<T>(known: KnownBatch, act: (isSigned: boolean | 'postponed') => Promise<T> | T): Promise<T> {
    // While the signatures are with another thread: the block that names the batch then finds its accounts at hand.
    this.#context.chain.expect(known.transactions);
    const done = areSigned(known.transactions, this.#context.verifier).then(act);
    this.#inHand.set(known.digest, done);
    try {
      return await done;
    } finally {
      this.#inHand.delete(known.digest);
    }
  }

  #sendAfter(delayMs: number): void {
    const { clock, inbox } = this.#context;
    const dueMs = clock.now() + delayMs;
    if (this.#flushDueMs !== null && this.#flushDueMs <= dueMs) return;
    this.#cancelFlush?.();
    this.#flushDueMs = dueMs;
    this.#cancelFlush = clock.schedule(delayMs, () => void inbox.post(() => this.#sendBatch()));
  }

  async #sendBatch(): Promise<void> {
    if (!this.#cut()) return;
    await this.flush();
    await this.#onBatch();
  }

  /** Makes a batch of what waits and pushes it. @returns whether there was something. */
  #cut(): boolean {
    const { transactions, batches, chain, network, self } = this.#context;
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    this.#flushDueMs = null;
    const taken = transactions.takeBatch(MAX_BATCH_TRANSACTIONS, MAX_BATCH_BYTES - BATCH_OVERHEAD_BYTES);
    if (taken.length === 0) return false;
    const batch: Batch = {
      version: 1,
      chainId: chain.chainId,
      author: self,
      transactions: taken.map((entry) => entry.transaction),
    };
    const known = knownBatch(
      batch,
      encode(batchSchema, batch),
      taken.map(({ id }) => id),
    );
    batches.add(known, true);
    this.#underWay.add(known.digest);
    network.pushBatch(known.bytes);
    this.#context.emit({ type: 'batched', digest: known.digest, transactions: known.transactions });
    return true;
  }

  async #fetchAll(digests: readonly BatchDigest[], holder: ParticipantId, height: number): Promise<void> {
    const { network, batches, chain, clock } = this.#context;
    await Promise.all(digests.map((digest) => this.#inHand.get(digest)));
    if (digests.some((digest) => batches.isRefused(digest))) return;
    const missing = digests.filter((digest) => !batches.holds(digest) && !this.#inHand.has(digest));
    if (this.#stopped || missing.length === 0 || chain.tip.height !== height) return;
    const peers = [holder, ...network.peers().filter((peer) => peer !== holder)];
    for (const peer of peers) if (await this.#fetchFrom(peer, missing)) return;
    clock.schedule(RETRY_MS, () => void this.#fetchAll(missing, holder, height));
  }

  /** @returns whether the peer had all of them. */
  async #fetchFrom(peer: ParticipantId, digests: readonly BatchDigest[]): Promise<boolean> {
    const { network, batches, chain, inbox } = this.#context;
    if (!network.peers().includes(peer)) return false;
    let frames: readonly Uint8Array[];
    try {
      frames = await network.ask(peer, 'batches', encode(batchesQuestion, digests));
    } catch (error) {
      // The peer is gone or slow; the next one is asked.
      if (error instanceof CodedError) return false;
      throw error;
    }
    for (const bytes of frames) {
      const digest = batchDigestOfBytes(bytes);
      if (!digests.includes(digest)) {
        network.ban(peer, 'a batch nobody asked for');
        return false;
      }
      // Its push came while it was asked for.
      if (batches.holds(digest)) continue;
      const read = readBatch(chain.chainId, bytes);
      const judge = async (isSigned: boolean | 'postponed') => {
        if (isSigned === 'postponed') return false;
        await inbox.post(async () => {
          if ('problem' in read || !isSigned) batches.refuse(digest);
          else if (batches.add(read.known, true)) this.#tellOf(read.known);
          await this.#onBatch();
        });
        return true;
      };
      const isJudged = 'problem' in read ? await judge(false) : await this.#holding(read.known, judge);
      if (!isJudged) return false;
    }
    return digests.every((digest) => batches.holds(digest));
  }

  #tellOf({ digest, batch: { author } }: KnownBatch): void {
    this.#context.emit({ type: 'batchHeld', digest, author });
  }

  #refuse(peer: ParticipantId, reason: string): Verdict {
    this.#context.emit({ type: 'peerRefused', peer, reason });
    return 'reject';
  }
}

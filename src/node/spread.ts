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
import { admitBatch, knowBatch } from './admission.ts';
import type { Context } from './context.ts';

/** What a batch's own fields take at most, beside its transactions. */
const BATCH_OVERHEAD_BYTES = 128;
/** Between two rounds of asking every peer for a batch. */
const RETRY_MS = 250;

export class Spread {
  readonly #context: Context;
  readonly #onBatch: () => Promise<void>;
  /** Own batches that no block holds yet. */
  readonly #underWay = new Set<BatchDigest>();
  #cancelFlush: (() => void) | null = null;
  #stopped = false;

  /** @param onBatch runs in the inbox after a batch joined the pool. */
  constructor(context: Context, onBatch: () => Promise<void>) {
    this.#context = context;
    this.#onBatch = onBatch;
  }

  /** In the inbox: sends waiting transactions off, at once where none of ours are under way, else in company. */
  async flush(): Promise<void> {
    const { transactions, clock, timings, inbox } = this.#context;
    if (transactions.waiting === 0) return;
    if (this.#underWay.size === 0 || transactions.waiting >= MAX_BATCH_TRANSACTIONS) {
      await this.#sendBatches();
      return;
    }
    this.#cancelFlush ??= clock.schedule(timings.batchDelayMs, () => {
      this.#cancelFlush = null;
      void inbox.post(() => this.#sendBatches());
    });
  }

  /** In the inbox: a block holds these, so the next transactions need not wait for company. */
  async committed(digests: readonly BatchDigest[]): Promise<void> {
    for (const digest of digests) this.#underWay.delete(digest);
    for (const digest of this.#underWay) if (!this.#context.batches.holds(digest)) this.#underWay.delete(digest);
    if (this.#underWay.size === 0) await this.flush();
  }

  /** A batch that a peer pushes. */
  async receive(from: ParticipantId, bytes: Uint8Array): Promise<Verdict> {
    const { batches, chain, verifier, inbox } = this.#context;
    if (batches.has(batchDigestOfBytes(bytes))) return 'ignore';
    const admission = await admitBatch(chain.chainId, bytes, verifier);
    if (admission === 'postponed') return 'ignore';
    if ('problem' in admission) return this.#refuse(from, admission.problem);
    if (admission.known.batch.author !== from) return this.#refuse(from, "a push of somebody else's batch");
    const added = await inbox.post(async () => {
      const isNew = batches.add(admission.known);
      if (!isNew) return false;
      this.#tellOf(admission.known);
      await this.#onBatch();
      return true;
    });
    return added === true ? 'accept' : 'ignore';
  }

  /** Asks for batches that a block names: its proposer first, then whoever is connected, until they are here. */
  fetch(digests: readonly BatchDigest[], holder: ParticipantId): void {
    const height = this.#context.chain.tip.height;
    void this.#fetchAll(digests, holder, height);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelFlush?.();
  }

  async #sendBatches(): Promise<void> {
    const { transactions, batches, chain, network, self } = this.#context;
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    while (transactions.waiting > 0) {
      const taken = transactions.takeBatch(MAX_BATCH_TRANSACTIONS, MAX_BATCH_BYTES - BATCH_OVERHEAD_BYTES);
      if (taken.length === 0) break;
      const batch: Batch = {
        version: 1,
        chainId: chain.chainId,
        author: self,
        transactions: taken.map((entry) => entry.transaction),
      };
      const known = knowBatch(batch, encode(batchSchema, batch));
      batches.add(known, true);
      this.#underWay.add(known.digest);
      network.pushBatch(known.bytes);
      this.#context.emit({ type: 'batched', digest: known.digest, transactions: known.transactions });
    }
    await this.#onBatch();
  }

  async #fetchAll(digests: readonly BatchDigest[], holder: ParticipantId, height: number): Promise<void> {
    const { network, batches, chain, clock } = this.#context;
    if (digests.some((digest) => batches.isRefused(digest))) return;
    const missing = digests.filter((digest) => !batches.holds(digest));
    if (this.#stopped || missing.length === 0 || chain.tip.height !== height) return;
    const peers = [holder, ...network.peers().filter((peer) => peer !== holder)];
    for (const peer of peers) if (await this.#fetchFrom(peer, missing)) return;
    clock.schedule(RETRY_MS, () => void this.#fetchAll(missing, holder, height));
  }

  /** @returns whether the peer had all of them. */
  async #fetchFrom(peer: ParticipantId, digests: readonly BatchDigest[]): Promise<boolean> {
    const { network, batches, chain, verifier, inbox } = this.#context;
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
      const admission = await admitBatch(chain.chainId, bytes, verifier);
      if (admission === 'postponed') return false;
      await inbox.post(async () => {
        if ('problem' in admission) batches.refuse(digest);
        else if (batches.add(admission.known, true)) this.#tellOf(admission.known);
        await this.#onBatch();
      });
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

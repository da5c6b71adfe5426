/**
 * How a node that missed blocks gets them: from any peer, each with a certificate that it verifies itself, so that a lying
 * peer can waste some time and nothing else.
 */
import { committedBlock } from '../codec/block.ts';
import { MAX_COMMITTED_BLOCK_BYTES, MAX_SYNC_BLOCKS } from '../codec/limits.ts';
import { blocksQuestion } from '../codec/messages.ts';
import { CodecError, decode, encode } from '../codec/schema.ts';
import { maxFaulty } from '../consensus/index.ts';
import { CodedError } from '../errors.ts';
import type { CommittedBlock, ParticipantId } from '../types/index.ts';
import { areSigned } from './admission.ts';
import { type Execution, holdsItsBatches, withIds } from './chain.ts';
import type { Context } from './context.ts';

export class CatchUp {
  readonly #context: Context;
  readonly #onBlock: (committed: CommittedBlock, execution: Execution) => Promise<void>;
  /** Highest height that each peer is known to have. */
  readonly #heights = new Map<ParticipantId, number>();
  #running = false;
  #waiting = false;
  #stopped = false;

  /** @param onBlock runs in the inbox after a fetched block became part of the chain. */
  constructor(context: Context, onBlock: (committed: CommittedBlock, execution: Execution) => Promise<void>) {
    this.#context = context;
    this.#onBlock = onBlock;
  }

  get highestKnown(): number {
    return Math.max(this.#context.chain.tip.height, ...this.#heights.values());
  }

  /**
   * Height that one honest peer at least has decided: more than a third of the participants say so, each for itself. Up to
   * there nobody's vote is needed any more; whoever votes there can only be one that has forgotten its votes (a wiped disk,
   * an old backup), and would vote a second time.
   */
  get decidedElsewhere(): number {
    const heights = [...this.#heights.values()].sort((a, b) => b - a);
    return heights[maxFaulty(this.#context.chain.validators.length)] ?? 0;
  }

  /** A peer says, or its signature shows, that it has all blocks up to `height`. */
  heard(peer: ParticipantId, height: number): void {
    if (height >= (this.#heights.get(peer) ?? 0)) this.#heights.set(peer, height);
    const { chain, timings } = this.#context;
    const behind = height - chain.tip.height;
    if (behind <= 0 || this.#running) return;
    // One block behind is how every block ends: the last votes are still under way.
    this.#runAfter(behind > 1 ? 0 : timings.syncGraceMs);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    try {
      while (!this.#stopped && this.#candidates().length > 0) if (!(await this.#fetchFromAny())) break;
    } finally {
      this.#running = false;
    }
    // Nothing else may remind this node: an announcement that says the same again does not spread.
    if (this.#candidates().length > 0) this.#runAfter(this.#context.timings.stallMs);
  }

  #runAfter(delayMs: number): void {
    if (this.#waiting || this.#stopped) return;
    this.#waiting = true;
    this.#context.clock.schedule(delayMs, () => {
      this.#waiting = false;
      void this.#run();
    });
  }

  #candidates(): ParticipantId[] {
    const { chain, network } = this.#context;
    return network.peers().filter((peer) => (this.#heights.get(peer) ?? 0) > chain.tip.height);
  }

  /** @returns whether the chain grew. */
  async #fetchFromAny(): Promise<boolean> {
    for (const peer of this.#candidates()) if (await this.#fetchFrom(peer)) return true;
    return false;
  }

  async #fetchFrom(peer: ParticipantId): Promise<boolean> {
    const { chain, network, emit } = this.#context;
    const from = chain.tip.height + 1;
    const to = this.#heights.get(peer) ?? 0;
    // While another peer was asked, the chain may have grown past this one by its own votes.
    if (to < from) return false;
    emit({ type: 'syncing', peer, from, to });
    let frames: readonly Uint8Array[];
    try {
      const count = Math.min(to - from + 1, MAX_SYNC_BLOCKS);
      frames = await network.ask(peer, 'blocks', encode(blocksQuestion, { from, count }));
    } catch (error) {
      if (error instanceof CodedError) return false;
      throw error;
    }
    // A peer that claimed a height and has no block for it is not believed again until it says more.
    if (frames.length === 0) this.#heights.set(peer, chain.tip.height);
    for (const frame of frames) {
      const problem = await this.#adopt(frame);
      if (problem === null) continue;
      if (problem === 'postponed') return false;
      network.ban(peer, problem.reason);
      emit({ type: 'peerRefused', peer, reason: problem.reason });
      return false;
    }
    return chain.tip.height >= from;
  }

  /** @returns null for a block that is part of the chain now, or was before. */
  async #adopt(bytes: Uint8Array): Promise<Lie | 'postponed' | null> {
    const { chain, verifier, inbox } = this.#context;
    let committed: CommittedBlock;
    try {
      committed = decode(committedBlock, bytes, MAX_COMMITTED_BLOCK_BYTES);
    } catch (error) {
      if (error instanceof CodecError) return { reason: error.message };
      throw error;
    }
    if (committed.block.header.chainId !== chain.chainId) return { reason: 'a block of another chain' };
    if (!holdsItsBatches(committed)) return { reason: 'a block without the batches that it names' };
    if (!chain.isCertified(committed)) return { reason: 'a block without a valid certificate' };
    // One batch after the other: a full block has more signatures than the verifier takes at once.
    for (const batch of committed.batches) {
      const signed = await areSigned(withIds(batch).transactions, verifier);
      if (signed === 'postponed') return signed;
      if (!signed) return { reason: 'a transaction with a wrong signature' };
    }
    await inbox.post(async () => {
      if (committed.block.header.height !== chain.tip.height + 1) return;
      const execution = await chain.adopt(committed);
      await this.#onBlock(committed, execution);
    });
    return null;
  }
}

/** What no honest peer would have sent. */
interface Lie {
  readonly reason: string;
}

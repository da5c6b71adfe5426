/**
 * How a node that missed blocks gets them: from any peer, each with a certificate that it verifies itself, so that a lying
 * peer can waste some time and nothing else.
 */
import { committedBlock } from '../codec/block.ts';
import { MAX_COMMITTED_BLOCK_BYTES, MAX_SYNC_BLOCKS } from '../codec/limits.ts';
import { blocksQuestion } from '../codec/messages.ts';
import { CodecError, decode, encode } from '../codec/schema.ts';
import { CodedError } from '../errors.ts';
import type { CommittedBlock, ParticipantId } from '../types/index.ts';
import { signatureChecks } from './admission.ts';
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

  /** A peer says, or its signature shows, that it has all blocks up to `height`. */
  heard(peer: ParticipantId, height: number): void {
    if (height > (this.#heights.get(peer) ?? 0)) this.#heights.set(peer, height);
    const { chain, clock, timings } = this.#context;
    const behind = height - chain.tip.height;
    if (behind <= 0 || this.#running || this.#waiting) return;
    // One block behind is how every block ends: the last votes are still under way.
    this.#waiting = true;
    clock.schedule(behind > 1 ? 0 : timings.syncGraceMs, () => {
      this.#waiting = false;
      void this.#run();
    });
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
    const to = this.#heights.get(peer) ?? from;
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
      network.ban(peer, problem);
      emit({ type: 'peerRefused', peer, reason: problem });
      return false;
    }
    return chain.tip.height >= from;
  }

  /** @returns what is wrong with a block that no honest peer would send, or null. */
  async #adopt(bytes: Uint8Array): Promise<string | null> {
    const { chain, verifier, inbox } = this.#context;
    let committed: CommittedBlock;
    try {
      committed = decode(committedBlock, bytes, MAX_COMMITTED_BLOCK_BYTES);
    } catch (error) {
      if (error instanceof CodecError) return error.message;
      throw error;
    }
    if (committed.block.header.chainId !== chain.chainId) return 'a block of another chain';
    if (!holdsItsBatches(committed)) return 'a block without the batches that it names';
    if (!(await chain.isCertified(committed))) return 'a block without a valid certificate';
    const checks = committed.batches.flatMap((batch) => withIds(batch).transactions.flatMap(signatureChecks));
    if (!(await verifier.verifyAll(checks)).every((valid) => valid)) return 'a transaction with a wrong signature';
    await inbox.post(async () => {
      if (committed.block.header.height !== chain.tip.height + 1) return;
      const execution = await chain.adopt(committed);
      await this.#onBlock(committed, execution);
    });
    return null;
  }
}

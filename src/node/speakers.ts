/**
 * Of which height each validator spoke last. One that has said nothing of many heights is connected and of no use yet: it was
 * started anew and fetches what it missed. Whoever waits for its proposals lets everybody wait.
 */
import { proposerIndex } from '../consensus/index.ts';
import type { ParticipantId } from '../types/index.ts';
import type { Context } from './context.ts';
import { participantAt } from './events.ts';

/** Heights that a validator may be silent for: others may be quicker, and its word may get lost. */
const MAX_SILENT_HEIGHTS = 8;

export class Speakers {
  readonly #context: Context;
  readonly #last = new Map<number, number>();
  /** From where on this node listens: before it, anybody may have spoken. */
  readonly #since: number;

  constructor(context: Context) {
    this.#context = context;
    this.#since = context.chain.tip.height;
  }

  /** @param height of something that a validator said, or said to be said by it: whoever lies here only gets itself waited for. */
  spoke(validator: number, height: number): void {
    if (height > this.#lastOf(validator)) this.#last.set(validator, height);
  }

  proposer(height: number, round: number): ParticipantId {
    return participantAt(this.#context.chain.validators, this.#indexOf(height, round));
  }

  /** Whether the proposer of a round is there, and has not fallen behind those who work on that height. */
  mayPropose(height: number, round: number): boolean {
    const { network, self } = this.#context;
    const proposer = this.proposer(height, round);
    if (proposer === self) return true;
    const silent = height - this.#lastOf(this.#indexOf(height, round));
    return network.peers().includes(proposer) && silent <= MAX_SILENT_HEIGHTS;
  }

  #indexOf(height: number, round: number): number {
    return proposerIndex(height, round, this.#context.chain.validators.length);
  }

  #lastOf(validator: number): number {
    return this.#last.get(validator) ?? this.#since;
  }
}

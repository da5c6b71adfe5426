/**
 * Lets long work go on behind the back of the blocks: a little at a time, between which the node does what it is asked, and for
 * a small share of the time, which grows less the more the node has to do.
 */
import type { Clock } from '../ports.ts';

/** Work between two pauses, in entries that are read: some milliseconds. */
const TURN = 1_024;
/** What a block takes at least, and each of its transactions, in such entries. */
const BLOCK_WORK = 8;
const TRANSACTION_WORK = 8;
/** A pause takes so many times as long as the turn before it, in which others may have had theirs, within these bounds. */
const PAUSE_SHARE = 2;
const MIN_PAUSE_MS = 1;
const MAX_PAUSE_MS = 100;

export class Pace {
  readonly #clock: Clock | null;
  readonly #signal: AbortSignal;
  #done = 0;
  #sinceMs: number;

  /** @param clock null for whoever has nothing else to do: nothing pauses then. `signal` ends the work. */
  constructor(clock: Clock | null, signal: AbortSignal = new AbortController().signal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#sinceMs = clock?.now() ?? 0;
  }

  /** So many entries were read. @throws the signal's reason. */
  async entries(count: number): Promise<void> {
    this.#done += count;
    if (this.#done >= TURN) await this.#pause();
  }

  /** A block was read or run. @throws the signal's reason. */
  async block(transactions: number): Promise<void> {
    await this.entries(BLOCK_WORK + TRANSACTION_WORK * transactions);
  }

  async #pause(): Promise<void> {
    this.#done = 0;
    this.#signal.throwIfAborted();
    if (this.#clock === null) return;
    const turnMs = this.#clock.now() - this.#sinceMs;
    await this.#wait(this.#clock, Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, PAUSE_SHARE * turnMs)));
    this.#signal.throwIfAborted();
    this.#sinceMs = this.#clock.now();
  }

  /** Ends at once where the work has to end. */
  async #wait(clock: Clock, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => resolve();
    const cancel = clock.schedule(ms, end);
    this.#signal.addEventListener('abort', end);
    await promise;
    this.#signal.removeEventListener('abort', end);
    cancel();
  }
}

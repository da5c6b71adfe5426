/**
 * Lets long work go on behind the back of the blocks: a little at a time, between which the node does what it is asked, and for
 * a share of the time, which grows less the more the node has to do; until somebody is in a hurry for it.
 */
import type { Clock } from '../ports.ts';

/** A rest is so many times as long as the work before it, whatever else that waited for: the busier the node, the longer. */
const REST_SHARE = 4;
/** Shorter work than this goes on without a rest: a timer is not finer. */
const MIN_WORK_MS = 4;
/** However long the work seems to have taken: the clock may jump. */
const MAX_REST_MS = 100;
/** Where the work is counted: between two rests, in entries that are read, which takes some milliseconds. */
const TURN = 1_024;
/** What a block takes at least, and each of its transactions, in such entries. */
const BLOCK_WORK = 8;
const TRANSACTION_WORK = 8;
const MIN_COUNTED_REST_MS = 1;

export class Pace {
  readonly #clock: Clock | null;
  readonly #signal: AbortSignal;
  #done = 0;
  #beganMs: number;
  #isHurried = false;
  #wake: () => void = () => undefined;

  /** @param clock null for whoever has nothing else to do: nothing rests then. `signal` ends the work. */
  constructor(clock: Clock | null, signal: AbortSignal = new AbortController().signal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#beganMs = clock?.now() ?? 0;
  }

  /** Between two pieces of the work: a rest where one is due. @throws the signal's reason. */
  async rest(): Promise<void> {
    const workedMs = this.#workedMs;
    if (workedMs >= MIN_WORK_MS) await this.#rest(REST_SHARE * workedMs);
    this.#signal.throwIfAborted();
  }

  /** So many entries were read. Rests now and then, however little time it took. @throws the signal's reason. */
  async entries(count: number): Promise<void> {
    this.#done += count;
    if (this.#done < TURN) return;
    this.#done = 0;
    this.#signal.throwIfAborted();
    await this.#rest(Math.max(MIN_COUNTED_REST_MS, REST_SHARE * this.#workedMs));
    this.#signal.throwIfAborted();
  }

  /** A block was read or run. @throws the signal's reason. */
  async block(transactions: number): Promise<void> {
    await this.entries(BLOCK_WORK + TRANSACTION_WORK * transactions);
  }

  /** From now on there is no rest, and the present one is over. */
  hurry(): void {
    this.#isHurried = true;
    this.#wake();
  }

  get #workedMs(): number {
    return this.#clock === null ? 0 : this.#clock.now() - this.#beganMs;
  }

  /** Ends at once where the work has to end, or to hurry. */
  async #rest(ms: number): Promise<void> {
    if (this.#clock === null || this.#isHurried || this.#signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => resolve();
    const cancel = this.#clock.schedule(Math.min(ms, MAX_REST_MS), end);
    this.#wake = end;
    this.#signal.addEventListener('abort', end);
    await promise;
    this.#signal.removeEventListener('abort', end);
    this.#wake = () => undefined;
    cancel();
    this.#beganMs = this.#clock.now();
  }
}

/** Work behind the back of the blocks takes a share of the time, until somebody is in a hurry for it. */
import type { Clock } from '../ports.ts';

/** A rest is so many times as long as the work before it, whatever else that waited for: the busier the node, the longer. */
const REST_SHARE = 2;
/** Shorter work than this goes on without a rest: a timer is not finer. */
const MIN_WORK_MS = 4;
/** However long the work seems to have taken: the clock may jump. */
const MAX_REST_MS = 100;

export class Pace {
  readonly #clock: Clock;
  #beganMs: number;
  #isHurried = false;
  #wake: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganMs = clock.now();
  }

  /** Between two pieces of the work: a rest where one is due. */
  async rest(): Promise<void> {
    if (this.#isHurried) return;
    const workedMs = this.#clock.now() - this.#beganMs;
    if (workedMs < MIN_WORK_MS) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.schedule(Math.min(REST_SHARE * workedMs, MAX_REST_MS), resolve);
    this.#wake = () => {
      cancel();
      resolve();
    };
    await promise;
    this.#wake = () => undefined;
    this.#beganMs = this.#clock.now();
  }

  /** From now on there is no rest, and the present one is over. */
  hurry(): void {
    this.#isHurried = true;
    this.#wake();
  }
}

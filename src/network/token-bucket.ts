/**
 * Limits a rate by delay. Whoever takes more than there is goes into debt and is told how long to wait: a burst is slowed
 * down, never judged, because the sender cannot know this node's clock.
 */
import type { Clock } from '../ports.ts';

export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAtMs = clock.now();
  }

  /** @returns ms to wait before the next is taken, 0 where there is none. */
  take(count: number): number {
    const now = this.#clock.now();
    const earned = (Math.max(0, now - this.#filledAtMs) * this.#perSecond) / 1_000;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned) - count;
    this.#filledAtMs = now;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1_000) / this.#perSecond);
  }
}

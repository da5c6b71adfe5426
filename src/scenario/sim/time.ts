/**
 * How time passes in a story. The world moves only while somebody waits for it: for an answer, or for time itself. Where all
 * that is waited for is time, and the network is at rest, the rest of the wait is leapt over.
 */
import { assert } from '../../errors.ts';
import type { VirtualClock } from '../../simulator/world/clock.ts';

/** Shorter waits are lived through: leaping over each of them, a network would never get to do anything by itself. */
const LEAST_LEAP_MS = 5_000;
/** Between two looks at whether the network is at rest. */
const LOOK_MS = 100;
/**
 * A network that is cut into parts too small to agree never comes to rest: its rounds fail again and again, each later than
 * the one before. After so long without anything new from outside, nothing else is to be seen of it.
 */
const MAX_UNREST_MS = 120_000;

export interface TimeParts {
  readonly clock: VirtualClock;
  /** Lets all that waits for nothing but its turn run, and then resolves. */
  readonly turn: () => Promise<void>;
  readonly isAtRest: () => boolean;
  /** @throws what ends the run. */
  readonly check: () => void;
  readonly onLeap: (ms: number) => void;
}

interface Sleeper {
  readonly endMs: number;
  readonly wake: () => void;
  cancel: () => void;
}

export class Time {
  readonly #parts: TimeParts;
  readonly #sleepers = new Set<Sleeper>();
  /** Answers that somebody waits for. */
  #awaited = 0;
  #busyMs: number;
  #lookMs = 0;
  #isDriving = false;

  constructor(parts: TimeParts) {
    this.#parts = parts;
    this.#busyMs = parts.clock.now();
  }

  /** Resolves after so much time. */
  sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const delayMs = Math.max(0, Math.round(ms));
    const sleeper: Sleeper = {
      endMs: this.#parts.clock.now() + delayMs,
      cancel: () => undefined,
      wake: () => {
        this.#sleepers.delete(sleeper);
        resolve();
      },
    };
    sleeper.cancel = this.#parts.clock.schedule(delayMs, sleeper.wake);
    this.#sleepers.add(sleeper);
    return promise;
  }

  /** Somebody waits for an answer of the world: until it is there, nothing is leapt over. */
  awaiting<T>(answer: Promise<T>): Promise<T> {
    this.#awaited += 1;
    return answer.finally(() => {
      this.#awaited -= 1;
      this.#busyMs = this.#parts.clock.now();
    });
  }

  /** Lets time pass until the promise has settled. @throws what it throws, and what `check` throws. */
  async drive<T>(play: Promise<T>): Promise<T> {
    assert(!this.#isDriving, 'one story is played at a time');
    this.#isDriving = true;
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    play.then(end, end);
    const { clock, turn, check } = this.#parts;
    try {
      for (;;) {
        await turn();
        check();
        if (isOver) return await play;
        if (this.#awaited === 0 && this.#sleepers.size === 0) continue;
        if (this.#awaited === 0) this.#leapWhereQuiet();
        assert(clock.fireNext(), 'whoever waits has a timer');
      }
    } finally {
      this.#isDriving = false;
    }
  }

  #leapWhereQuiet(): void {
    const { clock, isAtRest, onLeap } = this.#parts;
    const nowMs = clock.now();
    if (nowMs < this.#lookMs) return;
    this.#lookMs = nowMs + LOOK_MS;
    let endMs = Number.POSITIVE_INFINITY;
    for (const sleeper of this.#sleepers) endMs = Math.min(endMs, sleeper.endMs);
    const leapMs = endMs - nowMs;
    if (leapMs < LEAST_LEAP_MS || !(isAtRest() || nowMs - this.#busyMs >= MAX_UNREST_MS)) return;
    onLeap(leapMs);
    clock.leap(leapMs);
    this.#busyMs = endMs;
    this.#lookMs = endMs;
    for (const sleeper of this.#sleepers) {
      sleeper.cancel();
      sleeper.cancel = clock.schedule(sleeper.endMs - endMs, sleeper.wake);
    }
  }
}

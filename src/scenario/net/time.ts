/**
 * Story time on a network whose clocks cannot be moved: a label over real time. It passes as real time does, but what is left of
 * a sleep is leapt over as soon as nothing is under way, or after a while. So a story's day takes a minute, and the nodes notice
 * nothing of it.
 */
import type { Clock } from '../../ports.ts';

/** Shorter sleeps are lived through: they wait for what the nodes do by themselves. */
const LEAST_LEAP_MS = 1_000;
/** How long what is under way holds a leap up. */
const MAX_WAIT_MS = 2_000;
/** Between two looks at whether anything is. */
const LOOK_MS = 10;

interface Sleeper {
  readonly endMs: number;
  readonly wake: () => void;
}

interface Leap {
  /** Real time at which it was made. */
  readonly atMs: number;
  /** All leaps so far, this one with them. */
  readonly sumMs: number;
}

export class StoryTime {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #beginsAtMs: number;
  readonly #leaps: Leap[] = [];
  readonly #sleepers = new Set<Sleeper>();
  #underWay = 0;
  /** Since when, in real time, nobody has been woken. */
  #quietSinceMs = 0;
  #cancel: (() => void) | null = null;
  #isClosed = false;

  /** @param beginsAtMs story time at the start. */
  constructor(clock: Clock, beginsAtMs: number) {
    this.#clock = clock;
    this.#startMs = clock.now();
    this.#beginsAtMs = beginsAtMs;
  }

  now(): number {
    return this.#beginsAtMs + this.elapsedMs;
  }

  /** Story time since the start. */
  get elapsedMs(): number {
    return this.elapsedAt(this.#clock.now());
  }

  /** The same at a moment of real time; 0 before the start. */
  elapsedAt(realMs: number): number {
    const leaptMs = this.#leaps.findLast(({ atMs }) => atMs <= realMs)?.sumMs ?? 0;
    return Math.max(0, realMs - this.#startMs) + leaptMs;
  }

  /** Resolves when so much story time has passed. */
  sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#isClosed) return promise;
    if (this.#sleepers.size === 0) this.#quietSinceMs = this.#clock.now();
    this.#sleepers.add({ endMs: this.elapsedMs + Math.max(0, Math.round(ms)), wake: resolve });
    this.#lookSoon();
    return promise;
  }

  /** Somebody waits for an answer of a bank. */
  awaiting<T>(answer: Promise<T>): Promise<T> {
    this.#underWay += 1;
    return answer.finally(() => {
      this.#underWay -= 1;
    });
  }

  /** Wakes nobody any more: a play that was called off must not go on. */
  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#sleepers.clear();
  }

  #look(): void {
    // Whoever is woken goes on before time does.
    if (!this.#wakeThoseDue()) this.#leapWhereQuiet();
    this.#lookSoon();
  }

  /** Never at once: whoever goes to sleep may have begun something that shows only a turn later. */
  #lookSoon(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#sleepers.size === 0) return;
    const leftMs = this.#nextEndMs() - this.elapsedMs;
    const inMs = leftMs < LEAST_LEAP_MS ? Math.max(0, leftMs) : LOOK_MS;
    this.#cancel = this.#clock.schedule(inMs, () => this.#look());
  }

  #nextEndMs(): number {
    let endMs = Number.POSITIVE_INFINITY;
    for (const sleeper of this.#sleepers) endMs = Math.min(endMs, sleeper.endMs);
    return endMs;
  }

  #leapWhereQuiet(): void {
    const nowMs = this.#clock.now();
    const leftMs = this.#nextEndMs() - this.elapsedMs;
    const isQuiet = this.#underWay === 0 || nowMs - this.#quietSinceMs >= MAX_WAIT_MS;
    if (!isQuiet || leftMs < LEAST_LEAP_MS) return;
    this.#leaps.push({ atMs: nowMs, sumMs: (this.#leaps.at(-1)?.sumMs ?? 0) + leftMs });
    this.#wakeThoseDue();
  }

  /** @returns whether there were any. */
  #wakeThoseDue(): boolean {
    const nowMs = this.elapsedMs;
    const before = this.#sleepers.size;
    for (const sleeper of this.#sleepers) {
      if (sleeper.endMs > nowMs) continue;
      this.#sleepers.delete(sleeper);
      this.#quietSinceMs = this.#clock.now();
      sleeper.wake();
    }
    return this.#sleepers.size < before;
  }
}

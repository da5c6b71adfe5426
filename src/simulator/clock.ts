/** Virtual time: a queue of timers by (time, order of scheduling) that moves only when it is told to. */
import type { Clock } from '../ports.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, fire: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, order: this.#order++, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Goes to the next timer and fires it. @returns false where none is left. */
  fireNext(): boolean {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (next === null || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
        next = timer;
    }
    if (next === null) return false;
    this.#timers.delete(next);
    this.#nowMs = next.atMs;
    next.fire();
    return true;
  }
}

/**
 * Virtual time: a heap of timers by (time, order of scheduling) that moves only when it is told to. Timers that fall due at
 * the same moment may be put in any other order by whoever draws their lots: no code may count on one.
 */
import { assert } from '../../errors.ts';
import type { Clock } from '../../ports.ts';

interface Timer {
  /** In time that has run, without what was leapt over. */
  readonly atMs: number;
  readonly lot: number;
  readonly order: number;
  /** Null once cancelled; it is thrown away when its turn comes. */
  fire: (() => void) | null;
}

export class VirtualClock implements Clock {
  #ranMs: number;
  #leaptMs = 0;
  #order = 0;
  readonly #heap: Timer[] = [];
  readonly #lot: () => number;

  /** @param lot of a timer among those of its moment, the lowest first. */
  constructor(startMs: number, lot: () => number = () => 0) {
    this.#ranMs = startMs;
    this.#lot = lot;
  }

  now(): number {
    return this.#ranMs + this.#leaptMs;
  }

  schedule(delayMs: number, fire: () => void): () => void {
    const atMs = this.#ranMs + Math.max(0, delayMs);
    const timer: Timer = { atMs, lot: this.#lot(), order: this.#order++, fire };
    this.#push(timer);
    return () => {
      timer.fire = null;
    };
  }

  /** Goes to the next timer and fires it. @returns false where none is left. */
  fireNext(): boolean {
    for (let next = this.#pop(); next !== null; next = this.#pop()) {
      if (next.fire === null) continue;
      this.#ranMs = next.atMs;
      next.fire();
      return true;
    }
    return false;
  }

  /** Shows so much more from now on, and fires nothing: every timer still has as long to wait as it had. */
  leap(ms: number): void {
    assert(ms >= 0, 'time goes forward');
    this.#leaptMs += ms;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || isBefore(parent, timer)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = timer;
  }

  #pop(): Timer | null {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      if (a === undefined) break;
      const isLeft = b === undefined || isBefore(a, b);
      const child = isLeft ? a : b;
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = isLeft ? left : left + 1;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.lot === b.lot ? a.order < b.order : a.lot < b.lot;
}

import t from 'tap';
import type { Clock } from '../ports.ts';
import { Pace } from './pace.ts';

/** A clock that a test sets; what is scheduled waits for the test as well. */
class SetClock implements Clock {
  nowMs = 1_000;
  delays: number[] = [];
  #fire: (() => void) | null = null;

  now(): number {
    return this.nowMs;
  }

  schedule(delayMs: number, fire: () => void): () => void {
    this.delays.push(delayMs);
    this.#fire = fire;
    return () => {
      this.#fire = null;
    };
  }

  get isWaiting(): boolean {
    return this.#fire !== null;
  }

  fire(): void {
    this.nowMs += this.delays.at(-1) ?? 0;
    const fire = this.#fire;
    this.#fire = null;
    fire?.();
  }
}

t.test('a rest is as long as the work before it makes it, within bounds', async (t) => {
  const clock = new SetClock();
  const pace = new Pace(clock);
  for (const [workedMs, restMs] of [
    [0, null],
    [3, null],
    [3, 24],
    [10, 40],
    [3, null],
    [9_000, 100],
    [-5_000, null],
  ] as const) {
    clock.nowMs += workedMs;
    const rested = pace.rest();
    t.equal(clock.isWaiting, restMs !== null, `after ${workedMs} ms`);
    if (restMs !== null) t.equal(clock.delays.at(-1), restMs);
    if (restMs !== null) clock.fire();
    await rested;
  }
});

t.test('whoever is in a hurry ends the rest, and there is none after it', async (t) => {
  const clock = new SetClock();
  const pace = new Pace(clock);
  clock.nowMs += 20;
  const rested = pace.rest();
  t.ok(clock.isWaiting);
  pace.hurry();
  await rested;
  t.notOk(clock.isWaiting, 'nothing is left of it');
  clock.nowMs += 20;
  await pace.rest();
  t.equal(clock.delays.length, 1);
});

/** The clock of one host: whatever it scheduled and did not yet fire is cancelled when the host stops. */
import type { Clock } from '../ports.ts';

export class Timers implements Clock {
  readonly #clock: Clock;
  readonly #pending = new Set<() => void>();
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  schedule(delayMs: number, fire: () => void): () => void {
    if (this.#stopped) return () => {};
    const stop = this.#clock.schedule(delayMs, () => {
      this.#pending.delete(cancel);
      fire();
    });
    const cancel = () => {
      this.#pending.delete(cancel);
      stop();
    };
    this.#pending.add(cancel);
    return cancel;
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of [...this.#pending]) cancel();
  }
}

/** Messages of the next height that are kept for it: they overtake the end of the present one all the time. */
import type { Input } from '../consensus/index.ts';

/** Of all validators together. */
const MAX_EARLY = 256;

export class EarlyMessages {
  readonly #validators: number;
  #kept: { readonly validator: number; readonly input: Input }[] = [];

  constructor(validators: number) {
    this.#validators = validators;
  }

  get size(): number {
    return this.#kept.length;
  }

  /** Keeps it where there is room: an equal share for each, so that a flood of one leaves the others theirs. */
  keep(validator: number, input: Input): void {
    const taken = this.#kept.filter((early) => early.validator === validator).length;
    if (taken < Math.floor(MAX_EARLY / this.#validators)) this.#kept.push({ validator, input });
  }

  /** Their height has begun: gives them out, in the order in which they came. */
  take(): Input[] {
    const inputs = this.#kept.map(({ input }) => input);
    this.#kept = [];
    return inputs;
  }
}

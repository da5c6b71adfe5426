/** A set of numbers that stand for longer keys: whoever finds one still has to look. */

/** Bits of a fingerprint that choose its slot: as many as a small integer of V8 has, which no slot needs more than. */
const SLOT_SPAN = 2 ** 30;

/** A set of numbers above 0 in 8 to 16 bytes each, by open addressing. */
export class Fingerprints {
  /** As many as a power of two, up to `SLOT_SPAN`. */
  #slots = new Float64Array(16);
  #size = 0;

  has(fingerprint: number): boolean {
    return this.#slots[this.#find(fingerprint)] === fingerprint;
  }

  add(fingerprint: number): void {
    const at = this.#find(fingerprint);
    if (this.#slots[at] === fingerprint) return;
    this.#slots[at] = fingerprint;
    this.#size += 1;
    if (this.#size * 2 > this.#slots.length) this.#grow();
  }

  /** The slot that holds it, or the free one where it belongs. */
  #find(fingerprint: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    // The remainder of numbers of this size, by `%`, costs more than all the rest.
    let at = (fingerprint - Math.floor(fingerprint / SLOT_SPAN) * SLOT_SPAN) & mask;
    while (slots[at] !== 0 && slots[at] !== fingerprint) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Float64Array(before.length * 2);
    for (const fingerprint of before) if (fingerprint !== 0) this.#slots[this.#find(fingerprint)] = fingerprint;
  }
}

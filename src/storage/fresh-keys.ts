/**
 * Knows without looking which keys of the packed section are not there (`packed-rows.ts`): of each that is, 52 bits are kept. Nearly
 * every key that is looked up in the replay memory is absent; whoever finds its bits still has to look.
 */
import { groupOf } from './packed-rows.ts';

export class FreshKeys {
  readonly #prefix: string;
  readonly #groups = new Map<string, Fingerprints>();

  /** @param prefix of the section, which ends in `/`. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  isOfSection(key: string): boolean {
    return key.startsWith(this.#prefix);
  }

  /** False where the key is certainly absent. */
  mayHave(key: string): boolean {
    if (!this.isOfSection(key)) return true;
    return this.#groups.get(groupOf(key))?.has(fingerprintOf(key)) ?? false;
  }

  /** It is there; one of another section changes nothing. */
  add(key: string): void {
    if (!this.isOfSection(key)) return;
    const group = groupOf(key);
    const known = this.#groups.get(group) ?? new Fingerprints();
    this.#groups.set(group, known);
    known.add(fingerprintOf(key));
  }

  /** Whole groups only: keys from the first, included, to the second, excluded. */
  forget({ from, to }: { readonly from: string; readonly to: string }): void {
    for (const group of this.#groups.keys()) if (group >= from && group < to) this.#groups.delete(group);
  }

  /** The section is empty now. */
  clear(): void {
    this.#groups.clear();
  }
}

/** Never 0, and a safe integer: 13 digits are 52 bits. */
function fingerprintOf(key: string): number {
  return Number.parseInt(key.slice(-13), 16) + 1;
}

/** Bits of a fingerprint that choose its slot: as many as a small integer of V8 has, which no slot needs more than. */
const SLOT_SPAN = 2 ** 30;

/** A set of numbers above 0 in 8 to 16 bytes each, by open addressing. */
class Fingerprints {
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

/** Tells of keys of places that are not among those it was made for; of one in some hundred it cannot tell. */
import { PLACE_KEY_BYTES } from '../codec/places.ts';

const BITS_A_RECORD = 12;
const PROBES = 6;

export class Bloom {
  readonly bits: Uint8Array;

  /** @param bits of one that was kept, or of so many bytes of none. */
  constructor(bits: Uint8Array) {
    this.bits = bits;
  }

  /** How many bytes one for so many records has. */
  static bytesFor(records: number): number {
    return Math.ceil((records * BITS_A_RECORD) / 8) + 1;
  }

  add(records: Uint8Array, at: number): void {
    mix(records, at);
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = this.#bit(probe);
      this.bits[bit >>> 3] = (this.bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
    }
  }

  /** False where the key that begins at `at` is certainly not there. */
  mayHave(records: Uint8Array, at = 0): boolean {
    mix(records, at);
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = this.#bit(probe);
      if (((this.bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }

  #bit(probe: number): number {
    const hash = (mixed.one + Math.imul(probe, mixed.two)) >>> 0;
    return Math.floor((hash / 2 ** 32) * (this.bits.length * 8));
  }
}

/** Two hashes of the last key, which make as many as there are probes (Kirsch and Mitzenmacher, 2006). */
const mixed = { one: 0, two: 0 };

/** Part of a key may be chosen by whoever pays, so all of it counts. */
function mix(records: Uint8Array, at: number): void {
  let one = 0x9e37_79b9;
  let two = 0x85eb_ca6b;
  for (let i = at; i < at + PLACE_KEY_BYTES; i += 4) {
    const word =
      ((records[i] ?? 0) << 24) | ((records[i + 1] ?? 0) << 16) | ((records[i + 2] ?? 0) << 8) | (records[i + 3] ?? 0);
    one = Math.imul(one ^ word, 0xcc9e_2d51);
    one ^= one >>> 15;
    two = Math.imul(two ^ word, 0x1b87_3593);
    two ^= two >>> 13;
  }
  mixed.one = one;
  mixed.two = two | 1;
}

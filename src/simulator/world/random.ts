/**
 * Chance out of a seed: xoshiro128** 1.1 (Blackman and Vigna, «Scrambled linear pseudorandom number generators», 2018) on
 * 32-bit integers, seeded through splitmix32. Every purpose draws from a stream of its own, named by a label, so that a
 * fault that is left out of a run does not move the dice of all others.
 */
import { assert } from '../../errors.ts';

export class Chance {
  readonly #state: Uint32Array;

  /** @param label names the stream: the same seed and label give the same numbers. */
  constructor(seed: number, label: string) {
    let mixed = fnv(`${seed}/${label}`);
    this.#state = Uint32Array.from({ length: 4 }, () => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      return splitmix(mixed);
    });
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    const s = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = s;
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    s[2] = c ^ a;
    s[3] = d ^ b;
    s[1] = b ^ (c ^ a);
    s[0] = a ^ (d ^ b);
    s[2] = c ^ a ^ (b << 9);
    s[3] = rotate(d ^ b, 11);
    return result;
  }

  /** 0 to `end` - 1. */
  below(end: number): number {
    assert(end > 0, 'a choice is out of something');
    return Math.floor((this.next() / 0x1_0000_0000) * end);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return this.next() < probability * 0x1_0000_0000;
  }

  pick<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)];
    assert(found !== undefined, 'a pick is out of something');
    return found;
  }

  shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((item) => ({ item, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** FNV-1a over UTF-16 code units. */
function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

function splitmix(value: number): number {
  const a = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  const b = Math.imul(a ^ (a >>> 15), 0x735a2d97);
  return (b ^ (b >>> 15)) >>> 0;
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

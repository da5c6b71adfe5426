/**
 * Knows without looking which keys of a section are not there, where the section grows at its end: a group of its keys (all that
 * have the same text up to the last `/`) that lies behind the last one of the opening holds what was added since, and nothing
 * else. The replay memory is such a section, and nearly every key that is looked up in it is absent. Of a key, only 52 bits are
 * kept: whoever finds them still has to look.
 */
import { STATE_PREFIX, wholeSection } from './keys.ts';
import { chunksOf, type StateDatabase } from './state-database.ts';

/** Looks where the section of the state ends whose keys begin with `prefix`. */
export async function freshKeysOf(database: StateDatabase, prefix: string): Promise<FreshKeys> {
  const range = { ...wholeSection(STATE_PREFIX + prefix), limit: 1, reverse: true };
  let last: string | null = null;
  for await (const [key = null] of chunksOf(database.keys(range))) last = key;
  return new FreshKeys(prefix, last === null ? null : last.slice(STATE_PREFIX.length));
}

export class FreshKeys {
  readonly #prefix: string;
  /** The group of the last key of the opening: of it and those before it, nothing is known. */
  #last: string | null;
  readonly #groups = new Map<string, Fingerprints>();

  /** @param prefix of the section, which ends in `/`; `last` its last key, or null where it is empty. */
  constructor(prefix: string, last: string | null) {
    this.#prefix = prefix;
    this.#last = last === null ? null : groupOf(last);
  }

  isOfSection(key: string): boolean {
    return key.startsWith(this.#prefix);
  }

  /** False where the key is certainly absent. */
  mayHave(key: string): boolean {
    if (!this.isOfSection(key)) return true;
    const group = groupOf(key);
    if (this.#last !== null && group <= this.#last) return true;
    return this.#groups.get(group)?.has(fingerprintOf(key)) ?? false;
  }

  /** It is there, or may be; one of another section changes nothing. */
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
    this.#last = null;
    this.#groups.clear();
  }
}

function groupOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
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

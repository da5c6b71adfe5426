/**
 * State values that were read last, in bounded memory outside of the heap of JavaScript: a map of as many strings and arrays takes
 * three times the bytes, which the collector looks through again and again. That a key is absent is known the same way, as null.
 *
 * The memory is in segments, which are filled one after the other. When all are, the oldest is filled anew: what was asked for since
 * it was filled stays, up to half of it, and the rest goes (second chance, as Corbató's clock). Nothing here has to be kept: what is
 * too long, or would be looked for too long, is not.
 */
import { Slab } from '../codec/slab.ts';

const SEGMENT_BYTES = 256 * 1024;
/** With fewer, what stays of one could not be more than a few. */
const MIN_SEGMENTS = 4;
/** An entry of an account, about; there is a bucket for each. */
const USUAL_ENTRY_BYTES = 128;
/** Entries of a bucket: whoever chooses keys might choose them to be in one. */
const MAX_CHAIN = 16;

/** An entry begins with these words: the next one in its bucket, its hash, its lengths, and then its key and its value. */
const NEXT = 0;
const HASH = 1;
/** Key length, then flags, then value length. */
const LENGTHS = 2;
/** Bytes of the entry: a value that grows a little stays where it is. */
const SIZE = 3;
const HEAD_BYTES = 16;
const SPARE_BYTES = 4;

const MAX_KEY_CHARS = 0xff;
const MAX_VALUE_BYTES = 0xffff;
const ASKED = 1 << 8;
const ABSENT = 1 << 9;
const GONE = 1 << 10;
const VALUE_SHIFT = 16;

export class ValueCache {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  /** Word at which the first entry of each begins; 0 for none. */
  readonly #buckets: Int32Array;
  readonly #segmentBytes: number;
  /** Where the copies are that are given away. */
  readonly #slab = new Slab();
  /** Bytes of each segment that entries take. */
  readonly #filled: Int32Array;
  /** The one that is being filled. */
  #segment = 0;
  #isFull = false;
  #size = 0;

  /** @param maxBytes of memory, of which as much is used as is needed; 0 keeps nothing. */
  constructor(maxBytes: number) {
    this.#segmentBytes = Math.min(SEGMENT_BYTES, Math.floor(maxBytes / MIN_SEGMENTS)) & ~3;
    const segments = this.#segmentBytes === 0 ? 0 : Math.floor(maxBytes / this.#segmentBytes);
    const buffer = new ArrayBuffer(segments * this.#segmentBytes);
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#filled = new Int32Array(segments);
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(1, maxBytes / USUAL_ENTRY_BYTES))));
    this.clear();
  }

  get size(): number {
    return this.#size;
  }

  /** Whether it is as full as it gets. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** A copy of what is known; undefined for what is not. */
  get(key: string): Uint8Array | null | undefined {
    const at = this.#find(key, hashOf(key));
    if (at === 0) return undefined;
    const lengths = this.#word(at + LENGTHS);
    this.#words[at + LENGTHS] = lengths | ASKED;
    if ((lengths & ABSENT) !== 0) return null;
    const from = 4 * at + HEAD_BYTES + key.length;
    return this.#slab.copy(this.#bytes, from, from + (lengths >>> VALUE_SHIFT));
  }

  set(key: string, value: Uint8Array | null): void {
    const hash = hashOf(key);
    const at = this.#find(key, hash);
    if (at === 0 || !this.#overwrite(at, key, value)) this.#add(key, hash, value);
  }

  /** A value was written, or null for what is deleted: it counts where the one before is known. */
  update(key: string, value: Uint8Array | null): void {
    const hash = hashOf(key);
    const at = this.#find(key, hash);
    if (at !== 0 && !this.#overwrite(at, key, value)) this.#add(key, hash, value);
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#filled.fill(0);
    // So that no entry begins at word 0.
    if (this.#filled.length > 0) this.#filled[0] = 4;
    this.#segment = 0;
    this.#isFull = false;
    this.#size = 0;
  }

  /** @returns the word at which the entry of the key begins; 0 for none. */
  #find(key: string, hash: number): number {
    for (let at = this.#first(hash); at !== 0; at = this.#word(at + NEXT)) {
      if (this.#words[at + HASH] === hash && this.#isOf(at, key)) return at;
    }
    return 0;
  }

  #isOf(at: number, key: string): boolean {
    if ((this.#word(at + LENGTHS) & MAX_KEY_CHARS) !== key.length) return false;
    const from = 4 * at + HEAD_BYTES;
    for (let i = 0; i < key.length; i++) if (this.#bytes[from + i] !== key.charCodeAt(i)) return false;
    return true;
  }

  /** @returns false where there is no room for it, and then the entry is gone. */
  #overwrite(at: number, key: string, value: Uint8Array | null): boolean {
    if (HEAD_BYTES + key.length + (value?.length ?? 0) > this.#word(at + SIZE)) {
      this.#unlink(at);
      return false;
    }
    this.#write(at, key, value, ASKED);
    return true;
  }

  #add(key: string, hash: number, value: Uint8Array | null): void {
    const bytes = HEAD_BYTES + key.length + (value?.length ?? 0);
    const size = (bytes + SPARE_BYTES + 3) & ~3;
    if (key.length > MAX_KEY_CHARS || (value?.length ?? 0) > MAX_VALUE_BYTES || size > this.#segmentBytes / 2) return;
    for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) > 0xff) return;
    if ((this.#filled[this.#segment] ?? 0) + size > this.#segmentBytes) this.#goOn();
    const filled = this.#filled[this.#segment] ?? 0;
    const at = (this.#segment * this.#segmentBytes + filled) / 4;
    this.#filled[this.#segment] = filled + size;
    this.#words[at + HASH] = hash;
    this.#words[at + SIZE] = size;
    this.#words[at + LENGTHS] = key.length;
    for (let i = 0; i < key.length; i++) this.#bytes[4 * at + HEAD_BYTES + i] = key.charCodeAt(i);
    this.#write(at, key, value, 0);
    this.#link(at, hash);
  }

  #write(at: number, key: string, value: Uint8Array | null, flags: number): void {
    const length = value?.length ?? 0;
    this.#words[at + LENGTHS] = key.length | (length << VALUE_SHIFT) | flags | (value === null ? ABSENT : 0);
    const from = 4 * at + HEAD_BYTES + key.length;
    for (let i = 0; i < length; i++) this.#bytes[from + i] = value?.[i] ?? 0;
  }

  #link(at: number, hash: number): void {
    const bucket = hash & (this.#buckets.length - 1);
    this.#words[at + NEXT] = this.#buckets[bucket] ?? 0;
    this.#buckets[bucket] = at;
    this.#size += 1;
    let last = at;
    for (let count = 1; last !== 0 && count < MAX_CHAIN; count++) last = this.#word(last + NEXT);
    if (last !== 0 && this.#word(last + NEXT) !== 0) this.#unlink(this.#word(last + NEXT));
  }

  #unlink(at: number): void {
    this.#relink(at, this.#word(at + NEXT));
    this.#words[at + LENGTHS] = this.#word(at + LENGTHS) | GONE;
    this.#size -= 1;
  }

  /** Whatever leads to the entry leads to another one, or to none. */
  #relink(at: number, to: number): void {
    const hash = this.#word(at + HASH);
    const bucket = hash & (this.#buckets.length - 1);
    if (this.#buckets[bucket] === at) {
      this.#buckets[bucket] = to;
      return;
    }
    let before = this.#first(hash);
    while (this.#word(before + NEXT) !== at) before = this.#word(before + NEXT);
    this.#words[before + NEXT] = to;
  }

  /** To the next segment, with room in it. */
  #goOn(): void {
    this.#segment = (this.#segment + 1) % this.#filled.length;
    const filled = this.#filled[this.#segment] ?? 0;
    if (filled > 0) this.#thin(filled);
    if (this.#segment === this.#filled.length - 1) this.#isFull = true;
  }

  /** Drops what nobody asked for, and all that is more than half of the segment. */
  #thin(filled: number): void {
    const begin = (this.#segment * this.#segmentBytes) / 4;
    const first = this.#segment === 0 ? 1 : 0;
    let to = begin + first;
    for (let at = to; at < begin + filled / 4; ) {
      const size = this.#word(at + SIZE) / 4;
      const lengths = this.#word(at + LENGTHS);
      if ((lengths & GONE) === 0) {
        if ((lengths & ASKED) === 0 || 4 * (to - begin + size) > this.#segmentBytes / 2) this.#unlink(at);
        else {
          this.#relink(at, to);
          this.#words.copyWithin(to, at, at + size);
          this.#words[to + LENGTHS] = lengths & ~ASKED;
          to += size;
        }
      }
      at += size;
    }
    this.#filled[this.#segment] = 4 * (to - begin);
  }

  #first(hash: number): number {
    return this.#buckets[hash & (this.#buckets.length - 1)] ?? 0;
  }

  #word(at: number): number {
    return this.#words[at] ?? 0;
  }
}

/** FNV-1a, mixed once more, as its low bits alone name a bucket. */
function hashOf(key: string): number {
  let hash = 0x811c_9dc5 | 0;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return hash ^ (hash >>> 12);
}

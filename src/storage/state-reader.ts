/**
 * Reading the state: what is known of it comes from memory, the rest from the database, and is known from then on. Of what is about
 * to be asked for, the reading may begin before.
 */
import type { BlockWrites, StateKey } from '../types/index.ts';
import type { PackedKeys } from './packed-keys.ts';
import { hull, isWithin, type KeyRange } from './pending.ts';
import { ValueCache } from './value-cache.ts';

/** Keys that are read before anybody asks for them: those of the batches of some blocks. */
const MAX_WARMING_KEYS = 65_536;

const WARMINGS_IN_VAIN = 64;

type Value = Uint8Array | null;

export interface StateReaderParts {
  /** Reads from the database, in order; null for what is not there. */
  readonly read: (keys: readonly StateKey[]) => Promise<readonly Value[]>;
  /** What was applied and may not be in the database; undefined for other keys. */
  readonly pending: (key: StateKey) => Value | undefined;
  readonly packed: PackedKeys | null;
  /** Memory for what was read last. */
  readonly cacheBytes: number;
}

/** One that goes on. */
interface Reading {
  /** But for those that were written since it began: what it finds there is too old. */
  readonly keys: Set<StateKey>;
  readonly ended: Promise<readonly Value[]>;
}

export class StateReader {
  readonly #parts: StateReaderParts;
  readonly #cache: ValueCache;
  /** Of all ranges that were forgotten, from the first key to the last: what the cache knows of these keys is too old. */
  #forgotten: KeyRange | null = null;
  readonly #readings = new Set<Reading>();
  #warming = 0;
  /** How many warmings more may find nothing to read until something is not at hand. */
  #warmings = WARMINGS_IN_VAIN;

  constructor(parts: StateReaderParts) {
    this.#parts = parts;
    this.#cache = new ValueCache(parts.cacheBytes);
  }

  async get(keys: readonly StateKey[]): Promise<readonly Value[]> {
    await this.#onTheirWay(keys);
    const unknown: StateKey[] = [];
    const values = keys.map((key) => {
      const value = this.#known(key);
      if (value === undefined) unknown.push(key);
      return value;
    });
    if (unknown.length === 0) return values.map((value) => value ?? null);
    this.#warmings = WARMINGS_IN_VAIN;
    const read = (await this.#read(unknown)).values();
    return values.map((value) => (value === undefined ? (read.next().value ?? null) : value));
  }

  /**
   * Begins to read what `get` will be asked for, unless too much is read that way already, or all has been at hand for long: where
   * the busy accounts are few, they always are.
   */
  warm(keys: () => readonly StateKey[]): void {
    if (this.#warming >= MAX_WARMING_KEYS || this.#warmings === 0) return;
    this.#warmings -= 1;
    const unknown = keys().filter((key) => this.#readingOf(key) === undefined && this.#known(key) === undefined);
    if (unknown.length === 0) return;
    this.#warmings = WARMINGS_IN_VAIN;
    this.#warming += unknown.length;
    const end = () => {
      this.#warming -= unknown.length;
    };
    // What cannot be read now is not known afterwards either: whoever asks for it hears why.
    this.#read(unknown).then(end, end);
  }

  /** What somebody came by who reads the whole state: known from then on, where there is room and nothing newer is. */
  offer(key: StateKey, value: Uint8Array): void {
    if (this.#cache.isFull || this.#parts.packed?.isOfSection(key) === true) return;
    if (this.#known(key) === undefined) this.#cache.set(key, value);
  }

  /** A block was applied. */
  wrote({ entries, forget }: BlockWrites): void {
    if (forget !== null) {
      this.#forgotten = hull(this.#forgotten, forget);
      this.#parts.packed?.forget(forget);
    }
    for (const { key, value } of entries) {
      this.#parts.packed?.add(key);
      this.#cache.update(key, value);
      if (this.#readings.size > 0) for (const reading of this.#readings) reading.keys.delete(key);
    }
  }

  /** Whatever was known is not true any more. */
  forgetAll(): void {
    for (const reading of this.#readings) reading.keys.clear();
    this.#cache.clear();
    this.#forgotten = null;
  }

  /** What is known without the database; undefined for what is not. */
  #known(key: StateKey): Value | undefined {
    const { packed, pending } = this.#parts;
    if (packed !== null && !packed.mayHave(key)) return null;
    // Where the cache has a key, it has what was applied last.
    const cached = this.#isForgotten(key) ? undefined : this.#cache.get(key);
    return cached === undefined ? pending(key) : cached;
  }

  #isForgotten(key: StateKey): boolean {
    return this.#forgotten !== null && isWithin(key, this.#forgotten);
  }

  #readingOf(key: StateKey): Reading | undefined {
    for (const reading of this.#readings) if (reading.keys.has(key)) return reading;
    return undefined;
  }

  /** Resolves when nobody is reading any of these keys; as one that fails is read anew, in whatever way that ends. */
  async #onTheirWay(keys: readonly StateKey[]): Promise<void> {
    if (this.#readings.size === 0) return;
    await Promise.allSettled(new Set(keys.map((key) => this.#readingOf(key)?.ended)));
  }

  async #read(keys: readonly StateKey[]): Promise<readonly Value[]> {
    const reading = { keys: new Set(keys), ended: this.#parts.read(keys) };
    this.#readings.add(reading);
    try {
      const values = await reading.ended;
      for (const [at, key] of keys.entries()) {
        // Those of the packed section are asked for once each, and would push everything else out.
        if (!reading.keys.has(key) || this.#isForgotten(key) || this.#parts.packed?.isOfSection(key) === true) continue;
        this.#cache.set(key, values[at] ?? null);
      }
      return values;
    } finally {
      this.#readings.delete(reading);
    }
  }
}

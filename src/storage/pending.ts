/**
 * Blocks that are applied and not yet in the database, and what they change, merged: whoever reads looks here first. Between
 * two groups, the older of which is being written, every block is in one of them until it is in the database.
 */
import { compareRecords, headOf, PLACE_KEY_BYTES, PLACE_RECORD_BYTES, readPlace } from '../codec/places.ts';
import type { IndexWrites, PlaceQuery } from '../ports.ts';
import type { BlockWrites, Place } from '../types/index.ts';
import { Fingerprints } from './fingerprints.ts';
import { isBefore } from './place-rows.ts';
import type { StateTip } from './state-values.ts';

export interface PendingBlock {
  readonly tip: StateTip;
  readonly writes: BlockWrites;
  readonly index: IndexWrites;
  /** Of keys and values; what it takes in memory is some times as much. */
  readonly bytes: number;
}

export function pendingBlock(tip: StateTip, writes: BlockWrites, index: IndexWrites): PendingBlock {
  let bytes = index.places.length;
  for (const { key, value } of writes.entries) bytes += key.length + (value?.length ?? 0);
  for (const { key, value } of index.rows) bytes += key.length + value.length;
  return { tip, writes, index, bytes };
}

/** Keys from the first, included, to the second, excluded. */
export interface KeyRange {
  readonly from: string;
  readonly to: string;
}

export function isWithin(key: string, { from, to }: KeyRange): boolean {
  return key >= from && key < to;
}

/** The range from the first key of both to the last. */
export function hull(range: KeyRange | null, { from, to }: KeyRange): KeyRange {
  if (range === null || from >= to) return range ?? { from, to };
  return { from: from < range.from ? from : range.from, to: to > range.to ? to : range.to };
}

export interface PendingChanges {
  readonly forgotten: readonly KeyRange[];
  /** Null for what is not there any more. */
  readonly entries: ReadonlyMap<string, Uint8Array | null>;
}

export class PendingBlocks {
  readonly blocks: PendingBlock[] = [];
  readonly #entries = new Map<string, Uint8Array | null>();
  readonly #rows = new Map<string, Uint8Array>();
  /** Of the keys of places: whoever admits payments looks for references all the time, and finds none. */
  readonly #places = new Fingerprints();
  readonly #forgotten: KeyRange[] = [];
  /** How many of the blocks are merged: those that were there when somebody looked last. */
  readonly #merged = { state: 0, rows: 0, places: 0 };

  add(block: PendingBlock): void {
    this.blocks.push(block);
  }

  /** Null for what is not there any more, undefined for what these blocks do not speak of. */
  get(key: string): Uint8Array | null | undefined {
    if (this.blocks.length === 0) return undefined;
    this.#merge();
    const value = this.#entries.get(key);
    if (value !== undefined) return value;
    return this.#forgotten.some((range) => isWithin(key, range)) ? null : undefined;
  }

  /**
   * All that these blocks change in the state, each key once. What is forgotten goes first, so that a key that was written after
   * it stays. Rows of an index are written once anyhow.
   */
  changes(): PendingChanges {
    this.#merge();
    return { forgotten: this.#forgotten, entries: this.#entries };
  }

  indexGet(key: string): Uint8Array | undefined {
    for (const { index } of this.#unmerged('rows')) for (const row of index.rows) this.#rows.set(row.key, row.value);
    return this.#rows.get(key);
  }

  /** The newest first. */
  newestPlaces({ key, before, limit }: PlaceQuery): Place[] {
    for (const { index } of this.#unmerged('places')) {
      for (let at = 0; at < index.places.length; at += PLACE_RECORD_BYTES) {
        this.#places.add(fingerprintOf(index.places, at));
      }
    }
    const found: Place[] = [];
    if (!this.#places.has(fingerprintOf(key, 0))) return found;
    for (const { index } of this.blocks.toReversed()) {
      const { places } = index;
      for (let at = places.length - PLACE_RECORD_BYTES; at >= 0 && found.length < limit; at -= PLACE_RECORD_BYTES) {
        if (compareRecords(places, at, key, 0, PLACE_KEY_BYTES) !== 0) continue;
        const place = readPlace(places, at);
        if (before === null || isBefore(place, before)) found.push(place);
      }
    }
    return found;
  }

  /** Those that nobody merged so far; they count as merged from then on. */
  #unmerged(what: 'state' | 'rows' | 'places'): readonly PendingBlock[] {
    const from = this.#merged[what];
    if (from === this.blocks.length) return [];
    this.#merged[what] = this.blocks.length;
    return this.blocks.slice(from);
  }

  /** As in the database, what a block forgets goes first, so that a key written by the same block stays. */
  #merge(): void {
    for (const { writes } of this.#unmerged('state')) {
      if (writes.forget !== null) this.#forget(writes.forget);
      for (const { key, value } of writes.entries) this.#entries.set(key, value);
    }
  }

  #forget(range: KeyRange): void {
    for (const key of this.#entries.keys()) {
      if (isWithin(key, range)) this.#entries.set(key, null);
    }
    this.#forgotten.push(range);
  }
}

/** Of a key of places: 52 of its bits, and never 0. */
function fingerprintOf(records: Uint8Array, at: number): number {
  return headOf(records, at) * 0x10_0000 + (headOf(records, at + 4) & 0xf_ffff) + 1;
}

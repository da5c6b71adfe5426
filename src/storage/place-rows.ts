/** How a run of the index of places lies in the database, and finding keys in its rows. */
import { type PlaceRun, placeRun } from '../codec/index-rows.ts';
import { compareRecords, copyRecord, headOf, PLACE_KEY_BYTES, PLACE_RECORD_BYTES, readPlace } from '../codec/places.ts';
import { encode } from '../codec/schema.ts';
import type { Place } from '../types/index.ts';
import { Bloom } from './bloom.ts';
import { digits, PLACES_PREFIX } from './keys.ts';
import { lowerBound } from './lower-bound.ts';
import { putSealed, type StateBatch } from './state-database.ts';

/** Bytes of a row: as many as are read to find one record. */
const ROW_BYTES = 512 * PLACE_RECORD_BYTES;
const FILTER_ROW_BYTES = 64 * 1024;

/**
 * A run is named by its blocks, which say all that is in it: should one that was removed come back (see `held-rows.ts`), it is what it
 * was, whoever wrote it.
 */
export const runName = (firstHeight: number, lastHeight: number) => `${digits(firstHeight)}-${digits(lastHeight)}`;
export const runKey = (name: string) => `${PLACES_PREFIX}${name}/run`;
export const rowKey = (name: string, row: number) => `${PLACES_PREFIX}${name}/row/${digits(row)}`;
export const filterKey = (name: string, row: number) => `${PLACES_PREFIX}${name}/filter/${digits(row)}`;
/** The name of the run that a key of the section belongs to. */
export const nameIn = (key: string) => key.slice(PLACES_PREFIX.length, key.indexOf('/', PLACES_PREFIX.length));

/** One that is in the database. */
export interface StoredRun extends Omit<PlaceRun, 'heads'> {
  readonly name: string;
  /** Of the first record of each row. */
  readonly heads: Float64Array;
  /** Null where there is no room for it in memory. */
  readonly filter: Bloom | null;
}

/** Puts a run into batches, record after record, in ascending order. */
export class RunWriter {
  readonly #what: Pick<PlaceRun, 'level' | 'firstHeight' | 'lastHeight'>;
  readonly #name: string;
  readonly #filter: Bloom | null;
  readonly #row = new Uint8Array(ROW_BYTES);
  #rowBytes = 0;
  #records = 0;
  #heads = Buffer.alloc(4 * 16);
  #rows = 0;

  /** @param atMost how many records may come; `isFiltered` whether it is to have a filter. */
  constructor(what: Pick<PlaceRun, 'level' | 'firstHeight' | 'lastHeight'>, atMost: number, isFiltered: boolean) {
    this.#what = what;
    this.#name = runName(what.firstHeight, what.lastHeight);
    this.#filter = isFiltered ? new Bloom(new Uint8Array(Bloom.bytesFor(atMost))) : null;
  }

  /** @returns whether it put a row into the batch. */
  add(batch: StateBatch, records: Uint8Array, at: number): boolean {
    copyRecord(records, at, this.#row, this.#rowBytes);
    this.#filter?.add(records, at);
    this.#rowBytes += PLACE_RECORD_BYTES;
    this.#records += 1;
    if (this.#rowBytes < ROW_BYTES) return false;
    this.#endRow(batch);
    return true;
  }

  /** Ends the run: with what it puts into the batch, it is there. */
  end(batch: StateBatch): StoredRun {
    if (this.#rowBytes > 0) this.#endRow(batch);
    const name = this.#name;
    const filterRows = this.#putFilter(batch);
    const heads = this.#heads.subarray(0, 4 * this.#rows);
    const run = { ...this.#what, records: this.#records, filterRows };
    putSealed(batch, runKey(name), encode(placeRun, { ...run, heads }));
    return { ...run, name, heads: headsOf(heads), filter: this.#filter };
  }

  #endRow(batch: StateBatch): void {
    putSealed(batch, rowKey(this.#name, this.#rows), this.#row.subarray(0, this.#rowBytes));
    if (4 * this.#rows === this.#heads.length) this.#heads = Buffer.concat([this.#heads], 2 * this.#heads.length);
    this.#heads.set(this.#row.subarray(0, 4), 4 * this.#rows);
    this.#rows += 1;
    this.#rowBytes = 0;
  }

  #putFilter(batch: StateBatch): number {
    const bits = this.#filter?.bits ?? new Uint8Array();
    const rows = Math.ceil(bits.length / FILTER_ROW_BYTES);
    for (let row = 0; row < rows; row++) {
      putSealed(batch, filterKey(this.#name, row), bits.subarray(row * FILTER_ROW_BYTES, (row + 1) * FILTER_ROW_BYTES));
    }
    return rows;
  }
}

export function headsOf(bytes: Uint8Array): Float64Array {
  return Float64Array.from({ length: bytes.length / 4 }, (_, row) => headOf(bytes, 4 * row));
}

/** All keys of a run but the first, `runKey`, without which it is not there. */
export function* keysOfRun({ name, heads, filterRows }: StoredRun): Generator<string> {
  for (let row = 0; row < heads.length; row++) yield rowKey(name, row);
  for (let row = 0; row < filterRows; row++) yield filterKey(name, row);
}

/** The rows of a run in which a key may be, the first included, the end not: more than one where many records begin alike. */
export function rowsWith({ heads }: StoredRun, key: Uint8Array): { readonly first: number; readonly end: number } {
  const head = headOf(key, 0);
  const first = Math.max(0, lowerBound(heads.length, (row) => (heads[row] ?? 0) < head) - 1);
  return { first, end: lowerBound(heads.length, (row) => (heads[row] ?? 0) <= head) };
}

/** Places under a key in sorted records, those before one only where it is given, descending; at most so many. */
export function placesIn(records: Uint8Array, key: Uint8Array, before: Place | null, limit: number): Place[] {
  const count = records.length / PLACE_RECORD_BYTES;
  const isLess = (n: number) => {
    const order = compareRecords(records, n * PLACE_RECORD_BYTES, key, 0, PLACE_KEY_BYTES);
    return (
      order < 0 || (order === 0 && (before === null || isBefore(readPlace(records, n * PLACE_RECORD_BYTES), before)))
    );
  };
  const found: Place[] = [];
  for (let n = lowerBound(count, isLess) - 1; n >= 0 && found.length < limit; n--) {
    const at = n * PLACE_RECORD_BYTES;
    if (compareRecords(records, at, key, 0, PLACE_KEY_BYTES) !== 0) break;
    found.push(readPlace(records, at));
  }
  return found;
}

export function isBefore(place: Place, other: Place): boolean {
  return place.height < other.height || (place.height === other.height && place.index < other.index);
}

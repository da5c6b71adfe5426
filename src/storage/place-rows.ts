/** How a run of the index of places lies in the database, and finding keys in its rows. */
import { type PlaceRun, placeRun } from '../codec/index-rows.ts';
import { compareRecords, copyRecord, headOf, PLACE_KEY_BYTES, PLACE_RECORD_BYTES, readPlace } from '../codec/places.ts';
import { encode } from '../codec/schema.ts';
import type { Place } from '../types/index.ts';
import { Bloom } from './bloom.ts';
import { digits, PLACES_PREFIX } from './keys.ts';
import { lowerBound } from './lower-bound.ts';
import { putSealed, type StateBatch } from './state-database.ts';
import { SEAL_BYTES } from './state-values.ts';

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

/** Takes the parts of a run, its rows in their order and then its filter; it copies them. */
export interface RunSink {
  put(key: string, value: Uint8Array): void;
}

/** A run of the first level, which is written with its blocks, has its parts in the database; any other in a file. */
export const isInFile = ({ level }: Pick<PlaceRun, 'level'>) => level > 0;

/** Where in its file a row of a run begins, and how long it is with its seal. */
export function rowSpan({ records }: StoredRun, row: number): Span {
  const bytes = records * PLACE_RECORD_BYTES - row * ROW_BYTES;
  return { at: row * (ROW_BYTES + SEAL_BYTES), length: Math.min(bytes, ROW_BYTES) + SEAL_BYTES };
}

/** The same of a row of its filter. */
export function filterSpan({ heads, records }: StoredRun, row: number): Span {
  const rowsEnd = records * PLACE_RECORD_BYTES + heads.length * SEAL_BYTES;
  const bytes = Bloom.bytesFor(records) - row * FILTER_ROW_BYTES;
  return {
    at: rowsEnd + row * (FILTER_ROW_BYTES + SEAL_BYTES),
    length: Math.min(bytes, FILTER_ROW_BYTES) + SEAL_BYTES,
  };
}

/** A part of a file. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/** Puts a run together, record after record, in ascending order. */
export class RunWriter {
  readonly #what: Pick<PlaceRun, 'level' | 'firstHeight' | 'lastHeight'>;
  readonly #name: string;
  readonly #sink: RunSink;
  readonly #filter: Bloom | null;
  readonly #row = new Uint8Array(ROW_BYTES);
  #rowBytes = 0;
  #records = 0;
  #heads = Buffer.alloc(4 * 16);
  #rows = 0;

  /** @param count how many records will come; `isFiltered` whether it is to have a filter. */
  constructor(
    what: Pick<PlaceRun, 'level' | 'firstHeight' | 'lastHeight'>,
    count: number,
    isFiltered: boolean,
    sink: RunSink,
  ) {
    this.#what = what;
    this.#name = runName(what.firstHeight, what.lastHeight);
    this.#sink = sink;
    this.#filter = isFiltered ? new Bloom(new Uint8Array(Bloom.bytesFor(count))) : null;
  }

  add(records: Uint8Array, at: number): void {
    copyRecord(records, at, this.#row, this.#rowBytes);
    this.#filter?.add(records, at);
    this.#rowBytes += PLACE_RECORD_BYTES;
    this.#records += 1;
    if (this.#rowBytes === ROW_BYTES) this.#endRow();
  }

  /** Puts the last parts. */
  end(): StoredRun {
    if (this.#rowBytes > 0) this.#endRow();
    const filterRows = this.#putFilter();
    const heads = headsOf(this.#heads.subarray(0, 4 * this.#rows));
    return { ...this.#what, records: this.#records, filterRows, name: this.#name, heads, filter: this.#filter };
  }

  #endRow(): void {
    this.#sink.put(rowKey(this.#name, this.#rows), this.#row.subarray(0, this.#rowBytes));
    if (4 * this.#rows === this.#heads.length) this.#heads = Buffer.concat([this.#heads], 2 * this.#heads.length);
    this.#heads.set(this.#row.subarray(0, 4), 4 * this.#rows);
    this.#rows += 1;
    this.#rowBytes = 0;
  }

  #putFilter(): number {
    const bits = this.#filter?.bits ?? new Uint8Array();
    const rows = Math.ceil(bits.length / FILTER_ROW_BYTES);
    for (let row = 0; row < rows; row++) {
      this.#sink.put(filterKey(this.#name, row), bits.subarray(row * FILTER_ROW_BYTES, (row + 1) * FILTER_ROW_BYTES));
    }
    return rows;
  }
}

export function headsOf(bytes: Uint8Array): Float64Array {
  return Float64Array.from({ length: bytes.length / 4 }, (_, row) => headOf(bytes, 4 * row));
}

/** Puts what a run is into the batch that makes it count. */
export function putRun(batch: StateBatch, { name, filter: _, heads: numbers, ...run }: StoredRun): void {
  const heads = Buffer.alloc(4 * numbers.length);
  for (const [row, head] of numbers.entries()) heads.writeUInt32BE(head, 4 * row);
  putSealed(batch, runKey(name), encode(placeRun, { ...run, heads }));
}

/** All keys but `runKey` of a run whose parts are in the database. */
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

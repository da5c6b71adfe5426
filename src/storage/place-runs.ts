/**
 * The index of places in the database: a log-structured merge tree (O'Neil and others, 1996). What some blocks put into it is a run,
 * sorted; when there are enough runs of a level, they become one of the next. So a record is written a few times in its life, and
 * some hundreds of them in one row, where a row each was most of what storing a payment cost. Runs follow each other: each has the
 * records of the blocks after those of the one before.
 */
import { MAX_PLACE_RUN_BYTES, placeRun } from '../codec/index-rows.ts';
import { compareRecords, headOf, PLACE_RECORD_BYTES, sortRecords } from '../codec/places.ts';
import { decode } from '../codec/schema.ts';
import { assert } from '../errors.ts';
import type { Place } from '../types/index.ts';
import { Bloom } from './bloom.ts';
import { storageError } from './errors.ts';
import { PLACES_PREFIX, wholeSection } from './keys.ts';
import {
  filterKey,
  headsOf,
  keysOfRun,
  nameIn,
  placesIn,
  RunWriter,
  rowKey,
  rowsWith,
  runKey,
  type StoredRun,
} from './place-rows.ts';
import { chunksOf, type StateBatch, type StateDatabase, turn } from './state-database.ts';
import { openValue } from './state-values.ts';

/** Runs of a level that are merged: with more, fewer merges, and more runs to look into. */
const FAN_IN = 16;
/** Memory for filters, of 12 bits a record: those of the newest runs. A look-up reads a row of each of the others. */
const MAX_FILTER_BYTES = 64 * 1024 * 1024;
/** What a merge puts into one batch. */
const BATCH_ROWS = 256;
/** Records between which everything else may run: half a millisecond. */
const TURN_RECORDS = 2_048;

export class PlaceRuns {
  readonly #database: StateDatabase;
  readonly #maxFilterBytes: number;
  /** By their heights, ascending. */
  #runs: readonly StoredRun[];
  #merging: Promise<void> | null = null;
  #isStopped = false;

  private constructor(database: StateDatabase, runs: readonly StoredRun[], maxFilterBytes: number) {
    this.#database = database;
    this.#runs = runs;
    this.#maxFilterBytes = maxFilterBytes;
  }

  /**
   * @param range of the blocks whose records must be there; null where there are none.
   * @throws CodedError `STATE_CORRUPT` where some are missing.
   */
  static async open(
    database: StateDatabase,
    range: { readonly first: number; readonly last: number } | null,
    maxFilterBytes = MAX_FILTER_BYTES,
  ): Promise<PlaceRuns> {
    const keys: string[] = [];
    for await (const part of chunksOf(database.keys(wholeSection(PLACES_PREFIX)))) keys.push(...part);
    const runs: StoredRun[] = [];
    for (const key of keys) if (key === runKey(nameIn(key))) runs.push(await readRun(database, nameIn(key)));
    const kept = whole(runs, range);
    const names = new Set(kept.map(({ name }) => name));
    // Of merges that a crash cut short, or whose sources it left.
    const left = keys.filter((key) => !names.has(nameIn(key)));
    if (left.length > 0) await remove(database, left);
    const opened = new PlaceRuns(database, kept, maxFilterBytes);
    await opened.#readFilters();
    return opened;
  }

  /**
   * Puts the records of some blocks into the batch.
   *
   * @param records those of one key ascend.
   * @returns the run, for `add` when the batch is written.
   */
  put(batch: StateBatch, records: Uint8Array, firstHeight: number, lastHeight: number): StoredRun {
    const sorted = sortRecords(records);
    const count = records.length / PLACE_RECORD_BYTES;
    const writer = new RunWriter({ level: 0, firstHeight, lastHeight }, count, this.#mayFilter(count));
    for (let at = 0; at < sorted.length; at += PLACE_RECORD_BYTES) writer.add(batch, sorted, at);
    return writer.end(batch);
  }

  add(run: StoredRun): void {
    const last = this.#runs.at(-1);
    assert(last === undefined || last.lastHeight + 1 === run.firstHeight, 'a run follows the one before');
    this.#runs = withFilters([...this.#runs, run], this.#maxFilterBytes);
  }

  /** The last place under each of the keys; null where there is none. */
  async last(keys: readonly Uint8Array[]): Promise<(Place | null)[]> {
    return await Promise.all(
      keys.map(async (key) => {
        // Most are absent, which is known without waiting.
        if (!this.#runs.some(({ filter }) => filter === null || filter.mayHave(key))) return null;
        const [place = null] = await this.newest(key, null, 1);
        return place;
      }),
    );
  }

  /** Places under a key, the newest first, those before one only where it is given. */
  async newest(key: Uint8Array, before: Place | null, limit: number): Promise<Place[]> {
    for (;;) {
      const runs = this.#runs;
      const found = await this.#newestIn(runs, key, before, limit);
      if (found !== null) return found;
      assert(runs !== this.#runs, 'a run that was not merged has its rows');
    }
  }

  /** Begins to merge where there is something to, unless that goes on already. @param onFailure hears why it could not go on. */
  beginMerging(onFailure: (error: unknown) => void): void {
    if (this.#merging !== null || this.#isStopped || this.#due() === null) return;
    this.#merging = this.#mergeAll().then(
      () => {
        this.#merging = null;
      },
      (error: unknown) => {
        this.#merging = null;
        onFailure(error);
      },
    );
  }

  /** Ends what goes on; what is half merged is merged anew at another time. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#merging;
  }

  /** The database was emptied, while this was stopped. */
  clear(): void {
    this.#runs = [];
    this.#isStopped = false;
  }

  #mayFilter(records: number): boolean {
    return Bloom.bytesFor(records) <= this.#maxFilterBytes;
  }

  /** Those of the newest runs, as many as there is room for. */
  async #readFilters(): Promise<void> {
    const runs = [...this.#runs];
    let bytes = 0;
    for (let at = runs.length - 1; at >= 0; at--) {
      const run = runs[at];
      if (run === undefined || run.filterRows === 0) continue;
      bytes += Bloom.bytesFor(run.records);
      if (bytes > this.#maxFilterBytes) break;
      runs[at] = { ...run, filter: await readFilter(this.#database, run) };
    }
    this.#runs = runs;
  }

  /** @returns null where a run is not there any more. */
  async #newestIn(
    runs: readonly StoredRun[],
    key: Uint8Array,
    before: Place | null,
    limit: number,
  ): Promise<Place[] | null> {
    const found: Place[] = [];
    for (const run of runs.toReversed()) {
      if (found.length >= limit) break;
      if (before !== null && run.firstHeight > before.height) continue;
      if (run.filter?.mayHave(key) === false) continue;
      const { first, end } = rowsWith(run, key);
      for (let row = end - 1; row >= first && found.length < limit; row--) {
        const records = await readRow(this.#database, rowKey(run.name, row));
        if (records === null) return null;
        found.push(...placesIn(records, key, before, limit - found.length));
      }
    }
    return found;
  }

  /** The runs that are to become one: as many as that takes of the lowest level that has them, which are side by side. */
  #due(): readonly StoredRun[] | null {
    const byLevel = Map.groupBy(this.#runs, ({ level }) => level);
    const full = [...byLevel.entries()].filter(([, runs]) => runs.length >= FAN_IN).sort(([a], [b]) => a - b);
    return full[0]?.[1].slice(0, FAN_IN) ?? null;
  }

  async #mergeAll(): Promise<void> {
    for (let due = this.#due(); due !== null && !this.#isStopped; due = this.#due()) await this.#merge(due);
  }

  async #merge(runs: readonly StoredRun[]): Promise<void> {
    const [first] = runs;
    const last = runs.at(-1);
    assert(first !== undefined && last !== undefined, 'there is something to merge');
    const count = runs.reduce((sum, { records }) => sum + records, 0);
    const what = { level: first.level + 1, firstHeight: first.firstHeight, lastHeight: last.lastHeight };
    const writer = new RunWriter(what, count, this.#mayFilter(count));
    const sources = runs.map((run) => new RunReader(this.#database, run));
    for (const source of sources) await source.next();
    let batch = this.#database.batch();
    let [rows, records] = [0, 0];
    try {
      for (let least = leastOf(sources); least !== null; least = leastOf(sources)) {
        if (writer.add(batch, least.row, least.at)) rows += 1;
        if (!least.step()) await least.next();
        records += 1;
        if (rows === BATCH_ROWS) {
          await batch.write();
          batch = this.#database.batch();
          rows = 0;
        }
        if (records % TURN_RECORDS === 0) await turn();
        if (this.#isStopped) return await batch.close();
      }
      const merged = writer.end(batch);
      for (const { name } of runs) batch.del(runKey(name));
      await batch.write();
      const at = this.#runs.indexOf(first);
      this.#runs = withFilters(this.#runs.toSpliced(at, runs.length, merged), this.#maxFilterBytes);
    } catch (error) {
      await batch.close();
      throw error;
    }
    await remove(
      this.#database,
      runs.flatMap((run) => [...keysOfRun(run)]),
    );
  }
}

/** Reads a run from its beginning to its end. */
class RunReader {
  readonly #database: StateDatabase;
  readonly #run: StoredRun;
  #next = 0;
  row = new Uint8Array();
  /** Where in the row the present record begins. */
  at = 0;
  /** Of the present record. */
  head = 0;

  constructor(database: StateDatabase, run: StoredRun) {
    this.#database = database;
    this.#run = run;
  }

  get isAtEnd(): boolean {
    return this.at >= this.row.length;
  }

  /** Goes on to the next record. @returns whether the row has one. */
  step(): boolean {
    this.at += PLACE_RECORD_BYTES;
    if (this.isAtEnd) return false;
    this.head = headOf(this.row, this.at);
    return true;
  }

  /** Goes on to the next row, or the end. */
  async next(): Promise<void> {
    this.at = 0;
    this.row = new Uint8Array();
    if (this.#next === this.#run.heads.length) return;
    const key = rowKey(this.#run.name, this.#next);
    this.row = new Uint8Array(await needRow(this.#database, key));
    this.head = headOf(this.row, 0);
    this.#next += 1;
  }
}

function leastOf(sources: readonly RunReader[]): RunReader | null {
  let least: RunReader | null = null;
  for (const source of sources) {
    if (source.isAtEnd) continue;
    if (least === null || isLess(source, least)) least = source;
  }
  return least;
}

/** Most records differ in their heads. */
function isLess(one: RunReader, other: RunReader): boolean {
  if (one.head !== other.head) return one.head < other.head;
  return compareRecords(one.row, one.at, other.row, other.at) < 0;
}

async function readRow(database: StateDatabase, key: string): Promise<Uint8Array | null> {
  const sealed = await database.get(key);
  return sealed === undefined ? null : openValue(key, sealed);
}

async function needRow(database: StateDatabase, key: string): Promise<Uint8Array> {
  const row = await readRow(database, key);
  if (row === null) throw storageError('STATE_CORRUPT', `the state has lost its row ${JSON.stringify(key)}`);
  return row;
}

/** Without its filter. */
async function readRun(database: StateDatabase, name: string): Promise<StoredRun> {
  const bytes = await needRow(database, runKey(name));
  const { heads, ...run } = decode(placeRun, bytes, MAX_PLACE_RUN_BYTES);
  return { ...run, name, heads: headsOf(heads), filter: null };
}

async function readFilter(database: StateDatabase, { name, filterRows }: StoredRun): Promise<Bloom> {
  const parts: Uint8Array[] = [];
  for (let row = 0; row < filterRows; row++) parts.push(await needRow(database, filterKey(name, row)));
  return new Bloom(Buffer.concat(parts));
}

/** Without the filters of the oldest runs, where those of all take too much memory. */
function withFilters(runs: readonly StoredRun[], maxBytes: number): readonly StoredRun[] {
  let bytes = 0;
  return runs
    .toReversed()
    .map((run) => {
      bytes += run.filter?.bits.length ?? 0;
      return bytes > maxBytes && run.filter !== null ? { ...run, filter: null } : run;
    })
    .toReversed();
}

/** The runs that have all records of the range, each once. @throws CodedError `STATE_CORRUPT` where some are missing. */
function whole(
  runs: readonly StoredRun[],
  range: { readonly first: number; readonly last: number } | null,
): readonly StoredRun[] {
  if (range === null) return [];
  const kept: StoredRun[] = [];
  let next = range.first;
  // Where two begin with the same block, one was merged into the other.
  const byHeight = runs.toSorted((a, b) => a.firstHeight - b.firstHeight || b.lastHeight - a.lastHeight);
  for (const run of byHeight) {
    if (run.lastHeight < next) continue;
    if (run.firstHeight !== next) break;
    kept.push(run);
    next = run.lastHeight + 1;
  }
  if (next !== range.last + 1) throw storageError('STATE_CORRUPT', `the state has lost the index of block ${next}`);
  return kept;
}

async function remove(database: StateDatabase, keys: readonly string[]): Promise<void> {
  const batch = database.batch();
  for (const key of keys) batch.del(key);
  await batch.write();
}

/**
 * The index of places: a log-structured merge tree (O'Neil and others, 1996). What some blocks put into it is a run, sorted, which the
 * database gets with these blocks; when there are enough runs of a level, they become one of the next, in a file. So a record is
 * written a few times in its life, and some hundreds of them in one row, where a row each was most of what storing a payment cost.
 * Runs follow each other: each has the records of the blocks after those of the one before. The database says which there are.
 */
import { MAX_PLACE_RUN_BYTES, placeRun } from '../codec/index-rows.ts';
import { PLACE_RECORD_BYTES, sortRecords } from '../codec/places.ts';
import { decode } from '../codec/schema.ts';
import { assert, type CodedError } from '../errors.ts';
import type { Place } from '../types/index.ts';
import { Bloom } from './bloom.ts';
import { storageError } from './errors.ts';
import { PLACES_PREFIX, wholeSection } from './keys.ts';
import { Pause } from './pause.ts';
import type { PlaceFiles, PlaceFileWriter } from './place-files.ts';
import {
  filterKey,
  filterSpan,
  headsOf,
  isInFile,
  keysOfRun,
  nameIn,
  placesIn,
  putRun,
  RunWriter,
  rowKey,
  rowSpan,
  rowsWith,
  runKey,
  runName,
  type Span,
  type StoredRun,
} from './place-rows.ts';
import { RunReader, Tournament } from './run-reader.ts';
import { chunksOf, putSealed, type StateBatch, type StateDatabase } from './state-database.ts';
import { openValue } from './state-values.ts';

/** Runs of a level that are merged: with more, fewer merges, and more runs to look into. */
const FAN_IN = 16;
/** Memory for filters, of 12 bits a record: those of the newest runs. A look-up reads a row of each of the others. */
const MAX_FILTER_BYTES = 64 * 1024 * 1024;
/** Rows of a file that are read at once to check them. */
const CHECKED_PARTS = 16;
/** Records between two rests of a merge: half a millisecond. */
const TURN_RECORDS = 2_048;
/**
 * A rest is so many times as long as the work before it. Nobody waits for a merge, and the processes of a machine that write the same
 * begin theirs at the same time: of all that came in a quarter of an hour it would take the cores for seconds.
 */
const REST_SHARE = 3;
/** So that a node that is always busy merges as fast as it writes. */
const MAX_REST_MS = 10;

interface PlaceStores {
  readonly database: StateDatabase;
  readonly files: PlaceFiles;
}

export class PlaceRuns {
  readonly #database: StateDatabase;
  readonly #files: PlaceFiles;
  readonly #maxFilterBytes: number;
  /** By their heights, ascending. */
  #runs: readonly StoredRun[];
  #merging: Promise<void> | null = null;
  /** The merge's. */
  readonly #rest = new Pause();
  #isStopped = false;

  private constructor({ database, files }: PlaceStores, runs: readonly StoredRun[], maxFilterBytes: number) {
    this.#database = database;
    this.#files = files;
    this.#runs = runs;
    this.#maxFilterBytes = maxFilterBytes;
  }

  /**
   * @param range of the blocks whose records must be there; null where there are none.
   * @throws CodedError `STATE_CORRUPT` where some are missing.
   */
  static async open(
    stores: PlaceStores,
    range: { readonly first: number; readonly last: number } | null,
    maxFilterBytes = MAX_FILTER_BYTES,
  ): Promise<PlaceRuns> {
    const { database, files } = stores;
    const keys: string[] = [];
    for await (const part of chunksOf(database.keys(wholeSection(PLACES_PREFIX)))) keys.push(...part);
    const runs: StoredRun[] = [];
    for (const key of keys) if (key === runKey(nameIn(key))) runs.push(await readRun(database, nameIn(key)));
    const kept = whole(runs, range);
    const names = new Set(kept.map(({ name }) => name));
    // Of merges that a crash cut short, or whose sources it left.
    const left = keys.filter((key) => !names.has(nameIn(key)));
    if (left.length > 0) await remove(database, left);
    await files.keep(names);
    const opened = new PlaceRuns(stores, kept, maxFilterBytes);
    try {
      await opened.#checkAll();
    } catch (error) {
      await files.close();
      throw error;
    }
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
    const sink = { put: (key: string, value: Uint8Array) => putSealed(batch, key, value) };
    const writer = new RunWriter({ level: 0, firstHeight, lastHeight }, count, this.#mayFilter(count), sink);
    for (let at = 0; at < sorted.length; at += PLACE_RECORD_BYTES) writer.add(sorted, at);
    const run = writer.end();
    putRun(batch, run);
    return run;
  }

  add(run: StoredRun): void {
    const last = this.#runs.at(-1);
    assert(last === undefined || last.lastHeight + 1 === run.firstHeight, 'a run follows the one before');
    this.#runs = withFilters([...this.#runs, run], this.#maxFilterBytes);
  }

  /** The last place under each of the keys; null where there is none. */
  async last(keys: readonly Uint8Array[]): Promise<(Place | null)[]> {
    const places: (Place | null)[] = keys.map(() => null);
    const readings: Promise<void>[] = [];
    for (let n = 0; n < keys.length; n++) {
      const key = keys[n] as Uint8Array;
      // Most are absent, which is known without waiting.
      if (!this.#runs.some(({ filter }) => filter === null || filter.mayHave(key))) continue;
      const read = async () => {
        [places[n] = null] = await this.newest(key, null, 1);
      };
      readings.push(read());
    }
    await Promise.all(readings);
    return places;
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
    this.#rest.end();
    await this.#merging;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#files.close();
  }

  /** The database was emptied, while this was stopped. */
  async clear(): Promise<void> {
    this.#runs = [];
    await this.#files.keep(new Set());
    this.#isStopped = false;
  }

  #mayFilter(records: number): boolean {
    return Bloom.bytesFor(records) <= this.#maxFilterBytes;
  }

  /** Those that are files, whole; and takes the filters of the newest runs, as many as there is room for. */
  async #checkAll(): Promise<void> {
    const runs = [...this.#runs];
    let bytes = 0;
    for (let at = runs.length - 1; at >= 0; at--) {
      const run = runs[at] as StoredRun;
      const checked = isInFile(run) ? await this.#checkFile(run) : null;
      if (run.filterRows === 0) continue;
      bytes += Bloom.bytesFor(run.records);
      if (bytes > this.#maxFilterBytes) continue;
      runs[at] = { ...run, filter: new Bloom(Buffer.concat(checked ?? (await this.#filterRows(run)))) };
    }
    this.#runs = runs;
  }

  /**
   * As LevelDB's tables are looked at before they are opened: what a merge would find damaged can be made anew now.
   *
   * @returns the rows of its filter.
   */
  async #checkFile(run: StoredRun): Promise<readonly Uint8Array[]> {
    const { name, heads, filterRows } = run;
    if (!(await this.#files.open(name))) throw lost(name);
    const rows = Array.from(heads, (_, row) => ({ key: rowKey(name, row), ...rowSpan(run, row) }));
    const filter = Array.from({ length: filterRows }, (_, row) => ({
      key: filterKey(name, row),
      ...filterSpan(run, row),
    }));
    const found: Uint8Array[] = [];
    for (const parts of groupsOf([...rows, ...filter], CHECKED_PARTS)) {
      const from = parts[0]?.at ?? 0;
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      const bytes = await this.#files.read(name, from, length);
      if (bytes === null) throw lost(name);
      for (const { key, at, length } of parts) {
        const value = openValue(key, bytes.subarray(at - from, at - from + length));
        if (at >= filterSpan(run, 0).at) found.push(value);
      }
    }
    return found;
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
        const records = await this.#row(run, row);
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
    const name = runName(what.firstHeight, what.lastHeight);
    const file = await this.#files.begin(name);
    const writer = new RunWriter(what, count, this.#mayFilter(count), file);
    // A file without a run is removed by the next opening.
    if (!(await this.#pour(runs, writer, file))) return;
    const merged = writer.end();
    await this.#files.finish(name, file);
    const batch = this.#database.batch();
    putRun(batch, merged);
    for (const { name } of runs) batch.del(runKey(name));
    // Files that are gone are gone for good: the database must not name them again when the power has failed.
    await batch.write({ sync: isInFile(first) });
    const at = this.#runs.indexOf(first);
    this.#runs = withFilters(this.#runs.toSpliced(at, runs.length, merged), this.#maxFilterBytes);
    if (isInFile(first)) await this.#files.keep(new Set(this.#runs.map(({ name }) => name)));
    else
      await remove(
        this.#database,
        runs.flatMap((run) => [...keysOfRun(run)]),
      );
  }

  /** All records of the runs, in order. @returns whether all are through: not where this was stopped meanwhile. */
  async #pour(runs: readonly StoredRun[], writer: RunWriter, file: PlaceFileWriter): Promise<boolean> {
    const sources = runs.map((run) => new RunReader(run, (row) => this.#needRow(run, row)));
    for (const source of sources) await source.next();
    const tournament = new Tournament(sources);
    let records = 0;
    let beganMs = performance.now();
    for (let least = tournament.first; least !== null; least = tournament.first) {
      writer.add(least.row, least.at);
      if (!least.step()) await least.next();
      tournament.moved();
      records += 1;
      if (records % TURN_RECORDS !== 0) continue;
      await file.flush();
      await this.#rest.take(Math.min(MAX_REST_MS, REST_SHARE * (performance.now() - beganMs)));
      if (this.#isStopped) return false;
      beganMs = performance.now();
    }
    return true;
  }

  /** @returns null where the run is not there any more. */
  async #row(run: StoredRun, row: number, inDatabase = readRow): Promise<Uint8Array | null> {
    const key = rowKey(run.name, row);
    return isInFile(run) ? await this.#partOf(run, key, rowSpan(run, row)) : await inDatabase(this.#database, key);
  }

  /** For a merge. What the database has of it was written some seconds ago: a trip to another thread takes longer than finding it. */
  async #needRow(run: StoredRun, row: number): Promise<Uint8Array> {
    const bytes = await this.#row(run, row, readRowHere);
    if (bytes === null) throw lost(rowKey(run.name, row));
    return bytes;
  }

  /** Of a run that is in the database. */
  async #filterRows({ name, filterRows }: StoredRun): Promise<readonly Uint8Array[]> {
    const rows: Uint8Array[] = [];
    for (let row = 0; row < filterRows; row++) {
      const bytes = await readRow(this.#database, filterKey(name, row));
      if (bytes === null) throw lost(filterKey(name, row));
      rows.push(bytes);
    }
    return rows;
  }

  async #partOf({ name }: StoredRun, key: string, { at, length }: Span): Promise<Uint8Array | null> {
    const sealed = await this.#files.read(name, at, length);
    return sealed === null ? null : openValue(key, sealed);
  }
}

type ReadRow = (database: StateDatabase, key: string) => Promise<Uint8Array | null>;

const readRow: ReadRow = async (database, key) => opened(key, await database.get(key));

/** Without leaving the thread. */
const readRowHere: ReadRow = async (database, key) => opened(key, database.getSync(key));

function opened(key: string, sealed: Uint8Array | undefined): Uint8Array | null {
  return sealed === undefined ? null : openValue(key, sealed);
}

function* groupsOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** @param what of the index that should be there. */
function lost(what: string): CodedError {
  return storageError('STATE_CORRUPT', `the state has lost ${JSON.stringify(what)} of its index`);
}

/** Without its filter. */
async function readRun(database: StateDatabase, name: string): Promise<StoredRun> {
  const bytes = await readRow(database, runKey(name));
  if (bytes === null) throw lost(runKey(name));
  const { heads, ...run } = decode(placeRun, bytes, MAX_PLACE_RUN_BYTES);
  return { ...run, name, heads: headsOf(heads), filter: null };
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

/** What the tests of the index of places share: where one lies, what it has there, and what is due of it. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { Level } from 'level';
import t, { type Test } from 'tap';
import { MAX_PLACE_RUN_BYTES, placeRun } from '../codec/index-rows.ts';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, writePlace } from '../codec/places.ts';
import { decode } from '../codec/schema.ts';
import type { Disk } from '../ports.ts';
import type { Chance } from '../simulator/world/random.ts';
import type { Place } from '../types/index.ts';
import { Bloom } from './bloom.ts';
import { openFileDisk } from './file-disk.ts';
import { PLACES_PREFIX, wholeSection } from './keys.ts';
import { PlaceFiles } from './place-files.ts';
import { headsOf, isBefore, isInFile, keysOfRun, nameIn, runKey, type StoredRun } from './place-rows.ts';
import { PlaceRuns } from './place-runs.ts';
import { chunksOf, type StateDatabase } from './state-database.ts';
import { openValue, SEAL_BYTES } from './state-values.ts';

/** Runs of a level that are merged into one of the next. */
export const FAN_IN = 16;
/** Height of the first block of each index here. */
export const FIRST = 5;
export const NO_KEY = Buffer.alloc(PLACE_KEY_BYTES, 0x77);

/** Where an index lies. */
export interface Home {
  readonly database: StateDatabase;
  readonly disk: Disk;
}

export const storesOf = ({ database, disk }: Home) => ({ database, files: new PlaceFiles(disk) });

/** LevelDB and a folder of files. */
export async function openHome(t: Test): Promise<Home> {
  const folder = t.testdir();
  const options = { keyEncoding: 'utf8', valueEncoding: 'view', compression: false } as const;
  const database = new Level<string, Uint8Array>(path.join(folder, 'state'), options);
  await database.open();
  t.teardown(() => database.close());
  return { database, disk: await openFileDisk(path.join(folder, 'places')) };
}

export async function all<T>(chunks: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const chunk of chunks) found.push(...chunk);
  return found;
}

/** What the index of places has in the database. */
export const keysIn = (database: StateDatabase) => all(chunksOf(database.keys(wholeSection(PLACES_PREFIX))));

export const rowsIn = (database: StateDatabase) => all(chunksOf(database.iterator(wholeSection(PLACES_PREFIX))));

/** Puts a row into the database, or takes it out. */
export async function set(database: StateDatabase, key: string, value: Uint8Array | null): Promise<void> {
  const batch = database.batch();
  if (value === null) batch.del(key);
  else batch.put(key, value);
  await batch.write();
}

export async function runsIn(database: StateDatabase): Promise<StoredRun[]> {
  const rows = (await rowsIn(database)).filter(([key]) => key.endsWith('/run'));
  return rows.map(([key, value]) => {
    const { heads, ...run } = decode(placeRun, openValue(key, value), MAX_PLACE_RUN_BYTES);
    return { ...run, name: nameIn(key), heads: headsOf(heads), filter: null };
  });
}

export const fileOf = (name: string) => `${name}.places`;

/** Of the files, by their names, in order. */
export async function sizesIn(disk: Disk): Promise<string[]> {
  const sizes: string[] = [];
  for (const name of await disk.names()) {
    const file = await disk.open(name, false);
    sizes.push(`${name} of ${(await file?.size()) ?? 'no'} bytes`);
    await file?.close();
  }
  return sizes.sort();
}

/** A row, or a part of a filter, is followed by its seal. */
export function sizeOf({ records, heads, filterRows }: StoredRun): number {
  const filterBytes = filterRows === 0 ? 0 : Bloom.bytesFor(records);
  return records * PLACE_RECORD_BYTES + filterBytes + (heads.length + filterRows) * SEAL_BYTES;
}

/** What is in the database and on the disk of no run, or not there of one: nothing, where the index is whole. */
export async function amiss({ database, disk }: Home): Promise<string[]> {
  const due = new Set<string>();
  for (const run of await runsIn(database)) {
    due.add(runKey(run.name));
    if (isInFile(run)) due.add(`${fileOf(run.name)} of ${sizeOf(run)} bytes`);
    else for (const key of keysOfRun(run)) due.add(key);
  }
  const found = new Set([...(await keysIn(database)), ...(await sizesIn(disk))]);
  return [...[...found].filter((what) => !due.has(what)), ...[...due].filter((what) => !found.has(what))];
}

/** Far more than the longest merge of these tests takes. */
const MAX_ROUNDS = 20_000;

/** Merges until there is nothing more to, and what was merged is gone. */
export async function merged(home: Home, runs: PlaceRuns): Promise<void> {
  let failure: unknown = null;
  for (let rounds = 0; ; rounds++) {
    await turn();
    runs.beginMerging((error) => {
      failure = error;
    });
    if (failure !== null) throw failure;
    if (rounds === MAX_ROUNDS) throw new Error(`after merging there is, or lacks: ${await amiss(home)}`);
    const levels = Map.groupBy(await runsIn(home.database), ({ level }) => level);
    if ([...levels.values()].some((ofLevel) => ofLevel.length >= FAN_IN)) continue;
    if ((await amiss(home)).length === 0) return;
  }
}

/** Why the merge that is begun could not go on. */
export async function failureOf(runs: PlaceRuns): Promise<unknown> {
  const told = Promise.withResolvers<unknown>();
  runs.beginMerging(told.resolve);
  return await told.promise;
}

export function fail(error: unknown): void {
  t.fail('a merge failed', { error });
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A key whose first 4 bytes are these, and the rest by chance. */
export function keyOf(chance: Chance, ...head: readonly number[]): Buffer {
  const key = Buffer.from(chance.bytes(PLACE_KEY_BYTES));
  key.set(head);
  return key;
}

export interface BookOptions {
  /** What the index is opened over, where it is not over the home as it is. */
  readonly stores?: { readonly database: StateDatabase; readonly files: PlaceFiles };
  readonly maxFilterBytes?: number | undefined;
}

/** The index, and what is due of it: every place that was written, by its key. */
export class Book {
  readonly home: Home;
  runs: PlaceRuns;
  #next = FIRST;
  readonly #due = new Map<string, Place[]>();

  constructor(home: Home, runs: PlaceRuns) {
    this.home = home;
    this.runs = runs;
  }

  static async open(t: Test, home: Home, { stores = storesOf(home), maxFilterBytes }: BookOptions = {}): Promise<Book> {
    const book = new Book(home, await PlaceRuns.open(stores, null, maxFilterBytes));
    t.teardown(() => book.runs.close());
    return book;
  }

  get range(): { readonly first: number; readonly last: number } {
    return { first: FIRST, last: this.#next - 1 };
  }

  get keys(): Buffer[] {
    return [...this.#due.keys()].map((key) => Buffer.from(key, 'hex'));
  }

  async reopen(maxFilterBytes?: number): Promise<void> {
    await this.runs.close();
    this.runs = await PlaceRuns.open(storesOf(this.home), this.range, maxFilterBytes);
  }

  /** The same book, over what a home has of it. */
  async openedIn(home: Home, maxFilterBytes?: number): Promise<Book> {
    const book = new Book(home, await PlaceRuns.open(storesOf(home), this.range, maxFilterBytes));
    book.#next = this.#next;
    for (const [key, places] of this.#due) book.#due.set(key, [...places]);
    return book;
  }

  /** @param blocks the keys of each. */
  async write(blocks: readonly (readonly Uint8Array[])[]): Promise<StoredRun> {
    const first = this.#next;
    const records = Buffer.concat(
      blocks.flatMap((keys) => {
        const height = this.#next++;
        return keys.map((key, index) => this.#recordOf(key, { height, index }));
      }),
    );
    const batch = this.home.database.batch();
    const run = this.runs.put(batch, records, first, this.range.last);
    await batch.write();
    this.runs.add(run);
    return run;
  }

  /** Writes so many runs, a block each, of the keys and of so many others. */
  async writeRuns(count: number, keys: readonly Uint8Array[], others: number): Promise<void> {
    for (let run = 0; run < count; run++) {
      const outputLength = others * PLACE_KEY_BYTES;
      const random = createHash('shake256', { outputLength }).update(`${this.#next}`).digest();
      const fresh = Array.from({ length: others }, (_, n) =>
        random.subarray(n * PLACE_KEY_BYTES, (n + 1) * PLACE_KEY_BYTES),
      );
      await this.write([[...keys, ...fresh]]);
    }
  }

  #recordOf(key: Uint8Array, place: Place): Buffer {
    const record = Buffer.alloc(PLACE_RECORD_BYTES);
    record.write(Buffer.from(key).toString('hex'), 'hex');
    writePlace(record, 0, place);
    const name = record.toString('hex', 0, PLACE_KEY_BYTES);
    const known = this.#due.get(name);
    if (known === undefined) this.#due.set(name, [place]);
    else known.push(place);
    return record;
  }

  due(key: Uint8Array, before: Place | null, limit: number): Place[] {
    const all = this.#due.get(Buffer.from(key).toString('hex')) ?? [];
    return all
      .filter((place) => before === null || isBefore(place, before))
      .toReversed()
      .slice(0, limit);
  }

  /** What is found of the keys that is not as it is due. */
  async wrong(keys: readonly Uint8Array[], before: Place | null = null, limits = [1, 3, 1_000]): Promise<unknown[]> {
    const asked = keys.flatMap((key) => limits.map((limit) => ({ key, limit })));
    const [last, newest] = await Promise.all([
      this.runs.last(keys),
      Promise.all(asked.map(({ key, limit }) => this.runs.newest(key, before, limit))),
    ]);
    const compared = [
      ...keys.map((key, at) => ({ key, found: [last[at] ?? null], due: [this.due(key, null, 1)[0] ?? null] })),
      ...asked.map(({ key, limit }, at) => ({
        key,
        before,
        limit,
        found: newest[at],
        due: this.due(key, before, limit),
      })),
    ];
    return compared.filter(({ found, due }) => JSON.stringify(found) !== JSON.stringify(due));
  }
}

/** Runs of which those of the second level are merged next, when one of the first level was written. */
export async function writeAlmostTwoLevels(home: Home, book: Book, keys: readonly Uint8Array[], others: number) {
  for (let run = 0; run < FAN_IN - 1; run++) {
    await book.writeRuns(FAN_IN, keys, others);
    await merged(home, book.runs);
  }
  await book.writeRuns(FAN_IN - 1, keys, others);
}

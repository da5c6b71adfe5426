/** The index of places: against a map, while it merges, and whatever comes back, is lost or is refused beneath it. */
import { createHash } from 'node:crypto';
import { mkdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { Level } from 'level';
import t, { type Test } from 'tap';
import { MAX_PLACE_RUN_BYTES, placeRun } from '../codec/index-rows.ts';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, writePlace } from '../codec/places.ts';
import { decode } from '../codec/schema.ts';
import type { Disk, DiskFile } from '../ports.ts';
import { Chance } from '../simulator/world/random.ts';
import type { Place } from '../types/index.ts';
import { Bloom } from './bloom.ts';
import { openFileDisk } from './file-disk.ts';
import { PLACES_PREFIX, wholeSection } from './keys.ts';
import {
  type DiskOperation,
  diskError,
  KEEP_UNSYNCED,
  keepSectors,
  LOSE_UNSYNCED,
  MemoryDisk,
  type Survival,
} from './memory-disk.ts';
import { PlaceFiles } from './place-files.ts';
import {
  filterKey,
  filterSpan,
  headsOf,
  isBefore,
  isInFile,
  keysOfRun,
  nameIn,
  placesIn,
  RunWriter,
  rowKey,
  rowSpan,
  rowsWith,
  runKey,
  runName,
  type StoredRun,
} from './place-rows.ts';
import { PlaceRuns } from './place-runs.ts';
import { chunksOf, type StateDatabase } from './state-database.ts';
import { openValue, SEAL_BYTES } from './state-values.ts';

const FAN_IN = 16;
const ROW_RECORDS = 512;
const FIRST = 5;
const NO_KEY = Buffer.alloc(PLACE_KEY_BYTES, 0x77);

/** Where an index lies. */
interface Home {
  readonly database: StateDatabase;
  readonly disk: Disk;
}

const storesOf = ({ database, disk }: Home) => ({ database, files: new PlaceFiles(disk) });

/** LevelDB and a folder of files. */
async function openHome(t: Test): Promise<Home> {
  const folder = t.testdir();
  const options = { keyEncoding: 'utf8', valueEncoding: 'view', compression: false } as const;
  const database = new Level<string, Uint8Array>(path.join(folder, 'state'), options);
  await database.open();
  t.teardown(() => database.close());
  return { database, disk: await openFileDisk(path.join(folder, 'places')) };
}

async function all<T>(chunks: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const chunk of chunks) found.push(...chunk);
  return found;
}

/** What the index of places has in the database. */
const keysIn = (database: StateDatabase) => all(chunksOf(database.keys(wholeSection(PLACES_PREFIX))));
const rowsIn = (database: StateDatabase) => all(chunksOf(database.iterator(wholeSection(PLACES_PREFIX))));

/** Puts a row into the database, or takes it out. */
async function set(database: StateDatabase, key: string, value: Uint8Array | null): Promise<void> {
  const batch = database.batch();
  if (value === null) batch.del(key);
  else batch.put(key, value);
  await batch.write();
}

async function runsIn(database: StateDatabase): Promise<StoredRun[]> {
  const rows = (await rowsIn(database)).filter(([key]) => key.endsWith('/run'));
  return rows.map(([key, value]) => {
    const { heads, ...run } = decode(placeRun, openValue(key, value), MAX_PLACE_RUN_BYTES);
    return { ...run, name: nameIn(key), heads: headsOf(heads), filter: null };
  });
}

const fileOf = (name: string) => `${name}.places`;

/** Of the files, by their names, in order. */
async function sizesIn(disk: Disk): Promise<string[]> {
  const sizes: string[] = [];
  for (const name of await disk.names()) {
    const file = await disk.open(name, false);
    sizes.push(`${name} of ${(await file?.size()) ?? 'no'} bytes`);
    await file?.close();
  }
  return sizes.sort();
}

async function contentOf(disk: Disk, name: string): Promise<Uint8Array> {
  const file = await disk.open(name, false);
  const content = await file?.read(0, await file.size());
  await file?.close();
  return content ?? new Uint8Array();
}

/** Whoever has the file open reads the new content. */
async function overwrite(disk: Disk, name: string, content: Uint8Array): Promise<void> {
  const file = await disk.open(name, true);
  await file?.truncate(0);
  await file?.append(content);
  await file?.close();
}

/** A row, or a part of a filter, is followed by its seal. */
function sizeOf({ records, heads, filterRows }: StoredRun): number {
  const filterBytes = filterRows === 0 ? 0 : Bloom.bytesFor(records);
  return records * PLACE_RECORD_BYTES + filterBytes + (heads.length + filterRows) * SEAL_BYTES;
}

/** What is in the database and on the disk of no run, or not there of one: nothing, where the index is whole. */
async function amiss({ database, disk }: Home): Promise<string[]> {
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
async function merged(home: Home, runs: PlaceRuns): Promise<void> {
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
async function failureOf(runs: PlaceRuns): Promise<unknown> {
  const told = Promise.withResolvers<unknown>();
  runs.beginMerging(told.resolve);
  return await told.promise;
}

function fail(error: unknown): void {
  t.fail('a merge failed', { error });
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A key whose first 4 bytes are these, and the rest by chance. */
function keyOf(chance: Chance, ...head: readonly number[]): Buffer {
  const key = Buffer.from(chance.bytes(PLACE_KEY_BYTES));
  key.set(head);
  return key;
}

interface BookOptions {
  /** What the index is opened over, where it is not over the home as it is. */
  readonly stores?: { readonly database: StateDatabase; readonly files: PlaceFiles };
  readonly maxFilterBytes?: number | undefined;
}

/** The index, and what is due of it: every place that was written, by its key. */
class Book {
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

/** A database some of whose methods are others. */
function over(database: StateDatabase, change: Partial<StateDatabase>): StateDatabase {
  return {
    get: (key) => database.get(key),
    getSync: (key) => database.getSync(key),
    getMany: (keys) => database.getMany(keys),
    batch: () => database.batch(),
    iterator: (range) => database.iterator(range),
    keys: (range) => database.keys(range),
    clear: () => database.clear(),
    close: () => database.close(),
    ...change,
  };
}

t.test('property: a key is in no other rows than those that its head leads to', async () => {
  const key = fc.tuple(fc.nat(6), fc.nat(3)).map(([head, end]) => Buffer.alloc(PLACE_KEY_BYTES, end).fill(head, 0, 4));
  const keys = fc.array(key, { maxLength: 60 }).map((keys) => keys.sort(Buffer.compare));
  fc.assert(
    fc.property(keys, key, fc.integer({ min: 1, max: 9 }), (keys, asked, aRow) => {
      const rows = Array.from({ length: Math.ceil(keys.length / aRow) }, (_, n) =>
        keys.slice(n * aRow, (n + 1) * aRow),
      );
      const heads = Float64Array.from(rows, ([first]) => first!.readUInt32BE());
      const run: StoredRun = {
        name: runName(1, 1),
        level: 0,
        firstHeight: 1,
        lastHeight: 1,
        records: 0,
        filterRows: 0,
        heads,
        filter: null,
      };
      const { first, end } = rowsWith(run, asked);
      return (
        first >= 0 &&
        end <= rows.length &&
        rows.every((row, n) => (n >= first && n < end) || row.every((other) => !other.equals(asked)))
      );
    }),
    { numRuns: 500 },
  );
});

t.test('property: of sorted records it finds the places of a key, descending, those before one only', async () => {
  const place = fc.record({ height: fc.nat(5), index: fc.nat(5) });
  const key = fc.constantFrom(0, 1, 9, 255).map((byte) => Buffer.alloc(PLACE_KEY_BYTES, byte));
  const entry = fc.record({ key, place });
  const entries = fc.uniqueArray(entry, { maxLength: 60, selector: ({ key, place }) => JSON.stringify([key, place]) });
  const query = fc.record({ key, before: fc.option(place), limit: fc.integer({ min: 0, max: 20 }) });
  fc.assert(
    fc.property(entries, query, (entries, { key, before, limit }) => {
      const records = entries.map(({ key, place }) => {
        const record = Buffer.concat([key, Buffer.alloc(PLACE_RECORD_BYTES - PLACE_KEY_BYTES)]);
        writePlace(record, 0, place);
        return record;
      });
      const number = ({ height, index }: Place) => height * 10 + index;
      const due = entries
        .filter((entry) => entry.key.equals(key) && (before === null || number(entry.place) < number(before)))
        .map(({ place }) => place)
        .sort((a, b) => number(b) - number(a))
        .slice(0, limit);
      const found = placesIn(Buffer.concat(records.sort(Buffer.compare)), key, before, limit);
      return JSON.stringify(found) === JSON.stringify(due);
    }),
    { numRuns: 500 },
  );
});

t.test('property: the parts of a run lie in its file where they are looked for', async (t) => {
  const filterRecords = (64 * 1024 * 8) / 12;
  const around = [0, 1, ROW_RECORDS, 2 * ROW_RECORDS, filterRecords, 2 * filterRecords].flatMap((count) =>
    [-1, 0, 1].map((more) => Math.max(0, Math.floor(count) + more)),
  );
  const record = Buffer.alloc(PLACE_RECORD_BYTES, 1);
  for (const count of new Set([...around, 70_001])) {
    for (const isFiltered of [true, false]) {
      const put: [key: string, at: number, length: number][] = [];
      let end = 0;
      const sink = {
        put: (key: string, { length }: Uint8Array) => {
          put.push([key, end, length + SEAL_BYTES]);
          end += length + SEAL_BYTES;
        },
      };
      const writer = new RunWriter({ level: 1, firstHeight: 1, lastHeight: 9 }, count, isFiltered, sink);
      for (let n = 0; n < count; n++) writer.add(record, 0);
      const run = writer.end();
      const rows = Array.from(run.heads, (_, row) => ({ key: rowKey(run.name, row), ...rowSpan(run, row) }));
      const filters = Array.from({ length: run.filterRows }, (_, row) => ({
        key: filterKey(run.name, row),
        ...filterSpan(run, row),
      }));
      const due = [...rows, ...filters].map(({ key, at, length }) => [key, at, length]);
      t.strictSame(put, due, `${count} records`);
      t.equal(end, sizeOf(run));
    }
  }
});

for (const [what, maxFilterBytes] of [
  ['with filters', undefined],
  ['with memory for some filters', 6_000],
  ['without filters', 0],
] as const) {
  t.test(`it finds what a map does, whatever was merged or opened anew: ${what}`, async (t) => {
    const chance = new Chance(7, what);
    // Some begin alike, so that they are side by side, and some are the first and the last there may be.
    const pool = [
      Buffer.alloc(PLACE_KEY_BYTES),
      Buffer.alloc(PLACE_KEY_BYTES, 255),
      ...Array.from({ length: 6 }, () => keyOf(chance)),
      ...Array.from({ length: 4 }, () => keyOf(chance, 1, 2, 3, 4)),
      keyOf(chance, 0, 0, 0, 0),
      keyOf(chance, 255, 255, 255, 255),
    ];
    const absent = [NO_KEY, keyOf(chance, 1, 2, 3, 4), keyOf(chance, 0, 0, 0, 0), keyOf(chance)];
    const home = await openHome(t);
    const book = await Book.open(t, home, { maxFilterBytes });
    const isFiltered = new Set<boolean>();
    const check = async (when: string) => {
      const { last } = book.range;
      const some = Array.from({ length: 6 }, () => chance.pick(book.keys));
      const before = { height: chance.between(FIRST - 1, last + 1), index: chance.below(12) };
      const keys = [...pool, ...absent, ...some];
      t.strictSame(await book.wrong(keys), [], when);
      t.strictSame(await book.wrong(keys, before), [], `${when}, before ${JSON.stringify(before)}`);
    };
    for (let writing = 0; writing < 330; writing++) {
      const blocks = Array.from({ length: chance.between(1, 4) }, () =>
        Array.from({ length: chance.below(20) }, () => (chance.happens(0.5) ? chance.pick(pool) : keyOf(chance))),
      );
      await book.write(blocks);
      book.runs.beginMerging(fail);
      if (writing % 25 === 0) await check(`after writing ${writing}`);
      if (writing % 50 !== 49) continue;
      for (const { filterRows } of await runsIn(home.database)) isFiltered.add(filterRows > 0);
      await book.reopen(maxFilterBytes);
      t.strictSame(await amiss(home), []);
      await check(`opened after writing ${writing}`);
    }
    await merged(home, book.runs);
    await check('merged');
    const present = await runsIn(home.database);
    t.ok(present.some(({ level }) => level >= 2));
    t.ok(present.length < 2 * FAN_IN);
    for (const { filterRows } of present) isFiltered.add(filterRows > 0);
    const due = { 'with filters': [true], 'with memory for some filters': [false, true], 'without filters': [false] };
    t.strictSame([...isFiltered].sort(), due[what]);
    for (const memory of [0, 6_000, 1_000_000]) {
      await book.reopen(memory);
      await check(`opened with memory for ${memory} bytes of filters`);
    }
  });
}

t.test('a key whose places are in several rows is found, the newest first', async (t) => {
  const chance = new Chance(3, 'rows');
  const key = keyOf(chance, 9, 9, 9, 9);
  const [less, more] = [Buffer.from(key), Buffer.from(key)];
  less[PLACE_KEY_BYTES - 1]! ^= 0x80;
  more[PLACE_KEY_BYTES - 1]! ^= 0x80;
  if (key[PLACE_KEY_BYTES - 1]! >= 0x80) more[4]! += 1;
  else less[4]! -= 1;
  const keys = [less, key, more];
  const home = await openHome(t);
  const book = await Book.open(t, home);
  const run = await book.write([
    [...Array.from({ length: 450 }, () => key), less, ...Array.from({ length: 300 }, () => keyOf(chance))],
    [more, ...Array.from({ length: 470 }, () => key), keyOf(chance, 9, 9, 9, 9), keyOf(chance, 9, 9, 9, 9)],
    Array.from({ length: 600 }, (_, n) => (n % 2 === 0 ? key : more)),
  ]);
  const check = async (when: string) => {
    const places = book.due(key, null, 10_000);
    t.ok(places.length > 1_200);
    const limits = [1, ROW_RECORDS - 1, ROW_RECORDS, ROW_RECORDS + 1, places.length, 10_000];
    t.strictSame(await book.wrong(keys, null, limits), [], when);
    const befores = [0, 1, ROW_RECORDS - 1, ROW_RECORDS, 600, 2 * ROW_RECORDS, places.length - 1].map(
      (n) => places[n]!,
    );
    const between = [
      { height: FIRST + 1, index: 1_000 },
      { height: FIRST + 2, index: 0 },
    ];
    for (const before of [...befores, ...between]) {
      const found = await book.wrong(keys, before, [1, 3, 1_000]);
      t.strictSame(found, [], `${when}, before ${JSON.stringify(before)}`);
    }
    t.strictSame(await book.runs.newest(key, places.at(-1)!, 9), [], 'nothing is before the first one');
  };
  t.ok(run.heads.filter((head) => head === key.readUInt32BE()).length >= 2, 'rows begin with it');
  t.equal(run.heads.length, Math.ceil(run.records / ROW_RECORDS));
  await check('in one run');
  await book.writeRuns(FAN_IN - 1, [...Array.from({ length: 80 }, () => key), less, more], 20);
  await check('in all runs');
  await merged(home, book.runs);
  t.equal((await runsIn(home.database)).length, 1);
  await check('merged');
  await book.reopen();
  await check('opened anew');
});

/** Runs of which those of the second level are merged next, when one of the first level was written. */
async function writeAlmostTwoLevels(home: Home, book: Book, keys: readonly Uint8Array[], others: number) {
  for (let run = 0; run < FAN_IN - 1; run++) {
    await book.writeRuns(FAN_IN, keys, others);
    await merged(home, book.runs);
  }
  await book.writeRuns(FAN_IN - 1, keys, others);
}

t.test('what is looked up while runs are merged is right', async (t) => {
  const chance = new Chance(5, 'meanwhile');
  const pool = Array.from({ length: 5 }, () => keyOf(chance));
  const home = await openHome(t);
  const book = await Book.open(t, home);
  await book.writeRuns(FAN_IN, pool, 2_000);
  const keys = [...pool, NO_KEY, ...Array.from({ length: 5 }, () => chance.pick(book.keys))];
  const middle = { height: FIRST + 7, index: 3 };
  const [oldest = ''] = await keysIn(home.database);
  const asked = [book.wrong(keys), book.wrong(keys, middle)];
  book.runs.beginMerging(fail);
  book.runs.beginMerging(fail);
  let rounds = 0;
  for (; home.database.getSync(oldest) !== undefined; rounds++) {
    const some = [pool[rounds % pool.length]!, chance.pick(keys)];
    asked.push(book.wrong(some), book.wrong(some, middle));
    await turn();
  }
  asked.push(book.wrong(keys), book.wrong(keys, middle));
  t.ok(rounds > 5, `${rounds} rounds`);
  t.strictSame((await Promise.all(asked)).flat(), []);
  await merged(home, book.runs);
  t.equal((await runsIn(home.database)).length, 1);
});

t.test('what is looked up while files are merged, and removed, is right', async (t) => {
  const chance = new Chance(8, 'files meanwhile');
  const pool = Array.from({ length: 5 }, () => keyOf(chance));
  const home = await openHome(t);
  for (const maxFilterBytes of [undefined, 0]) {
    const book = await Book.open(t, home, { maxFilterBytes });
    await writeAlmostTwoLevels(home, book, pool, 60);
    const files = await home.disk.names();
    t.equal(files.length, FAN_IN - 1);
    const keys = [...pool, NO_KEY, ...Array.from({ length: 5 }, () => chance.pick(book.keys))];
    const middle = { height: FIRST + 100, index: 3 };
    await book.writeRuns(1, pool, 60);
    const asked = [book.wrong(keys), book.wrong(keys, middle)];
    book.runs.beginMerging(fail);
    let [rounds, atRemoval] = [0, 0];
    for (let left = files; left.length > 0; rounds++) {
      const some = [pool[rounds % pool.length]!, chance.pick(keys)];
      asked.push(book.wrong(some), book.wrong(some, middle));
      const names = await home.disk.names();
      left = files.filter((name) => names.includes(name));
      if (left.length > 0 && left.length < files.length) atRemoval += 1;
    }
    asked.push(book.wrong(keys), book.wrong(keys, middle));
    t.ok(rounds > 5, `${rounds} rounds, ${atRemoval} of them while files were removed`);
    t.strictSame((await Promise.all(asked)).flat(), []);
    await merged(home, book.runs);
    t.strictSame(
      (await runsIn(home.database)).map(({ level }) => level),
      [2],
    );
    t.strictSame(await book.wrong(keys), []);
    await book.runs.close();
  }
});

t.test('a look-up that finds rows gone, as they were merged meanwhile, looks anew', async (t) => {
  const chance = new Chance(6, 'gone');
  const pool = Array.from({ length: 3 }, () => keyOf(chance));
  const home = await openHome(t);
  const wait = Promise.withResolvers<void>();
  let isSlow = false;
  let gone = 0;
  const database = over(home.database, {
    get: async (key) => {
      if (isSlow) await wait.promise;
      const value = await home.database.get(key);
      if (value === undefined) gone += 1;
      return value;
    },
  });
  const book = await Book.open(t, home, { stores: storesOf({ ...home, database }) });
  await book.writeRuns(FAN_IN, pool, 20);
  isSlow = true;
  const asked = [book.wrong(pool), book.wrong(pool, { height: FIRST + 7, index: 1 })];
  isSlow = false;
  await merged(home, book.runs);
  t.equal(gone, 0);
  wait.resolve();
  t.strictSame((await Promise.all(asked)).flat(), []);
  t.ok(gone >= pool.length, 'rows were gone');
});

/** Counts who finds the file of a run gone. */
class CountingFiles extends PlaceFiles {
  gone = 0;

  override async read(run: string, position: number, length: number): Promise<Uint8Array | null> {
    const found = await super.read(run, position, length);
    if (found === null) this.gone += 1;
    return found;
  }
}

t.test('a look-up that finds files gone, as they were merged meanwhile, looks anew', async (t) => {
  const chance = new Chance(16, 'files gone');
  const pool = Array.from({ length: 3 }, () => keyOf(chance));
  const home = await openHome(t);
  const wait = Promise.withResolvers<void>();
  let isSlow = false;
  const database = over(home.database, {
    get: async (key) => {
      const isHeld = isSlow;
      const value = await home.database.get(key);
      if (isHeld) await wait.promise;
      return value;
    },
  });
  const files = new CountingFiles(home.disk);
  const book = await Book.open(t, home, { stores: { database, files } });
  for (let run = 0; run < FAN_IN - 1; run++) {
    await book.writeRuns(FAN_IN, pool, 5);
    await merged(home, book.runs);
  }
  await book.writeRuns(FAN_IN, [], 5);
  // The newest one is not among those that are merged: whoever found its row goes on to files that are gone.
  await book.writeRuns(1, pool, 5);
  isSlow = true;
  const asked = [book.wrong(pool), book.wrong(pool, { height: book.range.last + 1, index: 0 })];
  isSlow = false;
  await merged(home, book.runs);
  t.strictSame(
    (await runsIn(home.database)).map(({ level }) => level),
    [2, 0],
  );
  t.equal(files.gone, 0);
  wait.resolve();
  t.strictSame((await Promise.all(asked)).flat(), []);
  t.ok(files.gone >= pool.length, `${files.gone} found a file gone`);
});

t.test('a missing run is told when the index is opened', async (t) => {
  const home = await openHome(t);
  const book = await Book.open(t, home);
  await book.writeRuns(FAN_IN + 3, [NO_KEY], 5);
  await merged(home, book.runs);
  await book.runs.close();
  const { database, disk } = home;
  const { range } = book;
  const open = (of = range) => PlaceRuns.open(storesOf(home), of);
  const corrupt = { name: 'CodedError', code: 'STATE_CORRUPT' };
  const [present, files] = [await rowsIn(database), await sizesIn(disk)];
  const runRows = present.filter(([key]) => key.endsWith('/run'));
  t.equal(runRows.length, 4);
  t.equal(files.length, 1);
  for (const [key, value] of runRows) {
    await set(database, key, null);
    await t.rejects(open(), corrupt, key);
    await set(database, key, value);
  }
  await t.rejects(open({ ...range, first: FIRST - 1 }), corrupt, 'a block before the first');
  await t.rejects(open({ ...range, last: range.last + 1 }), corrupt, 'a block after the last');
  await t.rejects(open({ first: range.last + 1, last: range.last + 1 }), corrupt, 'another block');
  t.strictSame([await rowsIn(database), await sizesIn(disk)], [present, files], 'nothing was removed meanwhile');
  await book.reopen();
  t.strictSame(await book.wrong(book.keys), []);
});

/** An operation of a disk or of one of its files. */
type Around = <T>(kind: keyof Disk | keyof DiskFile, path: string, work: () => Promise<T>) => Promise<T>;

/** The disk, each of whose operations goes through `around`. */
function through(disk: Disk, around: Around): Disk {
  const fileThrough = (path: string, file: DiskFile): DiskFile => ({
    size: () => around('size', path, () => file.size()),
    read: (position, length) => around('read', path, () => file.read(position, length)),
    append: (bytes) => around('append', path, () => file.append(bytes)),
    appendSynced: (bytes) => around('appendSynced', path, () => file.appendSynced(bytes)),
    truncate: (size) => around('truncate', path, () => file.truncate(size)),
    sync: () => around('sync', path, () => file.sync()),
    close: () => around('close', path, () => file.close()),
  });
  return {
    open: async (path, create) => {
      const file = await around('open', path, () => disk.open(path, create));
      return file === null ? null : fileThrough(path, file);
    },
    rename: (from, to) => around('rename', from, () => disk.rename(from, to)),
    remove: (path) => around('remove', path, () => disk.remove(path)),
    names: () => around('names', '', () => disk.names()),
    syncFolder: () => around('syncFolder', '', () => disk.syncFolder()),
  };
}

/** The database, whose batches write by `around`. */
function writing(
  database: StateDatabase,
  around: (write: () => Promise<void>, isSynced: boolean) => Promise<void>,
): StateDatabase {
  return over(database, {
    batch: () => {
      const batch = database.batch();
      return {
        put: (key, value) => batch.put(key, value),
        del: (key) => batch.del(key),
        write: (options) => around(() => batch.write(options), options?.sync === true),
        close: () => batch.close(),
      };
    },
  });
}

t.test('files go when the database has forgotten them for good: a power failure brings nothing back', async (t) => {
  const { database, disk } = await openHome(t);
  const files = async () => (await disk.names()).length;
  const synced: number[] = [];
  const noting = writing(database, async (write, isSynced) => {
    if (isSynced) synced.push(await files());
    await write();
  });
  const home = { database: noting, disk };
  const book = await Book.open(t, home);
  await writeAlmostTwoLevels(home, book, [NO_KEY], 5);
  t.strictSame(synced, [], 'rows go with what is written after them');
  await book.writeRuns(1, [NO_KEY], 5);
  await merged(home, book.runs);
  t.strictSame(synced, [FAN_IN + 1], 'all are there, and what they became');
  t.equal(await files(), 1);
});

t.test('a merge that was stopped half way leaves nothing, and is made anew', async (t) => {
  const chance = new Chance(9, 'half');
  const pool = Array.from({ length: 4 }, () => keyOf(chance));
  const home = await openHome(t);
  let stopped: Promise<void> | null = null;
  const disk = through(home.disk, async (kind, _path, work) => {
    const result = await work();
    if (kind === 'append') stopped ??= book.runs.stop();
    return result;
  });
  const book: Book = await Book.open(t, home, { stores: storesOf({ ...home, disk }) });
  // More than a merge writes at once.
  await book.writeRuns(FAN_IN, pool, 8_300);
  const before = await keysIn(home.database);
  const keys = [...pool, NO_KEY, ...Array.from({ length: 10 }, () => chance.pick(book.keys))];
  const file = fileOf(runName(book.range.first, book.range.last));
  book.runs.beginMerging(fail);
  while (stopped === null) await turn();
  await stopped;
  t.strictSame(
    await keysIn(home.database),
    before,
    'what was to be merged is there, and nothing of what it was to become',
  );
  t.strictSame(await home.disk.names(), [file]);
  const half = await contentOf(home.disk, file);
  t.ok(half.length > 0, 'of which a part is in its file');
  t.strictSame(await book.wrong(keys), [], 'stopped');
  book.runs.beginMerging(fail);
  t.strictSame(
    await sizesIn(home.disk),
    [`${file} of ${half.length} bytes`],
    'what was stopped does not begin to merge',
  );

  await book.reopen();
  t.strictSame([await keysIn(home.database), await home.disk.names()], [before, []], 'opened anew');
  t.strictSame(await book.wrong(keys), []);
  book.runs.beginMerging(fail);
  await book.reopen();
  t.strictSame([await keysIn(home.database), await home.disk.names()], [before, []], 'stopped as soon as it began');
  t.strictSame(await book.wrong(keys), []);

  await merged(home, book.runs);
  const [run, ...others] = await runsIn(home.database);
  t.match(run, { level: 1, firstHeight: FIRST, lastHeight: FIRST + FAN_IN - 1, records: FAN_IN * 8_304 });
  t.strictSame(others, []);
  t.strictSame(await book.wrong(keys), [], 'merged');
  const whole = await contentOf(home.disk, file);
  t.ok(half.length < whole.length && Buffer.from(half).equals(whole.subarray(0, half.length)), 'it was a half of it');
  await book.reopen();
  t.strictSame(await book.wrong(keys), [], 'merged and opened anew');
});

t.test('whatever has the name of a merge is overwritten by it', async (t) => {
  const home = await openHome(t);
  for (const size of [1, 3_000, 300_000]) {
    const book = await Book.open(t, home);
    await book.writeRuns(FAN_IN, [NO_KEY], 60);
    await overwrite(home.disk, fileOf(runName(book.range.first, book.range.last)), new Uint8Array(size).fill(size));
    await merged(home, book.runs);
    const keys = book.keys.filter((_, n) => n % 20 === 0);
    t.strictSame(await book.wrong(keys), [], `over ${size} bytes`);
    for (const memory of [0, undefined]) {
      await book.reopen(memory);
      t.strictSame(await book.wrong(keys), []);
    }
    await book.runs.close();
  }
});

for (const [what, { isOfFiles, others, levels }] of [
  ['rows are merged, to the end', { isOfFiles: false, others: 50, levels: [1] }],
  ['rows are merged, half way', { isOfFiles: false, others: 200, levels: Array.from({ length: FAN_IN }, () => 0) }],
  ['files are merged, to the end', { isOfFiles: true, others: 5, levels: [2] }],
  ['files are merged, half way', { isOfFiles: true, others: 12, levels: Array.from({ length: FAN_IN }, () => 1) }],
] as const) {
  t.test(`when it is stopped, nothing goes on in the database or on the disk: ${what}`, async (t) => {
    const home = await openHome(t);
    let [begun, ended] = [0, 0];
    let isToStop = false;
    let stopped: Promise<void> | null = null;
    const counted = async <T>(work: () => Promise<T>): Promise<T> => {
      begun += 1;
      try {
        return await work();
      } finally {
        ended += 1;
      }
    };
    const reading: Partial<StateDatabase> = {
      get: (key) => counted(() => home.database.get(key)),
      getSync: (key) => {
        begun += 1;
        ended += 1;
        return home.database.getSync(key);
      },
    };
    const database = writing(over(home.database, reading), counted);
    const disk = through(home.disk, (kind, _path, work) => {
      // The first reading of a file is that of the second merge.
      if (isToStop && kind === 'read') stopped ??= book.runs.stop();
      return counted(work);
    });
    const book: Book = await Book.open(t, home, { stores: storesOf({ database, disk }) });
    if (isOfFiles) await writeAlmostTwoLevels(home, book, [NO_KEY], others);
    await book.writeRuns(isOfFiles ? 1 : FAN_IN, [NO_KEY], others);
    isToStop = true;
    book.runs.beginMerging(fail);
    t.ok(begun > ended, 'it merges');
    if (!isOfFiles) stopped = book.runs.stop();
    while (stopped === null) await turn();
    await stopped;
    t.equal(begun, ended);
    const operations = begun;
    await turn();
    book.runs.beginMerging(fail);
    t.equal(begun, operations);
    t.strictSame(
      (await runsIn(home.database)).map(({ level }) => level),
      levels,
    );
    t.strictSame(await book.wrong([NO_KEY, ...book.keys.slice(0, 50)]), []);
  });
}

t.test(
  'rows that were merged and came back are not seen, nor do they stay, and nobody needs their files',
  async (t) => {
    const chance = new Chance(11, 'back');
    const pool = Array.from({ length: 4 }, () => keyOf(chance));
    const home = await openHome(t);
    const ever = new Map<string, Uint8Array>();
    const everInFiles = new Map<string, Uint8Array>();
    const database = over(home.database, {
      batch: () => {
        const batch = home.database.batch();
        const put = (key: string, value: Uint8Array) => {
          ever.set(key, value.slice());
          batch.put(key, value);
        };
        return { put, del: (key) => batch.del(key), write: () => batch.write(), close: () => batch.close() };
      },
    });
    const book = await Book.open(t, home, { stores: storesOf({ ...home, database }) });
    for (let writing = 0; writing < FAN_IN * FAN_IN + FAN_IN + 2; writing++) {
      await book.write([[chance.pick(pool), keyOf(chance)]]);
      for (const [key, value] of await rowsIn(home.database)) ever.set(key, value);
      await merged(home, book.runs);
      for (const name of await home.disk.names()) {
        if (!everInFiles.has(name)) everInFiles.set(name, await contentOf(home.disk, name));
      }
    }
    const runs = await runsIn(home.database);
    t.strictSame(runs.map(({ level }) => level).sort(), [0, 0, 1, 2]);
    const present = await rowsIn(home.database);
    const known = new Set(present.map(([key]) => key));
    const past = [...ever].filter(([key]) => !known.has(key));
    const pastRuns = past.filter(([key]) => key.endsWith('/run'));
    t.equal(pastRuns.length, FAN_IN * FAN_IN + FAN_IN + FAN_IN);
    const files = await sizesIn(home.disk);
    t.equal(files.length, 2);
    const pastFiles = [...everInFiles].filter(([name]) => !files.some((file) => file.startsWith(name)));
    t.equal(pastFiles.length, FAN_IN - 1, 'all but the last, which was merged as soon as it was there');
    const some = <T>(rows: readonly T[], part: number) => rows.filter(() => chance.happens(part));
    const cases: readonly (readonly [what: string, rows: typeof past, files?: typeof pastFiles])[] = [
      ['one run, without its rows', pastRuns.slice(0, 1)],
      ['another one', pastRuns.slice(9, 10)],
      ['the last that was merged', pastRuns.slice(-1)],
      ['all runs, without their rows', pastRuns],
      ['all rows, without their runs', past.filter(([key]) => !key.endsWith('/run'))],
      ['everything', past],
      ...[0.02, 0.1, 0.5, 0.9].map((part) => [`a part of ${part}`, some(past, part)] as const),
      ['all runs, with their files', pastRuns, pastFiles],
      ['one file, without its run', pastRuns.slice(0, 1), pastFiles.slice(0, 1)],
      [
        'halves of files',
        pastRuns,
        pastFiles.map(([name, content]) => [name, content.subarray(0, content.length / 2)]),
      ],
      ['parts of all', some(past, 0.5), some(pastFiles, 0.5)],
    ];
    for (const [what, rows, filesBack = []] of cases) {
      t.ok(rows.length > 0);
      for (const [key, value] of rows) await set(home.database, key, value);
      for (const [name, content] of filesBack) await overwrite(home.disk, name, content);
      await book.reopen();
      t.strictSame(await book.wrong([...pool, NO_KEY], { height: 200, index: 1 }), [], what);
      t.strictSame(await book.wrong(book.keys, null, [1_000]), [], what);
      t.strictSame([await rowsIn(home.database), await sizesIn(home.disk)], [present, files], what);
    }
    await book.writeRuns(FAN_IN, pool, 3);
    await merged(home, book.runs);
    t.strictSame(await book.wrong(book.keys, null, [1_000]), [], 'merged with what came after');
  },
);

t.test('without blocks there are no places, and none stay', async (t) => {
  const home = await openHome(t);
  const book = await Book.open(t, home);
  await book.writeRuns(FAN_IN + 2, [NO_KEY], 10);
  await merged(home, book.runs);
  t.equal((await home.disk.names()).length, 1);
  await book.runs.close();
  await set(home.database, 'i/other', Uint8Array.of(1));
  await set(home.database, 's/other', Uint8Array.of(2));
  const runs = await PlaceRuns.open(storesOf(home), null);
  t.strictSame(await runs.last([NO_KEY]), [null]);
  t.strictSame(await runs.newest(NO_KEY, null, 9), []);
  t.strictSame(await all(chunksOf(home.database.keys({ gte: '', lt: '~' }))), ['i/other', 's/other']);
  t.strictSame(await home.disk.names(), []);
});

t.test('a database that was emptied is written anew, from any block', async (t) => {
  const home = await openHome(t);
  const book = await Book.open(t, home);
  await book.writeRuns(FAN_IN + 3, [NO_KEY], 10);
  await merged(home, book.runs);
  t.equal((await home.disk.names()).length, 1);
  await book.runs.stop();
  await home.database.clear();
  await book.runs.clear();
  t.strictSame(await home.disk.names(), []);
  t.strictSame(await book.runs.last([NO_KEY]), [null]);
  const anew = new Book(home, book.runs);
  await anew.writeRuns(FAN_IN, [NO_KEY], 20);
  await merged(home, anew.runs);
  t.equal((await runsIn(home.database)).length, 1, 'it merges again, to the same name');
  t.strictSame(await anew.wrong(anew.keys), []);
});

t.test('blocks without places are merged as well', async (t) => {
  const home = await openHome(t);
  for (const maxFilterBytes of [undefined, 0]) {
    const book = await Book.open(t, home, { maxFilterBytes });
    for (let run = 0; run < FAN_IN; run++) await book.write([[], []]);
    await merged(home, book.runs);
    t.match(await runsIn(home.database), [{ level: 1, records: 0 }]);
    await book.reopen(maxFilterBytes);
    t.strictSame(await book.wrong([NO_KEY]), []);
    await book.writeRuns(FAN_IN, [NO_KEY], 0);
    await merged(home, book.runs);
    await book.reopen(maxFilterBytes);
    t.strictSame(await book.wrong([NO_KEY]), []);
    await book.runs.close();
  }
});

t.test('a run that does not follow the one before is a mistake of ours', async (t) => {
  const home = await openHome(t);
  const book = await Book.open(t, home);
  await book.write([[NO_KEY], [], [NO_KEY]]);
  for (const first of [FIRST, FIRST + 2, FIRST + 4]) {
    const batch = home.database.batch();
    const run = book.runs.put(batch, new Uint8Array(), first, first);
    await batch.close();
    t.throws(() => book.runs.add(run), { name: 'AssertionError' }, `block ${first}`);
  }
  await book.write([[], []]);
  await book.reopen();
  t.strictSame(await book.wrong([NO_KEY]), []);
});

t.test('a row that was lost or changed is told by the merge and by whoever looks', async (t) => {
  const home = await openHome(t);
  const { database } = home;
  const book = await Book.open(t, home);
  const run = await book.write([[NO_KEY]]);
  await book.writeRuns(FAN_IN - 1, [NO_KEY], 5);
  const key = rowKey(run.name, 0);
  t.ok([...keysOfRun(run)].includes(key));
  const value = await database.get(key);
  const before = await keysIn(database);
  await set(database, key, value!.with(3, value![3]! ^ 1));
  await t.rejects(book.runs.newest(NO_KEY, null, 99), { code: 'STATE_CORRUPT' }, 'changed');
  t.match(await failureOf(book.runs), { code: 'STATE_CORRUPT' });
  await set(database, key, null);
  await t.rejects(book.runs.newest(NO_KEY, null, 99), { name: 'AssertionError' }, 'lost');
  t.match(await failureOf(book.runs), { code: 'STATE_CORRUPT' });
  await set(database, key, value!);
  t.strictSame(await keysIn(database), before, 'nothing was merged');
  await merged(home, book.runs);
  t.strictSame(await book.wrong(book.keys), [], 'as it is whole again, it merges');
});

t.test('a file that is missing, or is another one, is told when the index is opened', async (t) => {
  const home = await openHome(t);
  const book = await Book.open(t, home);
  for (let run = 0; run < 3; run++) {
    await book.writeRuns(FAN_IN, [NO_KEY], 40);
    await merged(home, book.runs);
  }
  await book.writeRuns(3, [NO_KEY], 40);
  await book.runs.close();
  const files = [...(await home.disk.names())].sort();
  t.equal(files.length, 3);
  for (const [at, name] of files.entries()) {
    const content = await contentOf(home.disk, name);
    await home.disk.remove(name);
    for (const memory of [undefined, 0]) {
      const opened = PlaceRuns.open(storesOf(home), book.range, memory);
      await t.rejects(opened, { name: 'CodedError', code: 'STATE_CORRUPT', message: /has lost/ }, `without ${name}`);
    }
    // Of the same size, and as whole, but of other blocks.
    const other = await contentOf(home.disk, files[(at + 1) % files.length]!);
    t.equal(other.length, content.length);
    await overwrite(home.disk, name, other);
    for (const memory of [undefined, 0]) {
      const opened = PlaceRuns.open(storesOf(home), book.range, memory);
      await t.rejects(opened, { code: 'STATE_CORRUPT' }, `another than ${name}`);
    }
    await overwrite(home.disk, name, content);
    await book.reopen();
    const keys = book.keys.filter((_, n) => n % 20 === 0);
    t.strictSame(await book.wrong(keys), [], 'as it is there again, all is found');
    await book.runs.close();
  }
});

t.test('a file that is changed or cut while it is open is told by the merge and by whoever looks', async (t) => {
  const home = await openHome(t);
  const book = await Book.open(t, home);
  await writeAlmostTwoLevels(home, book, [NO_KEY], 40);
  await book.writeRuns(1, [NO_KEY], 40);
  const name = [...(await home.disk.names())].sort()[4]!;
  const content = await contentOf(home.disk, name);
  const changed = content.with(300, content[300]! ^ 4);
  const levels = async () => (await runsIn(home.database)).map(({ level }) => level);
  for (const [what, harmed] of [
    ['changed', changed],
    ['cut', content.subarray(0, 500)],
    ['empty', new Uint8Array()],
  ] as const) {
    await overwrite(home.disk, name, harmed);
    await t.rejects(book.runs.newest(NO_KEY, null, 1_000), { code: 'STATE_CORRUPT' }, what);
    t.match(await failureOf(book.runs), { code: 'STATE_CORRUPT' }, what);
    t.strictSame(
      await levels(),
      Array.from({ length: FAN_IN }, () => 1),
      'rows were merged, and files were not',
    );
    t.strictSame(await book.runs.newest(NO_KEY, null, 3), book.due(NO_KEY, null, 3), 'what is not in it is found');
  }
  await overwrite(home.disk, name, content);
  const keys = book.keys.filter((_, n) => n % 100 === 0);
  t.strictSame(await book.wrong(keys), []);
  await merged(home, book.runs);
  t.strictSame(await levels(), [2], 'as it is whole again, it merges');
  t.strictSame(await book.wrong(keys), []);
});

/** A database in memory, of which a copy can be had at any moment. */
class MemoryDatabase implements StateDatabase {
  readonly #rows: Map<string, Uint8Array>;

  constructor(rows: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#rows = new Map(rows);
  }

  copy(): MemoryDatabase {
    return new MemoryDatabase(this.#rows);
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.getSync(key));
  }

  getSync(key: string): Uint8Array | undefined {
    return this.#rows.get(key)?.slice();
  }

  getMany(keys: string[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.getSync(key)));
  }

  batch() {
    const changes = new Map<string, Uint8Array | null>();
    return {
      put: (key: string, value: Uint8Array) => changes.set(key, value.slice()),
      del: (key: string) => changes.set(key, null),
      write: async () => {
        for (const [key, value] of changes) {
          if (value === null) this.#rows.delete(key);
          else this.#rows.set(key, value);
        }
      },
      close: () => Promise.resolve(),
    };
  }

  iterator({ gte, lt }: { readonly gte: string; readonly lt: string }) {
    const rows = [...this.#rows].filter(([key]) => key >= gte && key < lt).sort(([a], [b]) => (a < b ? -1 : 1));
    return { nextv: (size: number) => Promise.resolve(rows.splice(0, size)), close: () => Promise.resolve() };
  }

  keys(range: { readonly gte: string; readonly lt: string }) {
    const { nextv, close } = this.iterator(range);
    return { nextv: async (size: number) => (await nextv(size)).map(([key]) => key), close };
  }

  async clear(): Promise<void> {
    this.#rows.clear();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface MemoryHome extends Home {
  readonly database: MemoryDatabase;
  readonly disk: MemoryDisk;
}

const memoryHome = (): MemoryHome => ({ database: new MemoryDatabase(), disk: new MemoryDisk() });

/** What a crash leaves of it. */
const left = ({ database, disk }: MemoryHome, survival: Survival): MemoryHome => ({
  database: database.copy(),
  disk: disk.afterCrash(survival),
});

t.test('a file with a flipped byte, or cut anywhere, is told, and leads nobody to a wrong place', async (t) => {
  const chance = new Chance(12, 'harm');
  const pool = Array.from({ length: 3 }, () => keyOf(chance));
  const home = memoryHome();
  const book = await Book.open(t, home);
  for (let run = 0; run < 2; run++) {
    await book.writeRuns(FAN_IN, pool, 70);
    await merged(home, book.runs);
  }
  await book.writeRuns(2, pool, 70);
  const [run] = await runsIn(home.database);
  t.ok(run?.level === 1 && run.heads.length === 3 && run.filterRows === 1);
  const name = fileOf(run!.name);
  const content = home.disk.peek(name) ?? new Uint8Array();
  const filterAt = filterSpan(run!, 0).at;
  // Of every row there are some.
  const keys = [...pool, NO_KEY, ...Array.from({ length: 80 }, () => chance.pick(book.keys))];
  /** How many look-ups were told, or that the opening was; what else is found is right. */
  const told = async (harmed: Uint8Array, memory: number | undefined, what: string): Promise<number | 'opening'> => {
    const after = left(home, KEEP_UNSYNCED);
    after.disk.write(name, harmed);
    try {
      await book.openedIn(after, memory);
    } catch (error) {
      t.match(error, { name: 'CodedError', code: 'STATE_CORRUPT' }, what);
      return 'opening';
    }
    const { runs } = await book.openedIn(after, memory);
    let count = 0;
    const wrong: unknown[] = [];
    for (const key of keys) {
      try {
        const found = await runs.newest(key, null, 1_000);
        if (JSON.stringify(found) !== JSON.stringify(book.due(key, null, 1_000))) wrong.push({ key, found });
      } catch (error) {
        if ((error as { code?: string }).code === 'STATE_CORRUPT') count += 1;
        else wrong.push(error);
      }
    }
    t.strictSame(wrong, [], what);
    return count;
  };
  t.strictSame([await told(content, undefined, 'whole'), await told(content, 0, 'whole')], [0, 0]);
  const edges = [0, rowSpan(run!, 1).at, rowSpan(run!, 2).at, filterAt, content.length].flatMap((at) =>
    [-SEAL_BYTES - 1, -SEAL_BYTES, -1, 0].map((more) => at + more),
  );
  const many = Array.from({ length: content.length / 397 }, (_, n) => 397 * n);
  for (const at of new Set([...edges, ...many])) {
    if (at < 0) continue;
    const flipped = content.map((byte, n) => (n === at ? byte ^ (1 << (at & 7)) : byte));
    if (at < content.length) {
      for (const memory of [undefined, 0]) t.equal(await told(flipped, memory, `${at}`), 'opening', `byte ${at}`);
    }
    const cut = content.subarray(0, at);
    for (const memory of [undefined, 0]) {
      t.equal(await told(cut, memory, `cut at ${at}`), at === content.length ? 0 : 'opening', `cut at ${at}`);
    }
  }
});

/** What a disk may refuse, a database as well: the first time or a later one. */
type Refused = DiskOperation['kind'] | 'open' | 'read' | 'names' | 'write';

const TO_MERGE = [...Array.from({ length: FAN_IN - 1 }, () => 1), ...Array.from({ length: FAN_IN }, () => 0)];
const FILES_TO_MERGE = Array.from({ length: FAN_IN }, () => 1);
/** What is merged has its rows or files still, until it is opened anew. */
const LEFTOVER = 'is left';

const refusals: readonly (readonly [Refused, nth: number, levels: readonly number[], typeof LEFTOVER?])[] = [
  ...(['open', 'create', 'truncate', 'append', 'sync', 'syncFolder'] as const).flatMap((kind) => [
    [kind, 1, TO_MERGE] as const,
    [kind, 2, FILES_TO_MERGE] as const,
  ]),
  ['read', 1, FILES_TO_MERGE],
  ['read', FAN_IN, FILES_TO_MERGE],
  ['names', 1, [2], LEFTOVER],
  ['remove', 1, [2], LEFTOVER],
  ['remove', FAN_IN, [2], LEFTOVER],
  ['write', 1, TO_MERGE],
  ['write', 2, FILES_TO_MERGE, LEFTOVER],
  ['write', 3, FILES_TO_MERGE],
];

/** A home that refuses one operation, once it is told to, and lets all others happen. */
function refusing(start: MemoryHome) {
  let next: { readonly kind: Refused; left: number } | null = null;
  let opened = 0;
  const isRefused = (kind: Refused) => {
    if (next?.kind !== kind) return false;
    next.left -= 1;
    if (next.left > 0) return false;
    next = null;
    return true;
  };
  const error = diskError('ENOSPC');
  const disk = start.disk.afterCrash(KEEP_UNSYNCED, ({ kind }) => (isRefused(kind) ? { error, written: 100 } : null));
  const database = start.database.copy();
  const counting: Around = async (kind, _path, work) => {
    if ((kind === 'open' || kind === 'read' || kind === 'names') && isRefused(kind)) throw error;
    const result = await work();
    if (kind === 'open' && result !== null) opened += 1;
    if (kind === 'close') opened -= 1;
    return result;
  };
  const write = (write: () => Promise<void>) => (isRefused('write') ? Promise.reject(error) : write());
  return {
    under: { database, disk },
    home: { database: writing(database, write), disk: through(disk, counting) },
    refuse: (kind: Refused, nth: number) => {
      next = { kind, left: nth };
    },
    hasRefused: () => next === null,
    /** How many files are open. */
    opened: () => opened,
  };
}

/** Enough runs of both levels that the merge of those of the first is followed by one of those of the second. */
async function dueTwice(t: Test, keys: readonly Uint8Array[]): Promise<{ readonly home: MemoryHome; book: Book }> {
  const home = memoryHome();
  const book = await Book.open(t, home);
  await writeAlmostTwoLevels(home, book, keys, 2);
  await book.writeRuns(1, keys, 2);
  await book.runs.stop();
  return { home, book };
}

t.test('a disk that refuses ends the merge, which is told; what is there is found, and merged later', async (t) => {
  const chance = new Chance(13, 'refused');
  const pool = Array.from({ length: 3 }, () => keyOf(chance));
  const { home: start, book } = await dueTwice(t, pool);
  const keys = [...pool, NO_KEY, ...Array.from({ length: 12 }, () => chance.pick(book.keys))];
  for (const [kind, nth, levels, leftover] of refusals) {
    const what = `${kind} ${nth}`;
    const { home, under, refuse, hasRefused } = refusing(start);
    const seen = await book.openedIn(home);
    const check = async (when: string) => {
      t.strictSame(await seen.wrong(keys), [], `${what}: ${when}`);
      const after = left(under, LOSE_UNSYNCED);
      const reopened = await seen.openedIn(after);
      t.strictSame(await reopened.wrong(keys), [], `${what}: ${when}, after a crash`);
      t.strictSame(await amiss(after), [], `${what}: ${when}, after a crash`);
    };
    const levelsNow = async () => (await runsIn(under.database)).map(({ level }) => level);
    refuse(kind, nth);
    t.match(await failureOf(seen.runs), { code: 'ENOSPC' }, what);
    t.ok(hasRefused());
    t.strictSame(await levelsNow(), levels, what);
    await check('refused');
    if (leftover === LEFTOVER) {
      t.not((await amiss(under)).length, 0);
      await seen.reopen();
    }
    await merged(under, seen.runs);
    t.strictSame(await levelsNow(), [2]);
    await check('merged later');
    await seen.runs.close();
  }
});

t.test('files: a name that cannot be made a file ends the merge, which is told', async (t) => {
  const home = await openHome(t);
  const book = await Book.open(t, home);
  await book.writeRuns(FAN_IN, [NO_KEY], 20);
  const before = await rowsIn(home.database);
  const folder = path.join(t.testdirName, 'places', fileOf(runName(book.range.first, book.range.last)));
  await mkdir(folder);
  t.match(await failureOf(book.runs), { code: 'EISDIR' });
  t.strictSame(await rowsIn(home.database), before);
  t.strictSame(await book.wrong(book.keys), []);
  await rmdir(folder);
  await merged(home, book.runs);
  t.strictSame(await book.wrong(book.keys), []);
});

t.test('whatever was refused or damaged, no file stays open', async (t) => {
  const { home: start, book } = await dueTwice(t, [NO_KEY]);
  for (const [kind, nth] of refusals) {
    const { home, refuse, opened } = refusing(start);
    const seen = await book.openedIn(home);
    t.equal(opened(), FAN_IN - 1);
    refuse(kind, nth);
    await failureOf(seen.runs);
    await seen.runs.close();
    t.equal(opened(), 0, `${kind} ${nth} was refused`);
  }
  const last = start.disk.list().at(-1) ?? '';
  const content = start.disk.peek(last) ?? new Uint8Array();
  for (const [what, harmed] of [
    ['cut', content.subarray(0, 9)],
    ['lost', null],
  ] as const) {
    const { home, under, opened } = refusing(start);
    if (harmed === null) await under.disk.remove(last);
    else under.disk.write(last, harmed);
    await t.rejects(book.openedIn(home), { code: 'STATE_CORRUPT' });
    t.equal(opened(), 0, `the opening found a file ${what}`);
  }
});

const survivals: readonly (readonly [string, Survival])[] = [
  ['all that was not synced is lost', LOSE_UNSYNCED],
  ['nothing is lost', KEEP_UNSYNCED],
  ['every other sector is lost', keepSectors((sector) => sector % 2 === 0)],
  ['names are kept, and content is lost', { ...LOSE_UNSYNCED, names: (pending) => pending }],
  ['half of the names are kept', { ...KEEP_UNSYNCED, names: (pending) => pending >>> 1 }],
  ['the end is lost', { ...KEEP_UNSYNCED, content: ({ written }) => written.subarray(0, -1) }],
  [
    'half of the content is lost',
    { ...KEEP_UNSYNCED, content: ({ written }) => written.subarray(0, written.length / 2) },
  ],
];

/** What a restart finds after a crash at some moment. */
interface Image {
  readonly when: string;
  readonly home: MemoryHome;
}

/** As the home, with what a crash would leave at each moment at which something changes, or at one of them only. */
function filmed(start: MemoryHome, only: number | null = null) {
  const images: Image[] = [];
  let moments = 0;
  const database = start.database.copy();
  const take = (moment: string) => {
    if (only === null || moments === only) {
      for (const [what, survival] of survivals) {
        images.push({ when: `${moment}, ${what}`, home: left({ database, disk }, survival) });
      }
    }
    moments += 1;
    return null;
  };
  const disk = start.disk.afterCrash(KEEP_UNSYNCED, ({ kind, path: name }) => take(`before ${kind} ${name}`));
  const film = async (write: () => Promise<void>) => {
    take('before a batch');
    await write();
    take('after a batch');
  };
  return { home: { database: writing(database, film), disk }, images };
}

t.test('a crash at any moment leaves what opens, finds what was written, and is merged on', async (t) => {
  const chance = new Chance(14, 'crash');
  const pool = Array.from({ length: 3 }, () => keyOf(chance));
  const { home: start, book } = await dueTwice(t, pool);
  const keys = [...pool, NO_KEY, ...Array.from({ length: 12 }, () => chance.pick(book.keys))];
  const check = async (home: Home, when: string, memory?: number) => {
    const seen = await book.openedIn(home, memory);
    t.strictSame(await seen.wrong(keys, null, [1, 1_000]), [], when);
    t.strictSame(await amiss(home), [], when);
    return seen;
  };
  const { home: running, images } = filmed(start);
  await merged(running, (await book.openedIn(running)).runs);
  t.ok(images.length > 25 * survivals.length, `${images.length} images`);
  const levels = new Set<string>();
  let twice = 0;
  for (const [n, { when, home }] of images.entries()) {
    const runs = await runsIn(home.database);
    levels.add(runs.map(({ level }) => level).join(''));
    // A run that the database names has its file, all of it, before anybody opens it.
    for (const run of runs.filter(isInFile)) {
      t.equal(home.disk.peek(fileOf(run.name))?.length, sizeOf(run), `${when}: ${run.name}`);
    }
    await check(left(home, KEEP_UNSYNCED), when, 0);
    const again = filmed(home, n % 37);
    const seen = await check(again.home, when);
    await merged(again.home, seen.runs);
    t.strictSame(await seen.wrong(keys, null, [1, 1_000]), [], `${when}, merged on`);
    // Another crash, while it was opened or merged on.
    const second = again.images[n % survivals.length];
    if (second === undefined) continue;
    twice += 1;
    await check(second.home, `${when}, then ${second.when}`);
  }
  t.strictSame([...levels].sort(), ['2', FILES_TO_MERGE.join(''), TO_MERGE.join('')].sort());
  t.ok(twice > images.length / 4, `${twice} crashed twice`);
});

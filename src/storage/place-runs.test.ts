import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Level } from 'level';
import t, { type Test } from 'tap';
import { MAX_PLACE_RUN_BYTES, type PlaceRun, placeRun } from '../codec/index-rows.ts';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, writePlace } from '../codec/places.ts';
import { decode } from '../codec/schema.ts';
import { Chance } from '../simulator/world/random.ts';
import type { Place } from '../types/index.ts';
import { PLACES_PREFIX, wholeSection } from './keys.ts';
import {
  isBefore,
  keysOfRun,
  nameIn,
  placesIn,
  rowKey,
  rowsWith,
  runKey,
  runName,
  type StoredRun,
} from './place-rows.ts';
import { PlaceRuns } from './place-runs.ts';
import type { StateDatabase } from './state-database.ts';
import { openValue } from './state-values.ts';

const FAN_IN = 16;
const ROW_RECORDS = 512;
const FIRST = 5;
const NO_KEY = Buffer.alloc(PLACE_KEY_BYTES, 0x77);

type Database = Level<string, Uint8Array>;

async function openDatabase(t: Test): Promise<Database> {
  const options = { keyEncoding: 'utf8', valueEncoding: 'view', compression: false } as const;
  const database = new Level<string, Uint8Array>(t.testdir(), options);
  await database.open();
  t.teardown(() => database.close());
  return database;
}

/** What the index of places has in the database. */
const keysIn = (database: Database) => database.keys(wholeSection(PLACES_PREFIX)).all();
const rowsIn = (database: Database) => database.iterator(wholeSection(PLACES_PREFIX)).all();

async function runsIn(database: Database): Promise<(PlaceRun & { readonly name: string })[]> {
  const rows = (await rowsIn(database)).filter(([key]) => key.endsWith('/run'));
  return rows.map(([key, value]) => ({
    ...decode(placeRun, openValue(key, value), MAX_PLACE_RUN_BYTES),
    name: nameIn(key),
  }));
}

/** Merges until there is nothing more to, and what was merged is gone. */
async function merged(database: Database, runs: PlaceRuns): Promise<void> {
  for (let failure: unknown = null; ; ) {
    runs.beginMerging((error) => {
      failure = error;
    });
    if (failure !== null) throw failure;
    const present = await runsIn(database);
    const levels = Map.groupBy(present, ({ level }) => level);
    const names = new Set(present.map(({ name }) => name));
    const isWhole = (await keysIn(database)).every((key) => names.has(nameIn(key)));
    if (isWhole && [...levels.values()].every((ofLevel) => ofLevel.length < FAN_IN)) return;
  }
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

/** The index, and what is due of it: every place that was written, by its key. */
class Book {
  readonly database: Database;
  runs: PlaceRuns;
  #next = FIRST;
  readonly #due = new Map<string, Place[]>();

  constructor(database: Database, runs: PlaceRuns) {
    this.database = database;
    this.runs = runs;
  }

  static async open(t: Test, maxFilterBytes?: number): Promise<Book> {
    const database = await openDatabase(t);
    return new Book(database, await PlaceRuns.open(database, null, maxFilterBytes));
  }

  get range(): { readonly first: number; readonly last: number } {
    return { first: FIRST, last: this.#next - 1 };
  }

  get keys(): Buffer[] {
    return [...this.#due.keys()].map((key) => Buffer.from(key, 'hex'));
  }

  async reopen(maxFilterBytes?: number): Promise<void> {
    await this.runs.stop();
    this.runs = await PlaceRuns.open(this.database, this.range, maxFilterBytes);
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
    const batch = this.database.batch();
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
    const book = await Book.open(t, maxFilterBytes);
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
      for (const { filterRows } of await runsIn(book.database)) isFiltered.add(filterRows > 0);
      await book.reopen(maxFilterBytes);
      await check(`opened after writing ${writing}`);
    }
    await merged(book.database, book.runs);
    await check('merged');
    const present = await runsIn(book.database);
    t.ok(present.some(({ level }) => level >= 2));
    t.ok(present.length < 2 * FAN_IN);
    for (const { filterRows } of present) isFiltered.add(filterRows > 0);
    const due = { 'with filters': [true], 'with memory for some filters': [false, true], 'without filters': [false] };
    t.strictSame([...isFiltered].sort(), due[what]);
    for (const memory of [0, 6_000, 1_000_000]) {
      await book.reopen(memory);
      await check(`opened with memory for ${memory} bytes of filters`);
    }
    await book.runs.stop();
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
  const book = await Book.open(t);
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
  await merged(book.database, book.runs);
  t.equal((await runsIn(book.database)).length, 1);
  await check('merged');
  await book.reopen();
  await check('opened anew');
});

t.test('what is looked up while runs are merged is right', async (t) => {
  const chance = new Chance(5, 'meanwhile');
  const pool = Array.from({ length: 5 }, () => keyOf(chance));
  const book = await Book.open(t);
  await book.writeRuns(FAN_IN, pool, 2_000);
  const keys = [...pool, NO_KEY, ...Array.from({ length: 5 }, () => chance.pick(book.keys))];
  const middle = { height: FIRST + 7, index: 3 };
  const [oldest = ''] = await keysIn(book.database);
  const asked = [book.wrong(keys), book.wrong(keys, middle)];
  book.runs.beginMerging(fail);
  book.runs.beginMerging(fail);
  let rounds = 0;
  for (; book.database.getSync(oldest) !== undefined; rounds++) {
    const some = [pool[rounds % pool.length]!, chance.pick(keys)];
    asked.push(book.wrong(some), book.wrong(some, middle));
    await turn();
  }
  asked.push(book.wrong(keys), book.wrong(keys, middle));
  t.ok(rounds > 5, `${rounds} rounds`);
  t.strictSame((await Promise.all(asked)).flat(), []);
  await merged(book.database, book.runs);
  t.equal((await runsIn(book.database)).length, 1);
});

t.test('a look-up that finds rows gone, as they were merged meanwhile, looks anew', async (t) => {
  const chance = new Chance(6, 'gone');
  const pool = Array.from({ length: 3 }, () => keyOf(chance));
  const database = await openDatabase(t);
  const wait = Promise.withResolvers<void>();
  let isSlow = false;
  let gone = 0;
  const slow = over(database, {
    get: async (key) => {
      if (isSlow) await wait.promise;
      const value = await database.get(key);
      if (value === undefined) gone += 1;
      return value;
    },
  });
  const book = new Book(database, await PlaceRuns.open(slow, null));
  await book.writeRuns(FAN_IN, pool, 20);
  isSlow = true;
  const asked = [book.wrong(pool), book.wrong(pool, { height: FIRST + 7, index: 1 })];
  isSlow = false;
  await merged(database, book.runs);
  t.equal(gone, 0);
  wait.resolve();
  t.strictSame((await Promise.all(asked)).flat(), []);
  t.ok(gone >= pool.length, 'rows were gone');
});

t.test('a missing run is told when the index is opened', async (t) => {
  const book = await Book.open(t);
  await book.writeRuns(FAN_IN + 3, [NO_KEY], 5);
  await merged(book.database, book.runs);
  await book.runs.stop();
  const { database, range } = book;
  const corrupt = { name: 'CodedError', code: 'STATE_CORRUPT' };
  const present = await rowsIn(database);
  const runRows = present.filter(([key]) => key.endsWith('/run'));
  t.equal(runRows.length, 4);
  for (const [key, value] of runRows) {
    await database.del(key);
    await t.rejects(PlaceRuns.open(database, range), corrupt, key);
    await database.put(key, value);
  }
  await t.rejects(PlaceRuns.open(database, { ...range, first: FIRST - 1 }), corrupt, 'a block before the first');
  await t.rejects(PlaceRuns.open(database, { ...range, last: range.last + 1 }), corrupt, 'a block after the last');
  await t.rejects(PlaceRuns.open(database, { first: range.last + 1, last: range.last + 1 }), corrupt, 'another block');
  t.strictSame(await rowsIn(database), present, 'nothing was removed meanwhile');
  await book.reopen();
  t.strictSame(await book.wrong(book.keys), []);
});

t.test('a merge that was stopped half way leaves nothing, and is made anew', async (t) => {
  const chance = new Chance(9, 'half');
  const pool = Array.from({ length: 4 }, () => keyOf(chance));
  const database = await openDatabase(t);
  let stopped: Promise<void> | null = null;
  let isMerging = false;
  const stopping = over(database, {
    batch: () => {
      const batch = database.batch();
      const write = async () => {
        await batch.write();
        if (isMerging) stopped ??= book.runs.stop();
      };
      return {
        put: (key, value) => batch.put(key, value),
        del: (key) => batch.del(key),
        write,
        close: () => batch.close(),
      };
    },
  });
  const book: Book = new Book(database, await PlaceRuns.open(stopping, null));
  // More rows than a merge writes at once.
  await book.writeRuns(FAN_IN, pool, 8_300);
  const before = await keysIn(database);
  const keys = [...pool, NO_KEY, ...Array.from({ length: 10 }, () => chance.pick(book.keys))];
  isMerging = true;
  book.runs.beginMerging(fail);
  while (stopped === null) await turn();
  await stopped;
  const half = await keysIn(database);
  t.strictSame(
    before.filter((key) => !half.includes(key)),
    [],
    'what was to be merged is there',
  );
  const left = half.filter((key) => !before.includes(key));
  const { first, last } = book.range;
  t.ok(left.includes(rowKey(runName(first, last), 0)), 'and a part of what it was to become');
  t.notOk(left.includes(runKey(runName(first, last))));
  t.strictSame(await book.wrong(keys), [], 'stopped');
  book.runs.beginMerging(fail);
  t.strictSame(await keysIn(database), half, 'what was stopped does not begin to merge');

  await book.reopen();
  t.strictSame(await keysIn(database), before, 'opened anew');
  t.strictSame(await book.wrong(keys), []);
  book.runs.beginMerging(fail);
  await book.reopen();
  t.strictSame(await keysIn(database), before, 'stopped as soon as it began');
  t.strictSame(await book.wrong(keys), []);

  await merged(database, book.runs);
  const [run, ...others] = await runsIn(database);
  t.match(run, { level: 1, firstHeight: FIRST, lastHeight: FIRST + FAN_IN - 1, records: FAN_IN * 8_304 });
  t.strictSame(others, []);
  t.strictSame(await book.wrong(keys), [], 'merged');
  await book.reopen();
  t.strictSame(await book.wrong(keys), [], 'merged and opened anew');
});

t.test('when it is stopped, nothing goes on in the database', async (t) => {
  const database = await openDatabase(t);
  let [begun, ended] = [0, 0];
  const counting = over(database, {
    get: async (key) => {
      begun += 1;
      const value = await database.get(key);
      ended += 1;
      return value;
    },
  });
  const book = new Book(database, await PlaceRuns.open(counting, null));
  await book.writeRuns(FAN_IN, [NO_KEY], 50);
  book.runs.beginMerging(fail);
  t.ok(begun > ended, 'it merges');
  await book.runs.stop();
  t.equal(begun, ended);
  const reads = begun;
  await turn();
  book.runs.beginMerging(fail);
  t.equal(begun, reads);
});

t.test('rows that were merged and came back are not seen, nor do they stay', async (t) => {
  const chance = new Chance(11, 'back');
  const pool = Array.from({ length: 4 }, () => keyOf(chance));
  const database = await openDatabase(t);
  const ever = new Map<string, Uint8Array>();
  const recording = over(database, {
    batch: () => {
      const batch = database.batch();
      const put = (key: string, value: Uint8Array) => {
        ever.set(key, value.slice());
        batch.put(key, value);
      };
      return { put, del: (key) => batch.del(key), write: () => batch.write(), close: () => batch.close() };
    },
  });
  const book = new Book(database, await PlaceRuns.open(recording, null));
  for (let writing = 0; writing < FAN_IN * FAN_IN + FAN_IN + 2; writing++) {
    await book.write([[chance.pick(pool), keyOf(chance)]]);
    for (const [key, value] of await rowsIn(database)) ever.set(key, value);
    await merged(database, book.runs);
  }
  const levels = (await runsIn(database)).map(({ level }) => level).sort();
  t.strictSame(levels, [0, 0, 1, 2]);
  const present = await rowsIn(database);
  const known = new Set(present.map(([key]) => key));
  const past = [...ever].filter(([key]) => !known.has(key));
  const pastRuns = past.filter(([key]) => key.endsWith('/run'));
  t.equal(pastRuns.length, FAN_IN * FAN_IN + FAN_IN + FAN_IN);
  const some = <T>(rows: readonly T[], part: number) => rows.filter(() => chance.happens(part));
  const cases: readonly (readonly [what: string, rows: typeof past])[] = [
    ['one run, without its rows', pastRuns.slice(0, 1)],
    ['another one', pastRuns.slice(9, 10)],
    ['the last that was merged', pastRuns.slice(-1)],
    ['all runs, without their rows', pastRuns],
    ['all rows, without their runs', past.filter(([key]) => !key.endsWith('/run'))],
    ['everything', past],
    ...[0.02, 0.1, 0.5, 0.9].map((part) => [`a part of ${part}`, some(past, part)] as const),
  ];
  for (const [what, rows] of cases) {
    t.ok(rows.length > 0);
    for (const [key, value] of rows) await database.put(key, value);
    await book.reopen();
    t.strictSame(await book.wrong([...pool, NO_KEY], { height: 200, index: 1 }), [], what);
    t.strictSame(await book.wrong(book.keys, null, [1_000]), [], what);
    t.strictSame(await rowsIn(database), present, what);
  }
  await book.writeRuns(FAN_IN, pool, 3);
  await merged(database, book.runs);
  t.strictSame(await book.wrong(book.keys, null, [1_000]), [], 'merged with what came after');
});

t.test('without blocks there are no places, and none stay', async (t) => {
  const book = await Book.open(t);
  await book.writeRuns(FAN_IN + 2, [NO_KEY], 10);
  await merged(book.database, book.runs);
  await book.runs.stop();
  await book.database.put('i/other', Uint8Array.of(1));
  await book.database.put('s/other', Uint8Array.of(2));
  const runs = await PlaceRuns.open(book.database, null);
  t.strictSame(await runs.last([NO_KEY]), [null]);
  t.strictSame(await runs.newest(NO_KEY, null, 9), []);
  t.strictSame(await book.database.keys().all(), ['i/other', 's/other']);
});

t.test('a database that was emptied is written anew, from any block', async (t) => {
  const book = await Book.open(t);
  await book.writeRuns(3, [NO_KEY], 10);
  await book.runs.stop();
  await book.database.clear();
  book.runs.clear();
  t.strictSame(await book.runs.last([NO_KEY]), [null]);
  const anew = new Book(book.database, book.runs);
  await anew.writeRuns(FAN_IN, [NO_KEY], 10);
  await merged(anew.database, anew.runs);
  t.equal((await runsIn(anew.database)).length, 1, 'it merges again');
  t.strictSame(await anew.wrong(anew.keys), []);
});

t.test('a run that does not follow the one before is a mistake of ours', async (t) => {
  const book = await Book.open(t);
  await book.write([[NO_KEY], [], [NO_KEY]]);
  for (const first of [FIRST, FIRST + 2, FIRST + 4]) {
    const batch = book.database.batch();
    const run = book.runs.put(batch, new Uint8Array(), first, first);
    await batch.close();
    t.throws(() => book.runs.add(run), { name: 'AssertionError' }, `block ${first}`);
  }
  await book.write([[], []]);
  await book.reopen();
  t.strictSame(await book.wrong([NO_KEY]), []);
});

t.test('a row that was lost or changed is told by the merge and by whoever looks', async (t) => {
  const book = await Book.open(t);
  const run = await book.write([[NO_KEY]]);
  await book.writeRuns(FAN_IN - 1, [NO_KEY], 5);
  const key = rowKey(run.name, 0);
  t.ok([...keysOfRun(run)].includes(key));
  const value = await book.database.get(key);
  const failure = async () => {
    const told = Promise.withResolvers<unknown>();
    book.runs.beginMerging(told.resolve);
    return await told.promise;
  };
  const before = await keysIn(book.database);
  await book.database.put(key, value!.with(3, value![3]! ^ 1));
  await t.rejects(book.runs.newest(NO_KEY, null, 99), { code: 'STATE_CORRUPT' }, 'changed');
  t.match(await failure(), { code: 'STATE_CORRUPT' });
  await book.database.del(key);
  await t.rejects(book.runs.newest(NO_KEY, null, 99), { name: 'AssertionError' }, 'lost');
  t.match(await failure(), { code: 'STATE_CORRUPT' });
  await book.database.put(key, value!);
  t.strictSame(await keysIn(book.database), before, 'nothing was merged');
  await merged(book.database, book.runs);
  t.strictSame(await book.wrong(book.keys), [], 'as it is whole again, it merges');
});

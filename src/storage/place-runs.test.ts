/** The index of places against a map of them, while it is written, looked up and merged. */
import fc from 'fast-check';
import t from 'tap';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, writePlace } from '../codec/places.ts';
import { Chance } from '../simulator/world/random.ts';
import type { Place } from '../types/index.ts';
import { PlaceFiles } from './place-files.ts';
import {
  filterKey,
  filterSpan,
  placesIn,
  RunWriter,
  rowKey,
  rowSpan,
  rowsWith,
  runName,
  type StoredRun,
} from './place-rows.ts';
import {
  all,
  amiss,
  Book,
  FAN_IN,
  FIRST,
  fail,
  keyOf,
  keysIn,
  merged,
  NO_KEY,
  openHome,
  runsIn,
  set,
  sizeOf,
  storesOf,
  turn,
  writeAlmostTwoLevels,
} from './place-runs.suite.ts';
import { PlaceRuns } from './place-runs.ts';
import { over } from './stand-ins.suite.ts';
import { chunksOf } from './state-database.ts';
import { SEAL_BYTES } from './state-values.ts';

const ROW_RECORDS = 512;

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

/** What stops, power failures and strangers leave beneath the index of places: it is made good, or told. */
import t from 'tap';
import type { Disk } from '../ports.ts';
import { Chance } from '../simulator/world/random.ts';
import { keysOfRun, rowKey, runName } from './place-rows.ts';
import {
  Book,
  FAN_IN,
  FIRST,
  fail,
  failureOf,
  fileOf,
  keyOf,
  keysIn,
  merged,
  NO_KEY,
  openHome,
  rowsIn,
  runsIn,
  set,
  sizesIn,
  storesOf,
  turn,
  writeAlmostTwoLevels,
} from './place-runs.suite.ts';
import { PlaceRuns } from './place-runs.ts';
import { over, through, writing } from './stand-ins.suite.ts';
import type { StateDatabase } from './state-database.ts';

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

/** The index of places of a state store, in its database and in files beside it. */
import { spawn } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Level } from 'level';
import t from 'tap';
import type { Disk, StateStore } from '../ports.ts';
import { setAsideStateStore } from './leveldb.ts';
import { FAN_IN } from './place-runs.suite.ts';
import { chain, heldStore, NO_INDEX, openWith, placeKey, placesOf, writesOf } from './state-store.suite.ts';
import { openStateStore } from './state-store.ts';

/** Applies blocks that each touch `every` and one that is their own, and are each written by themselves. */
async function applyPlaces(store: StateStore, from: number, to: number): Promise<void> {
  for (let height = from; height < to; height++) {
    await store.apply(height, writesOf({}), placesOf(height, ['every', `only ${height}`]), chain);
    await store.hold(() => Promise.resolve());
  }
}

/** What is found of the places of so many such blocks that is not as it is due. */
async function wrongPlaces(store: StateStore, blocks: number): Promise<unknown[]> {
  const heights = Array.from({ length: blocks }, (_, height) => height);
  const found = await Promise.all([
    store.newestPlaces({ key: placeKey('every'), before: null, limit: 1_000 }),
    store.newestPlaces({ key: placeKey('every'), before: { height: blocks >> 1, index: 0 }, limit: 3 }),
    store.lastPlaces([...heights.map((height) => placeKey(`only ${height}`)), placeKey('none')]),
  ]);
  const descending = heights.toReversed().map((height) => ({ height, index: 0 }));
  const due = [
    descending,
    descending.filter(({ height }) => height < blocks >> 1).slice(0, 3),
    [...heights.map((height) => ({ height, index: 1 })), null],
  ];
  return due.filter((places, at) => JSON.stringify(places) !== JSON.stringify(found[at]));
}

const filesOfPlaces = async (folder: string) => (await readdir(path.join(folder, 'places'))).sort();

/** Waits until a merge has begun the last of these files. Closing ends it: it is too short to be cut. */
async function untilBegun(folder: string, areThere: (files: readonly string[]) => boolean): Promise<void> {
  while (!areThere(await filesOfPlaces(folder))) await new Promise((resolve) => setImmediate(resolve));
}

/** Makes a store of so many such blocks, fewer than it takes to merge files. @returns the names of its files. */
async function placed(folder: string, blocks: number): Promise<string[]> {
  const store = await openStateStore(folder, { writeAfterMs: 0 });
  for (let next = 0; next < blocks; next += FAN_IN) {
    await applyPlaces(store, next, Math.min(blocks, next + FAN_IN));
    const merged = Math.floor(Math.min(blocks, next + FAN_IN) / FAN_IN);
    await untilBegun(folder, ({ length }) => length === merged);
  }
  await store.close();
  return await filesOfPlaces(folder);
}

t.test('LevelDB: places that were merged are in files beside the database, and found across openings', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  t.equal((await placed(folder, FAN_IN - 1)).length, 0);
  const blocks = FAN_IN * FAN_IN + FAN_IN + 3;
  let store = await openStateStore(folder, { writeAfterMs: 0 });
  for (let next = FAN_IN - 1; next < blocks; ) {
    const to = Math.min(blocks, next + 37);
    await applyPlaces(store, next, to);
    t.strictSame(await wrongPlaces(store, to), [], `after ${to} blocks`);
    await store.close();
    store = await openStateStore(folder, { writeAfterMs: 0 });
    t.strictSame(await wrongPlaces(store, to), [], `after ${to} blocks, opened anew`);
    next = to;
  }
  const name = (first: number, last: number) => [first, last].map((n) => String(n).padStart(16, '0')).join('-');
  const last = FAN_IN * FAN_IN - 1;
  const due = [`${name(0, last)}.places`, `${name(last + 1, last + FAN_IN)}.places`];
  // The openings cut merges short, which are begun anew with the next block.
  await applyPlaces(store, blocks, blocks + 1);
  await untilBegun(folder, (files) => files.join() === due.join());
  t.strictSame(await wrongPlaces(store, blocks + 1), []);
  await store.close();
  t.strictSame(await filesOfPlaces(folder), due, 'and no others are left');
  const database = new Level<string, Uint8Array>(folder, { valueEncoding: 'view' });
  const ofFiles = await database.keys({ gte: 'p/', lt: `p/${name(last + FAN_IN + 1, 0)}` }).all();
  await database.close();
  t.strictSame(
    ofFiles,
    [`p/${name(0, last)}/run`, `p/${name(last + 1, last + FAN_IN)}/run`],
    'which has no rows of them',
  );
});

t.test('LevelDB: a file of places that is lost or damaged is told, and set aside with the state', async (t) => {
  const parent = t.testdir();
  const folder = path.join(parent, 'state');
  const blocks = 2 * FAN_IN + 1;
  for (const [n, harm] of [
    (file: string) => rm(file),
    (file: string) => writeFile(file, ''),
    // Its last bytes are of its filter, which is read by the opening.
    async (file: string) => writeFile(file, (await readFile(file)).subarray(0, -1)),
    async (file: string) => {
      const content = await readFile(file);
      content[content.length - 7]! ^= 1;
      await writeFile(file, content);
    },
  ].entries()) {
    const files = await placed(folder, blocks);
    t.equal(files.length, 2);
    await harm(path.join(folder, 'places', files[n % 2]!));
    await t.rejects(openStateStore(folder), { code: 'STATE_CORRUPT' });
    t.equal(await setAsideStateStore(folder), `${folder}.damaged-${n + 1}`, 'nobody has it open');
    t.ok((await filesOfPlaces(`${folder}.damaged-${n + 1}`)).length > 0);
    const store = await openStateStore(folder);
    t.same([store.height(), await filesOfPlaces(folder)], [null, []]);
    await store.close();
  }
});

t.test('LevelDB: a changed place in a file is told to whoever asks for it, and the others are found', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  const [first = ''] = await placed(folder, 2 * FAN_IN + 1);
  const file = path.join(folder, 'places', first);
  const content = await readFile(file);
  // As it was when it was opened, so that it is the reading that finds it.
  const store = await openStateStore(folder);
  content[40]! ^= 1;
  await writeFile(file, content);
  const asked = (name: string, limit: number) => store.newestPlaces({ key: placeKey(name), before: null, limit });
  await t.rejects(asked('every', 1_000), { code: 'STATE_CORRUPT' });
  await t.rejects(store.lastPlaces([placeKey('only 3')]), { code: 'STATE_CORRUPT' });
  t.strictSame(await asked('every', 1), [{ height: 2 * FAN_IN, index: 0 }]);
  t.strictSame(await store.lastPlaces([placeKey(`only ${FAN_IN}`)]), [{ height: FAN_IN, index: 1 }]);
  await store.close();
  await t.rejects(openStateStore(folder), { code: 'STATE_CORRUPT' }, 'and the next opening finds it at once');
});

t.test('LevelDB: cleared or given up, no file of places is left, and the same ones are made anew', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  const blocks = FAN_IN + 2;
  const names = await placed(folder, blocks);
  t.equal(names.length, 1);
  const files = () => filesOfPlaces(folder);
  let store = await openStateStore(folder, { writeAfterMs: 0 });
  await store.clear();
  t.strictSame(await files(), []);
  t.strictSame(await wrongPlaces(store, 0), []);
  await applyPlaces(store, 0, blocks);
  t.strictSame(await wrongPlaces(store, blocks), []);
  await store.close();
  t.strictSame(await files(), names);
  store = await openStateStore(folder, { writeAfterMs: 0 });
  await store.giveUp();
  t.strictSame(await wrongPlaces(store, blocks), [], 'given up, it is still read');
  await store.close();
  store = await openStateStore(folder, { writeAfterMs: 0 });
  t.same([store.height(), await files()], [null, []]);
  t.strictSame(await wrongPlaces(store, 0), []);
  await store.close();
});

t.test('LevelDB: a merge that the disk refuses is told, and nothing that was applied is lost', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  const blocks = FAN_IN + 1;
  const failure = Promise.withResolvers<Error>();
  const refused = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
  const options = { onFailure: failure.resolve };
  const store = await openWith(
    folder,
    () => ({}),
    options,
    () => ({ syncFolder: refused }),
  );
  await applyPlaces(store, 0, FAN_IN);
  t.match(await failure.promise, { code: 'STATE_FAILED', message: /no space left/ });
  await t.rejects(store.apply(FAN_IN, writesOf({}), NO_INDEX, chain), { code: 'STATE_FAILED' });
  await t.rejects(store.lastPlaces([placeKey('every')]), { code: 'STATE_FAILED' });
  await store.close();
  const again = await openStateStore(folder, { writeAfterMs: 0 });
  t.equal(again.height(), FAN_IN - 1);
  t.strictSame(await wrongPlaces(again, FAN_IN), []);
  await applyPlaces(again, FAN_IN, blocks);
  t.strictSame(await wrongPlaces(again, blocks), []);
  await again.close();
  t.equal((await filesOfPlaces(folder)).length, 1);
});

t.test('LevelDB: closed while places are looked up, they are found, or it is told that it is closed', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  const blocks = 3 * FAN_IN + 2;
  await placed(folder, blocks);
  const store = await openStateStore(folder);
  const query = { key: placeKey('every'), before: null, limit: 1_000 };
  const due = await store.newestPlaces(query);
  const asked = Array.from({ length: 20 }, () => store.newestPlaces(query));
  // What is not in the database is looked for in files alone.
  asked.push(store.newestPlaces({ ...query, before: { height: 2 * FAN_IN, index: 0 } }));
  const closed = store.close();
  const outcomes = new Set(
    (await Promise.allSettled(asked)).map((outcome, n) => {
      if (outcome.status === 'rejected') return outcome.reason.code ?? String(outcome.reason);
      return JSON.stringify(outcome.value) === JSON.stringify(n < 20 ? due : due.slice(-2 * FAN_IN))
        ? 'found'
        : 'wrong';
    }),
  );
  t.strictSame(
    [...outcomes].filter((what) => what !== 'found' && what !== 'STORAGE_CLOSED'),
    [],
  );
  await closed;
});

t.test('LevelDB: no file of places stays open, whether the last blocks could be written or not', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  await placed(folder, 2 * FAN_IN + 1);
  for (const end of ['write', 'fail'] as const) {
    let opened = 0;
    const counting = (disk: Disk): Partial<Disk> => ({
      open: async (name, create) => {
        const file = await disk.open(name, create);
        if (file === null) return null;
        opened += 1;
        const close = file.close.bind(file);
        file.close = async () => {
          await close();
          opened -= 1;
        };
        return file;
      },
    });
    const { store, begun, let: allow } = await heldStore(folder, {}, counting);
    t.equal(opened, 2);
    await store.apply((store.height() ?? 0) + 1, writesOf({ a: '0' }), NO_INDEX, chain);
    await begun();
    const closed = store.close();
    allow(end);
    if (end === 'fail') await t.rejects(closed, { code: 'STATE_FAILED' });
    else await closed;
    t.equal(opened, 0, end);
  }
});

t.test('LevelDB: killed while places are merged, a process leaves all of them', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  const [store, places] = ['./state-store.ts', '../codec/places.ts'].map((name) =>
    JSON.stringify(new URL(name, import.meta.url)),
  );
  // The first record of each block has the same key, and the others are in the way.
  const script = `
    import { createHash } from 'node:crypto';
    import { openStateStore } from ${store};
    import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, writePlace } from ${places};
    const every = Buffer.from(${JSON.stringify(Buffer.from(placeKey('every')).toString('hex'))}, 'hex');
    const store = await openStateStore(${JSON.stringify(folder)}, { writeAfterMs: 0 });
    for (let height = (store.height() ?? -1) + 1; ; height++) {
      const places = createHash('shake256', { outputLength: 300 * PLACE_RECORD_BYTES }).update(String(height)).digest();
      places.set(every, 0);
      for (let index = 0; index < 300; index++) writePlace(places, index * PLACE_RECORD_BYTES, { height, index });
      await store.apply(height, { entries: [], forget: null }, { rows: [], places }, ${JSON.stringify(chain)});
      await store.hold(() => Promise.resolve());
      console.log(height);
    }`;
  let next = 0;
  // With the last of them, runs of the second level are merged.
  for (const blocks of [17, 40, 200, 30]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = -1;
    for await (const line of createInterface(child.stdout)) {
      told = Number(line);
      if (told === next + blocks) child.kill('SIGKILL');
    }
    t.ok(told >= next + blocks, 'it was killed, and ended for no other reason');
    const store = await openStateStore(folder, { writeAfterMs: 0 });
    const height = store.height() ?? -1;
    t.ok(height >= told, 'what was written before is there');
    const found = await store.newestPlaces({ key: placeKey('every'), before: null, limit: 1_000 });
    const due = Array.from({ length: height + 1 }, (_, n) => ({ height: height - n, index: 0 }));
    t.strictSame(found, due, `${height + 1} blocks`);
    await store.close();
    next = height + 1;
  }
});

/** What only a state store on LevelDB can suffer: its folder, its files, what is damaged in them, and processes that are killed. */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Level } from 'level';
import t from 'tap';
import { CodedError } from '../errors.ts';
import type { StateKey } from '../types/index.ts';
import { openFileDisk } from './file-disk.ts';
import { appliedKey, STATE_PREFIX, STORAGE_KEYS, TIP_KEY } from './keys.ts';
import { setAsideStateStore } from './leveldb.ts';
import {
  bytes,
  chain,
  contentOf,
  filled,
  indexOf,
  keys,
  NO_INDEX,
  placesOf,
  range,
  rows,
  text,
  writesOf,
} from './state-store.suite.ts';
import { openStateStore, stateStoreOver } from './state-store.ts';
import { sealValue } from './state-values.ts';

t.test(
  'LevelDB: a packed section is what it would be without, whatever is written, forgotten, held and reopened',
  async (t) => {
    const folder = path.join(t.testdir(), 'state');
    const open = () => openStateStore(folder, { growing: 'seen/', writeAfterMs: 0 });
    let chance = 11;
    const below = (n: number) => {
      chance = (Math.imul(chance, 1_103_515_245) + 12_345) >>> 0;
      return (chance >>> 8) % n;
    };
    const group = (second: number) => `seen/${String(second).padStart(4, '0')}`;
    const idOf = (n: number) => Math.imul(n, 2_654_435_761).toString(16).replace('-', 'f').padStart(64, '0');
    const known = new Map<string, string>();
    let store = await open();
    let next = 0;
    let id = 0;
    let first = 0;
    const apply = async () => {
      const entries: Record<string, string | null> = { 'a/1': String(next), z: next % 3 === 0 ? null : String(next) };
      for (let n = below(40); n > 0; n--) entries[`${group(first + 1 + below(6))}/${idOf(id++)}`] = String(next);
      const before = first;
      if (below(4) === 0) first += 1 + below(2);
      for (const key of known.keys()) if (key >= group(before) && key < group(first)) known.delete(key);
      const forget = first === before ? null : range(group(before), group(first));
      // Nothing of a group that is forgotten now is written any more.
      const kept = Object.entries(entries).filter(([key]) => !key.startsWith('seen/') || key >= group(first));
      for (const [key, value] of kept) {
        if (value === null) known.delete(key);
        else known.set(key, value);
      }
      await store.apply(next, writesOf(Object.fromEntries(kept), forget), NO_INDEX, chain);
      next += 1;
    };
    const due = () => Object.fromEntries([...known].sort(([a], [b]) => (a < b ? -1 : 1)));
    for (let round = 0; round < 60; round++) {
      for (let blocks = below(4); blocks >= 0; blocks--) await apply();
      const whole = due();
      const held = await store.hold(async ({ pages }) => {
        const found: [string, string | null][] = [];
        for await (const page of pages) {
          for (const { key, value } of page) found.push([key, text(value)]);
          await apply();
        }
        return found;
      });
      t.strictSame(held, Object.entries(whole), 'in order, and of one moment');
      if (round % 5 === 0) {
        await store.close();
        store = await open();
      }
      const asked = keys(...known.keys(), `${group(first)}/${idOf(id)}`, `${group(first + 9)}/${idOf(1)}`, 'a/2');
      const found = await store.get(asked);
      t.strictSame(
        found.map(text),
        asked.map((key) => known.get(key) ?? null),
      );
    }
    t.ok(first > 20, 'groups were forgotten');
    // As after a snapshot that came from elsewhere, in parts that share a group.
    const entries = Object.entries(due()).map(([key, value]) => ({ key: key as StateKey, value: bytes(value) }));
    await store.clear();
    for (let at = 0; at < entries.length; at += 7) await store.fill(entries.slice(at, at + 7));
    await store.seal(next - 1, chain);
    await apply();
    t.strictSame(await contentOf(store), due());
    await store.close();
    store = await open();
    t.strictSame(await contentOf(store), due());
    await store.close();
  },
);

t.test('LevelDB: every key it writes is in the table', async (t) => {
  const folder = t.testdir();
  const store = await openStateStore(folder, { growing: 'seen/' });
  await store.apply(
    0,
    writesOf({ a: '1', 'seen/5/b': '1', 'seen/5/a': '1' }),
    { ...rows({ x: 'y' }), places: placesOf(0, ['a']).places },
    chain,
  );
  await store.close();
  const database = new Level(folder);
  const found = await database.keys().all();
  await database.close();
  const documented = STORAGE_KEYS.map(({ key }) => key.replace(/<.*/, ''));
  const run = `p/${'0'.repeat(16)}-${'0'.repeat(16)}`;
  const due = [
    'i/x',
    appliedKey(0),
    'm/tip',
    `${run}/filter/${'0'.repeat(16)}`,
    `${run}/row/${'0'.repeat(16)}`,
    `${run}/run`,
  ];
  t.same(found, [...due, 's/a', 's/seen/5/0000000000000000.0']);
  t.ok(found.every((key) => documented.some((prefix) => key.startsWith(prefix))));
  t.ok(documented.every((prefix) => prefix === 'm/base' || found.some((key) => key.startsWith(prefix))));
});

t.test('LevelDB: a second opening is refused, in this process and from another', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  const store = await openStateStore(folder);
  await t.rejects(openStateStore(folder), { code: 'FOLDER_IN_USE', message: /open in this process/ });
  await symlink(folder, `${folder}-link`);
  await t.rejects(openStateStore(`${folder}-link`), { code: 'FOLDER_IN_USE' });
  const child = holding(folder, (error) => `process.exit(${error}.code === 'FOLDER_IN_USE' ? 42 : 1)`);
  t.same(await once(child, 'exit'), [42, null], 'the refusals here have not ended the lock');
  await store.close();
  await (await openStateStore(folder)).close();
});

t.test('LevelDB: what another process has open is neither opened nor moved', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  await filled(folder, 3);
  const child = holding(folder, () => 'process.exit(1)');
  await once(child.stdout, 'data');
  await t.rejects(openStateStore(folder), { code: 'FOLDER_IN_USE', message: /another process/ });
  await t.rejects(setAsideStateStore(folder), { code: 'FOLDER_IN_USE' });
  const exit = once(child, 'exit');
  child.stdin.end();
  t.same(await exit, [0, null]);
  const store = await openStateStore(folder);
  t.equal(store.height(), 2);
  await store.close();
});

/** A process that opens the store, says so, and closes it when its input ends. */
function holding(folder: string, onError: (error: string) => string): ChildProcessByStdio<Writable, Readable, null> {
  const script = `
    import { openStateStore } from ${JSON.stringify(new URL('./state-store.ts', import.meta.url))};
    const store = await openStateStore(${JSON.stringify(folder)}).catch((error) => ${onError('error')});
    console.log('open');
    process.stdin.on('end', () => store.close()).resume();`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
}

t.test('LevelDB: a folder that cannot be one', async (t) => {
  const folder = t.testdir({ file: 'x' });
  await t.rejects(openStateStore(path.join(folder, 'file')), { code: 'FOLDER_UNUSABLE' });
});

/** Opens the raw database, changes it, and closes it. */
async function meddle(folder: string, change: (database: Level<string, Uint8Array>) => Promise<void>): Promise<void> {
  const database = new Level<string, Uint8Array>(folder, { valueEncoding: 'view', compression: false });
  await change(database);
  await database.close();
}

t.test('LevelDB: a changed value, a lost block and a spoilt tip are found', async (t) => {
  const key = `${STATE_PREFIX}a`;
  const flip = (value: Uint8Array) => value.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
  const cases: readonly (readonly [string, (database: Level<string, Uint8Array>) => Promise<void>])[] = [
    ['changed value', async (db) => db.put(key, flip((await db.get(key))!))],
    ['value of another key', async (db) => db.put(key, (await db.get(`${STATE_PREFIX}k/1`))!)],
    ['short value', (db) => db.put(key, new Uint8Array([1]))],
    ['lost block', (db) => db.del(appliedKey(5))],
    ['lost first block', (db) => db.del(appliedKey(0))],
    ['lost last block', (db) => db.del(appliedKey(9))],
    ['block too many', (db) => db.put(appliedKey(10), sealValue(appliedKey(10), new Uint8Array()))],
    ['spoilt tip', async (db) => db.put(TIP_KEY, flip((await db.get(TIP_KEY))!))],
    ['tip of another version', (db) => db.put(TIP_KEY, sealValue(TIP_KEY, bytes('another version')))],
  ];
  for (const [at, [what, change]] of cases.entries()) {
    const folder = path.join(t.testdir(), String(at));
    await filled(folder, 10);
    await meddle(folder, change);
    const verdict = await openStateStore(folder).then(
      async (store) => {
        await t.rejects(store.get(keys('a')), { code: 'STATE_CORRUPT' }, what);
        await t.rejects(contentOf(store), { code: 'STATE_CORRUPT' }, what);
        const chunks = store.hold(async (state) => {
          for await (const _ of state.chunks);
        });
        await t.rejects(chunks, { code: 'STATE_CORRUPT' }, what);
        await store.close();
        return 'opened';
      },
      (error: { code: string }) => error.code,
    );
    t.equal(verdict, at < 3 ? 'opened' : 'STATE_CORRUPT', what);
  }
});

t.test('LevelDB: a damaged table is refused before anything reads it', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  await filled(folder, 200);
  await (await openStateStore(folder)).close();
  const table = path.join(folder, (await readdir(folder)).find((name) => name.endsWith('.ldb'))!);
  const content = await readFile(table);
  for (let at = 0; at < content.length - 48; at += 797) {
    const spoilt = Buffer.from(content);
    spoilt[at]! ^= 1 << (at & 7);
    await writeFile(table, spoilt);
    await t.rejects(openStateStore(folder), { code: 'STATE_CORRUPT', message: /\.ldb: / }, `byte ${at}`);
  }
  await writeFile(table, content);
  const store = await openStateStore(folder);
  t.equal(store.height(), 199);
  await store.close();
});

t.test('LevelDB: a file of its own that is gone is damage', async (t) => {
  for (const pattern of [/^CURRENT$/, /^MANIFEST/, /\.ldb$/]) {
    const folder = path.join(t.testdir(), 'state');
    for (let height = 0; height < 3; height++) {
      const store = await openStateStore(folder);
      await store.apply(height, writesOf({ a: String(height) }), NO_INDEX, chain);
      await store.close();
    }
    const files = (await readdir(folder)).filter((file) => pattern.test(file));
    t.ok(files.length > 0, String(pattern));
    for (const file of files) await rm(path.join(folder, file));
    await t.rejects(openStateStore(folder), { code: 'STATE_CORRUPT' }, String(pattern));
  }
});

t.test('LevelDB: set aside, the folder is free for a new one and the old one kept', async (t) => {
  const parent = t.testdir();
  const folder = path.join(parent, 'state');
  for (const n of [1, 2]) {
    await filled(folder, 2);
    t.equal(await setAsideStateStore(folder), `${folder}.damaged-${n}`);
  }
  const store = await openStateStore(folder);
  t.equal(store.height(), null);
  await store.close();
  t.same((await readdir(parent)).sort(), ['state', 'state.damaged-1', 'state.damaged-2']);
  await t.rejects(setAsideStateStore(path.join(parent, 'none')), { code: 'STATE_FAILED' });
});

t.test('LevelDB: what a clearing left that was cut short is not taken for state', async (t) => {
  const folder = t.testdir();
  await filled(folder, 3);
  await meddle(folder, (database) => database.del(TIP_KEY));
  const store = await openStateStore(folder);
  t.same([store.height(), await contentOf(store), await indexOf(store)], [null, {}, []]);
  await store.apply(0, writesOf({ a: '1' }), NO_INDEX, chain);
  await store.close();
  const again = await openStateStore(folder);
  t.same(await contentOf(again), { a: '1' });
  await again.close();
});

t.test('LevelDB: only so many notes of applied blocks are kept', async (t) => {
  const folder = t.testdir();
  const open = async () => {
    const database = new Level<string, Uint8Array>(folder, { keyEncoding: 'utf8', valueEncoding: 'view' });
    await database.open();
    const disk = await openFileDisk(path.join(folder, 'places'));
    return { database, store: await stateStoreOver({ database, disk }, { notedBlocks: 4 }) };
  };
  for (const [from, to] of [
    [0, 3],
    [3, 4],
    [4, 5],
    [5, 11],
  ] as const) {
    const { database, store } = await open();
    t.equal(store.height(), from === 0 ? null : from - 1);
    for (let height = from; height < to; height++) await store.apply(height, writesOf({}), NO_INDEX, chain);
    await contentOf(store);
    const notes = await database.keys({ gte: 'm/applied/', lt: 'm/applied0' }).all();
    t.equal(notes.length, Math.min(4, to));
    await store.close();
  }
});

t.test('LevelDB: killed while it writes, a process leaves whole blocks, and lacks the newest at most', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  const module = JSON.stringify(new URL('./state-store.ts', import.meta.url));
  // Enough a block that tables are written and merged all the time.
  const script = `
    import { openStateStore } from ${module};
    const store = await openStateStore(${JSON.stringify(folder)});
    for (let height = (store.height() ?? -1) + 1; ; height++) {
      const entries = Array.from({ length: 2000 }, (_, n) =>
        ({ key: 'k/' + String(n * 7919 % 50021 + height).padStart(6, '0'), value: new Uint8Array(200).fill(height) }));
      const places = new Uint8Array(32 * 3000).map((_, at) => (at * 7919) >> 3);
      await store.apply(height, { entries, forget: null }, { rows: [], places }, ${JSON.stringify(chain)});
      console.log(height);
    }`;
  for (const blocks of [20, 25]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = -1;
    let seen = 0;
    for await (const line of createInterface(child.stdout)) {
      told = Number(line);
      seen += 1;
      if (seen === blocks) child.kill('SIGKILL');
    }
    t.ok(seen >= blocks, 'it was killed, and ended for no other reason');
    const store = await openStateStore(folder);
    const height = store.height() ?? -1;
    // What it was told of last may have waited to be written still; the block log has it.
    t.ok(height <= told + 1 && height >= told - 65, `told ${told}, found ${height}`);
    let ofTheLast = 0;
    await store.hold(async ({ pages }) => {
      for await (const page of pages) ofTheLast += page.filter(({ value }) => value[0] === height % 256).length;
    });
    t.equal(ofTheLast, height < 0 ? 0 : 2000);
    await store.close();
  }
});

t.test('LevelDB: one flipped bit in any of its files: a height as it was, or STATE_CORRUPT', async (t) => {
  const parent = t.testdir();
  const folder = path.join(parent, 'state');
  let store = await openStateStore(folder);
  const states: string[] = [];
  for (let height = 0; height < 60; height++) {
    // Opened again, it has a table besides its log.
    if (height === 20) {
      await store.close();
      store = await openStateStore(folder);
    }
    const third = Array.from({ length: 14 }, (_, n) => [`a/${10 + 3 * n + (height % 3)}`, `${height}`.repeat(30)]);
    await store.apply(height, writesOf(Object.fromEntries(third)), rows({ [`x/${height}`]: 'y' }), chain);
    states.push(JSON.stringify(await contentOf(store)));
  }
  await store.close();
  const counts = { same: 0, earlier: 0, found: 0 };
  let seed = 7;
  for (let n = 0; n < 40; n++) {
    const image = path.join(parent, `image-${n}`);
    await cp(folder, image, { recursive: true });
    const logs = (await readdir(image)).filter((name) => /\.(log|ldb)$|^MANIFEST|^CURRENT$/.test(name));
    const file = path.join(
      image,
      logs[n % 2 === 0 ? (n / 2) % logs.length : logs.findIndex((name) => name.endsWith('.log'))]!,
    );
    const content = await readFile(file);
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    if (content.length === 0) continue;
    content[seed % content.length]! ^= 1 << (n & 7);
    await writeFile(file, content);
    const { code, height, content: state } = await readWhole(image);
    if (code !== null) {
      t.equal(code, 'STATE_CORRUPT');
      counts.found += 1;
    } else {
      t.equal(state, height === null ? '{}' : states[height], `image ${n}: the state of height ${height}`);
      if (height === 59) counts.same += 1;
      else counts.earlier += 1;
    }
  }
  t.comment(JSON.stringify(counts));
  t.ok(counts.found > 0, 'some of them lose blocks in the middle');
});

/** What a process finds that opens the store and reads all of it. */
async function readWhole(folder: string): Promise<{ code: string | null; height: number | null; content: string }> {
  try {
    const store = await openStateStore(folder);
    try {
      return { code: null, height: store.height(), content: JSON.stringify(await contentOf(store)) };
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof CodedError) return { code: error.code, height: null, content: '' };
    throw error;
  }
}

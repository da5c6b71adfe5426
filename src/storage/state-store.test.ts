/** The `StateStore` port over every implementation, then what only LevelDB can suffer. */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { Level } from 'level';
import t from 'tap';
import { toHex } from '../codec/hex.ts';
import { MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES } from '../codec/limits.ts';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, writePlace } from '../codec/places.ts';
import { decode } from '../codec/schema.ts';
import { stateChunk } from '../codec/state.ts';
import { CodedError } from '../errors.ts';
import type { Disk, HeldState, IndexWrites, StateStore } from '../ports.ts';
import type { BlockWrites, Hash, Place, StateKey } from '../types/index.ts';
import { openFileDisk } from './file-disk.ts';
import { appliedKey, STATE_PREFIX, STORAGE_KEYS, TIP_KEY } from './keys.ts';
import { setAsideStateStore } from './leveldb.ts';
import { MemoryState, openMemoryStateStore } from './memory.ts';
import type { StateDatabase } from './state-database.ts';
import type { StateStoreOptions } from './state-store.ts';
import { openStateStore, stateStoreOver } from './state-store.ts';
import { sealValue } from './state-values.ts';

const chain = 'c1'.repeat(32) as Hash;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | null) => (value === null ? null : new TextDecoder().decode(value));
const keys = (...names: string[]) => names as StateKey[];

/** `{ a: '1', b: null }` as the writes of a block. */
function writesOf(entries: Readonly<Record<string, string | null>>, forget: BlockWrites['forget'] = null): BlockWrites {
  return {
    entries: Object.entries(entries).map(([key, value]) => ({
      key: key as StateKey,
      value: value === null ? null : bytes(value),
    })),
    forget,
  };
}

const range = (from: string, to: string) => ({ from: from as StateKey, to: to as StateKey });
const rows = (entries: Readonly<Record<string, string>>): IndexWrites => {
  return { ...NO_INDEX, rows: Object.entries(entries).map(([key, value]) => ({ key, value: bytes(value) })) };
};
const NO_INDEX: IndexWrites = { rows: [], places: new Uint8Array() };

const placeKey = (name: string) => createHash('sha256').update(name).digest().subarray(0, PLACE_KEY_BYTES);

/** A record for each of the names, at the places of a block in their order. */
function placesOf(height: number, names: readonly string[]): IndexWrites {
  const places = Buffer.alloc(names.length * PLACE_RECORD_BYTES);
  for (const [index, name] of names.entries()) {
    places.set(placeKey(name), index * PLACE_RECORD_BYTES);
    writePlace(places, index * PLACE_RECORD_BYTES, { height, index });
  }
  return { rows: [], places };
}

async function contentOf(store: StateStore): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {};
  await store.hold(async ({ pages }) => {
    for await (const page of pages) for (const { key, value } of page) found[key] = text(value);
  });
  return found;
}

async function firstPage(pages: HeldState['pages']) {
  for await (const page of pages) return page;
  return null;
}

/** Of the rows that these tests write, those that are there. */
async function indexOf(store: StateStore): Promise<string[]> {
  const found: string[] = [];
  for (const key of ['a', 'b', 'c/1', 'c/2', 'c/3', 'd', 'r/2', 'x', 'y']) {
    const value = await store.indexGet(key);
    if (value !== null) found.push(`${key}=${text(value)}`);
  }
  return found;
}

/** Opens the same store again and again, as restarts of a process do. */
type Opener = () => Promise<StateStore>;

const implementations: readonly (readonly [string, (folder: string) => Opener])[] = [
  ['LevelDB', (folder) => () => openStateStore(path.join(folder, 'state'))],
  [
    'LevelDB that writes late, and a cache of a few values',
    (folder) => () =>
      openWith(path.join(folder, 'state'), (database) => ({ batch: () => lateBatch(database) }), { cacheBytes: 1500 }),
  ],
  [
    'memory',
    () => {
      const state = new MemoryState();
      return () => Promise.resolve(openMemoryStateStore(state));
    },
  ],
];

/** What it writes is there some turns later. */
function lateBatch(database: Level<string, Uint8Array>) {
  const batch = database.batch();
  return {
    put: (key: string, value: Uint8Array) => batch.put(key, value),
    del: (key: string) => batch.del(key),
    close: () => batch.close(),
    write: async () => {
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
      await batch.write();
    },
  };
}

for (const [name, prepare] of implementations) {
  t.test(`${name}: filled with a whole state, it counts once it is sealed, and goes on from there`, async (t) => {
    const open = prepare(t.testdir());
    const entries = (...names: string[]) => names.map((key) => ({ key: key as StateKey, value: bytes(key) }));
    const store = await open();
    await store.fill(entries('a', 'b'));
    t.same([store.height(), store.chain()], [null, null]);
    await store.close();
    const empty = await open();
    t.same(await contentOf(empty), {}, 'what was not sealed is gone');
    await empty.fill(entries('b', 'c'));
    await empty.fill(entries('a'));
    await empty.seal(70, chain);
    t.same([empty.height(), empty.chain()], [70, chain]);
    await t.rejects(empty.fill(entries('z')), { name: 'AssertionError' });
    await t.rejects(empty.seal(71, chain), { name: 'AssertionError' });
    await t.rejects(empty.apply(1, writesOf({}), NO_INDEX, chain), { name: 'AssertionError' });
    await empty.apply(71, writesOf({ a: null, d: '4' }), rows({ x: 'y' }), chain);
    await empty.close();
    const again = await open();
    t.same([again.height(), again.chain()], [71, chain]);
    t.same(await contentOf(again), { b: 'b', c: 'c', d: '4' });
    await again.clear();
    await again.apply(0, writesOf({ a: '1' }), NO_INDEX, chain);
    await again.apply(1, writesOf({}), NO_INDEX, chain);
    await again.close();
    const last = await open();
    t.equal(last.height(), 1, 'nothing is left of where it began');
    await last.close();
  });

  t.test(`${name}: empty, then the genesis, then blocks, also after reopening`, async (t) => {
    const open = prepare(t.testdir());
    const store = await open();
    t.same([store.height(), store.chain(), await contentOf(store)], [null, null, {}]);
    await store.apply(0, writesOf({ a: '1', b: '2' }), NO_INDEX, chain);
    t.same([store.height(), store.chain()], [0, chain]);
    await store.apply(1, writesOf({ a: null, b: '3', c: '4' }), rows({ x: 'y' }), chain);
    await store.close();
    const again = await open();
    t.same([again.height(), again.chain()], [1, chain]);
    t.same(await contentOf(again), { b: '3', c: '4' });
    t.same((await again.get(keys('a', 'b', 'nothing', 'c', 'b'))).map(text), [null, '3', null, '4', '3']);
    t.same(await again.get([]), []);
    t.equal(text(await again.indexGet('x')), 'y');
    t.equal(await again.indexGet('b'), null, 'the index is apart from the state');
    await again.apply(2, writesOf({}), NO_INDEX, chain);
    t.equal(again.height(), 2);
    await again.close();
  });

  t.test(`${name}: values are any bytes, keys any of the ledger's`, async (t) => {
    const store = await prepare(t.testdir())();
    const values = [new Uint8Array(), new Uint8Array([0]), new Uint8Array(512).fill(255)];
    const names = keys('balance/dara@aclb/KHR', `alias/${'0'.repeat(64)}`, 'seen/0000000000000001/ff');
    const entries = names.map((key, at) => ({ key, value: values[at]! })).sort((a, b) => (a.key < b.key ? -1 : 1));
    await store.apply(0, { entries, forget: null }, NO_INDEX, chain);
    const found = await store.get(names);
    t.same(
      found.map((value) => toHex(value!)),
      values.map(toHex),
    );
    t.ok(found.every((value) => value?.constructor === Uint8Array));
    await store.close();
  });

  t.test(`${name}: heights out of order and another chain are our mistakes, and change nothing`, async (t) => {
    const store = await prepare(t.testdir())();
    const wrong = (height: number, other = chain) =>
      t.rejects(store.apply(height, writesOf({ a: 'wrong' }), NO_INDEX, other), { name: 'AssertionError' });
    await wrong(1);
    await wrong(-1);
    await store.apply(0, writesOf({ a: '1' }), NO_INDEX, chain);
    await wrong(0);
    await wrong(2);
    await wrong(1, 'c2'.repeat(32) as Hash);
    t.same(await contentOf(store), { a: '1' });
    t.equal(store.height(), 0);
    await store.apply(1, writesOf({}), NO_INDEX, chain);
    await store.close();
  });

  t.test(`${name}: applications that overlap run in their order`, async (t) => {
    const store = await prepare(t.testdir())();
    await Promise.all(
      [0, 1, 2, 3].map((height) => store.apply(height, writesOf({ a: String(height) }), NO_INDEX, chain)),
    );
    t.same([store.height(), await contentOf(store)], [3, { a: '3' }]);
    await store.close();
  });

  t.test(`${name}: forgets a range, its start included, its end not, before it writes`, async (t) => {
    const store = await prepare(t.testdir())();
    await store.apply(
      0,
      writesOf({ 'r/1': 'x', 'r/2': 'x', 'r/3': 'x', 'r/4': 'x', s: 'x' }),
      rows({ 'r/2': 'i' }),
      chain,
    );
    await store.apply(1, writesOf({ 'r/3': 'new', 'r/35': 'new' }, range('r/2', 'r/4')), NO_INDEX, chain);
    t.same(await contentOf(store), { 'r/1': 'x', 'r/3': 'new', 'r/35': 'new', 'r/4': 'x', s: 'x' });
    t.equal(text(await store.indexGet('r/2')), 'i', 'the index is no part of it');
    await store.apply(2, writesOf({}, range('zzz', 'a')), NO_INDEX, chain);
    await store.apply(3, writesOf({}, range('', '~')), NO_INDEX, chain);
    t.same(await contentOf(store), {});
    t.same([store.height(), store.chain()], [3, chain]);
    await store.close();
  });

  t.test(`${name}: forgets more than it fetches at a time`, async (t) => {
    const store = await prepare(t.testdir())();
    const many = Object.fromEntries(Array.from({ length: 2500 }, (_, n) => [`r/${10_000 + n}`, 'x']));
    await store.apply(0, writesOf({ a: '1', ...many, z: '2' }), NO_INDEX, chain);
    t.equal(Object.keys(await contentOf(store)).length, 2502);
    await store.apply(1, writesOf({}, range('r/', 'r0')), NO_INDEX, chain);
    t.same(await contentOf(store), { a: '1', z: '2' });
    await store.close();
  });

  t.test(`${name}: what is held is the state of its height in key order, while blocks are applied`, async (t) => {
    const store = await prepare(t.testdir())();
    const many = Array.from({ length: 2500 }, (_, n) => `r/${10_000 + n}`);
    const blockOf = (height: number) =>
      writesOf(Object.fromEntries(['z', ...many, 'a', `b${height}`].map((key) => [key, String(height)])));
    await store.apply(0, blockOf(0), NO_INDEX, chain);
    let next = 1;
    const apply = async () => {
      const height = next;
      next += 1;
      await store.apply(height, blockOf(height), NO_INDEX, chain);
    };
    const whole = () =>
      store.hold(async ({ height, pages }) => {
        await apply();
        const found: string[] = [];
        for await (const page of pages) {
          found.push(...page.map(({ key, value }) => `${key}=${text(value)}`));
          await apply();
        }
        return { height, found };
      });
    const due = (height: number) => {
      const own = Array.from({ length: height + 1 }, (_, at) => `b${at}=${at}`);
      return { height, found: [`a=${height}`, ...own, ...[...many, 'z'].map((key) => `${key}=${height}`)] };
    };
    // Asked for first, and answered while the next block is applied: asking alone holds the state still.
    const first = whole();
    const meanwhile = apply();
    t.same(await first, due(0));
    await meanwhile;
    const height = next - 1;
    const both = [whole(), whole()];
    t.same(await Promise.all(both), [due(height), due(height)]);
    t.equal(store.height(), next - 1);
    t.ok(next > 9, 'blocks came between the pages');
    await store.close();
  });

  t.test(
    `${name}: what is warmed is what is there, whatever is written meanwhile, and closing does not mind`,
    async (t) => {
      const store = await prepare(t.testdir())();
      const many = Array.from({ length: 20 }, (_, n) => `r/${n}`);
      await store.apply(0, writesOf(Object.fromEntries(many.map((key) => [key, '0']))), NO_INDEX, chain);
      for (let height = 1; height < 10; height++) {
        store.warm(() => keys(...many, 'absent'));
        await store.apply(
          height,
          writesOf({ 'r/1': String(height), 'r/2': height % 2 === 0 ? null : 'odd' }),
          NO_INDEX,
          chain,
        );
        const found = await store.get(keys('absent', 'r/0', 'r/1', 'r/2', 'r/19'));
        t.strictSame(found.map(text), [null, '0', String(height), height % 2 === 0 ? null : 'odd', '0']);
      }
      store.warm(() => keys('other', ...many));
      await store.close();
      store.warm(() => keys('later', ...many));
      await t.rejects(store.get(keys('later')), { code: 'STORAGE_CLOSED' });
    },
  );

  t.test(`${name}: as chunks it is the same state, all of them full but the last`, async (t) => {
    const store = await prepare(t.testdir())();
    const many = Array.from({ length: 2 * MAX_CHUNK_ENTRIES + 7 }, (_, n) => `r/${10_000 + n}`);
    await store.apply(0, writesOf(Object.fromEntries(many.map((key) => [key, key.slice(-3)]))), NO_INDEX, chain);
    const entries = await contentOf(store);
    const sizes: number[] = [];
    const found: Record<string, string | null> = {};
    await store.hold(async ({ chunks }) => {
      await store.apply(1, writesOf({ a: 'new' }), NO_INDEX, chain);
      for await (const chunk of chunks) {
        sizes.push(chunk.entries);
        const page = decode(stateChunk, chunk.bytes, MAX_CHUNK_BYTES);
        t.equal(page.length, chunk.entries);
        for (const { key, value } of page) found[key] = text(value);
      }
    });
    t.strictSame(sizes, [MAX_CHUNK_ENTRIES, MAX_CHUNK_ENTRIES, 7]);
    t.strictSame(found, entries);
    const kept = await store.hold(({ chunks }) => Promise.resolve(chunks[Symbol.asyncIterator]()));
    await t.rejects(kept.next(), { code: 'STORAGE_CLOSED' });
    await store.close();
  });

  t.test(`${name}: the state is let go when its reader ends, early, with an error or without a page`, async (t) => {
    const store = await prepare(t.testdir())();
    await store.apply(0, writesOf({ a: '1' }), NO_INDEX, chain);
    const early = await store.hold(async ({ pages }) => {
      for await (const [entry] of pages) if (entry?.key === 'a') return pages;
      return null;
    });
    t.same(await firstPage(early!), null, 'a reader that stopped has no more');
    await t.rejects(
      store.hold(() => Promise.reject(new Error('enough'))),
      { message: 'enough' },
    );
    const kept = await store.hold(({ pages }) => Promise.resolve(pages));
    await t.rejects(firstPage(kept), { code: 'STORAGE_CLOSED' });
    t.same(await contentOf(store), { a: '1' });
    await store.close();
  });

  t.test(`${name}: closed while it is read, it is an error for the reader, and closes`, async (t) => {
    const store = await prepare(t.testdir())();
    const many = Object.fromEntries(Array.from({ length: 2500 }, (_, n) => [`r/${10_000 + n}`, '1']));
    await store.apply(0, writesOf(many), NO_INDEX, chain);
    let closed: Promise<void> | null = null;
    const reading = store.hold(async ({ pages }) => {
      for await (const _ of pages) closed ??= store.close();
    });
    await t.rejects(reading, { code: 'STORAGE_CLOSED' });
    await closed;
  });

  t.test(`${name}: emptied and filled with another state meanwhile, what is held stays what it was`, async (t) => {
    const store = await prepare(t.testdir())();
    const many = Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`r/${10_000 + n}`, '1']));
    await store.apply(0, writesOf(many), NO_INDEX, chain);
    const found = await store.hold(async ({ height, pages }) => {
      let entries = 0;
      for await (const page of pages) {
        if (entries === 0) {
          await store.clear();
          t.equal(await store.hold((empty) => Promise.resolve(empty.height)), null);
          await store.fill([{ key: 'a' as StateKey, value: bytes('1') }]);
          await store.seal(70, chain);
        }
        entries += page.length;
      }
      return { height, entries };
    });
    t.same(found, { height: 0, entries: 1500 });
    t.same(await store.hold(async ({ height }) => ({ height, content: await contentOf(store) })), {
      height: 70,
      content: { a: '1' },
    });
    await store.close();
  });

  t.test(`${name}: property: places are found by their keys, the newest first, in any part of the index`, async (t) => {
    const open = prepare(t.testdir());
    let store = await open();
    const names = ['ab', 'abb', 'b', 'c', 'd'];
    const block = fc.record({ touched: fc.array(fc.constantFrom(...names), { maxLength: 9 }), reopen: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 40 }), async (blocks) => {
        await store.clear();
        const model = new Map<string, Place[]>();
        for (const [height, { touched, reopen }] of blocks.entries()) {
          for (const [index, each] of touched.entries()) {
            model.set(each, [{ height, index }, ...(model.get(each) ?? [])]);
          }
          await store.apply(height, writesOf({}), placesOf(height, touched), chain);
          if (height % 7 === 3) await contentOf(store);
          if (!reopen) continue;
          await store.close();
          store = await open();
        }
        const due = [...names, 'none'].map((each) => model.get(each) ?? []);
        const asked = [...names, 'none'].map(placeKey);
        t.strictSame(
          await store.lastPlaces(asked),
          due.map(([last = null]) => last),
        );
        for (const [at, key] of asked.entries()) {
          const all = due[at] ?? [];
          const middle = all[all.length >> 1] ?? null;
          t.strictSame(await store.newestPlaces({ key, before: null, limit: 1_000 }), all);
          t.strictSame(
            await store.newestPlaces({ key, before: middle, limit: 2 }),
            middle === null ? [] : all.slice((all.length >> 1) + 1).slice(0, 2),
          );
          t.strictSame(await store.newestPlaces({ key, before: null, limit: 0 }), []);
        }
      }),
      { numRuns: 15 },
    );
    await store.close();
  });

  t.test(`${name}: cleared, it is empty and starts again, on another chain if need be`, async (t) => {
    const open = prepare(t.testdir());
    const store = await open();
    await store.apply(0, writesOf({ a: '1' }), rows({ x: 'y' }), chain);
    await store.apply(1, writesOf({ b: '1' }), NO_INDEX, chain);
    await store.clear();
    t.same([store.height(), store.chain(), await contentOf(store), await indexOf(store)], [null, null, {}, []]);
    await store.apply(0, writesOf({ c: '1' }), NO_INDEX, 'c2'.repeat(32) as Hash);
    await store.close();
    const again = await open();
    t.same([again.height(), again.chain(), await contentOf(again)], [0, 'c2'.repeat(32), { c: '1' }]);
    await again.close();
  });

  t.test(`${name}: given up, it is still read, and empty when it is opened next`, async (t) => {
    const open = prepare(t.testdir());
    const store = await open();
    await store.apply(0, writesOf({ a: '1' }), rows({ x: '1' }), chain);
    await store.apply(1, writesOf({ a: '2' }), rows({ y: '2' }), chain);
    await store.giveUp();
    t.equal(store.height(), null);
    t.same((await store.get(['a' as StateKey])).map(text), ['2']);
    await store.close();
    const again = await open();
    t.equal(again.height(), null);
    t.same(await contentOf(again), {});
    t.same(await indexOf(again), []);
    await again.apply(0, writesOf({ b: '1' }), NO_INDEX, 'c2'.repeat(32) as Hash);
    t.same(await contentOf(again), { b: '1' });
    await again.giveUp();
    await again.clear();
    await again.apply(0, writesOf({ c: '1' }), NO_INDEX, chain);
    t.same(await contentOf(again), { c: '1' });
    await again.close();
  });

  t.test(`${name}: each block is seen by whoever reads after it, and the whole of it`, async (t) => {
    const store = await prepare(t.testdir())();
    await store.apply(0, writesOf({ a: '0', 'r/1': '0', 'r/2': '0' }), rows({ x: '0' }), chain);
    const names = keys('a', 'b', 'r/1', 'r/2', 'none');
    t.same((await store.get(names)).map(text), ['0', null, '0', '0', null]);
    await store.apply(1, writesOf({ a: null, b: '1', 'r/2': '1' }, range('r/', 'r0')), rows({ y: '1' }), chain);
    t.same((await store.get(names)).map(text), [null, '1', null, '1', null]);
    await store.apply(2, writesOf({ a: '2' }, range('r/', 'r0')), rows({ x: '2' }), chain);
    t.same((await store.get(names)).map(text), ['2', '1', null, null, null]);
    t.same(await indexOf(store), ['x=2', 'y=1']);
    t.same(await contentOf(store), { a: '2', b: '1' });
    t.same((await store.get(names)).map(text), ['2', '1', null, null, null]);
    await store.apply(3, writesOf({ 'r/1': '3' }), NO_INDEX, chain);
    t.same((await store.get(names)).map(text), ['2', '1', '3', null, null]);
    t.same(await contentOf(store), { a: '2', b: '1', 'r/1': '3' });
    t.same((await store.get(names)).map(text), ['2', '1', '3', null, null]);
    await store.clear();
    t.same((await store.get(names)).map(text), [null, null, null, null, null]);
    await store.fill([{ key: 'a' as StateKey, value: bytes('f') }]);
    await store.seal(9, chain);
    t.same((await store.get(names)).map(text), ['f', null, null, null, null]);
    await store.close();
  });

  t.test(`${name}: closed is closed`, async (t) => {
    const store = await prepare(t.testdir())();
    await store.apply(0, writesOf({ a: '1' }), NO_INDEX, chain);
    const last = store.apply(1, writesOf({ a: '2' }), NO_INDEX, chain);
    await store.close();
    await last;
    await store.close();
    const closed = { code: 'STORAGE_CLOSED' };
    await t.rejects(store.apply(2, writesOf({}), NO_INDEX, chain), closed);
    await t.rejects(store.get(keys('a')), closed);
    await t.rejects(store.indexGet('a'), closed);
    await t.rejects(store.lastPlaces([placeKey('a')]), closed);
    await t.rejects(store.newestPlaces({ key: placeKey('a'), before: null, limit: 1 }), closed);
    await t.rejects(contentOf(store), closed);
    await t.rejects(store.giveUp(), closed);
    await t.rejects(store.clear(), closed);
  });

  t.test(`${name}: property: it agrees with a map, block by block`, async (t) => {
    const open = prepare(t.testdir());
    let store = await open();
    const key = fc.constantFrom('a', 'b', 'c/1', 'c/2', 'c/3', 'd');
    const value = fc.option(fc.string({ maxLength: 3 }));
    const block = fc.record({
      entries: fc.dictionary(key, value, { noNullPrototype: true }),
      index: fc.dictionary(key, fc.string({ maxLength: 3 }), { noNullPrototype: true }),
      forget: fc.option(fc.tuple(key, key)),
      reopen: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 6 }), async (blocks) => {
        await store.clear();
        const model = new Map<string, string>();
        const index = new Map<string, string>();
        for (const [height, { entries, index: indexed, forget, reopen }] of blocks.entries()) {
          for (const each of [...model.keys()]) if (forget && each >= forget[0] && each < forget[1]) model.delete(each);
          for (const [each, to] of Object.entries(entries)) {
            if (to === null) model.delete(each);
            else model.set(each, to);
          }
          for (const [each, to] of Object.entries(indexed)) index.set(each, to);
          await store.apply(height, writesOf(entries, forget && range(...forget)), rows(indexed), chain);
          const names = ['a', 'b', 'c/1', 'c/2', 'c/3', 'd'];
          const values = (await store.get(keys(...names))).map(text);
          t.same(
            values,
            names.map((each) => model.get(each) ?? null),
          );
          for (const each of names) t.equal(text(await store.indexGet(each)), index.get(each) ?? null);
          if (reopen) {
            await store.close();
            store = await open();
          }
          t.same(Object.entries(await contentOf(store)), sorted(model));
          t.same(
            await indexOf(store),
            sorted(index).map(([each, to]) => `${each}=${to}`),
          );
        }
      }),
      { numRuns: 25 },
    );
    await store.close();
  });
}

const sorted = (model: ReadonlyMap<string, string>) => [...model].sort(([a], [b]) => (a < b ? -1 : 1));

t.test('memory: a crash can lose the newest blocks', async (t) => {
  const state = new MemoryState();
  const store = openMemoryStateStore(state);
  await store.apply(0, writesOf({ a: '0', b: '0', c: '0' }), rows({ x: '0' }), chain);
  await store.apply(1, writesOf({ a: '1', b: null, d: '1' }, range('c', 'd')), rows({ x: '1', y: '1' }), chain);
  await store.apply(2, writesOf({ a: '2' }), NO_INDEX, chain);
  state.loseNewest(2);
  const after = openMemoryStateStore(state);
  t.same([after.height(), await contentOf(after), await indexOf(after)], [0, { a: '0', b: '0', c: '0' }, ['x=0']]);
  t.throws(() => state.loseNewest(2), { name: 'AssertionError' });
  state.loseNewest(1);
  t.same([after.height(), await contentOf(after)], [null, {}]);
});

t.test('memory: what a lost block wrote twice, or forgot and wrote anew, is as it was before', async (t) => {
  const state = new MemoryState();
  const store = openMemoryStateStore(state);
  await store.apply(0, writesOf({ a: '0', c: '0' }), rows({ x: '0' }), chain);
  const twice = {
    ...NO_INDEX,
    rows: [rows({ x: '1', y: '1' }), rows({ x: '2', y: '2' })].flatMap((each) => each.rows),
  };
  await store.apply(1, writesOf({ c: '1' }, range('a', 'd')), twice, chain);
  t.same([await contentOf(store), await indexOf(store)], [{ c: '1' }, ['x=2', 'y=2']]);
  state.loseNewest(1);
  const after = openMemoryStateStore(state);
  t.same([await contentOf(after), await indexOf(after)], [{ a: '0', c: '0' }, ['x=0']]);
});

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

async function filled(folder: string, blocks: number): Promise<void> {
  const store = await openStateStore(folder);
  for (let height = 0; height < blocks; height++) {
    await store.apply(height, writesOf({ a: String(height), [`k/${height}`]: 'x' }), rows({ x: 'y' }), chain);
  }
  await store.close();
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

/** The database and the disk of its places, but for what the test replaces. */
async function openWith(
  folder: string,
  replaced: (database: Level<string, Uint8Array>) => Partial<StateDatabase>,
  options: StateStoreOptions = {},
  replacedDisk: (disk: Disk) => Partial<Disk> = () => ({}),
) {
  const database = new Level<string, Uint8Array>(folder, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    compression: false,
  });
  await database.open();
  const all: StateDatabase = {
    get: (key) => database.get(key),
    getSync: (key) => database.getSync(key),
    getMany: (many) => database.getMany(many),
    iterator: (query) => database.iterator(query),
    keys: (query) => database.keys(query),
    batch: () => database.batch(),
    clear: () => database.clear(),
    close: () => database.close(),
  };
  const disk = await openFileDisk(path.join(folder, 'places'));
  const allOfDisk: Disk = {
    open: (name, create) => disk.open(name, create),
    rename: (from, to) => disk.rename(from, to),
    remove: (name) => disk.remove(name),
    names: () => disk.names(),
    syncFolder: () => disk.syncFolder(),
  };
  const parts = { database: { ...all, ...replaced(database) }, disk: { ...allOfDisk, ...replacedDisk(disk) } };
  return await stateStoreOver(parts, { writeAfterMs: 0, ...options });
}

/** As many blocks as may wait to be written. */
const MOST_PENDING = 256;

/** A store whose writes wait until they are let go, each of them, or fail from then on. */
async function heldStore(
  folder: string,
  options: StateStoreOptions = {},
  replacedDisk?: (disk: Disk) => Partial<Disk>,
) {
  const held: PromiseWithResolvers<void>[] = [];
  let mode: 'hold' | 'write' | 'fail' = 'hold';
  let begun = Promise.withResolvers<void>();
  let writes = 0;
  const failed = () => Promise.reject(new Error('IO error: No space left on device'));
  const store = await openWith(
    folder,
    (database) => ({
      batch: () => {
        const batch = database.batch();
        return {
          put: (key, value) => batch.put(key, value),
          del: (key) => batch.del(key),
          close: () => batch.close(),
          write: async () => {
            writes += 1;
            begun.resolve();
            const go = Promise.withResolvers<void>();
            held.push(go);
            if (mode === 'hold') await go.promise;
            await (mode === 'fail' ? failed() : batch.write());
          },
        };
      },
    }),
    options,
    replacedDisk,
  );
  return {
    store,
    writes: () => writes,
    /** Resolves when a write has begun since it was asked last. */
    begun: async () => {
      await begun.promise;
      begun = Promise.withResolvers<void>();
    },
    let: (next: 'write' | 'fail') => {
      mode = next;
      for (const go of held.splice(0)) go.resolve();
    },
  };
}

/** Whether a promise has settled once everything ran that was ready to. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  promise.then(done, done);
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

t.test('a block is applied before it is written; who needs the database waits', async (t) => {
  const folder = t.testdir();
  const { store, begun, let: allow, writes } = await heldStore(folder);
  await store.apply(0, writesOf({ a: '0', b: '0' }), rows({ x: '0' }), chain);
  await begun();
  await store.apply(1, writesOf({ a: '1' }, range('b', 'c')), rows({ y: '1' }), chain);
  await store.apply(2, writesOf({ c: '2' }), NO_INDEX, chain);
  t.same([store.height(), writes()], [2, 1]);
  t.same((await store.get(keys('a', 'b', 'c', 'd'))).map(text), ['1', null, '2', null]);
  t.same(await indexOf(store), ['x=0', 'y=1']);
  const read = contentOf(store);
  t.notOk(await hasSettled(read));
  allow('write');
  t.same([await indexOf(store), await read], [['x=0', 'y=1'], { a: '1', c: '2' }]);
  t.equal(writes(), 2, 'one batch of what came during the first');
  await store.close();
  const again = await openStateStore(folder);
  t.same([again.height(), await contentOf(again)], [2, { a: '1', c: '2' }]);
  await again.close();
});

t.test('what was applied is the state that is read, though another block comes meanwhile', async (t) => {
  const { store, begun, let: allow } = await heldStore(t.testdir());
  await store.apply(0, writesOf({ a: '0' }), NO_INDEX, chain);
  await begun();
  const read = contentOf(store);
  const next = store.apply(1, writesOf({ a: '1' }), NO_INDEX, chain);
  t.notOk(await hasSettled(next), 'it waits, so that the reader cannot miss its moment');
  allow('write');
  await next;
  t.same([await read, await contentOf(store)], [{ a: '0' }, { a: '1' }]);
  await store.close();
});

t.test('who waits for the database waits for no pause, also where blocks came during a write', async (t) => {
  const { store, begun, let: allow } = await heldStore(t.testdir(), { writeAfterMs: 3_600_000 });
  await store.apply(0, writesOf({ a: '0' }), NO_INDEX, chain);
  const first = contentOf(store);
  await begun();
  const block = store.apply(1, writesOf({ a: '1' }), NO_INDEX, chain);
  const second = contentOf(store);
  allow('write');
  await block;
  t.same([await first, await second], [{ a: '0' }, { a: '1' }]);
  await store.apply(2, writesOf({ a: '2' }), NO_INDEX, chain);
  t.same(await contentOf(store), { a: '2' });
  await store.close();
});

t.test('only so many blocks wait to be written; closing writes them all', async (t) => {
  const folder = t.testdir();
  const { store, begun, let: allow } = await heldStore(folder);
  for (let height = 0; height < MOST_PENDING; height++) {
    await store.apply(height, writesOf({ a: String(height) }), NO_INDEX, chain);
    if (height === 0) await begun();
  }
  const tooMany = store.apply(MOST_PENDING, writesOf({ a: 'more' }), NO_INDEX, chain);
  t.notOk(await hasSettled(tooMany));
  t.equal(store.height(), MOST_PENDING - 1);
  allow('write');
  await tooMany;
  await store.apply(MOST_PENDING + 1, writesOf({ a: 'last' }), NO_INDEX, chain);
  await store.close();
  const again = await openStateStore(folder);
  t.same([again.height(), await contentOf(again)], [MOST_PENDING + 1, { a: 'last' }]);
  await again.close();
});

t.test('only so many bytes wait to be written', async (t) => {
  const { store, begun, let: allow } = await heldStore(t.testdir());
  const large = { key: 'x', value: new Uint8Array(33 * 1024 * 1024) };
  await store.apply(0, writesOf({}), { ...NO_INDEX, rows: [large] }, chain);
  await begun();
  const next = store.apply(1, writesOf({}), NO_INDEX, chain);
  t.notOk(await hasSettled(next));
  allow('write');
  await next;
  await store.close();
});

t.test('a write that fails behind is told, though nobody calls any more, and it is the last', async (t) => {
  const folder = t.testdir();
  const failure = Promise.withResolvers<Error>();
  let told = 0;
  const onFailure = (error: Error) => {
    told += 1;
    failure.resolve(error);
  };
  const { store, begun, let: allow, writes } = await heldStore(folder, { onFailure });
  for (let height = 0; height < MOST_PENDING; height++) {
    await store.apply(height, writesOf({ a: String(height) }), NO_INDEX, chain);
    if (height === 0) await begun();
  }
  const waiting: Promise<unknown>[] = [store.apply(MOST_PENDING, writesOf({}), NO_INDEX, chain), contentOf(store)];
  const rejected = Promise.all(waiting.map((each) => t.rejects(() => each, { code: 'STATE_FAILED' })));
  t.notOk(await hasSettled(Promise.race(waiting)));
  allow('fail');
  t.match(await failure.promise, { code: 'STATE_FAILED', message: /No space left/ });
  await rejected;
  allow('write');
  const calls: Promise<unknown>[] = [
    store.apply(MOST_PENDING, writesOf({}), NO_INDEX, chain),
    store.get(keys('a')),
    store.clear(),
  ];
  for (const call of calls) {
    await t.rejects(() => call, { code: 'STATE_FAILED' });
  }
  t.same([told, writes()], [1, 1]);
  await store.close();
  const again = await openStateStore(folder);
  t.same([again.height(), await contentOf(again)], [null, {}]);
  await again.close();
});

t.test('a write that fails behind ends the readings that are under way, and their iterators', async (t) => {
  const failure = Promise.withResolvers<Error>();
  const { store, begun, let: allow } = await heldStore(t.testdir(), { onFailure: failure.resolve });
  const many = Object.fromEntries(Array.from({ length: 2500 }, (_, n) => [`r/${10_000 + n}`, '1']));
  await store.apply(0, writesOf(many), NO_INDEX, chain);
  await begun();
  allow('write');
  const reading = store.hold(async ({ pages }) => {
    for await (const _ of pages) {
      if (store.height() === 1) continue;
      allow('fail');
      await store.apply(1, writesOf({}), NO_INDEX, chain);
      await failure.promise;
    }
  });
  await t.rejects(reading, { code: 'STATE_FAILED', message: /No space left/ });
  await store.close();
});

t.test('LevelDB: whatever a reader does, no iterator stays open', async (t) => {
  let open = 0;
  const store = await openWith(t.testdir(), (database) => ({
    iterator: (query) => {
      const iterator = database.iterator(query);
      open += 1;
      const close = iterator.close.bind(iterator);
      let isOpen = true;
      iterator.close = async () => {
        if (isOpen) open -= 1;
        isOpen = false;
        await close();
      };
      return iterator;
    },
  }));
  await store.apply(0, writesOf({ a: '1', b: '2' }), NO_INDEX, chain);
  const readers: ((state: HeldState) => Promise<unknown>)[] = [
    () => Promise.resolve(),
    () => Promise.reject(new Error('enough')),
    ({ pages }) => firstPage(pages),
    ({ pages }) => pages[Symbol.asyncIterator]().next(),
    async ({ pages }) => {
      for await (const _ of pages) throw new Error('enough');
    },
    ({ chunks }) => chunks[Symbol.asyncIterator]().next(),
  ];
  await Promise.allSettled(
    readers.map((read) =>
      store.hold(async (state) => {
        t.ok(open > 0);
        await read(state);
      }),
    ),
  );
  t.equal(open, 0);
  await store.close();
});

t.test('closing says when what was left could not be written', async (t) => {
  const folder = t.testdir();
  let told = 0;
  const { store, begun, let: allow } = await heldStore(folder, { onFailure: () => (told += 1) });
  await store.apply(0, writesOf({ a: '0' }), NO_INDEX, chain);
  await begun();
  const closed = store.close();
  allow('fail');
  await t.rejects(closed, { code: 'STATE_FAILED' });
  t.equal(told, 1);
  await (await openStateStore(folder)).close();
});

t.test('a clearing that stops half way leaves an empty store, not half a state', async (t) => {
  const folder = path.join(t.testdir(), 'state');
  await filled(folder, 5);
  const store = await openWith(folder, (database) => ({
    clear: async () => {
      await database.del(`${STATE_PREFIX}k/1`);
      throw new Error('IO error: stopped');
    },
  }));
  t.equal(store.height(), 4);
  await t.rejects(store.clear(), { code: 'STATE_FAILED' });
  await store.close();
  const again = await openStateStore(folder);
  t.same([again.height(), await contentOf(again)], [null, {}]);
  await again.close();
});

/** Runs that are merged into a file. */
const FAN_IN = 16;

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

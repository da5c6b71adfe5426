/** The `StateStore` port over every implementation. */
import path from 'node:path';
import fc from 'fast-check';
import type { Level } from 'level';
import t from 'tap';
import { toHex } from '../codec/hex.ts';
import { MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES } from '../codec/limits.ts';
import { decode } from '../codec/schema.ts';
import { stateChunk } from '../codec/state.ts';
import type { StateStore } from '../ports.ts';
import type { Hash, Place, StateKey } from '../types/index.ts';
import { MemoryState, openMemoryStateStore } from './memory.ts';
import {
  bytes,
  chain,
  contentOf,
  firstPage,
  indexOf,
  keys,
  NO_INDEX,
  openWith,
  placeKey,
  placesOf,
  range,
  rows,
  text,
  writesOf,
} from './state-store.suite.ts';
import { openStateStore } from './state-store.ts';

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

/** A state store writes behind its blocks: what waits meanwhile, and what becomes of a write that fails. */
import path from 'node:path';
import t from 'tap';
import type { HeldState } from '../ports.ts';
import { STATE_PREFIX } from './keys.ts';
import {
  chain,
  contentOf,
  filled,
  firstPage,
  heldStore,
  indexOf,
  keys,
  NO_INDEX,
  openWith,
  range,
  rows,
  text,
  writesOf,
} from './state-store.suite.ts';
import { openStateStore } from './state-store.ts';

/** As many blocks as may wait to be written. */
const MOST_PENDING = 256;

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

import t from 'tap';
import type { BlockWrites, StateKey } from '../types/index.ts';
import { PackedKeys } from './packed-keys.ts';
import { StateReader } from './state-reader.ts';

type Values = readonly (Uint8Array | null)[];
const keys = (...names: string[]) => names as StateKey[];
const value = (byte: number) => Uint8Array.of(byte);
const writing = (name: string, to: Uint8Array | null): BlockWrites => ({
  entries: [{ key: name as StateKey, value: to }],
  forget: null,
});

t.test(
  'keys of the packed section push nothing else out: those that may be there are read when they are asked for',
  async (t) => {
    const asked: (readonly StateKey[])[] = [];
    const there = `seen/1/${'a'.repeat(64)}`;
    const packed = new PackedKeys('seen/');
    packed.add(there);
    const reader = new StateReader({
      read: (some) => {
        asked.push(some);
        return Promise.resolve(some.map(() => null));
      },
      pending: () => undefined,
      packed,
      cacheBytes: 100_000,
    });
    for (let i = 0; i < 2; i++) await reader.get(keys(there, `seen/3/${'a'.repeat(64)}`, 'balance/a'));
    t.strictSame(asked, [keys(there, 'balance/a'), keys(there)]);
  },
);

/** A reader over a database whose readings each end when the test says so. */
class Rig {
  readonly asked: (readonly StateKey[])[] = [];
  readonly #ends: PromiseWithResolvers<Values>[] = [];
  readonly reader = new StateReader({
    read: (asked) => {
      this.asked.push(asked);
      const end = Promise.withResolvers<Values>();
      this.#ends.push(end);
      return end.promise;
    },
    pending: () => undefined,
    packed: null,
    cacheBytes: 100_000,
  });

  /** The oldest reading finds these. */
  find(...values: Values): void {
    this.#ends.shift()?.resolve(values);
  }

  fail(error: Error): void {
    this.#ends.shift()?.reject(error);
  }
}

t.test('what was warmed is there without a reading, also where it is absent', async (t) => {
  const rig = new Rig();
  rig.reader.warm(() => keys('a', 'b'));
  const early = rig.reader.get(keys('b', 'a'));
  rig.find(value(1), null);
  t.strictSame(await early, [null, value(1)], 'whoever asks meanwhile waits for it');
  t.strictSame(await rig.reader.get(keys('a', 'b', 'a')), [value(1), null, value(1)]);
  rig.reader.warm(() => keys('b', 'a'));
  t.strictSame(rig.asked, [keys('a', 'b')], 'one reading in all');
});

t.test(
  'what is being read already is not read twice, and who asks for something else does not wait for it',
  async (t) => {
    const rig = new Rig();
    rig.reader.warm(() => keys('a', 'b'));
    rig.reader.warm(() => keys('b', 'c'));
    const other = rig.reader.get(keys('d'));
    t.strictSame(rig.asked, [keys('a', 'b'), keys('c')]);
    const both = rig.reader.get(keys('a', 'c'));
    rig.find(value(1), value(2));
    rig.find(value(3));
    t.strictSame(await both, [value(1), value(3)]);
    t.strictSame(rig.asked.at(-1), keys('d'));
    rig.find(value(4));
    t.strictSame(await other, [value(4)]);
  },
);

t.test('what a block writes while it is read is not taken from before the block', async (t) => {
  const rig = new Rig();
  rig.reader.warm(() => keys('a', 'b'));
  rig.reader.wrote(writing('a', value(9)));
  rig.find(value(1), value(2));
  const found = rig.reader.get(keys('a', 'b'));
  // One wait for what was warmed, then the look-up.
  await new Promise(setImmediate);
  t.strictSame(rig.asked.at(-1), keys('a'), 'only what was written is looked up again');
  rig.find(value(9));
  t.strictSame(await found, [value(9), value(2)]);
  rig.reader.wrote(writing('b', null));
  t.strictSame(await rig.reader.get(keys('a', 'b')), [value(9), null]);
});

t.test('whatever was read before everything changed is forgotten, also what was on its way', async (t) => {
  const rig = new Rig();
  rig.reader.warm(() => keys('a'));
  rig.find(value(1));
  await rig.reader.get(keys('a'));
  rig.reader.warm(() => keys('b'));
  rig.reader.forgetAll();
  rig.find(value(2));
  const found = rig.reader.get(keys('a', 'b'));
  await new Promise(setImmediate);
  t.strictSame(rig.asked.at(-1), keys('a', 'b'));
  rig.find(null, null);
  t.strictSame(await found, [null, null]);
});

t.test('a warming that fails is told to whoever asks for the value', async (t) => {
  const rig = new Rig();
  rig.reader.warm(() => keys('a'));
  const found = rig.reader.get(keys('a'));
  rig.fail(new Error('the first time'));
  await new Promise(setImmediate);
  t.equal(rig.asked.length, 2, 'it is read once more');
  rig.fail(new Error('damaged'));
  await t.rejects(found, { message: 'damaged' });
});

t.test('so much is warmed at a time and no more', async (t) => {
  const rig = new Rig();
  const many = Array.from({ length: 65_536 }, (_, n) => `k${n}` as StateKey);
  rig.reader.warm(() => many);
  rig.reader.warm(() => keys('one more'));
  t.equal(rig.asked.length, 1);
  rig.find(...many.map(() => null));
  await rig.reader.get(many.slice(-1));
  rig.reader.warm(() => keys('one more'));
  t.equal(rig.asked.length, 2);
  rig.find(null);
});

t.test('where all is at hand for long, nobody puts keys together for nothing', async (t) => {
  const rig = new Rig();
  const read = async (name: string) => {
    const found = rig.reader.get(keys(name));
    const before = rig.asked.length;
    while (rig.asked.length === before) await Promise.resolve();
    rig.find(value(1));
    await found;
  };
  await read('a');
  let asked = 0;
  const warm = (...names: string[]) =>
    rig.reader.warm(() => {
      asked += 1;
      return keys(...names);
    });
  for (let i = 0; i < 200; i++) warm('a');
  t.ok(asked < 100);
  await read('b');
  const before = asked;
  warm('a');
  t.equal(asked, before + 1, 'something was not');
});

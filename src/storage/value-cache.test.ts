import fc from 'fast-check';
import t from 'tap';
import { ValueCache } from './value-cache.ts';

const value = (length: number, byte = length) => new Uint8Array(length).fill(byte);

t.test('it knows what it was given, and what was written over it', async (t) => {
  const cache = new ValueCache(100_000);
  t.equal(cache.get('a'), undefined);
  cache.set('a', value(3));
  t.strictSame(cache.get('a'), value(3));
  cache.update('a', value(1));
  t.strictSame(cache.get('a'), value(1));
  cache.update('b', value(1));
  t.equal(cache.get('b'), undefined, 'nobody asked for it');
  cache.update('a', null);
  t.equal(cache.get('a'), null, 'known to be absent');
  cache.update('a', value(300));
  t.strictSame(cache.get('a'), value(300), 'longer than before');
  t.equal(cache.size, 1);
  cache.clear();
  t.same([cache.get('a'), cache.size], [undefined, 0]);
});

t.test('what it gives and is given is not what it keeps', async (t) => {
  const cache = new ValueCache(100_000);
  const given = value(3);
  cache.set('a', given);
  given.fill(7);
  const found = cache.get('a');
  t.strictSame(found, value(3));
  cache.update('a', value(3, 9));
  t.strictSame(found, value(3), 'whoever has it keeps it as it was');
});

t.test('what is asked for again and again stays, the rest goes', async (t) => {
  const cache = new ValueCache(20_000);
  cache.set('hot', value(100));
  t.notOk(cache.isFull);
  for (let n = 0; n < 1_000; n++) {
    cache.set(`cold/${n}`, value(100));
    t.ok(cache.get('hot'), `after ${n}`);
    t.ok(cache.size <= 20_000 / 100, `${cache.size} entries`);
  }
  t.ok(cache.isFull);
  t.ok(cache.size > 20_000 / 2 / 130, `${cache.size} entries`);
  t.equal(cache.get('cold/1'), undefined);
});

t.test('all that fits is there before anything goes', async (t) => {
  const cache = new ValueCache(1_000_000);
  let count = 0;
  for (; !cache.isFull; count++) cache.set(`account/${count}@aclb`, value(60, count % 256));
  t.ok(count > 6_000, `${count} of some 100 bytes in a megabyte but for its last quarter`);
  t.equal(cache.size, count);
  for (let n = 0; n < count; n++) if (cache.get(`account/${n}@aclb`)?.[59] !== n % 256) t.fail(`${n}`);
});

t.test('keys that somebody chose to be in one bucket are not looked for through all of them', async (t) => {
  const cache = new ValueCache(1_000);
  // Of so little memory it has 8 buckets.
  for (let n = 0; n < 1_000; n++) cache.set(`${n}`, value(0));
  t.ok(cache.size <= 8 * 16, `${cache.size} entries`);
});

for (const [what, key, bytes] of [
  ['a value that is too long', 'a', 66_000],
  ['a key that is too long', 'a'.repeat(256), 1],
  ['a key of other characters', 'ក', 1],
  ['what is more than half of a segment', 'a', 8_000],
] as const) {
  t.test(`${what} is not kept, and does no harm`, async (t) => {
    const cache = new ValueCache(bytes === 8_000 ? 60_000 : 1_000_000);
    cache.set('b', value(5));
    cache.set(key, value(bytes));
    cache.update(key, value(bytes));
    t.equal(cache.get(key), undefined);
    cache.set('a', value(1));
    cache.update('a', value(bytes === 1 ? 66_000 : bytes));
    t.equal(cache.get('a'), undefined, 'nor what it was before');
    t.strictSame(cache.get('b'), value(5));
  });
}

t.test('without memory it keeps nothing', async (t) => {
  const cache = new ValueCache(0);
  cache.set('a', value(1));
  cache.set('b', value(1));
  t.equal(cache.get('a'), undefined);
});

t.test('property: what it tells is what was set or written last', async () => {
  const name = fc.constantFrom('', 'a', 'b', 'c', 'd', 'e', 'f', 'supply/KHR');
  const does = fc.constantFrom('get', 'set', 'absent', 'update', 'delete');
  const step = fc.record({ name, does, length: fc.integer({ min: 0, max: 400 }), byte: fc.nat(255) });
  const memory = fc.constantFrom(0, 1_200, 2_400, 5_000, 10_000);
  fc.assert(
    fc.property(memory, fc.array(step, { maxLength: 200 }), (maxBytes, steps) => {
      const cache = new ValueCache(maxBytes);
      const model = new Map<string, Uint8Array | null>();
      for (const { name, does, length, byte } of steps) {
        const next = value(length, byte);
        if (does === 'set') cache.set(name, next);
        if (does === 'update') cache.update(name, next);
        if (does === 'absent') cache.set(name, null);
        if (does === 'delete') cache.update(name, null);
        if (does !== 'get') model.set(name, does === 'delete' || does === 'absent' ? null : next);
        for (const key of model.keys()) {
          const found = cache.get(key);
          if (found === undefined) continue;
          const due = model.get(key);
          const isSame = found === null || due === null || due === undefined ? found === due : sameBytes(found, due);
          if (!isSame) return false;
        }
      }
      return true;
    }),
    { numRuns: 300 },
  );
});

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

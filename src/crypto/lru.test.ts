import fc from 'fast-check';
import { test } from 'tap';
import { LruMap } from './lru.ts';

test('the entry used longest ago makes room', async (t) => {
  const map = new LruMap<string, object>(2);
  const [a, b, c] = [{ a: 1 }, { b: 2 }, { c: 3 }];
  map.set('a', a);
  map.set('b', b);
  t.equal(map.get('a'), a);
  map.set('c', c);
  t.equal(map.get('b'), undefined);
  t.equal(map.get('a'), a);
  t.equal(map.get('c'), c);
  map.set('a', b);
  t.equal(map.get('a'), b);
  t.equal(map.size, 2);
});

test('it holds exactly the keys used last', async () => {
  const step = fc.record({ key: fc.nat(9), write: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
      const map = new LruMap<number, { key: number }>(capacity);
      let order: number[] = [];
      return steps.every(({ key, write }) => {
        const known = order.includes(key);
        if (write || known) order = [...order.filter((other) => other !== key), key].slice(-capacity);
        if (write) map.set(key, { key });
        const found = write || map.get(key) !== undefined;
        return found === (write || known) && map.size === order.length;
      });
    }),
  );
});

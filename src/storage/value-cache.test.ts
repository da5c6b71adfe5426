import fc from 'fast-check';
import t from 'tap';
import { ValueCache } from './value-cache.ts';

const value = (length: number) => new Uint8Array(length);

t.test('it knows what it was given, and what was written over it', (t) => {
  const cache = new ValueCache(10_000);
  t.equal(cache.get('a'), undefined);
  const first = value(3);
  cache.set('a', first);
  t.equal(cache.get('a'), first, 'the very same');
  cache.update('a', value(1));
  t.equal(cache.get('a')?.length, 1);
  cache.update('b', value(1));
  t.equal(cache.get('b'), undefined, 'nobody asked for it');
  cache.update('a', null);
  t.equal(cache.get('a'), null, 'known to be absent');
  cache.update('a', first);
  t.equal(cache.get('a'), first);
  cache.clear();
  t.same([cache.get('a'), cache.size], [undefined, 0]);
  t.end();
});

t.test('what is asked for again and again stays, the rest goes', (t) => {
  const cache = new ValueCache(20 * 310);
  cache.set('hot', value(100));
  for (let n = 0; n < 1000; n++) {
    cache.set(`cold/${n}`, value(100));
    t.ok(cache.get('hot'), `after ${n}`);
    t.ok(cache.size <= 22, `${cache.size} entries`);
  }
  t.equal(cache.get('cold/1'), undefined);
  t.end();
});

t.test('without memory it keeps nothing', (t) => {
  const cache = new ValueCache(0);
  cache.set('a', value(1));
  cache.set('b', value(1));
  t.equal(cache.get('a'), undefined);
  t.end();
});

t.test('property: what it tells is what was set or written last', (t) => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const step = fc.record({
    name: key,
    does: fc.constantFrom('get', 'set', 'absent', 'update', 'delete'),
    length: fc.integer({ min: 0, max: 400 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = new ValueCache(1200);
      const model = new Map<string, Uint8Array | null>();
      for (const { name, does, length } of steps) {
        const next = value(length);
        if (does === 'set') cache.set(name, next);
        if (does === 'update') cache.update(name, next);
        if (does === 'absent') cache.set(name, null);
        if (does === 'delete') cache.update(name, null);
        if (does !== 'get') model.set(name, does === 'delete' || does === 'absent' ? null : next);
        const found = cache.get(name);
        if (found !== undefined && found !== model.get(name)) return false;
      }
      return true;
    }),
  );
  t.end();
});

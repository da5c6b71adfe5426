import fc from 'fast-check';
import t from 'tap';
import { SortedMap } from './sorted-map.ts';

const key = fc.constantFrom('a', 'aa', 'b', 'c/1', 'c/2', 'c0', 'd', 'z');
const change = fc.oneof(
  fc.record({ type: fc.constant('set' as const), key, value: fc.nat(9) }),
  fc.record({ type: fc.constant('delete' as const), key }),
  fc.record({ type: fc.constant('clear' as const) }),
  fc.record({ type: fc.constant('deleteRange' as const), from: key, to: key }),
  fc.record({ type: fc.constant('look' as const), key }),
);
const query = fc.record({ from: key, to: key, limit: fc.nat(4), reverse: fc.boolean() });

t.test('property: it is a map that sorts its keys', async (t) => {
  fc.assert(
    fc.property(fc.array(change), query, (changes, { from, to, limit, reverse }) => {
      const map = new SortedMap<number>();
      const model = new Map<string, number>();
      for (const each of changes) {
        if (each.type === 'set') {
          map.set(each.key, each.value);
          model.set(each.key, each.value);
        } else if (each.type === 'delete') {
          map.delete(each.key);
          model.delete(each.key);
        } else if (each.type === 'deleteRange') {
          const due = [...model].filter(([name]) => name >= each.from && name < each.to);
          t.same(
            map.deleteRange(each.from, each.to),
            due.sort(([a], [b]) => (a < b ? -1 : 1)),
          );
          for (const [name] of due) model.delete(name);
        } else if (each.type === 'clear') {
          map.clear();
          model.clear();
        } else {
          t.equal(map.get(each.key), model.get(each.key));
          map.entries();
        }
      }
      const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
      t.same(map.entries(), sorted);
      const inside = sorted.filter(([each]) => each >= from && each < to);
      t.same(map.range(from, to, limit, reverse), (reverse ? inside.reverse() : inside).slice(0, limit));
    }),
  );
});

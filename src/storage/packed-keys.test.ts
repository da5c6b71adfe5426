/** What is said to be absent is absent, whatever was added and forgotten; nearly everything absent is known to be. */
import fc from 'fast-check';
import t from 'tap';
import { PackedKeys } from './packed-keys.ts';

const SECTION = 'seen/';
const group = (second: number) => SECTION + String(second).padStart(4, '0');
const keyOf = (second: number, id: number) => `${group(second)}/${id.toString(16).padStart(64, '0')}`;

t.test('it knows all keys of its section, and nothing of others', async (t) => {
  const packed = new PackedKeys(SECTION);
  packed.add(keyOf(6, 9));
  packed.add('balance/a/KHR');
  const cases: readonly [what: string, key: string, mayBeThere: boolean][] = [
    ['what was added', keyOf(6, 9), true],
    ['another of its group', keyOf(6, 8), false],
    ['another group', keyOf(5, 9), false],
    ['another section', 'balance/b/KHR', true],
    ['what only begins like it', 'seenx/0009/1', true],
  ];
  for (const [what, key, mayBeThere] of cases) t.equal(packed.mayHave(key), mayBeThere, what);
  packed.forget({ from: group(6), to: group(7) });
  t.notOk(packed.mayHave(keyOf(6, 9)));
  packed.add(keyOf(4, 9));
  packed.clear();
  t.notOk(packed.mayHave(keyOf(4, 9)), 'an empty section has nothing');
});

t.test('it agrees with a set of keys', async () => {
  const key = fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 300 }));
  const change = fc.oneof(
    { weight: 20, arbitrary: fc.record({ add: key }) },
    { weight: 1, arbitrary: fc.record({ forgetTo: fc.integer({ min: 0, max: 12 }) }) },
  );
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 400 }),
      fc.array(key, { minLength: 50, maxLength: 50 }),
      (changes, asked) => {
        const packed = new PackedKeys(SECTION);
        let there: string[] = [];
        for (const each of changes) {
          if ('add' in each) {
            packed.add(keyOf(...each.add));
            there.push(keyOf(...each.add));
          } else {
            packed.forget({ from: group(0), to: group(each.forgetTo) });
            there = there.filter((found) => found >= group(each.forgetTo));
          }
        }
        // Ids this small have fingerprints of their own.
        return [...there, ...asked.map((each) => keyOf(...each))].every(
          (each) => packed.mayHave(each) === there.includes(each),
        );
      },
    ),
  );
});

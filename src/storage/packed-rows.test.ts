import fc from 'fast-check';
import t from 'tap';
import { MAX_CHUNK_ENTRIES } from '../codec/limits.ts';
import { MergedRows, packRows } from './packed-rows.ts';

const value = (n: number) => new Uint8Array(n % 40).fill(n);

function merge(rows: readonly Uint8Array[]): [string, Uint8Array][] {
  const found: [string, Uint8Array][] = [];
  const merged = new MergedRows(rows);
  for (let next = merged.next(); next !== null; next = merged.next()) found.push([next.key, next.value.slice()]);
  return found;
}

t.test('rows are of one group each, and no longer than a chunk', async (t) => {
  const more = MAX_CHUNK_ENTRIES + 5;
  const keys = [
    'seen/2/b',
    'seen/1/z',
    'seen/2/a',
    ...Array.from({ length: more }, (_, n) => `seen/3/${String(n).padStart(5, '0')}`),
  ];
  const rows = packRows(
    keys.map((key, n) => [key, value(n)]),
    '7',
  );
  t.strictSame(
    rows.map(({ key, bytes }) => [key, merge([bytes]).length]),
    [
      ['seen/1/7.0', 1],
      ['seen/2/7.1', 2],
      ['seen/3/7.2', MAX_CHUNK_ENTRIES],
      ['seen/3/7.3', 5],
    ],
  );
  t.strictSame(packRows([], '7'), []);
});

t.test('property: however entries come, in whatever rows, merged they are all there in order', async (t) => {
  const writings = fc.array(fc.uniqueArray(fc.nat(9_999), { maxLength: 60 }), { maxLength: 8 });
  fc.assert(
    fc.property(writings, (parts) => {
      const known = new Set<number>();
      const rows: Uint8Array[] = [];
      for (const [at, part] of parts.entries()) {
        const fresh = part.filter((n) => !known.has(n));
        for (const n of fresh) known.add(n);
        const packed = packRows(
          fresh.map((n) => [`g/${n}`, value(n)]),
          String(at),
        );
        rows.push(...packed.map(({ bytes }) => bytes));
      }
      const due = [...known].map((n): [string, Uint8Array] => [`g/${n}`, value(n)]);
      t.strictSame(
        merge(rows),
        due.sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    }),
  );
});

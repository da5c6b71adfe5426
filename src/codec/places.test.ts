import fc from 'fast-check';
import t from 'tap';
import type { Place } from '../types/index.ts';
import {
  compareRecords,
  copyRecord,
  headOf,
  MAX_PLACE_INDEX,
  PLACE_KEY_BYTES,
  PLACE_RECORD_BYTES,
  readPlace,
  sortRecords,
  writePlace,
} from './places.ts';

const MAX_HEIGHT = 2 ** 48 - 1;

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const key = bytesOf(PLACE_KEY_BYTES);
const place = fc.record({ height: fc.nat(MAX_HEIGHT), index: fc.nat(MAX_PLACE_INDEX) });
/** Keys of which many are the same, and many more begin alike. */
const crowdedKey = fc.oneof(
  key,
  fc.constantFrom(1, 2, 255).map((byte) => new Uint8Array(PLACE_KEY_BYTES).fill(byte)),
  fc.tuple(fc.constantFrom(0, 7, 255), bytesOf(PLACE_KEY_BYTES - 4)).map(([byte, end]) => {
    return Uint8Array.of(byte, byte, byte, byte, ...end);
  }),
);

function recordOf(key: Uint8Array, place: Place): Buffer {
  const record = Buffer.alloc(PLACE_RECORD_BYTES);
  record.set(key);
  writePlace(record, 0, place);
  return record;
}

/** Records of these keys, at places that ascend. */
const recordsOf = (keys: readonly Uint8Array[]) =>
  Buffer.concat(keys.map((key, n) => recordOf(key, { height: 9 + Math.floor(n / 5), index: n % 5 })));

function plainlySorted(records: Buffer): Buffer {
  const each = Array.from({ length: records.length / PLACE_RECORD_BYTES }, (_, n) =>
    records.subarray(n * PLACE_RECORD_BYTES, (n + 1) * PLACE_RECORD_BYTES),
  );
  return Buffer.concat(each.sort(Buffer.compare));
}

t.test('a place is read as it was written, up to its limits', async (t) => {
  for (const height of [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, MAX_HEIGHT]) {
    for (const index of [0, 1, 255, 256, MAX_PLACE_INDEX]) {
      const records = Buffer.alloc(3 * PLACE_RECORD_BYTES, 0xa5);
      writePlace(records, PLACE_RECORD_BYTES, { height, index });
      t.strictSame(readPlace(records, PLACE_RECORD_BYTES), { height, index });
      records.fill(0xa5, PLACE_RECORD_BYTES + PLACE_KEY_BYTES, 2 * PLACE_RECORD_BYTES);
      t.ok(
        records.every((byte) => byte === 0xa5),
        'nothing else was written',
      );
    }
  }
});

t.test('a place beyond its limits is a mistake of ours, and not written', async (t) => {
  const beyond: readonly Place[] = [
    { height: MAX_HEIGHT + 1, index: 0 },
    { height: Number.MAX_SAFE_INTEGER, index: 0 },
    { height: Number.NaN, index: 0 },
    { height: 1, index: MAX_PLACE_INDEX + 1 },
    { height: 1, index: Number.POSITIVE_INFINITY },
  ];
  const record = Buffer.alloc(PLACE_RECORD_BYTES);
  for (const place of beyond) {
    t.throws(() => writePlace(record, 0, place), { name: 'AssertionError' }, JSON.stringify(place));
  }
  t.ok(record.every((byte) => byte === 0));
});

t.test('property: records are in the order of their keys, then heights, then indexes', async () => {
  fc.assert(
    fc.property(fc.tuple(crowdedKey, place), fc.tuple(crowdedKey, place), fc.boolean(), (one, two, isSameKey) => {
      const [keyA, a] = one;
      const [keyB, b] = isSameKey ? [keyA, two[1]] : two;
      const due = Buffer.compare(keyA, keyB) || a.height - b.height || a.index - b.index;
      const records = Buffer.concat([recordOf(keyA, a), recordOf(keyB, b)]);
      return (
        Math.sign(compareRecords(records, 0, records, PLACE_RECORD_BYTES)) === Math.sign(due) &&
        Math.sign(compareRecords(records, PLACE_RECORD_BYTES, records, 0)) === -Math.sign(due) &&
        compareRecords(records, 0, records, 0) === 0 &&
        Math.sign(compareRecords(records, 0, keyB, 0, PLACE_KEY_BYTES)) === Buffer.compare(keyA, keyB)
      );
    }),
  );
});

t.test('property: a head is the first four bytes, and a copy is all of them', async (t) => {
  fc.assert(
    fc.property(crowdedKey, crowdedKey, place, (before, key, place) => {
      const records = Buffer.concat([recordOf(before, place), recordOf(key, place)]);
      t.equal(headOf(records, PLACE_RECORD_BYTES), records.readUInt32BE(PLACE_RECORD_BYTES));
      const copy = Buffer.alloc(3 * PLACE_RECORD_BYTES);
      copyRecord(records, PLACE_RECORD_BYTES, copy, PLACE_RECORD_BYTES);
      const rest = Buffer.alloc(PLACE_RECORD_BYTES);
      t.equal(Buffer.compare(copy, Buffer.concat([rest, recordOf(key, place), rest])), 0);
    }),
  );
});

t.test('property: sorted records are as a plain sort has them', async (t) => {
  const keys = fc.oneof(
    fc.array(key, { maxLength: 200 }),
    fc.array(crowdedKey, { maxLength: 200, size: 'max' }),
    fc.uniqueArray(crowdedKey, { maxLength: 60, selector: String }).map((keys) => keys.sort(Buffer.compare).reverse()),
  );
  fc.assert(
    fc.property(keys, (keys) => {
      const records = recordsOf(keys);
      const before = Buffer.from(records);
      const sorted = sortRecords(records);
      t.equal(Buffer.compare(sorted, plainlySorted(records)), 0);
      t.equal(Buffer.compare(records, before), 0, 'in an array of their own');
    }),
    { numRuns: 300 },
  );
});

t.test('sorted are also very many with the same key, and very many that begin alike', async (t) => {
  const counted = (n: number, at: number) => {
    const key = Buffer.alloc(PLACE_KEY_BYTES, 255);
    key.writeUInt32BE(n, at);
    return key;
  };
  const numbers = Array.from({ length: 2_000 }, (_, n) => n);
  const cases: readonly (readonly [what: string, keys: readonly Uint8Array[]])[] = [
    ['one key', numbers.map(() => counted(0, 0))],
    ['one key, the last there may be', numbers.map(() => Buffer.alloc(PLACE_KEY_BYTES, 255))],
    ['three keys by turns', numbers.map((n) => counted(n % 3, 0))],
    ['three keys that begin alike', numbers.map((n) => counted(n % 3, 4))],
    ['as many keys, ascending', numbers.map((n) => counted(n, 4))],
    ['as many keys, descending', numbers.map((n) => counted(numbers.length - n, 4))],
    ['as many keys, mixed', numbers.map((n) => counted(Math.imul(n, 2_654_435_769) >>> 0, 4))],
    ['as many keys that differ at their ends', numbers.map((n) => counted(Math.imul(n, 2_654_435_769) >>> 0, 20))],
    ['as many heads, descending', numbers.map((n) => counted(2 ** 32 - 1 - n, 0))],
  ];
  for (const [what, keys] of cases) {
    const records = recordsOf(keys);
    t.equal(Buffer.compare(sortRecords(records), plainlySorted(records)), 0, what);
  }
});

t.test('parts of a record, and more than can be numbered, are not sorted', async (t) => {
  t.equal(sortRecords(new Uint8Array()).length, 0);
  for (const length of [1, PLACE_RECORD_BYTES - 1, PLACE_RECORD_BYTES + 1, (2 ** 21 + 1) * PLACE_RECORD_BYTES]) {
    t.throws(() => sortRecords(new Uint8Array(length)), { name: 'AssertionError' }, `${length} bytes`);
  }
});

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES } from '../codec/places.ts';
import { Bloom } from './bloom.ts';

const ADDED = 3_000;
const ASKED = 20_000;
const MOST_MISTAKEN = 0.02;

const bytes = (what: string, length: number) => createHash('shake256', { outputLength: length }).update(what).digest();
const chance = bytes('keys', (ADDED + ASKED) * PLACE_KEY_BYTES);
const randomKey = (n: number) => chance.subarray(n * PLACE_KEY_BYTES, (n + 1) * PLACE_KEY_BYTES);
/** A key that is the same for all, but for what is done to it. */
function alike(change: (key: Buffer) => void): Buffer {
  const key = bytes('one', PLACE_KEY_BYTES);
  change(key);
  return key;
}

function bloomOf(keys: readonly Uint8Array[]): Bloom {
  const bloom = new Bloom(new Uint8Array(Bloom.bytesFor(keys.length)));
  for (const key of keys) bloom.add(key, 0);
  return bloom;
}

/** Of keys that are not there, the part that it cannot tell of. */
function mistaken(bloom: Bloom, absent: readonly Uint8Array[]): number {
  return absent.filter((key) => bloom.mayHave(key)).length / absent.length;
}

t.test('property: what was added may be there, also in one that was kept, or that is too small', async (t) => {
  const key = fc.uint8Array({ minLength: PLACE_KEY_BYTES, maxLength: PLACE_KEY_BYTES });
  const size = fc.option(fc.integer({ min: 1, max: 50 }));
  fc.assert(
    fc.property(fc.array(key, { maxLength: 200 }), size, (keys, size) => {
      const bloom = new Bloom(new Uint8Array(size ?? Bloom.bytesFor(keys.length)));
      const records = Buffer.alloc(keys.length * PLACE_RECORD_BYTES, 0xa5);
      for (const [n, key] of keys.entries()) {
        records.set(key, n * PLACE_RECORD_BYTES);
        bloom.add(records, n * PLACE_RECORD_BYTES);
      }
      const kept = new Bloom(Uint8Array.from(bloom.bits));
      t.ok(keys.every((key) => bloom.mayHave(key) && kept.mayHave(key)));
      t.ok(keys.every((_, n) => bloom.mayHave(records, n * PLACE_RECORD_BYTES)));
    }),
  );
});

t.test('one of nothing tells of every key', async (t) => {
  const bloom = bloomOf([]);
  t.ok(bloom.bits.length > 0);
  t.equal(
    mistaken(
      bloom,
      Array.from({ length: ASKED }, (_, n) => randomKey(n)),
    ),
    0,
  );
});

t.test('it takes some bits a record', async (t) => {
  t.ok(Bloom.bytesFor(1_000_000) <= 1_500_001);
  for (const records of [0, 1, 2, 7, 512]) t.ok(Bloom.bytesFor(records) <= Bloom.bytesFor(records + 1));
});

t.test('it cannot tell of few keys, however alike they are to those that are there', async (t) => {
  const kinds: readonly (readonly [what: string, keyOf: (n: number) => Uint8Array])[] = [
    ['keys of chance', randomKey],
    ['keys that differ in their last two bytes', (n) => alike((key) => key.writeUInt16BE(n, PLACE_KEY_BYTES - 2))],
    ['keys that end in a number', (n) => alike((key) => key.writeUInt32BE(n, PLACE_KEY_BYTES - 4))],
    ['keys that end in a number, backwards', (n) => alike((key) => key.writeUInt32LE(n, PLACE_KEY_BYTES - 4))],
    ['keys that end in digits', (n) => alike((key) => key.write(String(n).padStart(8, '0'), PLACE_KEY_BYTES - 8))],
    ['keys with the same first 8 bytes', (n) => alike((key) => key.set(randomKey(n).subarray(8), 8))],
    ['keys with the same first 8 bytes, then a number', (n) => alike((key) => key.writeUInt32BE(n, 8))],
    ['keys that begin with a number', (n) => alike((key) => key.writeUInt32BE(n, 0))],
    ['numbers', (n) => new Uint8Array([...new Uint8Array(PLACE_KEY_BYTES - 2), n >>> 8, n])],
  ];
  for (const [what, keyOf] of kinds) {
    const first = Array.from({ length: ADDED }, (_, n) => keyOf(n));
    const next = Array.from({ length: ASKED }, (_, n) => keyOf(ADDED + n));
    t.ok(mistaken(bloomOf(first), next) < MOST_MISTAKEN, what);
    // Every other one, so that each that is not there stands between two that are.
    const both = [...first, ...next];
    const even = bloomOf(both.filter((_, n) => n % 2 === 0));
    const odd = both.filter((_, n) => n % 2 === 1);
    t.ok(mistaken(even, odd) < MOST_MISTAKEN, `${what}, by turns`);
  }
});

t.test('every byte of a key counts', async (t) => {
  for (let at = 0; at < PLACE_KEY_BYTES; at++) {
    const keys = Array.from({ length: 256 }, (_, n) => alike((key) => key.writeUInt8(n, at)));
    const absent = keys.filter((_, n) => n % 16 !== 0);
    t.ok(mistaken(bloomOf(keys.filter((_, n) => n % 16 === 0)), absent) < 0.05, `byte ${at}`);
  }
});

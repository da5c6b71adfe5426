import fc from 'fast-check';
import t from 'tap';
import type { StateKey } from '../types/index.ts';
import { ChunkReader } from './chunk-reader.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { MAX_CHUNK_ENTRIES, MAX_STATE_KEY_CHARS, MAX_STATE_VALUE_BYTES } from './limits.ts';
import { encode } from './schema.ts';
import { type StateEntry, stateChunk } from './state.ts';

const entry = fc.record({
  key: fc.string({ unit: 'binary-ascii', maxLength: MAX_STATE_KEY_CHARS }).map((text) => text as StateKey),
  value: fc.uint8Array({ maxLength: MAX_STATE_VALUE_BYTES }),
});

function readAll(bytes: Uint8Array): StateEntry[] {
  const found: StateEntry[] = [];
  for (const reader = new ChunkReader(bytes); reader.next(); ) {
    found.push({ key: reader.key as StateKey, value: reader.value.slice() });
  }
  return found;
}

t.test('property: it finds what the schema wrote, and an entry written again is the same', async (t) => {
  const writer = new ChunkWriter();
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 40 }), (entries) => {
      const bytes = encode(stateChunk, entries);
      t.same(readAll(bytes), entries);
      for (const reader = new ChunkReader(bytes); reader.next(); ) writer.addAgain(bytes, reader.from, reader.end);
      const { bytes: again, entries: count } = writer.take();
      t.equal(Buffer.compare(again, bytes), 0);
      t.equal(count, entries.length);
    }),
  );
  const full = Array.from({ length: MAX_CHUNK_ENTRIES }, (_, at) => ({
    key: `balance/${at}` as StateKey,
    value: new Uint8Array(at % 300).fill(at),
  }));
  t.strictSame(readAll(encode(stateChunk, full)), full, 'also of a full chunk');
});

t.test('property: keys are compared as texts are', async () => {
  fc.assert(
    fc.property(entry, entry, fc.boolean(), (one, two, isSame) => {
      const other = isSame ? one : two;
      const [a, b] = [one, other].map((each) => new ChunkReader(encode(stateChunk, [each])));
      a?.next();
      b?.next();
      return a !== undefined && b !== undefined && a.isBefore(b) === one.key < other.key;
    }),
  );
});

t.test('what is no chunk is a mistake of ours', async (t) => {
  const bytes = encode(stateChunk, [{ key: 'a' as StateKey, value: Uint8Array.of(1, 2) }]);
  const cases: readonly [what: string, bytes: Uint8Array][] = [
    ['nothing', new Uint8Array()],
    ['a number', Uint8Array.of(1)],
    ['a value that is cut off', bytes.subarray(0, -1)],
    ['more entries than there are', Uint8Array.of(0x82, ...bytes.subarray(1))],
    ['an entry of three fields', Uint8Array.of(0x81, 0x83, ...bytes.subarray(2))],
  ];
  for (const [what, wrong] of cases) t.throws(() => readAll(wrong), { name: 'AssertionError' }, what);
});

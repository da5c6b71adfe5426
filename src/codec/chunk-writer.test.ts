import fc from 'fast-check';
import t from 'tap';
import type { StateKey } from '../types/index.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { MAX_CHUNK_ENTRIES, MAX_STATE_KEY_CHARS, MAX_STATE_VALUE_BYTES } from './limits.ts';
import { encode } from './schema.ts';
import { stateChunk } from './state.ts';

t.test('property: what it writes is what the schema writes', (t) => {
  const writer = new ChunkWriter();
  const entry = fc.record({
    key: fc.string({ unit: 'binary', maxLength: MAX_STATE_KEY_CHARS }).map((text) => text as StateKey),
    value: fc.uint8Array({ maxLength: MAX_STATE_VALUE_BYTES }),
    more: fc.uint8Array({ maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 40 }), (entries) => {
      for (const { key, value, more } of entries) writer.add(key, Uint8Array.of(...value, ...more), value.length);
      const chunk = writer.take();
      t.same(chunk, { bytes: encode(stateChunk, entries), entries: entries.length });
    }),
  );
  t.end();
});

t.test('a chunk is full when it has as many entries as one may have, and the next one begins empty', (t) => {
  const writer = new ChunkWriter();
  const entries = Array.from({ length: MAX_CHUNK_ENTRIES }, (_, at) => ({
    key: `balance/${at}` as StateKey,
    value: new Uint8Array(at % 100).fill(at),
  }));
  for (const round of [1, 2]) {
    for (const { key, value } of entries) {
      t.notOk(writer.isFull);
      writer.add(key, value);
    }
    t.ok(writer.isFull, `round ${round}`);
    t.equal(Buffer.compare(writer.take().bytes, encode(stateChunk, entries)), 0);
    t.equal(writer.count, 0);
  }
  t.end();
});

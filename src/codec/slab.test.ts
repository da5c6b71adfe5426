import fc from 'fast-check';
import t from 'tap';
import { Slab } from './slab.ts';

t.test('every array has its own bytes, all zero at first', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_100 }), { maxLength: 40 }), (lengths) => {
      const slab = new Slab();
      const rooms = lengths.map((length, i) => {
        const room = slab.room(length);
        const isNew = room.length === length && room.every((byte) => byte === 0);
        room.fill(1 + i);
        return { room, isNew };
      });
      return rooms.every(({ room, isNew }, i) => isNew && room.every((byte) => byte === 1 + i));
    }),
  );
  t.pass('as a law');
});

t.test('a copy is of the part that was asked for, and does not change with it', async (t) => {
  const slab = new Slab();
  for (const length of [0, 1, 64, 65, 96, 97, 1_024, 1_025, 10_000]) {
    const bytes = Uint8Array.from({ length: length + 7 }, (_, i) => i % 251);
    const expected = bytes.slice(3, 3 + length);
    const copy = slab.copy(bytes, 3, 3 + length);
    bytes.fill(0);
    t.same(copy, expected, `${length} bytes`);
    t.equal(copy.constructor, Uint8Array);
  }
});

t.test('what is kept keeps little besides', async (t) => {
  const slab = new Slab();
  t.equal(slab.room(64).buffer.byteLength, 4_096);
  t.equal(slab.room(1_025).buffer.byteLength, 1_025);
});

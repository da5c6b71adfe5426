/** Frames come out as they went in, however the bytes are cut, and no claim makes the decoder hold more than it was given. */
import fc from 'fast-check';
import t from 'tap';
import { encodeFrame, FrameDecoder } from './frames.ts';

t.test('whatever is encoded comes back, cut anywhere', async () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 5 });
  fc.assert(
    fc.property(payloads, fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1 }), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(encodeFrame));
      const decoder = new FrameDecoder(40_000);
      const found: Uint8Array[] = [];
      let at = 0;
      for (let turn = 0; at < bytes.length; turn += 1) {
        const next = at + (cuts[turn % cuts.length] ?? 1);
        found.push(...decoder.push(bytes.subarray(at, next)));
        at = next;
      }
      return !decoder.partial && Buffer.concat(found.map(encodeFrame)).equals(bytes);
    }),
    { numRuns: 50 },
  );
});

t.test('a frame is a copy', async (t) => {
  const bytes = encodeFrame(new Uint8Array([1, 2, 3]));
  const [frame] = new FrameDecoder(3).push(bytes);
  bytes.fill(0);
  t.strictSame([...frame!], [1, 2, 3]);
});

t.test('a length above the limit is refused as soon as it is read', async (t) => {
  const header = (length: number) => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, length);
    return bytes;
  };
  for (const [length, refused] of [
    [0, false],
    [10, false],
    [11, true],
    [0xffff_ffff, true],
  ] as const) {
    const push = () => new FrameDecoder(10).push(header(length));
    if (refused) t.throws(push, { code: 'FRAME_INVALID' }, `${length} bytes`);
    else t.doesNotThrow(push, `${length} bytes`);
  }
});

t.test('a frame that has begun is partial until it is whole', async (t) => {
  const decoder = new FrameDecoder(10);
  const bytes = encodeFrame(new Uint8Array(2));
  t.notOk(decoder.partial);
  for (const [at, byte] of bytes.entries()) {
    const whole = decoder.push(new Uint8Array([byte])).length === 1;
    t.equal(whole, at === bytes.length - 1);
    t.equal(decoder.partial, !whole);
  }
});

t.test('frames before a wrong one are still there', async (t) => {
  const taken: number[] = [];
  const bytes = Buffer.concat([new Uint8Array(2), new Uint8Array(0), new Uint8Array(11)].map(encodeFrame));
  t.throws(() => new FrameDecoder(10).each(bytes, ({ length }) => taken.push(length)), { code: 'FRAME_INVALID' });
  t.strictSame(taken, [2, 0]);
});

/** Streams of hostile bytes: frames are whole or refused, and what only claims to be long holds no memory. */
import fc from 'fast-check';
import t from 'tap';
import { Chance } from '../simulator/world/random.ts';
import { fuzzRuns, refusalProblem } from '../testing/fuzz.ts';
import { encodeFrame, FRAME_HEADER_BYTES, FrameDecoder } from './frames.ts';

const MAX = 4_096;

t.test('any bytes are frames up to the limit, an unfinished rest, or nonsense; in pieces or whole', async (t) => {
  let frames = 0;
  const property = fc.property(fc.nat(), (seed) => {
    const chance = new Chance(seed, 'stream');
    const bytes = Buffer.concat(Array.from({ length: chance.between(1, 6) }, () => piece(chance)));
    const whole = decoded([bytes]);
    const cuts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + chance.between(1, chance.pick([1, 7, 5_000]));
      cuts.push(bytes.subarray(at, end));
      at = end;
    }
    const pieces = decoded(cuts);
    frames += whole.frames.length;
    if (whole.refused !== claimsTooMuch(bytes))
      throw new Error('a frame over the limit that is taken, or one within refused');
    if (whole.refused !== pieces.refused) throw new Error('refused in one way of cutting only');
    const again = Buffer.concat(pieces.frames.map(encodeFrame));
    if (Buffer.compare(again, bytes.subarray(0, again.length)) !== 0) throw new Error('frames that were not sent');
    if (pieces.frames.some((frame) => frame.length > MAX)) throw new Error('a frame over the limit');
    if (!whole.refused && whole.frames.length !== pieces.frames.length) throw new Error('frames got lost');
  });
  fc.assert(property, fuzzRuns(1_500));
  t.ok(frames > 500, `${frames} frames`);
});

t.test('a stream of claims makes the decoder hold no more than it was given', async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  const decoders = Array.from({ length: 1_000 }, () => new FrameDecoder(64 * 1024 * 1024));
  for (const decoder of decoders) decoder.push(Uint8Array.of(3, 255, 255, 255, 1));
  const grown = process.memoryUsage().arrayBuffers - before;
  t.ok(grown < 64 * 1024 * 1024, `${grown} bytes for a thousand frames of 64 MiB that have begun`);
  t.ok(decoders.every((decoder) => decoder.partial));
});

/** Whether some frame of the stream says that it is over the limit. */
function claimsTooMuch(bytes: Buffer): boolean {
  for (let at = 0; at + FRAME_HEADER_BYTES <= bytes.length; at += FRAME_HEADER_BYTES + bytes.readUInt32BE(at))
    if (bytes.readUInt32BE(at) > MAX) return true;
  return false;
}

function piece(chance: Chance): Uint8Array {
  const frame = encodeFrame(chance.bytes(chance.pick([0, 1, 4, 40, 400])));
  if (chance.happens(0.6)) return frame;
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, chance.pick([0, MAX, MAX + 1, 2 ** 31, 2 ** 32 - 1]));
  return chance.pick([header, chance.bytes(chance.below(20)), frame.subarray(0, chance.below(frame.length + 1))]);
}

function decoded(chunks: readonly Uint8Array[]): { readonly frames: Uint8Array[]; readonly refused: boolean } {
  const decoder = new FrameDecoder(MAX);
  const frames: Uint8Array[] = [];
  try {
    for (const chunk of chunks) frames.push(...decoder.push(chunk));
    return { frames, refused: false };
  } catch (error) {
    const problem = refusalProblem(error, ['FRAME_INVALID']);
    if (problem !== null) throw new Error(problem);
    return { frames, refused: true };
  }
}

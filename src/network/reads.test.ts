/** A decoder made quiet reads what it read before, and its error is no new one each time. */
import type { MessageStream } from '@libp2p/interface';
import t from 'tap';
import { quiet } from './reads.ts';

/** As @libp2p/noise decodes the length of a frame. */
function uint16(data: { readonly byteLength: number; getUint16?: (at: number) => number }): number {
  if (data.byteLength < 2) throw new RangeError('Could not decode int16BE');
  return data.getUint16?.(0) ?? 0;
}

t.test('lengths are read as before', async (t) => {
  const decoder = { lengthDecoder: uint16 };
  quiet({ decoder } as unknown as MessageStream);
  t.equal(decoder.lengthDecoder({ byteLength: 2, getUint16: () => 513 }), 513);
});

t.test('the error that says "too few" is made once', async (t) => {
  const decoder = { lengthDecoder: uint16 };
  quiet({ decoder } as unknown as MessageStream);
  const thrown = [0, 1].map((byteLength) => {
    try {
      return decoder.lengthDecoder({ byteLength });
    } catch (error) {
      return error;
    }
  });
  t.ok(thrown[0] instanceof RangeError);
  t.equal(thrown[0], thrown[1]);
});

t.test('what has no such decoder passes as it is', async (t) => {
  const stream = {} as MessageStream;
  t.equal(quiet(stream), stream);
});

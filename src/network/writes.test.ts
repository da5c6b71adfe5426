/** Credit is held back in small change only, and never lost; every other frame passes as it is. */
import type { MessageStream } from '@libp2p/interface';
import fc from 'fast-check';
import t from 'tap';
import { holdCredit, joinWrites } from './writes.ts';

const STEP = 64 * 1024;

function frame(type: number, flags: number, streamId: number, length: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setUint8(1, type);
  view.setUint16(2, flags);
  view.setUint32(4, streamId);
  view.setUint32(8, length);
  return new Uint8Array(view.buffer);
}

/** As much of a stream as writing needs. */
function fakeStream(sent: Uint8Array[], change: (stream: MessageStream) => MessageStream): MessageStream {
  const stream = {
    writableNeedsDrain: false,
    send: (data: Uint8Array) => {
      sent.push(data);
      return true;
    },
  };
  return change(stream as unknown as MessageStream);
}

t.test('what is held and what was passed on add up, and no stream waits for a step or more', async () => {
  const update = fc.record({
    streamId: fc.integer({ min: 1, max: 200 }),
    credit: fc.integer({ min: 1, max: 2 * STEP }),
  });
  fc.assert(
    fc.property(fc.array(update, { maxLength: 400 }), (updates) => {
      const sent: Uint8Array[] = [];
      const stream = fakeStream(sent, holdCredit);
      const owed = new Map<number, number>();
      for (const { streamId, credit } of updates) {
        owed.set(streamId, (owed.get(streamId) ?? 0) + credit);
        stream.send(frame(1, 0, streamId, credit));
      }
      for (const header of sent) {
        const view = new DataView(header.buffer);
        owed.set(view.getUint32(4), (owed.get(view.getUint32(4)) ?? 0) - view.getUint32(8));
      }
      return [...owed.values()].every((credit) => credit >= 0 && credit < STEP);
    }),
  );
});

t.test('other frames pass at once and unchanged', async (t) => {
  const frames: readonly [what: string, bytes: Uint8Array][] = [
    ['data', new Uint8Array([...frame(0, 0, 1, 5), 1, 2, 3, 4, 5])],
    ['a ping', frame(2, 1, 0, 7)],
    ['a farewell', frame(3, 0, 0, 0)],
    ['an update that opens', frame(1, 1, 3, 10)],
    ['an update that accepts', frame(1, 2, 3, 10)],
    ['an update that ends', frame(1, 4, 3, 0)],
    ['a reset', frame(1, 8, 3, 0)],
  ];
  for (const [what, bytes] of frames) {
    const sent: Uint8Array[] = [];
    fakeStream(sent, holdCredit).send(bytes);
    t.strictSame(sent, [bytes], what);
  }
});

t.test('an ended stream does not keep its place for ever', async (t) => {
  const sent: Uint8Array[] = [];
  const stream = fakeStream(sent, holdCredit);
  for (let streamId = 1; streamId <= 65; streamId += 1) stream.send(frame(1, 0, streamId, 10));
  t.equal(sent.length, 65, 'all are passed on when they are too many');
  stream.send(frame(1, 0, 1, 10));
  t.equal(sent.length, 65, 'and it starts anew');
});

t.test('what is written at once is one buffer', async (t) => {
  const sent: Uint8Array[] = [];
  const list = { byteLength: 3, subarray: () => new Uint8Array([1, 2, 3]) };
  fakeStream(sent, joinWrites).send(list as unknown as Uint8Array);
  t.strictSame(sent, [new Uint8Array([1, 2, 3])]);
});

import { hash } from 'node:crypto';
import t from 'tap';
import type { Verdict } from '../ports.ts';
import { Heard } from './heard.ts';

t.test('the same bytes under the same topic are judged once, and nothing else is taken for them', async (t) => {
  const heard = new Heard();
  let judged = 0;
  const judge = (): Promise<Verdict> => {
    judged += 1;
    return Promise.resolve('accept');
  };
  const long = new Uint8Array(600).fill(7);
  const digest = hash('sha256', long, 'base64');
  const messages = [
    long,
    new Uint8Array(600).fill(8),
    new Uint8Array(512).fill(7),
    new Uint8Array(513).fill(7),
    // What a long message might be known by, said by somebody who wants its verdict to be another one.
    Buffer.from(digest),
    Buffer.from(`#${digest}`),
    Uint8Array.of(0xff),
    Uint8Array.of(0xc3, 0xbf),
  ];
  for (const [at, bytes] of messages.entries()) {
    await heard.judge('votes', bytes, judge);
    await heard.judge('votes', bytes.slice(), judge);
    t.equal(judged, at + 1);
  }
  await heard.judge('proposals', long, judge);
  t.equal(judged, messages.length + 1);
});

import t from 'tap';
import { blocksQuestion } from '../codec/messages.ts';
import { decode } from '../codec/schema.ts';
import { CodedError } from '../errors.ts';
import { VirtualClock } from '../simulator/clock.ts';
import type { ParticipantId } from '../types/index.ts';
import { CatchUp } from './catch-up.ts';
import { type Context, DEFAULT_TIMINGS } from './context.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test(
  'a peer that the chain has overtaken meanwhile is asked nothing: the question would be a false one',
  async (t) => {
    const clock = new VirtualClock(0);
    const tip = { height: 0 };
    const asked: string[] = [];
    const context = {
      chain: { tip },
      clock,
      timings: DEFAULT_TIMINGS,
      emit: () => undefined,
      network: {
        peers: () => ['ahead', 'behind'] as ParticipantId[],
        ask: (peer: string, _: string, bytes: Uint8Array) => {
          asked.push(peer);
          t.ok(decode(blocksQuestion, bytes, 100).count > 0);
          // While the first one is asked in vain, the node's own votes carry it past the second.
          tip.height = 4;
          return Promise.reject(new CodedError('PEER_GONE', 'no answer'));
        },
      },
    } as unknown as Context;
    const catchUp = new CatchUp(context, () => Promise.resolve());
    catchUp.heard('ahead' as ParticipantId, 6);
    catchUp.heard('behind' as ParticipantId, 3);
    clock.fireNext();
    await turn();
    t.strictSame(asked, ['ahead']);
    catchUp.stop();
  },
);

import t from 'tap';
import { blocksQuestion } from '../codec/messages.ts';
import { decode } from '../codec/schema.ts';
import { CodedError } from '../errors.ts';
import { VirtualClock } from '../simulator/world/clock.ts';
import { testNetwork } from '../testing/genesis.ts';
import type { ParticipantId } from '../types/index.ts';
import { CatchUp } from './catch-up.ts';
import { type Context, DEFAULT_TIMINGS } from './context.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const quiet = () => Promise.resolve();

t.test(
  'a peer that the chain has overtaken meanwhile is asked nothing: the question would be a false one',
  async (t) => {
    const clock = new VirtualClock(0);
    const tip = { height: 0 };
    const asked: string[] = [];
    const context = {
      chain: { tip, genesis: testNetwork().genesis },
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
    const catchUp = new CatchUp(context, quiet, quiet);
    catchUp.heard('ahead' as ParticipantId, 6);
    catchUp.heard('behind' as ParticipantId, 3);
    clock.fireNext();
    await turn();
    t.strictSame(asked, ['ahead']);
    catchUp.stop();
  },
);

t.test('an empty chain that hears of a great height waits for a second voice, but not for ever', async (t) => {
  const { genesis } = testNetwork(4);
  const start = () => {
    const clock = new VirtualClock(0);
    const asked: string[] = [];
    const context = {
      chain: { tip: { height: 0 }, genesis, validators: genesis.participants },
      clock,
      timings: DEFAULT_TIMINGS,
      emit: () => undefined,
      network: {
        peers: () => ['a', 'b'] as ParticipantId[],
        ask: (peer: string, question: string) => {
          asked.push(`${peer} ${question}`);
          return Promise.reject(new CodedError('PEER_GONE', 'no answer'));
        },
      },
    } as unknown as Context;
    const catchUp = new CatchUp(context, quiet, quiet);
    const pass = async () => {
      clock.fireNext();
      await turn();
    };
    return { catchUp, asked, pass };
  };
  const heard = start();
  heard.catchUp.heard('a' as ParticipantId, 500);
  await heard.pass();
  t.strictSame(heard.asked, [], 'one voice may be a liar');
  heard.catchUp.heard('b' as ParticipantId, 500);
  await heard.pass();
  t.strictSame(heard.asked, ['a manifest', 'b manifest']);
  heard.catchUp.stop();

  const alone = start();
  alone.catchUp.heard('a' as ParticipantId, 500);
  for (let i = 0; i < 5; i++) await alone.pass();
  t.strictSame(alone.asked, []);
  await alone.pass();
  t.strictSame(alone.asked, ['a blocks'], 'then it fetches blocks');
  alone.catchUp.stop();

  const near = start();
  near.catchUp.heard('a' as ParticipantId, 64);
  await near.pass();
  t.strictSame(near.asked, ['a blocks'], 'what one answer carries is fetched');
  near.catchUp.stop();
});

import t from 'tap';
import { DEFECTS } from '../faults/defects.ts';
import { turn } from '../turn.ts';
import { type CrashPointsOptions, crashAtEveryPoint } from './crashes.ts';
import { damageEveryByte } from './damages.ts';

const OPTIONS: CrashPointsOptions = {
  seed: 2,
  heights: 3,
  isEverySurvival: false,
  share: { part: 0, of: 1 },
  turn,
  onProgress: () => undefined,
};

t.test('a node that crashes at any point of a run comes back, and breaks nothing', async (t) => {
  const { failures, points, tried, heights } = await crashAtEveryPoint(OPTIONS);
  t.strictSame(failures, []);
  t.ok(heights >= 3 && points > 40, `${points} points`);
  for (const what of ['sync sign-state.log', 'append blocks.log', 'sync blocks.log', 'apply state', 'publish votes']) {
    t.ok((tried.get(what) ?? 0) >= 2, `a crash before: ${what}`);
  }
});

t.test('a node that tells blocks before they are on its disk is caught', async (t) => {
  const defect = DEFECTS.find(({ name }) => name === 'blocks are told before they are on the disk');
  const { failures } = await crashAtEveryPoint({
    ...OPTIONS,
    ...(defect === undefined ? {} : { defect: defect.alter }),
  });
  t.ok(failures.some(({ violation }) => violation.checker === 'durability'));
});

t.test(
  'whatever byte of its disk is damaged, a node opens a beginning of its chain or refuses by a code',
  async (t) => {
    // The bank whose disk it is may be a block behind the first one that has five.
    const { failures, tried, heights, bytes } = await damageEveryByte({ ...OPTIONS, heights: 5, every: 17 });
    t.strictSame(failures, []);
    t.ok(heights >= 4 && bytes > 5_000, `${bytes} bytes of ${heights} blocks`);
    const outcomes = ['cut blocks.log: a beginning of the chain', 'flip sign-state.log: all there'];
    for (const what of outcomes) t.ok((tried.get(what) ?? 0) > 10, `${what}: ${tried.get(what)}`);
  },
);

import t from 'tap';
import { run } from './page/sample.suite.ts';
import type { Run } from './report.ts';
import { findSaturation, isCarried } from './saturation.ts';
import type { Load } from './stage.ts';

/** A network that carries so much a second. */
function carrying(mostPerS: number) {
  const asked: number[] = [];
  const load = ({ perS }: Load): Promise<Run> => {
    asked.push(perS);
    return Promise.resolve(perS <= mostPerS ? passed(perS) : failed(perS));
  };
  return { asked, stage: { load } };
}

const passed = (perS: number) => ({ ...run(perS, perS), planned: 100, final: 100, backlogGrowth: 0 });
const failed = (perS: number) => ({ ...passed(perS), final: 80 });
const OPTIONS = { startPerS: 1_000, ramp: 1.4, warmUpS: 1, measuredS: 1, within: 1.05, maxRuns: 20 };

t.test('the ramp goes up until it fails, and bisection ends close below the limit', async (t) => {
  for (const most of [1_000, 2_345, 9_000]) {
    const { stage } = carrying(most);
    const { runs, chosen } = await findSaturation(stage, OPTIONS);
    const found = runs[chosen ?? -1]?.offeredPerS ?? 0;
    t.ok(found <= most && found >= most / 1.06, `${found} of ${most}`);
  }
});

t.test('a start above the limit goes down first', async (t) => {
  const { stage, asked } = carrying(300);
  const { runs, chosen } = await findSaturation(stage, OPTIONS);
  const found = runs[chosen ?? -1]?.offeredPerS ?? 0;
  t.ok(found <= 300 && found >= 280, `${found}`);
  t.ok((asked[1] ?? 0) < 1_000);
});

t.test('where nothing passes there is no figure, and the search ends', async (t) => {
  const { stage, asked } = carrying(0);
  const { chosen } = await findSaturation(stage, { ...OPTIONS, maxRuns: 4 });
  t.equal(chosen, null);
  t.equal(asked.length, 4);
});

t.test('a ramp of small steps goes as far as it is carried, and closes in between its last two', async (t) => {
  const options = { ...OPTIONS, ramp: 1.12, within: 1.07, maxRuns: 6 };
  const table: readonly [carried: number, asked: readonly number[], chosen: number | null][] = [
    [1_000, [1_000, 1_120, 1_058], 1_000],
    [1_100, [1_000, 1_120, 1_058], 1_058],
    [1_300, [1_000, 1_120, 1_254, 1_405, 1_328], 1_254],
    [9_000, [1_000, 1_120, 1_254, 1_405, 1_574, 1_762], 1_762],
    [900, [1_000, 893, 945], 893],
    [0, [1_000, 893, 797, 712, 636, 567], null],
  ];
  for (const [carried, expected, perS] of table) {
    const { asked, stage } = carrying(carried);
    const { runs, chosen } = await findSaturation(stage, options);
    t.strictSame(asked, expected, `${carried}`);
    t.equal(chosen === null ? null : runs[chosen]?.offeredPerS, perS);
  }
});

t.test('what counts as carried', async (t) => {
  const good = passed(1_000);
  t.ok(isCarried(good));
  const table: readonly [why: string, run: Run][] = [
    ['too little final', { ...good, final: 98 }],
    ['a queue that grows', { ...good, backlogGrowth: 400 }],
    ['a tail over the bound', { ...good, latencyMs: { ...good.latencyMs, p99: 1_001 } }],
    ['an invalid generator', { ...good, problems: ['late'] }],
  ];
  for (const [why, each] of table) t.notOk(isCarried(each), why);
});

import t from 'tap';
import { ACTOR_KINDS, planOf } from './faults/plan.ts';
import { REGRESSIONS } from './faults/regressions.ts';
import { simulate } from './simulation.ts';
import { turn } from './turn.ts';
import { membership } from './world/members.ts';

/** Long enough for every fault of the plan, as their times scale with it. */
const SHORT = { stormMs: 1_200 };

t.test('a dozen seeds with every fault hold', async (t) => {
  const struck = new Set<string>();
  for (let seed = 101; seed <= 112; seed++) {
    const outcome = await simulate(planOf(seed, SHORT), { turn });
    t.equal(outcome.violation, null, `seed ${seed}: ${outcome.heights} heights`);
    t.ok(outcome.heights > 0 && outcome.acknowledged > 0, `seed ${seed} did something`);
    for (const kind of outcome.struck.keys()) struck.add(kind);
  }
  t.ok(struck.size >= 10, `${struck.size} kinds of faults struck`);
});

t.test('each Byzantine participant alone breaks nothing', async (t) => {
  for (const kind of ACTOR_KINDS) {
    const plan = { ...planOf(7, { ...SHORT, participants: 4, kinds: ['drop', 'crash'] }), liars: [] };
    const node = membership(4, 'stub').genesis.participants[2]?.id;
    if (node === undefined) throw new Error('four banks');
    const outcome = await simulate({ ...plan, faults: plan.faults.slice(0, 3), liars: [{ kind, node }] }, { turn });
    t.equal(outcome.violation, null, `${kind}: ${outcome.heights} heights`);
  }
});

t.test('seeds that found something hold now', async (t) => {
  for (const { plan, what } of REGRESSIONS) {
    t.equal((await simulate(plan, { turn })).violation, null, `seed ${plan.seed}: ${what}`);
  }
});

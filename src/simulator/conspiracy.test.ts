import t from 'tap';
import { planOf } from './faults/plan.ts';
import { simulate } from './simulation.ts';
import { turn } from './turn.ts';

t.test('one liar too many forks networks, and two statements of each prove it', async (t) => {
  let forks = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const { violation, fork, plan } = await simulate(planOf(seed, { conspiracy: true, stormMs: 6_000 }), {
      turn,
    });
    t.equal(violation, null, `seed ${seed}`);
    if (fork === null) continue;
    forks += 1;
    t.equal(fork.equivocators, plan.liars.length);
  }
  t.ok(forks >= 2, `${forks} forks`);
});

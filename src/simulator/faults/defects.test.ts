import t from 'tap';
import { simulate } from '../simulation.ts';
import { turn } from '../turn.ts';
import { DEFECTS } from './defects.ts';
import { planOf } from './plan.ts';

for (const defect of DEFECTS) {
  t.test(`a planted defect is caught: ${defect.name}`, async (t) => {
    for (let seed = 1; seed <= 30; seed++) {
      const plan = planOf(seed, { kinds: defect.kinds, participants: 4, stormMs: 3_000 });
      const { violation } = await simulate(plan, { turn, defect: defect.alter });
      if (violation === null) continue;
      t.ok(defect.caughtBy.includes(violation.checker), `seed ${seed}, ${violation.checker}: ${violation.what}`);
      return;
    }
    t.fail('it survived thirty seeds');
  });
}

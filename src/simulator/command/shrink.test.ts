import t from 'tap';
import { DEFECTS } from '../faults/defects.ts';
import { planOf } from '../faults/plan.ts';
import { simulate } from '../simulation.ts';
import { turn } from '../turn.ts';
import { flagsOf, readFlags } from './flags.ts';
import { changed, shrink } from './shrink.ts';

t.test('a failure is made shorter', async (t) => {
  const [defect] = DEFECTS.filter(({ name }) => name.startsWith('blocks are told'));
  if (defect === undefined) throw new Error('no such defect');
  let runs = 0;
  const run = (plan: ReturnType<typeof planOf>) => {
    runs += 1;
    return simulate(plan, { turn, defect: defect.alter });
  };
  const seeds = Array.from({ length: 10 }, (_, i) => i + 1);
  const plans = seeds.map((seed) => planOf(seed, { kinds: [...defect.kinds, 'delay', 'drop'], stormMs: 1_500 }));
  const plan = plans.find(({ faults, participants }) => participants === 5 && faults.length > 3);
  if (plan === undefined) throw new Error('a plan that can be shortened');
  const { violation } = await run(plan);
  t.ok(violation);
  const changes = await shrink(plan, violation?.checker ?? '', run);
  const short = changed(plan, changes);
  t.ok(short.faults.length >= 1 && short.faults.length < plan.faults.length);
  t.ok(short.faults.some(({ kind }) => kind.startsWith('crash')));
  t.ok(short.participants < plan.participants, `${short.participants} banks are enough`);
  t.ok(short.stormMs < plan.stormMs);
  t.ok((short.maxRequests ?? Number.POSITIVE_INFINITY) < 200, `${short.maxRequests} requests are enough`);
  t.ok(runs <= 61, `${runs} runs`);
  t.equal((await run(short)).violation?.checker, violation?.checker);

  const flags = readFlags(['--seed', String(plan.seed), ...flagsOf(changes).flatMap((flag) => flag.split(' '))]);
  t.strictSame(changed(plan, flags.changes), short, 'the flags of the replay say the same');
});

t.test('bad flags are told apart from good ones in one line', (t) => {
  const rows = [
    [['--seeds', '5..1'], /seeds are given as/],
    [['--seed', 'x'], /seeds are given as/],
    [['--faults', 'nonesuch'], /no fault is called nonesuch; there are drop, delay, .*equivocator/],
    [['--banks', '0'], /--banks is a number from 1 to 9/],
    [['--lengths', '1'], /--lengths is a list/],
    [['--nonesuch'], /nonesuch/],
    [['--signatures', 'other'], /stub or real/],
  ] as const;
  for (const [args, message] of rows) t.throws(() => readFlags(args), { code: 'FLAG_WRONG', message });
  t.match(readFlags(['--seeds', '3..9', '--faults', 'none']), { first: 3, last: 9, kinds: [] });
  t.match(readFlags(['--seed', '3', '--absent']), { isAbsent: true, repeated: ['--absent'] });
  t.end();
});

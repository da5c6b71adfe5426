import t from 'tap';
import { ACTOR_KINDS, FAULT_KINDS } from '../faults/plan.ts';
import { examine } from './examine.ts';
import { MUTANTS } from './list.ts';
import { type Mutant, SCENES } from './mutant.ts';
import { mutated, plant, sourceOf } from './plant.ts';

/** Every mistake has the same shape, whatever it is about: nothing that a test of the machinery needs to know. */
const STUCK: Mutant = {
  name: 'no-quorum',
  mistake: 'No number of votes is enough.',
  file: 'consensus/quorum.ts',
  find: 'return Math.floor((2 * validators) / 3) + 1;',
  replace: 'return validators + 1;',
  scene: 'calm',
  caughtBy: ['calm', 'liveness'],
};
const HARMLESS: Mutant = { ...STUCK, name: 'harmless', replace: 'return 1 + Math.floor((2 * validators) / 3);' };

t.test('what a mutant replaces stands in its file once, and becomes something else', async (t) => {
  for (const mutant of MUTANTS) {
    const source = sourceOf(mutant.file);
    t.not(mutated(mutant, source), source, mutant.name);
  }
});

t.test('the list is in order', async (t) => {
  t.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length, 'names are unique');
  t.ok(MUTANTS.length >= 40);
  const kinds: readonly string[] = [...FAULT_KINDS, ...ACTOR_KINDS];
  for (const { name, scene, caughtBy } of MUTANTS) {
    t.match(name, /^[a-z-]+$/);
    t.ok(caughtBy.length > 0, name);
    t.strictSame(
      SCENES[scene].kinds.filter((kind) => !kinds.includes(kind)),
      [],
    );
  }
});

t.test('a text that stands nowhere or twice is refused', async (t) => {
  t.throws(() => mutated(STUCK, 'something else'), { code: 'MUTANT_STALE' });
  t.throws(() => mutated(STUCK, STUCK.find + STUCK.find), { code: 'MUTANT_STALE' });
});

t.test('a module that is loaded after planting has the mistake', async (t) => {
  const { applied } = plant({
    ...STUCK,
    file: 'simulator/mutants/fixture.suite.ts',
    find: "'right'",
    replace: "'wrong'",
  });
  t.equal(applied(), false);
  const { ANSWER } = await import('./fixture.suite.ts');
  t.equal(ANSWER, 'wrong');
  t.equal(applied(), true);
});

t.test('a mistake is caught, and what is none survives', async (t) => {
  const { results, controls } = await examine([STUCK, HARMLESS], { jobs: 2, seeds: [1] });
  const [stuck, harmless] = results;
  t.ok(STUCK.caughtBy.includes(stuck?.fall?.checker ?? ''), stuck?.fall?.what ?? 'it survived');
  t.strictSame([...controls.keys()], ['calm/1']);
  t.equal(harmless?.fall, null);
  t.equal(harmless?.note, '');
});

t.test('what another checker sees than the list tells counts as survived', async (t) => {
  const { results } = await examine([{ ...STUCK, caughtBy: ['certificate'] }], { jobs: 1, seeds: [1] });
  t.equal(results[0]?.fall, null);
  t.match(results[0]?.note, /another checker/);
});

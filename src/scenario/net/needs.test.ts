/** What an engine cannot do is said before anything starts. */
import t from 'tap';
import type { EngineMaker } from '../engine.ts';
import { ENGINE_SPEC, NBC } from '../engine-asks.suite.ts';
import { altersLinks, assertCan } from '../needs.ts';
import type { Action, Need, NetworkSpec, Step } from '../story.ts';
import { processEngine } from './engine.ts';

const real = processEngine({
  start: () => Promise.reject(new Error('it was started')),
  clock: { now: () => 0, schedule: () => () => undefined },
  withLinks: false,
});
const able: EngineMaker = { kind: 'sim', can: ['byzantine', 'timeTravel'], make: real.make };
const story = (needs: readonly Need[], network: Partial<NetworkSpec> = {}) => {
  return { title: 'A story', needs, network: { ...ENGINE_SPEC, ...network } };
};

t.test('each thing that real processes do not do is named', (t) => {
  const cases: [ReturnType<typeof story>, RegExp][] = [
    [story(['byzantine']), /^A story cannot be played on real processes: it turns a bank into a liar/],
    [story(['timeTravel']), /the clocks of real nodes do not leap/],
    [story([], { signatures: 'stub' }), /its signatures are stubs/],
    [story([], { blockIntervalMs: 1_000 }), /its blocks keep a distance/],
    [story(['byzantine'], { signatures: 'stub' }), /a liar.*; its signatures are stubs.*Play it simulated$/],
  ];
  for (const [each, message] of cases) {
    t.throws(() => assertCan(real, each), { code: 'ENGINE_CANNOT', message });
    assertCan(able, each);
  }
  assertCan(real, story([]));
  t.end();
});

const PLACE = { file: 'test.yaml', line: 1, column: 1, path: 'steps[0]' };
const step = (action: Action): Step => {
  return { place: PLACE, action, atMs: null, as: null, note: null, expected: { kind: 'final' } };
};
const cut = step({ type: 'partition', groups: [[NBC]] });
const crash = step({ type: 'crash', banks: [NBC] });

t.test('only stories that cut or slow something, or may, get something to cut', (t) => {
  const together = (...steps: Step[]) => step({ type: 'together', steps });
  const cases: [string, readonly Step[], boolean][] = [
    ['nothing', [], false],
    ['a crash', [crash, step({ type: 'heal' })], false],
    ['a cut', [crash, cut], true],
    ['slowness', [step({ type: 'slow', banks: [NBC], byMs: 1 })], true],
    ['a cut within a branch', [together(crash, step({ type: 'sequence', steps: [crash, cut] }))], true],
    ['branches without one', [together(crash, step({ type: 'sequence', steps: [crash] }))], false],
    [
      'a program',
      [step({ type: 'run', title: 'who knows', body: () => Promise.resolve(), stepOf: () => crash })],
      true,
    ],
  ];
  for (const [name, steps, expected] of cases) t.equal(altersLinks(steps), expected, name);
  t.end();
});

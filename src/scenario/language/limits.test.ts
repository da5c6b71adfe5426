/** Stories that are too much: each is refused by its limit, and none of them costs more than a story of good size. */
import fc from 'fast-check';
import t from 'tap';
import { type Compiled, compileStory, readStory } from './compile.ts';
import { MAX_DEPTH, MAX_FILE_CHARS, MAX_FILES, MAX_PEOPLE, MAX_STEPS, MAX_TEXT_CHARS } from './limits.ts';
import { filesOf, SAMPLE, SAMPLE_FILE, SAMPLE_FILES } from './sample.suite.ts';
import { WORDS } from './schema/steps.ts';

const SAY = '  - say: Hello\n';
const read = (text: string, others: Readonly<Record<string, string>> = {}) =>
  readStory('story.yaml', filesOf({ ...others, 'story.yaml': text }));
const withSteps = (steps: string) => read(`story: S\nsteps:\n${steps}`);

t.test('texts, files, depth', async (t) => {
  const rows: readonly (readonly [what: string, compiled: Promise<Compiled>, code: string])[] = [
    ['a large file', read(`story: S\n#${'x'.repeat(MAX_FILE_CHARS)}`), 'SCENARIO_FILE'],
    ['lists within lists', read('['.repeat(500_000)), 'SCENARIO_YAML'],
    ['lists within lists, compact', read('- '.repeat(500_000)), 'SCENARIO_YAML'],
    ['mappings within mappings', read('{a: '.repeat(200_000)), 'SCENARIO_YAML'],
    ['keys of keys', read('? '.repeat(500_000)), 'SCENARIO_YAML'],
    [
      'one level too deep',
      read(`story: S\nabout: ${'['.repeat(MAX_DEPTH + 1)}${']'.repeat(MAX_DEPTH + 1)}`),
      'SCENARIO_LIMIT',
    ],
    ['a long text', withSteps(`  - say: ${'x'.repeat(MAX_TEXT_CHARS + 1)}\n`), 'SCENARIO_LIMIT'],
    ['a bomb of aliases', read(bomb()), 'SCENARIO_YAML'],
    [
      'many variables',
      read(`story: S\nvariables: {${range(1_001, (i) => `v${i}: 1`)}}\nsteps:\n${SAY}`),
      'SCENARIO_LIMIT',
    ],
    [
      'variables that make a long text',
      read(`story: S\nvariables: { v: ${'x'.repeat(1_000)} }\nsteps:\n  - say: "\${v}\${v}\${v}"\n`),
      'SCENARIO_LIMIT',
    ],
    [
      'many tiers',
      read(`story: S\nnetwork: { tiers: {${range(9, (i) => `t${i}: {}`)}} }\nsteps:\n${SAY}`),
      'SCENARIO_LIMIT',
    ],
  ];
  for (const [what, compiled, code] of rows) t.match((await compiled).problems?.[0], { code }, what);
});

t.test('files', async (t) => {
  const chain = Object.fromEntries(
    Array.from({ length: MAX_FILES + 2 }, (_, i) => [`f${i}.yaml`, `include: f${i + 1}.yaml\n`]),
  );
  const { problems } = await read(`story: S\ninclude: f0.yaml\nsteps:\n${SAY}`, chain);
  t.match(problems, [{ code: 'SCENARIO_INCLUDE', message: `a story has at most ${MAX_FILES} files` }]);
  const circle = {
    'a.yaml': 'steps:\n  - include: b.yaml\n',
    'b.yaml': 'steps:\n  - repeat: { times: 2, steps: [{ include: a.yaml }] }\n',
  };
  const turned = await read('story: S\nsteps:\n  - include: a.yaml\n', circle);
  t.match(turned.problems, [
    { code: 'SCENARIO_INCLUDE', message: '`a.yaml` leads back to itself: story.yaml > a.yaml > b.yaml > a.yaml' },
  ]);
});

t.test('people', async (t) => {
  const crowds = (counts: readonly number[]) =>
    read(
      `story: S\ncrowds: {${counts.map((count, i) => `c${i}: { count: ${count}, phones: yes }`).join(', ')}}\nsteps:\n${SAY}`,
    );
  const { story } = await crowds([MAX_PEOPLE]);
  t.equal(new Set(story?.people.map(({ phone }) => phone)).size, MAX_PEOPLE, 'everybody has a number of their own');
  t.match((await crowds([MAX_PEOPLE, 1])).problems, [{ code: 'SCENARIO_LIMIT' }]);
  t.match((await crowds([MAX_PEOPLE + 1])).problems, [{ code: 'SCENARIO_SHAPE' }]);
});

t.test('steps', async (t) => {
  const loop = (times: number, inner: string) => `{ repeat: { times: ${times}, steps: [${inner}] } }`;
  const good = await withSteps(`  - ${loop(MAX_STEPS / 10, '{ say: a }, { say: b }, { say: c }')}\n`);
  t.equal(good.story?.steps.length, 3_000);
  const rows = [
    ['one loop', loop(MAX_STEPS, '{ say: a }')],
    ['loops within loops', loop(MAX_STEPS, loop(MAX_STEPS, loop(MAX_STEPS, '{ say: a }')))],
    ['loops around what is wrong', loop(MAX_STEPS, loop(MAX_STEPS, '{ sya: a }'))],
    ['a group of loops', `{ together: [${loop(MAX_STEPS / 2, '{ say: a }')}, ${loop(MAX_STEPS / 2, '{ say: a }')}] }`],
  ] as const;
  for (const [what, step] of rows) {
    const { problems } = await withSteps(`  - ${step}\n`);
    t.ok(
      problems?.some(({ code, message }) => code === 'SCENARIO_LIMIT' && message.includes('too long')),
      what,
    );
  }
  const wide = await withSteps(
    `  - repeat: { times: 5000, steps: [{ expect: { balance: {${range(300, (i) => `a${i}: 1 KHR`)}} } }] }\n`,
  );
  t.ok(
    wide.problems?.some(({ code, message }) => code === 'SCENARIO_LIMIT' && message.includes('too large')),
    'values',
  );
});

t.test('payees', async (t) => {
  const { problems } = await read(`story: S
people: { payer: { bank: aclb } }
crowds: { many: { count: 100000 } }
steps:
  - repeat: { times: 5000, steps: [{ bulk: { from: payer, to: many, amount: 1 KHR } }] }
`);
  t.match(problems, [{ code: 'SCENARIO_LIMIT', place: { line: 5 } }]);
});

t.test('objects that no YAML could be', async (t) => {
  const circle: Record<string, unknown> = { story: 'S' };
  circle['steps'] = [circle];
  for (const [what, value] of [
    ['a circle', circle],
    ['a date', { story: 'S', steps: [{ say: new Date(0) }] }],
    ['a big integer', { story: 'S', steps: [{ say: 5n }] }],
    ['no number', { story: 'S', network: { seed: Number.NaN }, steps: [{ say: 'a' }] }],
    ['no object', undefined],
    ['a function', () => 5],
    ['a prototype', JSON.parse('{"story":"S","steps":[{"say":"a"}],"__proto__":{"people":1}}') as unknown],
  ] as const) {
    const { problems } = await compileStory(value, { file: 'story.ts', ...filesOf({}) });
    t.ok(problems && problems.length > 0, what);
  }
});

t.test('no object makes anything but a story or problems', async (t) => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  });
  const key = fc.constantFrom('about', 'include', 'variables', 'network', 'people', 'crowds', 'steps');
  const word = fc.constantFrom(...Object.keys(WORDS));
  const document = fc.oneof(
    anything,
    fc
      .record({ key, value: anything })
      .map(({ key: name, value }) => ({ story: 'S', steps: [{ say: 'a' }], [name]: value })),
    fc
      .record({ word, value: anything, as: anything })
      .map(({ word: name, value, as }) => ({ story: 'S', steps: [{ [name]: value, as }] })),
  );
  await fc.assert(
    fc.asyncProperty(document, async (value) => {
      const { story, problems } = await compileStory(value, { file: 'story.ts', ...filesOf({}) });
      return (story === null) === (problems !== null && problems.length > 0);
    }),
    { numRuns: 1_000 },
  );
  t.pass('1,000 objects');
});

t.test('no change of a good story makes anything but a story or problems', async (t) => {
  const lines = SAMPLE.split('\n');
  const scrap = fc.constantFrom(
    ...lines,
    ...SAMPLE.split(/[\s,]+/),
    '${',
    '}',
    '[',
    '{',
    ': ',
    '- ',
    '"',
    "'",
    '&a',
    '*a',
    '!!map',
    '|',
    '>',
    '\t',
    '\u0000',
    '\ud800',
    '__proto__',
    'constructor',
    '-1',
    '1e400',
    '0x7f',
    '~',
    '',
  );
  const change = fc.record({
    at: fc.nat({ max: SAMPLE.length }),
    remove: fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 2_000 })),
    insert: fc.oneof(scrap, fc.string({ unit: 'binary', maxLength: 8 })),
  });
  let stories = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const text = changes.reduce(
        (present, { at, remove, insert }) => present.slice(0, at) + insert + present.slice(at + remove),
        SAMPLE,
      );
      const { story, problems } = await readStory(SAMPLE_FILE, filesOf({ ...SAMPLE_FILES, [SAMPLE_FILE]: text }));
      if (story !== null) stories++;
      return (
        (story === null) === (problems !== null && problems.length > 0 && problems.every(({ place }) => place.line > 0))
      );
    }),
    { numRuns: 400 },
  );
  t.ok(stories > 0, `${stories} of 400 changes left a story`);
});

/** Nine levels, each nine times the one before. */
function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${range(9, () => `*l${i}`)}]`);
  return ['l0: &l0 x', ...levels].join('\n');
}

function range(count: number, item: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => item(i)).join(', ');
}

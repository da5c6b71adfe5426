/** What a story means once it is read: names, money, times, loops, files, variables and outputs. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import { parsePhone } from '../../api/phone.ts';
import { type Document, scenario } from '../index.ts';
import type { Step, Story } from '../story.ts';
import { type Compiled, compileStory, type Reading, readStory } from './compile.ts';
import { showProblem } from './problem.ts';
import { filesOf, SAMPLE, SAMPLE_FILE, SAMPLE_FILES } from './sample.suite.ts';
import { publishedSchema } from './schema/publish.ts';

t.test('the story that says every word is read whole', async (t) => {
  const story = whole(await readStory(SAMPLE_FILE, filesOf(SAMPLE_FILES)));
  t.equal(story.title, 'Everything there is');
  t.strictSame(story.needs, ['byzantine', 'timeTravel']);
  t.strictSame(
    story.network.members.map(({ id, kind }) => `${id} ${kind}`),
    ['nbc centralBank', 'aclb bank', 'cnb bank', 'wing bank'],
  );
  t.match(story.network, { aliasClaimDelayMs: 172_800_000, blockIntervalMs: 1_000, signatures: 'stub', seed: 7 });
  t.equal(new Date(story.network.startsAtMs).toISOString(), '2026-04-13T23:00:00.000Z', 'six in Phnom Penh');
  t.match(
    story.people.find(({ name }) => name === 'sok'),
    {
      account: 'sok@cnb',
      phone: '+85512000002',
      has: [
        { currency: 'KHR', minor: 50_000n },
        { currency: 'USD', minor: 2_000n },
      ],
    },
  );
  t.equal(story.crowds.get('shoppers')?.length, 400);
  t.match(
    story.crowds.get('shoppers')?.slice(0, 3),
    ['shoppers-001@aclb', 'shoppers-002@cnb', 'shoppers-003@aclb'],
    'banks in turn',
  );
  t.match(story.steps[0], {
    action: { type: 'say', text: ['First of all.'] },
    place: { file: 'scenarios/common/banks.yaml', line: 4 },
  });
});

t.test('steps mean what they say', async (t) => {
  const rows: readonly (readonly [step: string, action: object])[] = [
    [
      'pay: { from: dara, to: sok, amount: 1.50 USD }',
      {
        type: 'pay',
        from: 'dara@aclb',
        to: { account: 'sok@cnb' },
        amount: { currency: 'USD', minor: 150n },
        via: null,
        signedBy: [],
        patienceMs: 30_000,
        validForMs: 60_000,
      },
    ],
    ['pay: { from: dara, to: bank cnb, amount: 1 KHR }', { to: { account: 'settlement@cnb' } }],
    ['pay: { from: dara, to: ghost@wing, amount: 1 KHR }', { to: { account: 'ghost@wing' } }],
    ['pay: { from: dara, to: 012 000 009, amount: 1 KHR }', { to: { phone: '+85512000009', seenBy: null } }],
    [
      'pay: { from: sok, to: dara, by: phone, seenBy: first, amount: 1 KHR }',
      { to: { phone: '+85512000001', seenBy: 'first' } },
    ],
    [
      `pay: { from: dara, to: sok, amount: "\${first.amount}", memo: "a \${first.height} b" }`,
      { amount: { output: 'first', field: 'amount' }, memo: ['a ', { output: 'first', field: 'height' }, ' b'] },
    ],
    [
      'issue: { to: aclb, amount: 5 KHR, signedBy: [wing, officer 1, dara] }',
      { type: 'issue', bank: 'aclb', signedBy: ['wing', 'officer/1', 'dara@aclb'] },
    ],
    [
      'bulk: { from: dara, to: crowd, amount: 5 KHR }',
      {
        perTransaction: 100,
        each: [{ to: 'crowd-001@aclb', amount: { minor: 5n } }, { to: 'crowd-002@cnb' }, { to: 'crowd-003@wing' }],
      },
    ],
    [
      'payments: { from: crowd, to: dara, count: 3, over: 1.5 h, amount: { about: 1.00 USD, spread: 0.5, roundTo: 0.25 } }',
      {
        currency: 'USD',
        overMs: 5_400_000,
        arrivals: 'poisson',
        amount: { kind: 'lognormal', medianMinor: 100n, sigma: 0.5, roundTo: 25n },
        retry: false,
        byPhone: false,
        eachPayerOnce: false,
      },
    ],
    [
      'replay: { of: first, via: wing, within: 3 s }',
      { type: 'replay', output: 'first', via: 'wing', patienceMs: 3_000 },
    ],
    ['crash: [aclb, cnb]', { type: 'crash', banks: ['aclb', 'cnb'] }],
    ['slow: { banks: wing, by: 300 ms }', { type: 'slow', banks: ['wing'], byMs: 300 }],
    [
      'expect: { balance: { dara: 0 KHR } }',
      { withinMs: 10_000, expectations: [{ kind: 'balance', is: 'exactly', amount: { zero: 'KHR' } }] },
    ],
    [
      'expect: { balance: { bank cnb: [at most 5 KHR, 1 USD] } }',
      {
        expectations: [
          { account: 'settlement@cnb', is: 'atMost', amount: { minor: 5n } },
          { is: 'exactly', amount: { minor: 100n } },
        ],
      },
    ],
    [
      'expect: { change: { since: noon, dara: -1.5 USD } }',
      { expectations: [{ kind: 'change', since: 'noon', currency: 'USD', minor: -150n }] },
    ],
    [
      'expect: { payments: { of: first, refused ALIAS_STALE: at most 3, final: all } }',
      {
        expectations: [
          { ending: 'refused/ALIAS_STALE', is: 'atMost', count: 3 },
          { ending: 'final', count: 'all' },
        ],
      },
    ],
    [
      'expect: { finality: { p99: below 2 s, max: below 5 s } }',
      {
        expectations: [
          { of: null, quantile: 0.99, belowMs: 2_000 },
          { quantile: 1, belowMs: 5_000 },
        ],
      },
    ],
    [
      'expect: { alias: { 012 000 009: nobody } }',
      { expectations: [{ phone: '+85512000009', account: null, epoch: null }] },
    ],
    [
      'expect: { evidence: none, roots: equal, running: { wing: no } }',
      {
        expectations: [
          { kind: 'evidence', against: null },
          { kind: 'equalRoots', banks: null },
          { kind: 'running', is: false },
        ],
      },
    ],
    [
      `expect: { value: { "\${first.code}": at least 3 } }`,
      { expectations: [{ value: { output: 'first', field: 'code' }, is: 'atLeast', to: 3 }] },
    ],
    [
      `expect: { balance: { dara: "at least \${noon.bank cnb.KHR}" } }`,
      { expectations: [{ is: 'atLeast', amount: { output: 'noon', field: 'bank cnb.KHR' } }] },
    ],
  ];
  for (const [step, action] of rows) t.match((await stepsOf(`- ${step}`)).at(-1)?.action, action, step);
});

t.test('times are those of Phnom Penh, and a day goes on until another is named', async (t) => {
  const steps = await stepsOf(
    '- { at: "09:30", say: a }\n- { at: day 3 08:00:30, say: b }\n- { at: "09:00", say: c }\n- say: d',
  );
  const told = steps.slice(2).map(({ atMs }) => (atMs === null ? null : new Date(atMs).toISOString()));
  t.strictSame(told, ['2026-01-05T02:30:00.000Z', '2026-01-07T01:00:30.000Z', '2026-01-07T02:00:00.000Z', null]);
});

t.test('loops are written out; beside each other, a loop is one branch', async (t) => {
  const steps = await stepsOf(`- at: "10:00"
  for: { each: crowd, from: 2, first: 2, as: who, steps: [{ pay: { from: "\${who}", to: dara, amount: 1 KHR }, as: "of-\${who}" }, { say: "\${of-\${who}.amount}" }] }
- together:
    - say: a
    - repeat: { times: 2, as: i, steps: [{ wait: "\${i} s" }] }`);
  t.match(steps.slice(2, 6), [
    { as: 'of-crowd-002', action: { from: 'crowd-002@cnb' } },
    { action: { text: [{ output: 'of-crowd-002', field: 'amount' }] } },
    { as: 'of-crowd-003', atMs: null },
    {},
  ]);
  t.ok(steps[2]?.atMs, 'a loop begins when its first step does');
  t.match(steps.at(-1)?.action, {
    type: 'together',
    steps: [
      { action: { type: 'say' } },
      { action: { type: 'sequence', steps: [{ action: { ms: 1_000 } }, { action: { ms: 2_000 } }] } },
    ],
  });
});

t.test('variables keep their kind, and can be set', async (t) => {
  const text = `story: S\nvariables: { n: 2, who: "World" }\nsteps:\n  - repeat: { times: "\${n}", steps: [{ say: "Hello \${who} \${n}" }] }\n`;
  const read = (settings: Partial<Reading>) => readStory('s.yaml', { ...filesOf({ 's.yaml': text }), ...settings });
  t.match(whole(await read({})).steps, [{ action: { text: ['Hello World 2'] } }, {}]);
  t.match(whole(await read({ set: { n: '1', who: '5' } })).steps, [{ action: { text: ['Hello 5 1'] } }]);
  const refused = await read({ set: { n: 'many', whom: 'x', who: `\${n}` } });
  t.strictSame(refused.problems?.map(showProblem), [
    '--set: n: `many` is no number; expected one such as 2',
    '--set: whom: the story has no variable `whom`; did you mean `who`?',
    '--set: who: a variable stands for plain text or a number; it cannot mention another one',
  ]);
});

t.test('the same seed invents the same numbers; they can be called, and are nobody else’s', async (t) => {
  const numbers = async (seed: number) =>
    whole(await readStory(SAMPLE_FILE, { ...filesOf(SAMPLE_FILES), seed })).people.map(({ phone }) => phone);
  const first = await numbers(3);
  t.strictSame(first, await numbers(3));
  t.notSame(first, await numbers(4));
  const invented = first.filter((phone) => phone !== null);
  t.equal(new Set(invented).size, invented.length);
  t.ok(invented.every((phone) => parsePhone(phone) === phone));
});

t.test('an object says the same as the text', async (t) => {
  const document = parse(SAMPLE, { schema: 'core' }) as Document;
  const fromObject = whole(await compileStory(scenario(document), { file: SAMPLE_FILE, ...filesOf(SAMPLE_FILES) }));
  const fromText = whole(await readStory(SAMPLE_FILE, filesOf(SAMPLE_FILES)));
  t.strictSame(withoutPlaces(fromObject), withoutPlaces(fromText));
});

t.test('an object may have code, and its problems have paths', async (t) => {
  const body = async () => {};
  const good = scenario({ story: 'S', steps: [{ title: 'Counts', run: body }] });
  t.match(whole(await compileStory(good, { file: 's.ts', ...filesOf({}) })).steps, [
    { action: { type: 'run', title: 'Counts', body } },
  ]);
  const bad = await compileStory(
    { story: 'S', steps: [{ say: 'a' }, { wait: '5' }] },
    { file: 's.ts', ...filesOf({}) },
  );
  t.strictSame(bad.problems?.map(showProblem), [
    's.ts: steps[1].wait: `wait` is `5`; expected a duration such as `500 ms` or `10 s`',
  ]);
});

t.test('every good document is a story', async (t) => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{2,8}$/).map((text) => `p${text}`);
  const amount = fc.oneof(
    fc.integer({ min: 1, max: 1_000_000 }).map((n) => `${n} KHR`),
    fc.integer({ min: 1, max: 99 }).map((n) => `3.${String(n).padStart(2, '0')} USD`),
  );
  const document: fc.Arbitrary<Document> = fc
    .record({
      names: fc.uniqueArray(name, { minLength: 2, maxLength: 6 }),
      amounts: fc.array(amount, { minLength: 4, maxLength: 12 }),
      seed: fc.nat(),
      count: fc.integer({ min: 1, max: 30 }),
    })
    .map(({ names, amounts, seed, count }) => {
      const [payer = '', payee = ''] = names;
      return {
        story: 'S',
        network: { seed, banks: ['nbc', 'aclb', 'cnb'] },
        people: Object.fromEntries(
          names.map((each, i) => [
            each,
            { bank: ['aclb', 'cnb'][i % 2] ?? 'aclb', has: [amounts[i % amounts.length] ?? '1 KHR'] },
          ]),
        ),
        crowds: { crowd: { count, phones: count % 2 === 0 } },
        steps: amounts.flatMap((each, i) => [
          { pay: { from: payer, to: payee, amount: each }, as: `s${i}` },
          {
            together: [
              { deposit: { to: payee, amount: `\${s${i}.amount}` } },
              { repeat: { times: 2, steps: [{ wait: `${i} ms` }] } },
            ],
          },
          { expect: { balance: { [payer]: `at most ${each}` }, payments: { of: `s${i}`, final: 'all' } } },
        ]),
      } satisfies Document;
    });
  const validate = new Ajv({ strict: false }).compile(publishedSchema());
  await fc.assert(
    fc.asyncProperty(
      document,
      async (value) => (await compileStory(value, { file: 's.ts', ...filesOf({}) })).story !== null && validate(value),
    ),
    { numRuns: 60 },
  );
  t.pass('60 documents');
});

t.test('the published schema takes what the program takes', async (t) => {
  const validate = new Ajv({ strict: false }).compile(publishedSchema());
  t.ok(validate(parse(SAMPLE)), JSON.stringify(validate.errors?.[0]));
  for (const text of [
    'story: S\nsteps: [{ pya: { from: a, to: b, amount: 1 KHR } }]',
    'story: S\nsteps: [{ pay: { from: a, to: b, amount: "5,000 KHR" } }]',
    'story: S\nsteps: [{ pay: { from: a, to: b } }]',
    'story: S\nsteps: [{ repeat: { times: 2, steps: [{ wait: 10s }] } }]',
    'story: S\nsteps: [{ expect: { balances: { a: 1 KHR } } }]',
    'story: S\nnetwork: { signatures: none }\nsteps: [{ say: a }]',
  ])
    t.notOk(validate(parse(text)), text);
});

function whole({ story, problems }: Compiled): Story {
  if (story !== null) return story;
  throw new Error(problems.map(showProblem).join('\n'));
}

/** Two steps, `first` and `noon`, and these. */
async function stepsOf(steps: string): Promise<readonly Step[]> {
  const text = `story: S
people:
  dara: { bank: aclb, phone: 012 000 001 }
  sok: { bank: cnb }
crowds: { crowd: { count: 3 } }
steps:
- { pay: { from: dara, to: sok, amount: 5 KHR }, as: first }
- { remember: all, as: noon }
${steps}
`;
  return whole(await readStory('s.yaml', filesOf({ 's.yaml': text }))).steps;
}

function withoutPlaces(story: Story): unknown {
  const dropped = (key: string, value: unknown): unknown => {
    if (key === 'place') return undefined;
    return typeof value === 'bigint' ? String(value) : value;
  };
  return JSON.parse(JSON.stringify({ ...story, crowds: [...story.crowds] }, dropped));
}

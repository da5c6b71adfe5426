/** `tonle scenario`: what each command says, to people and to programs, and with which number it ends. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { Run } from '../../scenario/run.ts';
import { openLocalFolder } from '../local-folder.ts';
import { tonle } from '../processes.suite.ts';
import { ask, run } from '../run-cli.suite.ts';
import { systemClock, systemRandom } from '../system.ts';

const STORY = `story: A lunch
variables: { left: 92000 KHR }
people:
  dara: { bank: aclb, has: 100000 KHR }
  sok: { bank: cnb, phone: 012 000 002 }
steps:
  - pay: { from: dara, to: 012 000 002, amount: 8000 KHR, memo: Lunch }
  - pay: { from: dara, to: sok, amount: 900000 KHR }
    expect: refused INSUFFICIENT_FUNDS
  - expect: { balance: { dara: "\${left}" } }
  - expect: { balance: { sok: 8000 KHR } }
`;

/** A folder with `lunch.yaml`, and the options that keep everything in it. */
function folder(t: Test, text = STORY) {
  const dir = t.testdir({ 'lunch.yaml': text });
  const at = (...names: string[]) => path.join(dir, ...names);
  const scenario = (...argv: string[]) => run(['--data', at('data'), 'scenario', ...argv]);
  return { at, scenario, file: at('lunch.yaml') };
}

t.test('a story that holds ends with 0, lines without colours, and a run that is kept', async (t) => {
  const { at, scenario, file } = folder(t);
  const { code, stdout, stderr } = await scenario('run', file, '--report', at('out.html'));
  t.equal(code, 0, stderr);
  t.equal(stderr, '');
  t.notMatch(stdout, '\u001b', 'a pipe gets no colours and no line that is written over');
  t.match(stdout, /✓ dara pays sok 8,000 KHR by phone number {2}final in \d+ ms, block \d+\n/);
  t.match(stdout, /A lunch: everything held\.\n/);
  t.match(readFileSync(at('out.html'), 'utf8'), /^<!doctype html>[\s\S]*<\/html>\n$/);
  t.strictSame(readdirSync(at('data', 'runs')), ['lunch-1']);
  t.match(stdout, 'tonle scenario explain lunch-1 ');
});

t.test('--json is one document and nothing else', async (t) => {
  const { at, file } = folder(t);
  const document = await ask<Run & { kept: string }>(['--data', at('data'), 'scenario', 'run', file]);
  t.match(document, {
    format: 'tonle-run',
    verdict: 'held',
    expectations: [{ held: true }, { held: true }],
    kept: at('data', 'runs', 'lunch-1'),
  });
});

t.test('an amount off by one is told so that a person understands, and ends with 7', async (t) => {
  const { scenario, file } = folder(t);
  const { code, stdout } = await scenario('run', file, '--set', 'left=92001 KHR');
  t.equal(code, 7);
  const said = stdout.slice(stdout.indexOf('✗ Expected'), stdout.indexOf('\nKept')).replace(file, 'lunch.yaml');
  t.equal(
    said,
    [
      '✗ Expected: dara has exactly 92,001 KHR (lunch.yaml:10:32)',
      '  Expected exactly 92,001 KHR, found 92,000 KHR: 1 KHR too little.',
      '  Last movements of dara:',
      '    05:00  before step 1  from bank aclb  +100,000 KHR  final',
      '    06:00  step 1  to sok  -8,000 KHR  final',
      '    06:00  step 2  to sok  -900,000 KHR  refused INSUFFICIENT_FUNDS',
      '',
      'A lunch: an expectation did not hold.',
      '',
    ].join('\n'),
  );
  t.notMatch(stdout, 'sok has exactly', 'the story ended there');
  const further = await scenario('run', file, '--set', 'left=92001 KHR', '--keep-going');
  t.equal(further.code, 7);
  t.match(further.stdout, 'Expectations  1 of 2 held');
});

t.test('a step that ends otherwise than it should stops the story, and ends with 7', async (t) => {
  const { scenario, file } = folder(t, STORY.replace('900000 KHR', '90000 KHR'));
  const { code, stdout } = await scenario('run', file);
  t.equal(code, 7);
  t.match(
    stdout,
    'The story stopped. dara pays sok 90,000 KHR: expected a refusal with INSUFFICIENT_FUNDS, but it became',
  );
});

t.test('a story that is refused says every place, plays nothing, and ends with 2', async (t) => {
  const { at, scenario, file } = folder(t, STORY.replace('from: dara', 'from: dora').replace('balance', 'balanse'));
  const { code, stdout, stderr } = await scenario('run', file);
  t.equal(code, 2);
  t.equal(stdout, '');
  const line = '`balanse` is no word of `expect`; did you mean `balance`? (SCENARIO_KEY_UNKNOWN)';
  t.equal(stderr, `${file}:10:15: ${line}\n`);
  t.notOk(existsSync(at('data')), 'and leaves nothing behind');
  const asked = await run(['--json', 'scenario', 'run', file]);
  t.equal(asked.code, 2);
  t.match(JSON.parse(asked.stdout), { error: { code: 'SCENARIO_REFUSED', problems: [{ place: { line: 10 } }] } });
});

t.test('what cannot be a story, an option or a place for a report is refused before anything starts', async (t) => {
  const { at, scenario, file } = folder(t);
  writeFileSync(at('broken.ts'), "throw new Error('no luck');\n");
  writeFileSync(at('nothing.ts'), 'export const story = 1;\n');
  writeFileSync(at('list.mjs'), 'export default [];\n');
  const rows: readonly (readonly [argv: readonly string[], stderr: RegExp])[] = [
    [[at('none.yaml')], /there is no such file \(SCENARIO_FILE\)/],
    [[at('.')], /it is no story by its name/],
    [[at('broken.ts')], /no luck \(SCENARIO_FILE\)/],
    [[at('nothing.ts')], /it exports no story; expected `export default scenario/],
    [[at('list.mjs')], /this is no story; expected a mapping/],
    [[file, '--set', 'right=1'], /the story has no variable `right`/],
    [[file, '--set', 'left'], /Expected name=value/],
    [[file, '--seed', '-1'], /Expected a whole number/],
    [[file, '--engine', 'paper'], /Expected sim, net/],
    [[file, '--report', at('no', 'out.html')], /its folder is not there/],
    [[file, '--report', at('.')], /is a folder; name a file/],
    [[file, '--runs', file], /no run can be kept in .* \(EEXIST\)/],
  ];
  for (const [argv, expected] of rows) {
    const { code, stdout, stderr } = await scenario('run', ...argv);
    t.match({ code, stdout, stderr }, { code: 2, stdout: '', stderr: expected }, argv.join(' '));
  }
});

t.test('another seed is another trace, the same one the same', async (t) => {
  const { at, file } = folder(t);
  const traceOf = async (...argv: string[]) =>
    (await ask<Run>(['--data', at('data'), 'scenario', 'run', file, ...argv])).engine.traceHash;
  const first = await traceOf('--seed', '5');
  t.equal(await traceOf('--seed', '5'), first);
  t.not(await traceOf('--seed', '6'), first);
});

t.test('check plays nothing, and says what is fine and what is not', async (t) => {
  const { at, scenario, file } = folder(t);
  const good = await scenario('check', file);
  t.match(good, { code: 0, stdout: `${file}: fine, 4 steps, 4 banks, 2 people\n` });
  writeFileSync(at('bad.yaml'), 'story: Bad\nsteps:\n  - wait: 5\n');
  const both = await scenario('check', file, at('bad.yaml'));
  t.equal(both.code, 2);
  t.match(both.stdout, /lunch\.yaml: fine[^\n]*\n[^\n]*bad\.yaml:3:11: [^\n]*\(SCENARIO_DURATION\)\n$/);
  const { code, stdout } = await run(['--json', 'scenario', 'check', file, at('bad.yaml')]);
  t.equal(code, 2);
  t.match(JSON.parse(stdout), [
    { fine: true, steps: 4, banks: 4, people: 2, needs: [] },
    { fine: false, problems: [{ code: 'SCENARIO_DURATION' }] },
  ]);
});

t.test('explain follows one payment, lists several, and says how to find one', async (t) => {
  const { at, scenario, file } = folder(t);
  t.match(await scenario('explain', 'last', 'lunch'), {
    code: 2,
    stderr: /no run is called last; there is none.*RUN_NOT_FOUND/,
  });
  await scenario('run', file);
  const way = await scenario('explain', 'last', 'lunch');
  t.equal(way.code, 0, way.stderr);
  for (const stage of ['submitted', 'batched', 'spread', 'proposed', 'voted', 'certified', 'executed', 'Final after'])
    t.match(way.stdout, stage);
  const refused = await scenario('explain', at('data', 'runs', 'lunch-1', 'run.json'), '900,000');
  t.match(refused.stdout, /Refused by rule INSUFFICIENT_FUNDS: The balance is lower than the amount\./);
  const several = await scenario('explain', 'lunch-1', 'dara pays');
  t.match(several, { code: 0, stdout: /2 payments fit; name one by its id/ });
  const [, id = ''] = /\n([0-9a-f]{12}) /.exec(several.stdout) ?? [];
  t.match((await scenario('explain', at('data', 'runs', 'lunch-1'), id)).stdout, `Payment ${id}`);
  t.match(await scenario('explain', 'lunch-1', 'supper'), {
    code: 2,
    stderr: /no payment of lunch-1 fits «supper»; give the beginning of an id .* such as `[0-9a-f]{12}` or `dara pays/,
  });
  t.match(await scenario('explain', 'lunch-7', 'x'), { code: 2, stderr: /no run is called lunch-7; kept are lunch-1/ });
});

t.test('a new story plays and passes, and nothing is overwritten', async (t) => {
  const { at, scenario } = folder(t);
  const file = at('first.yaml');
  t.match(await scenario('new', file), { code: 0, stdout: `Wrote ${file}; play it with` });
  const text = readFileSync(file, 'utf8');
  const [, schema = ''] = /\$schema=(\S+)/.exec(text) ?? [];
  t.ok(existsSync(path.resolve(path.dirname(file), schema)), 'editors find the schema');
  t.match(await scenario('new', file), { code: 2, stderr: /exists already; nothing is overwritten \(FILE_EXISTS\)/ });
  t.equal(readFileSync(file, 'utf8'), text);
  t.match(await scenario('new', at('first.txt')), { code: 2, stderr: /end it in \.yaml/ });
  const { code, stdout } = await scenario('run', file);
  t.equal(code, 0, stdout);
  t.match(stdout, 'Expectations  7 of 7 held');
});

/** A story in JavaScript, with this body for its one step that is code. */
const program = (body: string) => `import { scenario } from 'tonle';
export default scenario({
  story: 'A program',
  people: { dara: { bank: 'aclb', has: '100 KHR' }, sok: { bank: 'cnb' } },
  steps: [
    { title: 'code', run: async (play) => { ${body} } },
    { say: 'The end.' },
  ],
});
`;

t.test('a program plays steps, and what is wrong with one stops the story with its place', async (t) => {
  const { at, scenario } = folder(t);
  const rows: readonly (readonly [body: string, code: number, said: RegExp])[] = [
    [
      "const { amount } = await play.do({ pay: { from: 'dara', to: 'sok', amount: '60 KHR' } }); play.expect(amount === '60 KHR', amount);",
      0,
      /1 of 1 held/,
    ],
    [
      "for (const as of ['a', 'b']) await play.do({ pay: { from: 'dara', to: 'sok', amount: '5 KHR' }, as });",
      0,
      /2 final/,
    ],
    [
      "await play.do({ pay: { from: 'dora', to: 'sok', amount: '60 KHR' } });",
      7,
      /pay\.from: nobody in the story is called `dora`; did you mean `dara`\?.*\(SCENARIO_NAME_UNKNOWN\)/,
    ],
    ['await play.do({ pya: {} });', 7, /did you mean `pay`\?.*\(SCENARIO_KEY_UNKNOWN\)/],
    ["await play.do({ repeat: { times: 2, steps: [{ say: 'x' }] } });", 7, /one step at a time.*\(SCENARIO_STEP\)/],
    ["await play.do({ pay: { from: 'dara', to: 'sok', amount: '101 KHR' } });", 7, /refused with INSUFFICIENT_FUNDS/],
    ["play.expect((await play.balance('dara', 'KHR')) === 99n, 'dara has 99 riel');", 7, /Expected: dara has 99 riel/],
  ];
  for (const [i, [body, code, said]] of rows.entries()) {
    writeFileSync(at(`program-${i}.mjs`), program(body));
    t.match(await scenario('run', at(`program-${i}.mjs`)), { code, stdout: said }, body);
  }
});

const INTERRUPT =
  "await new Promise((heard) => { process.once('SIGINT', heard); process.kill(process.pid, 'SIGINT'); });";

t.test('an interrupt ends a story after its step, with its report; a second one ends it at once', async (t) => {
  const { at } = folder(t);
  writeFileSync(at('once.mjs'), program(INTERRUPT));
  const once = await tonle(['--data', at('data'), 'scenario', 'run', at('once.mjs'), '--report', at('out.html')]);
  t.equal(once.code, 7, once.stderr);
  t.match(once.stdout, /The story ends after this step[\s\S]*✓ code[\s\S]*The story stopped\. it was interrupted/);
  t.notMatch(once.stdout, 'The end.');
  t.ok(existsSync(at('out.html')));
  t.strictSame(readdirSync(at('data', 'runs')), ['once-1']);
  writeFileSync(
    at('twice.mjs'),
    program(`${INTERRUPT} process.kill(process.pid, 'SIGINT'); await new Promise(() => {});`),
  );
  const twice = await tonle(['--data', at('data'), 'scenario', 'run', at('twice.mjs')]);
  t.match(twice, { code: null, signal: 'SIGINT' });
});

t.test('what real processes cannot do is said before anything starts', async (t) => {
  const { at, scenario } = folder(t, `${STORY}  - byzantine: { bank: wing, as: equivocator }\n`);
  const { code, stderr } = await scenario('run', at('lunch.yaml'), '--engine', 'net');
  t.match(
    { code, stderr },
    { code: 2, stderr: /cannot be played on real processes: it turns a bank into a liar.*ENGINE_CANNOT/ },
  );
});

t.test('runs in the folder of a local network keep nobody from making one there', async (t) => {
  const { at, scenario, file } = folder(t);
  await scenario('run', file);
  const options = { participants: 1, port: 0, reset: false, clock: systemClock, random: systemRandom };
  const { close } = await openLocalFolder({ data: at('data'), ...options });
  await close();
  t.strictSame(readdirSync(at('data', 'runs')), ['lunch-1']);
});

import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readStory } from '../../scenario/language/compile.ts';
import { playStory } from './engines.ts';
import { findRun, keepRun, MAX_RUNS, readJournal, readRun } from './runs.ts';

const STORY = `story: Two payments
people: { dara: { bank: aclb, has: 100 KHR }, sok: { bank: cnb } }
steps:
  - pay: { from: dara, to: sok, amount: 60 KHR }
  - pay: { from: dara, to: sok, amount: 40 KHR }
`;
const { story } = await readStory('two payments.yaml', { readText: async () => STORY });
const { run, journal } = await playStory('sim', story!);

t.test('what is kept is what is read, and a block stands there once', async (t) => {
  const runs = path.join(t.testdir(), 'deep', 'runs');
  const kept = await keepRun(runs, 'two payments.yaml', run, journal);
  t.equal(path.basename(kept), 'two-payments-1');
  t.strictSame(await readRun(kept), run);
  t.strictSame(await readJournal(kept), journal);
  const [{ id } = { id: '' }] = run.payments;
  const lines = readFileSync(path.join(kept, 'journal.jsonl'), 'utf8').split('\n');
  t.equal(lines.filter((line) => line.includes('"committed"') && line.includes(id)).length, 1);
});

t.test('the last runs are kept, and numbers go on', async (t) => {
  const runs = t.testdir({ 'somebody-1': { 'run.json': '{}', 'thesis.txt': '' } });
  utimesSync(path.join(runs, 'somebody-1', 'run.json'), 0.5, 0.5);
  for (let i = 1; i <= MAX_RUNS + 3; i++) {
    const kept = await keepRun(runs, 'story.yaml', run, []);
    // Files of one millisecond have no order.
    utimesSync(path.join(kept, 'run.json'), i, i);
  }
  const names = readdirSync(runs);
  t.equal(names.length, MAX_RUNS + 1);
  t.ok(names.includes('somebody-1'), 'what is not ours stays');
  t.notOk(names.includes('story-3'));
  t.equal(await findRun(runs, 'last'), path.join(runs, `story-${MAX_RUNS + 3}`));
  t.equal(await findRun(runs, 'story-9'), path.join(runs, 'story-9'));
});

t.test('what is no run is refused, with its place', async (t) => {
  const runs = t.testdir({ 'not-a-run': { 'other.txt': '' } });
  await t.rejects(findRun(runs, 'not-a-run'), { code: 'RUN_NOT_FOUND' });
  const kept = await keepRun(runs, 's.yaml', run, journal);
  const [file, diary] = [path.join(kept, 'run.json'), path.join(kept, 'journal.jsonl')];
  const [text, lines] = [readFileSync(file, 'utf8'), readFileSync(diary, 'utf8')];
  const second = (change: (line: string) => string) =>
    lines
      .split('\n')
      .map((line, i) => (i === 1 ? change(line) : line))
      .join('\n');
  for (const bad of [
    '',
    '{',
    '[]',
    'null',
    text.slice(0, -1),
    text.replace('"version":1', '"version":2'),
    text.replace('"height":', '"hight":'),
  ]) {
    writeFileSync(file, bad);
    await t.rejects(readRun(kept), { code: 'RUN_UNREADABLE', message: file }, bad.slice(0, 20));
  }
  for (const bad of [() => '{}', () => 'null', () => '{', (line: string) => line.replace('"bank":', '"bink":')]) {
    writeFileSync(diary, second(bad));
    await t.rejects(readJournal(kept), { code: 'RUN_UNREADABLE', message: `${diary}:2` });
  }
  writeFileSync(diary, lines.slice(0, -1));
  await t.rejects(readJournal(kept), { code: 'RUN_UNREADABLE', message: /middle of a line/ });
  t.ok(statSync(kept).isDirectory());
  mkdirSync(path.join(runs, 'empty'));
  await t.rejects(readRun(path.join(runs, 'empty')), { code: 'RUN_UNREADABLE' });
});

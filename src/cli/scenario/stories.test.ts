/** Every story of `scenarios/` is told to its end, on virtual time. `npm run scenarios` plays them twice. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { summaryOf } from '../../scenario/report/terminal.ts';
import { playStory } from './engines.ts';
import { problemLine, readStoryFile } from './story-file.ts';

const folder = new URL('../../../scenarios/', import.meta.url).pathname;
const files = readdirSync(folder).filter((file) => /\.(?:yaml|ts)$/.test(file));

// Virtual time is the processor's: thousands of payments, on a busy machine.
t.setTimeout(240_000);
t.ok(files.length >= 12, `${files.length} stories`);
for (const file of files) {
  t.test(file, async (t) => {
    const { story, problems } = await readStoryFile(path.join(folder, file));
    t.strictSame(problems?.map(problemLine) ?? [], []);
    const { run } = await playStory('sim', story!);
    if (run.verdict !== 'held') t.comment(summaryOf(run, (_, text) => text));
    t.equal(run.verdict, 'held');
  });
}

t.test('the command plays twice, and refuses what it does not know', async (t) => {
  const command = (...argv: string[]) =>
    spawnSync(process.execPath, [path.join(import.meta.dirname, 'all.ts'), ...argv], { encoding: 'utf8' });
  const { status, stdout } = command('--stories', 'split-country');
  t.equal(status, 0);
  t.match(stdout, /^Story +Steps +Payments[^\n]*\nsplit-country .* (\d+) of \1 .* [0-9a-f]{16} +held$/m);
  t.match(command('--stories', 'no-such'), {
    status: 2,
    stderr: /no story is called no-such; there are bank-goes-dark,/,
  });
  t.match(command('--engine', 'paper'), { status: 2, stderr: /--engine is one of sim, net/ });
  t.match(command('--loud'), { status: 2, stderr: /--loud/ });
});

/** Every story of `scenarios/` is told to its end, on virtual time. `npm run scenarios` plays them twice. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { summaryOf } from '../../scenario/report/terminal.ts';
import { playStory } from './engines.ts';
import { problemLine, readStoryFile } from './story-file.ts';

const folder = new URL('../../../scenarios/', import.meta.url).pathname;
const files = readdirSync(folder).filter((file) => /\.(?:yaml|ts)$/.test(file));

// Virtual time is the processor's: thousands of payments, on a busy machine.
t.setTimeout(120_000);
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

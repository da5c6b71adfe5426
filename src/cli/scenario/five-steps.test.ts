/** The story of scenarios/README.md is played as it stands there, and what it says of the last one is what a reader sees. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { readStory } from '../../scenario/language/compile.ts';
import { findingOf } from '../../scenario/report/terminal.ts';
import { playStory } from './engines.ts';

const page = readFileSync(new URL('../../../scenarios/README.md', import.meta.url), 'utf8');
const [, section = ''] = /\n## A story in five steps\n([\s\S]*?)\n## /.exec(page) ?? [];
const blocks = (language: string) =>
  [...section.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text);

t.test('each step is a story that holds, but for the last', async (t) => {
  const stories = blocks('yaml');
  t.equal(stories.length, 5);
  const findings: (string | null)[] = [];
  for (const text of stories) {
    const { story, problems } = await readStory('lunch.yaml', { readText: async () => text });
    t.strictSame(problems, null);
    const { run } = await playStory('sim', story!);
    findings.push(findingOf(run, (_, said) => said));
  }
  t.strictSame(findings, [null, null, null, null, ...blocks('text')]);
});

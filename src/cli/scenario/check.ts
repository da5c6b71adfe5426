/** `tonle scenario check`: whether stories can be played, without playing them. Also how a story that cannot is refused. */
import type { Compiled } from '../../scenario/language/compile.ts';
import type { Problem } from '../../scenario/language/problem.ts';
import type { Step, Story } from '../../scenario/story.ts';
import { count } from '../../scenario/words.ts';
import type { CliContext } from '../context.ts';
import { AlreadyTold } from '../exit-codes.ts';
import { problemLine, readStoryFile } from './story-file.ts';

/** @throws AlreadyTold `SCENARIO_REFUSED` where one of them cannot be played. */
export async function checkCommand({ out }: CliContext, files: readonly string[]): Promise<void> {
  const checked: ({ readonly file: string } & Compiled)[] = [];
  for (const file of files) checked.push({ file, ...(await readStoryFile(file)) });
  const lines = checked.flatMap(({ file, story, problems }) =>
    story === null ? problems.map(problemLine) : [`${file}: fine, ${describeStory(story)}`],
  );
  out.print(
    lines.join('\n'),
    checked.map(({ file, story, problems }) =>
      story === null ? { file, fine: false, problems } : { file, fine: true, problems: [], ...figuresOf(story) },
    ),
  );
  const bad = checked.filter(({ problems }) => problems !== null);
  if (bad.length > 0) throw new AlreadyTold('SCENARIO_REFUSED', `${count(bad.length, 'story', 'stories')} refused`);
}

/** Tells all that is wrong, each on a line of its own. @throws AlreadyTold `SCENARIO_REFUSED`. */
export function refuseStory({ out, io }: CliContext, file: string, problems: readonly Problem[]): never {
  const message = `${file} cannot be played: ${count(problems.length, 'problem')}`;
  if (out.json) out.print('', { error: { code: 'SCENARIO_REFUSED', message, problems } });
  else io.stderr.write(`${problems.map(problemLine).join('\n')}\n`);
  throw new AlreadyTold('SCENARIO_REFUSED', message);
}

/** `14 steps, 12 banks, 112 people; needs liars`. */
function describeStory(story: Story): string {
  const { steps, banks, people } = figuresOf(story);
  const needs = story.needs.map((need) => NEEDS[need]);
  const only = needs.length === 0 ? '' : `; simulated engine only, for ${needs.join(' and ')}`;
  return `${count(steps, 'step')}, ${count(banks, 'bank')}, ${count(people, 'person', 'people')}${only}`;
}

const NEEDS = { byzantine: 'liars', timeTravel: 'time that the ledger must see pass' } as const;

function figuresOf({ steps, network, people, needs }: Story) {
  return { steps: stepsOf(steps), banks: network.members.length, people: people.length, needs };
}

/** Steps beside each other count each; the group itself does not. */
function stepsOf(steps: readonly Step[]): number {
  return steps.reduce((sum, { action }) => {
    return sum + (action.type === 'together' || action.type === 'sequence' ? stepsOf(action.steps) : 1);
  }, 0);
}

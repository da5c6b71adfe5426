/** `tonle scenario`: stories of many banks, played, checked, followed and begun. What it does is loaded when it runs. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CliContext, Register } from '../context.ts';
import { oneOf, wholeNumber } from '../options.ts';
import { ENGINES } from '../scenario/engine-names.ts';
import type { RunOptions } from '../scenario/run.ts';

const MAX_SEED = 2 ** 32 - 1;

export const registerScenario: Register = (program, cli) => {
  const scenario = program.command('scenario').description('stories of many banks, played step by step and checked');
  registerRun(scenario, cli);
  scenario
    .command('check')
    .description('read stories without playing them: `fine`, or all that is wrong with its place')
    .argument('<file...>', 'stories in YAML or TypeScript')
    .action(async (files: string[]) => (await import('../scenario/check.ts')).checkCommand(cli, files));
  scenario
    .command('explain')
    .description("show one payment's way, hop by hop, in a run that was played before")
    .argument('<run>', 'its name (`launch-day-3`), its folder, its run.json, or `last`')
    .argument('<payment>', 'the beginning of an id, or words of its title or memo, such as `dara pays sok`')
    .option('--runs <folder>', 'where runs are kept (default: runs in the --data folder)')
    .action(async (run: string, payment: string, options: { readonly runs?: string }) => {
      await (await import('../scenario/explain.ts')).explainCommand(cli, run, payment, options);
    });
  scenario
    .command('new')
    .description('write a small commented story to begin with')
    .argument('[file]', 'a new file', 'first-story.yaml')
    .action(async (file: string) => (await import('../scenario/new.ts')).newCommand(cli, file));
};

function registerRun(scenario: Command, cli: CliContext): void {
  scenario
    .command('run')
    .description('play a story and check what it expects; ends with 7 where something did not hold')
    .argument('<file>', 'a story in YAML (.yaml, .yml), TypeScript or JavaScript (.ts, .js, .mjs)')
    .option('--engine <engine>', `${ENGINES.join(' or ')}: virtual time, or real processes`, oneOf(ENGINES), 'sim')
    .option('--seed <n>', "another seed than the story's", wholeNumber(0, MAX_SEED))
    .option('--set <name=value>', "another value of a story's variable; may be given again", setting)
    .option('--report <file>', 'write a report as one HTML page')
    .option('--keep-going', 'play on after an expectation that did not hold')
    .option('--runs <folder>', 'where the run is kept for `explain` (default: runs in the --data folder)')
    .action(async (file: string, options: RunOptions) => {
      await (await import('../scenario/run.ts')).runCommand(cli, file, options);
    });
}

/** `guests=100`, one after the other. */
function setting(text: string, earlier: Readonly<Record<string, string>> = {}): Record<string, string> {
  const end = text.indexOf('=');
  if (end < 1) throw new InvalidArgumentError('Expected name=value, such as guests=100.');
  return { ...earlier, [text.slice(0, end)]: text.slice(end + 1) };
}

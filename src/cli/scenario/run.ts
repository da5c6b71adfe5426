/**
 * `tonle scenario run`: reads a story, plays it under the reader's eyes, and ends with what came of it: a summary, a page where
 * one was asked for, and a folder for `explain`. Whatever is wrong with the story is told before anything starts.
 */
import { access, constants, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../../errors.ts';
import type { PlayEvent, Played } from '../../scenario/play/player.ts';
import { pageOf } from '../../scenario/report/page.ts';
import { summaryOf } from '../../scenario/report/terminal.ts';
import type { Run } from '../../scenario/run.ts';
import type { Story } from '../../scenario/story.ts';
import { count, dateOf } from '../../scenario/words.ts';
import type { CliContext } from '../context.ts';
import { AlreadyTold } from '../exit-codes.ts';
import { refuseStory } from './check.ts';
import { createDisplay, type Display } from './display.ts';
import type { EngineName } from './engine-names.ts';
import { playStory } from './engines.ts';
import { keepRun, makeRunsFolder, runsFolder } from './runs.ts';
import { readStoryFile } from './story-file.ts';

export interface RunOptions {
  readonly engine: EngineName;
  readonly seed?: number;
  readonly set?: Readonly<Record<string, string>>;
  readonly report?: string;
  readonly keepGoing?: boolean;
  readonly runs?: string;
}

/** @throws AlreadyTold `SCENARIO_REFUSED`, `STORY_FAILED`; CodedError where the engine or a file does not do its part. */
export async function runCommand(cli: CliContext, file: string, options: RunOptions): Promise<void> {
  const { out } = cli;
  const { set = {}, seed = null, report = null } = options;
  const { story, problems } = await readStoryFile(file, { set, seed });
  if (problems !== null) return refuseStory(cli, file, problems);
  const runs = runsFolder(cli.data, options.runs);
  await makeRunsFolder(runs);
  if (report !== null) await assertWritable(report);
  const { run, journal } = await playLive(cli, story, options);
  const summary = summaryOf(run, out.style);
  let kept: string;
  try {
    if (report !== null) await replaceFile(report, pageOf(run));
    kept = await keepRun(runs, story.file, run, journal);
  } catch (error) {
    // A full disk takes nobody's answer away; a program is told of one thing only.
    if (!out.json) out.print(summary, null);
    throw error;
  }
  out.print([summary, '', ...pointers(kept, report, run)].join('\n'), { ...run, kept });
  if (run.verdict !== 'held') throw new AlreadyTold('STORY_FAILED', `${run.story.title}: ${run.verdict}`);
}

async function playLive(cli: CliContext, story: Story, { engine, keepGoing = false }: RunOptions): Promise<Played> {
  const display = createDisplay(cli);
  const interruption = interruptions(display, engine);
  try {
    for (const line of heading(cli, story)) display.line(line);
    const { signal, atOnce } = interruption;
    const onEvent = (event: PlayEvent) => display.hear(event);
    return await playStory(engine, story, { onEvent, keepGoing, signal, atOnce });
  } finally {
    display.end();
    interruption.end();
  }
}

function heading({ out }: CliContext, { title, about, network, people }: Story): readonly string[] {
  const date = dateOf(network.startsAtMs);
  const cast = `${count(network.members.length, 'bank')}, ${count(people.length, 'person', 'people')}, ${date}`;
  return [out.style('bold', title), ...(about === '' ? [] : [about]), out.style('dim', cast)];
}

/** What can be done with it now. */
function pointers(kept: string, report: string | null, { payments }: Run): readonly string[] {
  const example = payments.find(({ kind }) => kind === 'payment');
  const way = `tonle scenario explain ${path.basename(kept)} ${example?.id.slice(0, 12)}`;
  return [
    ...(report === null ? [] : [`Report  ${report}`]),
    `Kept    ${kept}${example === undefined ? '' : `; one payment's way: ${way}`}`,
  ];
}

/**
 * The first signal ends the story after its step, in order. The second one ends real processes where they stand; a simulated
 * story has none, and there it ends the program as signals do.
 */
function interruptions(display: Display, engine: EngineName) {
  const [afterStep, atOnce] = [new AbortController(), new AbortController()];
  const stop = () => {
    if (afterStep.signal.aborted) atOnce.abort(new CodedError('STORY_FAILED', 'the story was ended where it stood'));
    else display.line('         The story ends after this step; once more ends it at once.');
    if (engine === 'sim' || afterStep.signal.aborted) end();
    afterStep.abort();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const end = () => {
    for (const signal of signals) process.off(signal, stop);
  };
  for (const signal of signals) process.on(signal, stop);
  return { signal: afterStep.signal, atOnce: atOnce.signal, end };
}

/** A story may take minutes; that its page has no place is said before. @throws CodedError `FILE_UNUSABLE`. */
async function assertWritable(file: string): Promise<void> {
  try {
    await access(path.dirname(file), constants.W_OK);
  } catch (cause) {
    throw new CodedError('FILE_UNUSABLE', `${file} cannot be written: its folder is not there, or not yours`, {
      cause,
    });
  }
  const present = await stat(file).catch(() => null);
  if (present?.isDirectory()) throw new CodedError('FILE_UNUSABLE', `${file} is a folder; name a file for the report`);
}

/** Whole or not at all. */
async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

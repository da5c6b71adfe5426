/**
 * `npm run scenarios`: plays all stories of `scenarios/` on the simulated engine, twice, and holds the trace hashes against each
 * other; with `--engine net`, the few that are for real processes, once. `--stories wedding-gift,counterfeit` plays these.
 * Exit code 1 where something did not hold or a hash differs, 2 for a story that is refused or a bad flag.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CodedError } from '../../errors.ts';
import { findingOf } from '../../scenario/report/terminal.ts';
import type { Run } from '../../scenario/run.ts';
import { createOutput, wantsColour } from '../output.ts';
import { ENGINES, type EngineName } from './engine-names.ts';
import { playStory } from './engines.ts';
import { problemLine, readStoryFile } from './story-file.ts';

const FOLDER = path.relative('.', fileURLToPath(new URL('../../../scenarios', import.meta.url)));
/** Real processes take real time: crowds and each kind of fault once. Null: all. */
const STORIES: Readonly<Record<EngineName, readonly string[] | null>> = {
  sim: null,
  net: ['launch-day', 'wedding-gift', 'bank-goes-dark', 'split-country'],
};
const PASSES: Readonly<Record<EngineName, number>> = { sim: 2, net: 1 };

/** What one story came to. */
interface Row {
  readonly name: string;
  readonly run: Run;
  readonly seconds: number;
  /** Whether every pass had the same trace. */
  readonly isSame: boolean;
}

const { stdout, stderr, env } = process;
const out = createOutput({ json: false, colour: wantsColour(env, stdout.isTTY === true), stdout, stderr });
process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof CodedError)) throw error;
  out.fail(error.code, error.message);
  return 2;
});

async function main(): Promise<number> {
  const { engine, stories } = flags();
  const rows: Row[] = [];
  for (const file of await filesOf(stories ?? STORIES[engine])) {
    const row = await playAgain(file, engine, PASSES[engine]);
    rows.push(row);
    out.note(`${row.name}: ${verdictOf(row)}, ${row.seconds.toFixed(1)} s`);
  }
  out.print(`\n${tableOf(rows)}`, null);
  const bad = rows.filter((row) => verdictOf(row) !== 'held');
  for (const { run } of bad) out.note(`\n${run.story.file}\n${findingOf(run, out.style)}`);
  return bad.length === 0 ? 0 : 1;
}

function flags(): { readonly engine: EngineName; readonly stories: readonly string[] | null } {
  try {
    const { values } = parseArgs({ options: { engine: { type: 'string' }, stories: { type: 'string' } } });
    const engine = ENGINES.find((name) => name === (values.engine ?? 'sim'));
    if (engine === undefined) throw new Error(`--engine is one of ${ENGINES.join(', ')}`);
    return { engine, stories: values.stories?.split(',') ?? null };
  } catch (cause) {
    throw new CodedError('USAGE', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** @param wanted by name, without the ending; null for all. */
async function filesOf(wanted: readonly string[] | null): Promise<readonly string[]> {
  const files = (await readdir(FOLDER)).filter((file) => /\.(?:yaml|ts)$/.test(file)).sort();
  const names = files.map((file) => path.parse(file).name);
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new CodedError('USAGE', `no story is called ${unknown}; there are ${names.join(', ')}`);
  return files.filter((file) => wanted?.includes(path.parse(file).name) ?? true).map((file) => path.join(FOLDER, file));
}

async function playAgain(file: string, engine: EngineName, times: number): Promise<Row> {
  const { story, problems } = await readStoryFile(file);
  if (story === null) throw new CodedError('SCENARIO_REFUSED', problems.map(problemLine).join('; '));
  const startMs = performance.now();
  const { run } = await playStory(engine, story);
  let isSame = true;
  for (let pass = 1; pass < times && isSame; pass++) {
    const { run: again } = await playStory(engine, story);
    isSame = again.engine.traceHash === run.engine.traceHash;
  }
  return { name: path.parse(file).name, run, seconds: (performance.now() - startMs) / 1_000, isSame };
}

function verdictOf({ run, isSame }: Row): string {
  return isSame ? run.verdict : 'another trace the second time';
}

function tableOf(rows: readonly Row[]): string {
  return out.table(rows, [
    { title: 'Story', value: ({ name }) => name },
    { title: 'Steps', align: 'right', value: ({ run }) => String(run.steps.length) },
    { title: 'Payments', align: 'right', value: ({ run }) => String(run.payments.length) },
    { title: 'Expectations', align: 'right', value: ({ run }) => held(run) },
    { title: 'Seconds', align: 'right', value: ({ seconds }) => seconds.toFixed(1) },
    { title: 'Trace', value: ({ run }) => run.engine.traceHash?.slice(0, 16) ?? 'none: real time' },
    { title: 'Verdict', value: verdictOf },
  ]);
}

function held({ expectations }: Run): string {
  return `${expectations.filter((expectation) => expectation.held).length} of ${expectations.length}`;
}

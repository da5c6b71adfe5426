/**
 * `npm run bench`: measures the network as a client sees it, next to what the machine can do at all and what PostgreSQL does
 * with it in the same run, and checks afterwards that what was measured was right. Exit code 1 where a run that counts is
 * invalid; a figure that is missed is a figure.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { systemClock } from '../src/cli/system.ts';
import { ownVersion } from '../src/cli/version.ts';
import { CodedError } from '../src/errors.ts';
import { isSkipped } from './beside.ts';
import { chosenRun, completedBy, figuresOf } from './figures.ts';
import { type Flags, HELP, readFlags } from './flags.ts';
import { measureLimit } from './limit/limit.ts';
import { commitHere, describeMachine } from './machine.ts';
import { reportPage } from './page/page.ts';
import { readReport } from './page/read.ts';
import { reportText } from './page/terminal.ts';
import { measuredAgain, measurePostgres } from './peers/postgresql/postgresql.ts';
import { Progress } from './progress.ts';
import type { PostgresReport, Report, Row, Skipped } from './report.ts';
import { SCENES, type Scene } from './scenes.ts';

/** The last full report, which is kept in the repository. */
const LAST_FULL = path.join(import.meta.dirname, 'results', 'full.json');
const POSTGRES_ACCOUNTS = 1_000;
const POSTGRES_CLIENTS = [8, 32];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let flags: Flags;
  try {
    flags = readFlags(args);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  if (flags.isHelp) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const folder = flags.folder ?? (await mkdtemp(path.join(os.tmpdir(), 'tonle-bench-')));
  const progress = new Progress(process.stderr.isTTY, (text) => process.stderr.write(text));
  try {
    const report = await measure(flags, folder, progress);
    process.stdout.write(`${reportText(report)}\n`);
    const isValid = report.failures.length === 0 && report.rows.every(({ chosen }) => chosen !== null);
    return isValid ? 0 : 1;
  } finally {
    if (flags.folder === null) await rm(folder, { recursive: true, force: true });
  }
}

async function measure(flags: Flags, folder: string, progress: Progress): Promise<Report> {
  const { isQuick, seed } = flags;
  const startedAtMs = systemClock.now();
  const machine = describeMachine({ tonle: await ownVersion() });
  // Now, as this run may write over it before it has measured all.
  const lastFull = lastFullReport();
  progress.show('limit', 0, 'checking signatures on all cores');
  const limit = await measureLimit({ seconds: isQuick ? 2 : 5, folder });
  let postgresql = await besideIt(flags, folder, progress);
  const rows: Row[] = [];
  const failures: string[] = [];
  const reportNow = async (): Promise<Report> => ({
    version: 1,
    kind: kindOf(flags),
    startedAt: new Date(startedAtMs).toISOString(),
    durationS: (systemClock.now() - startedAtMs) / 1_000,
    commit: await commitHere(import.meta.dirname),
    seed,
    command: commandOf(flags),
    machine,
    limit,
    postgresql,
    rows,
    figures: completedBy(figuresOf({ limit, postgresql, rows }), lastFull),
    failures,
  });
  for (const scene of scenesOf(flags)) {
    const saturated = chosenRun(rows, 'saturation-4');
    const onProgress = (what: string, share: number, words: string) => progress.show(what, share, words);
    const saturationPerS = saturated?.finalPerS ?? null;
    try {
      rows.push(...(await scene.play({ seed, folder, isQuick, limit, saturationPerS, onProgress })));
      // What is held against it has it on both sides: a shared machine is another one from minute to minute.
      if (scene.rows.includes('saturation-4')) postgresql = await besideItAgain(postgresql, flags, folder, progress);
    } catch (error) {
      // The other scenes are networks of their own.
      failures.push(`${scene.name}: ${error instanceof Error ? error.message : String(error)}`);
      progress.say(`${scene.name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
    progress.say(`${scene.name}: ended after ${Math.round((systemClock.now() - startedAtMs) / 1_000)} s`);
    // Whatever becomes of the rest, this much is measured.
    await write(flags, await reportNow());
  }
  return await reportNow();
}

async function write({ json, report: page }: Flags, report: Report): Promise<void> {
  if (json !== null) await writeFile(json, `${JSON.stringify(report, null, 1)}\n`);
  if (page !== null) await writeFile(page, reportPage(report));
}

/** Some figures take the full run: where its report is kept, they are shown with its date. */
function lastFullReport(): Report | null {
  try {
    return readReport(LAST_FULL);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'REPORT_NOT_FOUND') return null;
    throw error;
  }
}

async function besideIt(flags: Flags, folder: string, progress: Progress): Promise<PostgresReport | Skipped> {
  if (!flags.withPostgresql) return { skipped: 'PostgreSQL was left out on request (--no-postgresql)' };
  return await measurePostgres({
    accounts: POSTGRES_ACCOUNTS,
    clients: POSTGRES_CLIENTS,
    ...postgresOptions(flags, folder, progress),
  });
}

/** With the most clients, whose figure it is. */
async function besideItAgain(
  before: PostgresReport | Skipped,
  flags: Flags,
  folder: string,
  progress: Progress,
): Promise<PostgresReport | Skipped> {
  if (isSkipped(before)) return before;
  return await measuredAgain(before, Math.max(...POSTGRES_CLIENTS), postgresOptions(flags, folder, progress));
}

function postgresOptions({ isQuick }: Flags, folder: string, progress: Progress) {
  const onProgress = (words: string) => progress.show('postgresql', 0, words);
  return { seconds: isQuick ? 5 : 15, folder, onProgress };
}

function scenesOf({ isQuick, rows }: Flags): readonly Scene[] {
  if (rows !== null) return SCENES.filter((scene) => scene.rows.some((name) => rows.includes(name)));
  return SCENES.filter(({ when }) => when === 'quick' || (when === 'full' && !isQuick));
}

function kindOf({ isQuick, rows }: Flags): Report['kind'] {
  if (rows !== null) return 'rows';
  return isQuick ? 'quick' : 'full';
}

function commandOf({ isQuick, rows, seed }: Flags): string {
  const words = [
    ...(isQuick ? ['--quick'] : []),
    ...(rows === null ? [] : ['--row', rows.join(',')]),
    '--seed',
    String(seed),
  ];
  return `npm run bench -- ${words.join(' ')}`;
}

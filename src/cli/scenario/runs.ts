/**
 * Runs that were played, for `tonle scenario explain`: a folder each, `<story>-<n>`, which comes to be whole or not at all.
 *
 * | file | meaning |
 * |---|---|
 * | `run.json` | the `Run` (`scenario/run.ts`) |
 * | `journal.jsonl` | what the banks told, an entry a line; what a block holds stands with the first bank that committed it |
 *
 * The last 20 are kept.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../../errors.ts';
import type { JournalEntry } from '../../scenario/engine.ts';
import type { Run } from '../../scenario/run.ts';
import { isJournalEntry, isRun } from './run-shape.ts';

export const MAX_RUNS = 20;
const RUN = 'run.json';
const JOURNAL = 'journal.jsonl';
/** A run that is being written. */
const UNFINISHED = '.new-';
/** Lines that are written at once. */
const CHUNK = 1_000;

/** @param runs as `--runs` says. */
export function runsFolder(data: string, runs: string | undefined): string {
  return runs ?? path.join(data, 'runs');
}

/** A story may take minutes; that its run has no place is said before. @throws CodedError `FILE_UNUSABLE`. */
export async function makeRunsFolder(runs: string): Promise<void> {
  try {
    await mkdir(runs, { recursive: true });
  } catch (cause) {
    throw new CodedError(
      'FILE_UNUSABLE',
      `no run can be kept in ${runs} (${codeOf(cause)}); name another with --runs`,
      {
        cause,
      },
    );
  }
}

/** @returns its folder. Takes older runs away beyond the last `MAX_RUNS`. */
export async function keepRun(
  runs: string,
  story: string,
  run: Run,
  journal: readonly JournalEntry[],
): Promise<string> {
  const fresh = path.join(runs, `${UNFINISHED}${process.pid}`);
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  await writeFile(path.join(fresh, RUN), JSON.stringify(run));
  await writeFile(path.join(fresh, JOURNAL), linesOf(journal));
  const kept = await nameRun(runs, fresh, path.parse(story).name.replace(/[^\w-]+/g, '-'));
  for (const old of (await keptRuns(runs)).slice(MAX_RUNS)) await forget(path.join(runs, old));
  return kept;
}

/** Only what `keepRun` has written: the folder is one that people name. */
async function forget(folder: string): Promise<void> {
  const isOurs = (await entriesOf(folder)).every((name) => name === RUN || name === JOURNAL);
  if (isOurs) await rm(folder, { recursive: true, force: true });
}

/** Names of the runs that are kept, the last one first. */
async function keptRuns(runs: string): Promise<readonly string[]> {
  const names = (await entriesOf(runs)).filter((name) => !name.startsWith('.'));
  const found = await Promise.all(names.map(async (name) => ({ name, writtenMs: await writtenMs(runs, name) })));
  return found
    .filter(({ writtenMs }) => writtenMs > 0)
    .sort((a, b) => b.writtenMs - a.writtenMs || b.name.localeCompare(a.name, 'en', { numeric: true }))
    .map(({ name }) => name);
}

/**
 * Finds a run by what people call it.
 *
 * @param text `last`, a name in `runs`, a folder, or a run.json.
 * @returns its folder.
 * @throws CodedError `RUN_NOT_FOUND`.
 */
export async function findRun(runs: string, text: string): Promise<string> {
  const names = await keptRuns(runs);
  const name = text === 'last' ? names[0] : names.find((each) => each === text);
  if (name !== undefined) return path.join(runs, name);
  const folder = path.basename(text) === RUN ? path.dirname(text) : text;
  if ((await writtenMs(folder, '.')) > 0) return folder;
  const known = names.length === 0 ? `there is none in ${runs} yet` : `kept are ${names.join(', ')}`;
  throw new CodedError('RUN_NOT_FOUND', `no run is called ${text}; ${known}. \`tonle scenario run <file>\` makes one`);
}

/** @throws CodedError `RUN_UNREADABLE` where it is not what `keepRun` writes. */
export async function readRun(folder: string): Promise<Run> {
  const file = path.join(folder, RUN);
  const run = parsed(await textOf(file), file);
  if (isRun(run)) return run;
  throw new CodedError('RUN_UNREADABLE', `${file} is no run that this version of the program has written`);
}

/** @throws CodedError `RUN_UNREADABLE`, with the line. */
export async function readJournal(folder: string): Promise<readonly JournalEntry[]> {
  const file = path.join(folder, JOURNAL);
  const lines = (await textOf(file)).split('\n');
  if (lines.pop() !== '') throw new CodedError('RUN_UNREADABLE', `${file} ends in the middle of a line`);
  const contents = new Map<string, unknown>();
  return lines.map((line, i) => {
    const entry = unfolded(parsed(line, `${file}:${i + 1}`), contents);
    if (isJournalEntry(entry)) return entry;
    throw new CodedError('RUN_UNREADABLE', `${file}:${i + 1}: this is no entry of a journal`);
  });
}

/** Every bank commits the same block, and tells all of it: once is enough to keep. */
function* linesOf(journal: readonly JournalEntry[]): Generator<string> {
  const known = new Set<string>();
  for (let i = 0; i < journal.length; i += CHUNK) {
    yield journal
      .slice(i, i + CHUNK)
      .map((entry) => {
        if (entry.type !== 'committed') return `${JSON.stringify(entry)}\n`;
        const isKnown = known.has(entry.blockHash);
        known.add(entry.blockHash);
        return `${JSON.stringify(isKnown ? { ...entry, transactions: undefined } : entry)}\n`;
      })
      .join('');
  }
}

function unfolded(entry: unknown, contents: Map<string, unknown>): unknown {
  if (typeof entry !== 'object' || entry === null || !('blockHash' in entry) || !('type' in entry)) return entry;
  if (entry.type !== 'committed') return entry;
  const hash = String(entry.blockHash);
  if ('transactions' in entry) contents.set(hash, entry.transactions);
  return { ...entry, transactions: contents.get(hash) };
}

/** Gives the folder the next number of its story. Whoever plays the same one beside us may take it first. */
async function nameRun(runs: string, fresh: string, story: string): Promise<string> {
  for (;;) {
    const numbers = (await entriesOf(runs))
      .filter((name) => name.startsWith(`${story}-`))
      .map((name) => Number(name.slice(story.length + 1)))
      .filter((number) => Number.isSafeInteger(number));
    const kept = path.join(runs, `${story}-${Math.max(0, ...numbers) + 1}`);
    try {
      await rename(fresh, kept);
      return kept;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) throw error;
    }
  }
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** When the run of this folder was written; 0 where it has none. */
async function writtenMs(...folder: readonly string[]): Promise<number> {
  try {
    return (await stat(path.join(...folder, RUN))).mtimeMs;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return 0;
    throw error;
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CodedError('RUN_UNREADABLE', `${file} cannot be read (${codeOf(cause)})`, { cause });
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError('RUN_UNREADABLE', `${where} is no JSON`, { cause });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

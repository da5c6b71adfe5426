/**
 * `npm run nemesis -- --minutes 20`: a real network of processes on this machine, people who pay, and a nemesis that kills,
 * freezes, cuts and damages, from a seed. Exit code 1 where anything was seen that must not be; the data folders are kept then.
 *
 *   --minutes 20     how long faults are thrown
 *   --seed 7         which and in which order; one by the clock where it is not given, and it is printed
 *   --banks 4        how many, the central bank among them
 *   --faults a,b     only these kinds
 *   --namespaces     every bank in a network namespace of its own (Linux) instead of proxies between them
 *   --json FILE      the summary as JSON
 *   --keep           keeps the data folders, whatever was seen
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock, systemRandom } from '../cli/system.ts';
import { NOT_IN_NAMESPACES, namespacesProblem, runInside } from './namespaces.ts';
import { FAULTS, type FaultKind } from './plan.ts';
import { describeReport, type Report, reportToJson } from './report.ts';
import { type NemesisOptions, runNemesis } from './run.ts';

const FEWEST_BANKS = 4;
const MOST_BANKS = 13;
const LONGEST_MINUTES = 24 * 60;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(systemClock.now() % 1_000_000) },
    banks: { type: 'string', default: '4' },
    faults: { type: 'string', default: Object.keys(FAULTS).join(',') },
    json: { type: 'string' },
    namespaces: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

/** Set for the program that runs inside. */
const INSIDE = 'TONLE_NEMESIS_INSIDE';

const isInside = process.env[INSIDE] !== undefined;
if (values.namespaces && !isInside) goInside();
else process.exitCode = (await main()) ? 0 : 1;

/** Runs this command again where it may make networks, and ends as that does. */
function goInside(): void {
  const problem = namespacesProblem();
  if (problem !== null) {
    print(
      `skipped: this machine allows no network namespaces (${problem}); without --namespaces links run through proxies`,
    );
    return;
  }
  const child = runInside(process.argv.slice(1), { ...process.env, [INSIDE]: '1' });
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
  // A terminal sends its interrupt to the child as well.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
}

/** @returns whether all was well. */
async function main(): Promise<boolean> {
  const minutes = numberOf('minutes', 0.1, LONGEST_MINUTES);
  const seed = numberOf('seed', 0, Number.MAX_SAFE_INTEGER);
  const banks = numberOf('banks', FEWEST_BANKS, MOST_BANKS);
  const kinds = kindsOf(values.faults);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tonle-nemesis-'));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // The second time it is meant: whatever runs is ended on the way out.
      if (stop.signal.aborted) process.exit(1);
      print(`${signal}: the fault of the moment is mended, then everything is checked; once more ends at once`);
      stop.abort();
    });
  }
  print(`seed ${seed}, ${banks} banks, ${minutes} min, in ${folder}`);
  const options: NemesisOptions = {
    seed,
    banks,
    folder,
    forMs: minutes * 60_000,
    kinds: kinds.filter((kind) => !(isInside && NOT_IN_NAMESPACES.includes(kind))),
    namespaces: isInside,
    clock: systemClock,
    random: systemRandom,
    env: { ...process.env, NODE_OPTIONS: undefined },
    signal: stop.signal,
    print,
  };
  let report: Report;
  try {
    report = await runNemesis(options);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    print('stopped before the network was up');
    await rm(folder, { recursive: true });
    return false;
  }
  for (const line of describeReport(report)) print(line);
  if (values.json !== undefined) await writeFile(values.json, reportToJson(report));
  const isWell = report.violations.length === 0;
  const again = `npm run nemesis -- --seed ${seed} --banks ${banks} --minutes ${minutes}`;
  if (isWell && !values.keep) await rm(folder, { recursive: true });
  else print(`everything is kept in ${folder}; again with: ${again}`);
  return isWell;
}

function numberOf(name: 'minutes' | 'seed' | 'banks', least: number, most: number): number {
  const value = Number(values[name]);
  const isWhole = name === 'minutes' || Number.isInteger(value);
  if (values[name].trim() !== '' && isWhole && value >= least && value <= most) return value;
  throw new Error(`--${name} is a number from ${least} to ${most}, not ${values[name]}`);
}

function kindsOf(text: string): readonly FaultKind[] {
  const odd = text.split(',').find((kind) => !Object.hasOwn(FAULTS, kind));
  if (odd !== undefined) throw new Error(`no fault is called ${odd}; there are ${Object.keys(FAULTS).join(', ')}`);
  return text.split(',') as FaultKind[];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/**
 * `npm run simulate:exhaustive -- --heights 50 --every-survival --every-byte 1`: crashes a node at every point of a run, then
 * damages its disk at every byte, and prints how many of each kind were tried and what came of them. Exit code 1 where something
 * did not hold.
 *
 *   --heights 20       length of the run
 *   --every-survival   each point with everything that a crash may leave, instead of one in turn
 *   --every-byte 1     damages each byte; 50 unless told otherwise: each fiftieth
 *   --seed 1           another run
 *   --jobs 2           processes that share the work
 */
import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { turn } from '../turn.ts';
import { crashAtEveryPoint } from './crashes.ts';
import { damageEveryByte } from './damages.ts';

/** What came of a part of the work. */
interface Share {
  readonly heights: number;
  /** Effects of the node, and bytes of its files. */
  readonly points: number;
  readonly bytes: number;
  readonly crashes: Counts;
  readonly damages: Counts;
  readonly failures: readonly string[];
}

type Counts = readonly (readonly [what: string, count: number])[];

const PROGRESS_MS = 5_000;

const { values } = parseArgs({
  options: {
    heights: { type: 'string', default: '20' },
    'every-survival': { type: 'boolean', default: false },
    'every-byte': { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    part: { type: 'string' },
  },
});
const jobs = numberOf('jobs');

if (values.part === undefined) process.exitCode = (await runAll()) ? 0 : 1;
else process.send?.(await runPart(numberOf('part')));

/** @returns whether everything held. */
async function runAll(): Promise<boolean> {
  const startMs = performance.now();
  const shares = await Promise.all(Array.from({ length: jobs }, (_, part) => runShare(part)));
  const [{ heights, points, bytes } = { heights: 0, points: 0, bytes: 0 }] = shares;
  print(`run        ${heights} heights, ${points} effects of the node, ${bytes} bytes on its disk`);
  printCounts(
    'crashes',
    'before: ',
    shares.map(({ crashes }) => crashes),
  );
  printCounts(
    'damages',
    '',
    shares.map(({ damages }) => damages),
  );
  const failures = shares.flatMap((share) => share.failures);
  for (const failure of failures) print(`FAILED     ${failure}`);
  print(`failed     ${failures.length}`);
  print(`time       ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
  return failures.length === 0;
}

function printCounts(title: string, before: string, parts: readonly Counts[]): void {
  const sums = new Map<string, number>();
  for (const [what, count] of parts.flat()) sums.set(what, (sums.get(what) ?? 0) + count);
  print(`${title.padEnd(10)} ${[...sums.values()].reduce((sum, count) => sum + count, 0)}`);
  for (const [what, count] of [...sums].sort()) print(`  ${String(count).padStart(7)}  ${before}${what}`);
}

/** Runs one part in a process of its own. */
function runShare(part: number): Promise<Share> {
  const child = fork(import.meta.filename, [...process.argv.slice(2), `--part=${part}`]);
  const { promise, resolve, reject } = Promise.withResolvers<Share>();
  child.on('message', (share: Share) => resolve(share));
  child.on('exit', (code) => reject(new Error(`part ${part} ended with ${code}`)));
  return promise;
}

async function runPart(part: number): Promise<Share> {
  const common = {
    seed: numberOf('seed'),
    heights: numberOf('heights'),
    share: { part, of: jobs },
    turn,
  };
  const isEverySurvival = values['every-survival'];
  const crashed = await crashAtEveryPoint({ ...common, isEverySurvival, onProgress: progress(part, 'crashes') });
  const every = numberOf('every-byte');
  const damaged = await damageEveryByte({ ...common, every, onProgress: progress(part, 'damages') });
  const failures = crashed.failures.map(
    ({ point, what, violation }) => `at ${point}, before ${what}: ${violation.checker}: ${violation.what}`,
  );
  return {
    heights: crashed.heights,
    points: crashed.points,
    bytes: damaged.bytes,
    crashes: [...crashed.tried],
    damages: [...damaged.tried],
    failures: [...failures, ...damaged.failures],
  };
}

function progress(part: number, what: string): (done: number, all: number, failed: number) => void {
  let nextMs = performance.now() + PROGRESS_MS;
  return (done, all, failed) => {
    if (performance.now() < nextMs) return;
    nextMs += PROGRESS_MS;
    print(`part ${part}: ${done} of ${all} ${what}, ${failed} failed`);
  };
}

function numberOf(name: 'heights' | 'seed' | 'jobs' | 'part' | 'every-byte'): number {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} is a number`);
  return number;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/**
 * `npm run simulate:crash-points -- --heights 50 --every-survival`: crashes a node at every point of a run and prints how many
 * there were of each kind, and how many held. Exit code 1 where one did not.
 *
 *   --heights 20       length of the run
 *   --every-survival   each point with everything that a crash may leave, instead of one in turn
 *   --seed 1           another run
 *   --jobs 2           processes that share the work
 */
import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { turn } from '../turn.ts';
import { type CrashPointsReport, crashAtEveryPoint } from './crash-points.ts';

type Failure = CrashPointsReport['failures'][number];
/** What a process tells the one that started it: a report whose map is a list. */
type Share = Omit<CrashPointsReport, 'tried'> & { readonly tried: readonly (readonly [what: string, count: number])[] };

const PROGRESS_MS = 5_000;

const { values } = parseArgs({
  options: {
    heights: { type: 'string', default: '20' },
    'every-survival': { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    part: { type: 'string' },
  },
});
const jobs = numberOf('jobs');

if (values.part === undefined) process.exitCode = (await runAll()) ? 0 : 1;
else process.send?.(await runPart(numberOf('part')));

/** @returns whether every point held. */
async function runAll(): Promise<boolean> {
  const startMs = performance.now();
  const shares = await Promise.all(Array.from({ length: jobs }, (_, part) => runShare(part)));
  const tried = new Map<string, number>();
  for (const share of shares) for (const [what, count] of share.tried) tried.set(what, (tried.get(what) ?? 0) + count);
  const failures = shares.flatMap((share) => share.failures);
  const crashes = [...tried.values()].reduce((sum, count) => sum + count, 0);
  const [first] = shares;
  print(
    `run        ${first?.heights} heights, ${first?.points} points (one before each effect of the node, so after each, too)`,
  );
  print(`crashes    ${crashes}, ${failures.length} of them with a failure`);
  for (const [what, count] of [...tried].sort()) print(`  ${String(count).padStart(6)}  before: ${what}`);
  for (const failure of failures) print(`FAILED     ${describe(failure)}`);
  print(`time       ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
  return failures.length === 0;
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
  let nextMs = performance.now() + PROGRESS_MS;
  const report = await crashAtEveryPoint({
    seed: numberOf('seed'),
    heights: numberOf('heights'),
    isEverySurvival: values['every-survival'],
    share: { part, of: jobs },
    turn,
    onProgress(done, all, failed) {
      if (performance.now() < nextMs) return;
      nextMs += PROGRESS_MS;
      print(`part ${part}: ${done} of ${all} crashes, ${failed} failed`);
    },
  });
  return { ...report, tried: [...report.tried] };
}

function describe({ point, what, violation }: Failure): string {
  return `at ${point}, before ${what}: ${violation.checker}: ${violation.what}`;
}

function numberOf(name: 'heights' | 'seed' | 'jobs' | 'part'): number {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} is a number`);
  return number;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

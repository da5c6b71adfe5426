/**
 * `npm run simulate -- --seeds 1..500`: runs seeds one after the other, prints what happened, and for a failure the checker that
 * fired, the shortest run that still fails and the command that replays it. Exit code 1 where a seed failed, 2 for a bad flag.
 * `--help` lists the flags; they are read in `flags.ts`.
 */
import { writeFileSync } from 'node:fs';
import { CodedError } from '../errors.ts';
import { type Flags, flagsOf, HELP, isAsPlanned, readFlags } from './command/flags.ts';
import { PINS_FILE, pinsOf } from './command/pins.ts';
import { reportOf } from './command/report.ts';
import { changed, shrink } from './command/shrink.ts';
import { Totals } from './command/totals.ts';
import { describeFault, type Plan, planOf } from './faults/plan.ts';
import { type Outcome, type SimulationOptions, simulate } from './simulation.ts';
import { turn } from './turn.ts';

const PROGRESS_MS = 5_000;
/** Every so manieth seed also has a run with more than f liars. */
const CONSPIRACY_EVERY = 8;
/** Failures that are made shorter: each takes dozens of runs. */
const MAX_SHRUNK = 3;

let shrunk = 0;

// Whoever reads the output may have seen enough: `| head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
process.exitCode = await main();

async function main(): Promise<number> {
  let flags: Flags;
  try {
    flags = readFlags(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  if (flags.isHelp) {
    print(HELP);
    return 0;
  }
  if (flags.isPin) {
    writeFileSync(PINS_FILE, await pinsOf(turn));
    return 0;
  }
  return (await runSeeds(flags)) ? 0 : 1;
}

/** @returns whether every seed held. */
async function runSeeds(flags: Flags): Promise<boolean> {
  const { first } = flags;
  let { last } = flags;
  const totals = new Totals();
  const startMs = performance.now();
  let nextProgressMs = PROGRESS_MS;
  // Whoever has waited long enough still hears what it came to.
  let isStopped = false;
  process.once('SIGINT', () => {
    isStopped = true;
  });
  for (let seed = first; seed <= last; seed++) {
    if (!flags.isConspiracy) totals.add(await runPlan(flags, changed(planOfSeed(flags, seed, false), flags.changes)));
    if (flags.isConspiracy || (flags.kinds === null && first < last && seed % CONSPIRACY_EVERY === 0)) {
      totals.addConspiracy(await runPlan(flags, changed(planOfSeed(flags, seed, true), flags.changes)));
    }
    if (isStopped) last = seed;
    const passedMs = performance.now() - startMs;
    if (passedMs <= nextProgressMs || first === last) continue;
    nextProgressMs = passedMs + PROGRESS_MS;
    const leftSeconds = ((passedMs / (seed - first + 1)) * (last - seed)) / 1_000;
    print(
      `seed ${seed} of ${first}..${last}: ${totals.heights} heights, ${totals.failed} failed, ${Math.ceil(leftSeconds)} s left`,
    );
  }
  summary(totals, (performance.now() - startMs) / 1_000);
  if (flags.report !== null) writeFileSync(flags.report, reportOf(totals, `${first}..${last}`));
  return totals.failed === 0;
}

function planOfSeed({ kinds, banks, isAbsent }: Flags, seed: number, conspiracy: boolean): Plan {
  return planOf(seed, {
    conspiracy,
    absent: isAbsent,
    ...(kinds === null ? {} : { kinds }),
    ...(banks === null ? {} : { participants: banks }),
  });
}

async function runPlan(flags: Flags, plan: Plan): Promise<Outcome> {
  const quiet: SimulationOptions = { turn, signatures: flags.signatures };
  const outcome = await simulate(plan, flags.isTraced ? { ...quiet, onLine: print } : quiet);
  if (outcome.violation !== null) await report(flags, outcome, (shorter) => simulate(shorter, quiet));
  if (flags.first === flags.last) print(`seed ${plan.seed}: trace ${outcome.traceHash}`);
  return outcome;
}

async function report(flags: Flags, outcome: Outcome, run: (plan: Plan) => Promise<Outcome>): Promise<void> {
  const { violation, heights, plan } = outcome;
  if (violation === null) return;
  const isConspiracy = plan.liars.some(({ kind }) => kind === 'twoFaced' || kind === 'forgetful');
  print(`\nseed ${plan.seed} FAILED at height ${heights}: ${violation.checker}: ${violation.what}`);
  // Numbers count in the whole plan: what was shortened by hand stays as it is.
  const isShrunk = isAsPlanned(flags.changes) && !flags.isTraced && shrunk < MAX_SHRUNK;
  if (isShrunk) shrunk += 1;
  const changes = isShrunk ? await shrink(plan, violation.checker, run) : flags.changes;
  const whole = planOfSeed(flags, plan.seed, isConspiracy);
  const short = changed(whole, changes);
  print(
    `  of ${whole.participants} banks, ${whole.liars.length} liars and ${whole.faults.length} faults these suffice:`,
  );
  print(`  ${short.participants} banks, a storm of ${short.stormMs} ms, ${short.maxRequests ?? 'all'} requests`);
  for (const { kind, node } of short.liars) print(`  liar ${kind} ${node}`);
  for (const node of short.absent) print(`  absent ${node}`);
  for (const [i, fault] of whole.faults.entries()) {
    const kept = changed(whole, { ...changes, faults: [...whole.faults.keys()].filter((other) => other !== i) });
    if (!changes.faults.includes(i))
      for (const one of kept.faults) print(`  ${describeFault({ ...fault, ...one }, i)}`);
  }
  const conspiracy = isConspiracy ? ['--conspiracy'] : [];
  const replay = [`--seed ${plan.seed}`, ...conspiracy, ...flags.repeated, ...flagsOf(changes), '--trace'];
  print(`  replay: npm run simulate -- ${replay.join(' ')}\n`);
}

function summary(totals: Totals, seconds: number): void {
  const { seeds, failed, heights, events, payments, acknowledged, struck, signedAfter, conspiracies } = totals;
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1_000_000;
  const counts = [...struck].sort().map(([kind, count]) => `${kind} ${count}`);
  const second = [...signedAfter].sort().map(([why, count]) => `after ${why} ${count}`);
  const { runs, forks, proved } = conspiracies;
  print(`seeds      ${seeds} and ${runs} conspiracies, ${failed} failed`);
  print(`heights    ${heights}`);
  print(`events     ${events}`);
  print(`payments   ${payments} handed in, ${acknowledged} acknowledged as final`);
  print(`faults     ${counts.join(', ') || 'none'}`);
  print(`second     values signed by keys that lost their memory: ${second.join(', ') || 'none'}`);
  print(`forks      ${forks} of ${runs} conspiracies; ${proved} of them proved by two statements of every liar`);
  print(`time       ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU`);
  print(
    `speed      ${(heights / cpuSeconds).toFixed(0)} heights/s a core, ${((60 * seeds) / seconds).toFixed(0)} seeds/min`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/**
 * `npm run simulate -- --seeds 1..500`: runs seeds one after the other, prints what happened, and for a failure the checker that
 * fired, the shortest list of faults that still fails and the command that replays it. Exit code 1 where a seed failed.
 *
 *   --seeds 1..500     which seeds
 *   --seed 7           one seed
 *   --faults a,b       only these kinds of faults and liars; `none` for a calm network
 *   --without 0,3      leaves out these faults of the plan, by number
 *   --without-liars 0  and these liars
 *   --signatures real  Ed25519 instead of the stub
 *   --banks 4          so many banks in every seed
 *   --trace            prints every event
 */
import { parseArgs } from 'node:util';
import { ACTOR_KINDS, type ActorKind, describeFault, FAULT_KINDS, type FaultKind, type Plan, planOf } from './plan.ts';
import { leavingOut, shrink } from './shrink.ts';
import { type Outcome, type SimulationOptions, simulate } from './simulation.ts';

const PROGRESS_MS = 5_000;

interface Totals {
  seeds: number;
  heights: number;
  events: number;
  payments: number;
  acknowledged: number;
  signedAfterWipe: number;
  readonly struck: Map<string, number>;
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1..100' },
    seed: { type: 'string' },
    faults: { type: 'string' },
    without: { type: 'string', default: '' },
    'without-liars': { type: 'string', default: '' },
    signatures: { type: 'string', default: 'stub' },
    banks: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

/** So often the event loop has its turn too: there Node tells of rejections that nobody handled. */
const TURNS_PER_LOOP = 1_024;
let turns = 0;

const options: SimulationOptions = {
  turn,
  signatures: values.signatures === 'real' ? 'real' : 'stub',
  ...(values.trace ? { onLine: (line: string) => print(line) } : {}),
};
process.exitCode = (await runSeeds()) ? 0 : 1;

/** A tick comes when no promise is left that waits for its turn alone; the event loop costs a system call besides. */
function turn(): Promise<void> {
  turns += 1;
  return new Promise((resolve) => {
    if (turns % TURNS_PER_LOOP === 0) setImmediate(resolve);
    else process.nextTick(resolve);
  });
}

/** @returns whether every seed held. */
async function runSeeds(): Promise<boolean> {
  const [first, last] = seedRange();
  const totals: Totals = {
    seeds: 0,
    heights: 0,
    events: 0,
    payments: 0,
    acknowledged: 0,
    signedAfterWipe: 0,
    struck: new Map(),
  };
  const startMs = performance.now();
  let failed = 0;
  let nextProgressMs = PROGRESS_MS;
  for (let seed = first; seed <= last; seed++) {
    const plan = planOfSeed(seed);
    const outcome = await simulate(plan, options);
    add(totals, outcome);
    if (outcome.violation !== null) {
      failed += 1;
      await report(plan, outcome);
    }
    if (performance.now() - startMs > nextProgressMs) {
      nextProgressMs += PROGRESS_MS;
      print(`seed ${seed} of ${first}..${last}: ${totals.heights} heights, ${failed} failed`);
    }
    if (first === last) print(`seed ${seed}: trace ${outcome.traceHash}`);
  }
  summary(totals, failed, (performance.now() - startMs) / 1_000);
  return failed === 0;
}

function planOfSeed(seed: number): Plan {
  const numbers = (text: string) => text.split(',').filter(Boolean).map(Number);
  const all = planOf(seed, {
    ...(values.faults === undefined ? {} : { kinds: kindsOf(values.faults) }),
    ...(values.banks === undefined ? {} : { participants: Number(values.banks) }),
  });
  return leavingOut(all, { faults: numbers(values.without), liars: numbers(values['without-liars']) });
}

function kindsOf(text: string): (FaultKind | ActorKind)[] {
  const known: readonly string[] = [...FAULT_KINDS, ...ACTOR_KINDS];
  const kinds = text === 'none' ? [] : text.split(',');
  const odd = kinds.find((kind) => !known.includes(kind));
  if (odd !== undefined) throw new Error(`no fault is called ${odd}; there are ${known.join(', ')}`);
  return kinds as (FaultKind | ActorKind)[];
}

function seedRange(): [first: number, last: number] {
  const [first = 1, last = first] = (values.seed ?? values.seeds).split('..').map(Number);
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || first > last) {
    throw new Error('seeds are given as 1..500, one seed as --seed 7');
  }
  return [first, last];
}

async function report(plan: Plan, { violation, heights }: Outcome): Promise<void> {
  if (violation === null) return;
  print(`\nseed ${plan.seed} FAILED at height ${heights}: ${violation.checker}: ${violation.what}`);
  // Numbers count in the whole plan: what was shortened by hand stays as it is.
  const isWhole = values.without === '' && values['without-liars'] === '';
  const quiet: SimulationOptions = { turn: options.turn, signatures: options.signatures ?? 'stub' };
  const out = isWhole
    ? await shrink(plan, violation.checker, (shorter) => simulate(shorter, quiet))
    : { faults: [], liars: [] };
  const short = leavingOut(plan, out);
  print(`  ${plan.participants} banks; of ${plan.liars.length} liars and ${plan.faults.length} faults these suffice:`);
  for (const { kind, node } of short.liars) print(`  liar ${kind} ${node}`);
  for (const [i, fault] of plan.faults.entries()) if (!out.faults.includes(i)) print(`  ${describeFault(fault, i)}`);
  const flags = Object.entries({
    seed: String(plan.seed),
    faults: values.faults,
    banks: values.banks,
    signatures: values.signatures === 'stub' ? undefined : values.signatures,
    without: out.faults.join(',') || values.without,
    'without-liars': out.liars.join(',') || values['without-liars'],
  }).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`--${name} ${value}`]));
  print(`  replay: npm run simulate -- ${flags.join(' ')} --trace\n`);
}

function add(totals: Totals, outcome: Outcome): void {
  totals.seeds += 1;
  totals.heights += outcome.heights;
  totals.events += outcome.events;
  totals.payments += outcome.payments;
  totals.acknowledged += outcome.acknowledged;
  totals.signedAfterWipe += outcome.signedAfterWipe;
  for (const [kind, count] of outcome.struck) totals.struck.set(kind, (totals.struck.get(kind) ?? 0) + count);
  for (const { kind } of outcome.plan.liars) totals.struck.set(kind, (totals.struck.get(kind) ?? 0) + 1);
}

function summary(totals: Totals, failed: number, seconds: number): void {
  const { seeds, heights, events, payments, acknowledged, signedAfterWipe, struck } = totals;
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1_000_000;
  print(`seeds      ${seeds}, ${failed} failed`);
  print(`heights    ${heights}`);
  print(`events     ${events}`);
  print(`payments   ${payments} handed in, ${acknowledged} acknowledged as final`);
  print(
    `faults     ${
      [...struck]
        .sort()
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', ') || 'none'
    }`,
  );
  print(`wiped keys that signed a second value: ${signedAfterWipe}`);
  print(`time       ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU`);
  print(
    `speed      ${(heights / cpuSeconds).toFixed(0)} heights/s a core, ${((60 * seeds) / seconds).toFixed(0)} seeds/min`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/**
 * One process, one mutant: `node trial.ts '{"scene":"calm","seeds":[1],"mutant":null,"all":false}'` runs the seeds in order and
 * prints what came of it as one line of JSON. Without a mutant it is a control.
 */
import type { Plan } from '../faults/plan.ts';
import type { SimulationOptions } from '../simulation.ts';
import { turn } from '../turn.ts';
import { SCENES, type SceneName } from './mutant.ts';
import { type Change, plant } from './plant.ts';

/** What the process is asked to do. */
export interface Trial {
  readonly mutant: Change | null;
  readonly scene: SceneName;
  readonly seeds: readonly number[];
  /** Goes on after a seed that caught it, to tell how many do. */
  readonly all: boolean;
}

export interface Fall {
  readonly seed: number;
  readonly checker: string;
  readonly what: string;
  /** CPU time of the process until then, its start included. */
  readonly cpuSeconds: number;
}

/** What came of it. */
export interface Verdict {
  readonly falls: readonly Fall[];
  /** Seeds that ran to their end or to their fall. */
  readonly runs: number;
  readonly cpuSeconds: number;
  /** The mutant's module was loaded; a control has none. */
  readonly applied: boolean;
}

/** A mutant that no checker sees within this much of one core has survived. */
const MAX_CPU_SECONDS = 60;
const LOOK_EVERY_TURNS = 512;

class OutOfTime extends Error {}

/** What a promise that nobody waits for was rejected with: it would end a real node. */
let unhandled: { readonly error: unknown } | null = null;

if (import.meta.main) {
  process.on('unhandledRejection', (error) => {
    unhandled ??= { error };
  });
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2] ?? '') as Trial))}\n`);
}

async function run({ mutant, scene, seeds, all }: Trial): Promise<Verdict> {
  const planted = mutant === null ? null : plant(mutant);
  // Only now: what is imported from here on has the mistake.
  const { planOf } = await import('../faults/plan.ts');
  const { simulate } = await import('../simulation.ts');
  const falls: Fall[] = [];
  let runs = 0;
  for (const seed of seeds) {
    const fall = await runSeed(simulate, planOf(seed, SCENES[scene]), all);
    if (fall === 'out of time') break;
    runs += 1;
    if (fall !== null) falls.push(fall);
    if (fall !== null && !all) break;
  }
  return { falls, runs, cpuSeconds: cpuSeconds(), applied: planted?.applied() ?? false };
}

type Simulate = typeof import('../simulation.ts').simulate;

async function runSeed(simulate: Simulate, plan: Plan, all: boolean): Promise<Fall | 'out of time' | null> {
  const { seed } = plan;
  let turns = 0;
  const watched: SimulationOptions['turn'] = () => {
    turns += 1;
    if (!all && turns % LOOK_EVERY_TURNS === 0 && cpuSeconds() > MAX_CPU_SECONDS) throw new OutOfTime();
    if (unhandled !== null) throw unhandled.error;
    return turn();
  };
  try {
    const { violation } = await simulate(plan, { turn: watched });
    return violation === null ? null : { seed, ...violation, cpuSeconds: cpuSeconds() };
  } catch (error) {
    if (error instanceof OutOfTime) return 'out of time';
    const checker = unhandled === null ? 'simulation' : 'unhandled';
    unhandled = null;
    return { seed, checker, what: String(error), cpuSeconds: cpuSeconds() };
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

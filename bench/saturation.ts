/**
 * The highest load that a network carries: a geometric ramp until it no longer does, then bisection between the two; and longer runs from
 * there, where there is time for them.
 */
import type { Run } from './report.ts';
import type { Load, Stage } from './stage.ts';

export interface SearchOptions {
  readonly startPerS: number;
  readonly warmUpS: number;
  readonly measuredS: number;
  /** The search ends where the highest that passed and the lowest that did not are closer than this ratio. */
  readonly within: number;
  readonly maxRuns: number;
}

export interface Found {
  readonly runs: readonly Run[];
  /** Of the highest load that passed; null where none did. */
  readonly chosen: number | null;
}

/** Above it a payment at the counter is no longer one that nobody waits for. */
const SATURATION_P99_MS = 1_000;
const RAMP = 1.4;

/** Carried: nearly everything offered is final, in good time, and no backlog piles up. */
export function isCarried({ planned, final, latencyMs, backlogGrowth, offeredPerS, problems }: Run): boolean {
  const isFinal = final >= 0.99 * planned;
  // A quarter of a second of arrivals is chance; more is a queue that grows.
  const isSteady = backlogGrowth <= Math.max(50, offeredPerS / 4);
  return problems.length === 0 && isFinal && isSteady && latencyMs.p99 <= SATURATION_P99_MS;
}

export async function findSaturation(stage: Pick<Stage, 'load'>, options: SearchOptions): Promise<Found> {
  const { startPerS, within, maxRuns, warmUpS, measuredS } = options;
  const runs: Run[] = [];
  let passed: { perS: number; index: number } | null = null;
  let failedPerS = Number.POSITIVE_INFINITY;
  let perS = startPerS;
  while (runs.length < maxRuns) {
    const load: Load = { perS: Math.round(perS), warmUpS, measuredS };
    const run = await stage.load(load);
    runs.push(run);
    if (isCarried(run)) passed = { perS, index: runs.length - 1 };
    else failedPerS = perS;
    if (passed !== null && failedPerS / passed.perS <= within) break;
    perS = nextRate(passed?.perS ?? 0, failedPerS);
  }
  return { runs, chosen: passed?.index ?? null };
}

/** Of what a search has found, what longer runs offer one after the other: as long as they are carried, and else until one is. */
const HIGHER_SHARES = [1, 1.07, 1.145];
const LOWER_SHARES = [0.95, 0.9, 0.82, 0.72, 0.6];

/**
 * A search has short runs, of which one that fails by chance keeps all later ones below it, and one that passes by luck is the figure. So
 * longer ones begin at what it has found, and go up until one fails, or down until one is carried.
 *
 * @returns all runs, the search's first.
 */
export async function confirmed(
  stage: Pick<Stage, 'load'>,
  { runs, chosen }: Found,
  times: Pick<Load, 'warmUpS' | 'measuredS'>,
): Promise<Found> {
  const found = chosen === null ? undefined : runs[chosen];
  if (found === undefined) return { runs, chosen };
  const all = [...runs];
  const carries = async (share: number): Promise<boolean> => {
    const run = await stage.load({ perS: Math.round(found.offeredPerS * share), ...times });
    all.push(run);
    return isCarried(run);
  };
  let highest: number | null = null;
  for (const share of HIGHER_SHARES) {
    if (!(await carries(share))) break;
    highest = all.length - 1;
  }
  if (highest !== null) return { runs: all, chosen: highest };
  for (const share of LOWER_SHARES) if (await carries(share)) return { runs: all, chosen: all.length - 1 };
  return { runs: all, chosen: null };
}

function nextRate(passedPerS: number, failedPerS: number): number {
  if (failedPerS === Number.POSITIVE_INFINITY) return passedPerS * RAMP;
  return passedPerS === 0 ? failedPerS / RAMP : Math.sqrt(passedPerS * failedPerS);
}

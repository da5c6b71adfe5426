/** The highest load that a network carries: a geometric ramp until it no longer does, then bisection between the two. */
import type { Run } from './report.ts';
import type { Load, Stage } from './stage.ts';

export interface SearchOptions {
  readonly startPerS: number;
  /** Each step of the ramp is so many times the one before. */
  readonly ramp: number;
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

/** Carried: nearly everything offered is final, in good time, and no backlog piles up. */
export function isCarried({ planned, final, latencyMs, backlogGrowth, offeredPerS, problems }: Run): boolean {
  const isFinal = final >= 0.99 * planned;
  // A quarter of a second of arrivals is chance; more is a queue that grows.
  const isSteady = backlogGrowth <= Math.max(50, offeredPerS / 4);
  return problems.length === 0 && isFinal && isSteady && latencyMs.p99 <= SATURATION_P99_MS;
}

export async function findSaturation(stage: Pick<Stage, 'load'>, options: SearchOptions): Promise<Found> {
  const { startPerS, ramp, within, maxRuns, warmUpS, measuredS } = options;
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
    perS = nextRate(ramp, passed?.perS ?? 0, failedPerS);
  }
  return { runs, chosen: passed?.index ?? null };
}

function nextRate(ramp: number, passedPerS: number, failedPerS: number): number {
  if (failedPerS === Number.POSITIVE_INFINITY) return passedPerS * ramp;
  return passedPerS === 0 ? failedPerS / ramp : Math.sqrt(passedPerS * failedPerS);
}

/**
 * What became of each payment of a load, and what that says of the network: latency from the moment a payment was due, not
 * from the one it was sent at, so that a stalled server shows in all that it kept waiting (coordinated omission). Times are
 * milliseconds since the load began.
 */
import { createLatencyHistogram, curveOf, quantilesOf } from '../histogram.ts';
import type { Run } from '../report.ts';
import type { LoadPlan } from './plan.ts';

export interface Ending {
  readonly atMs: number;
  /** `OK`, the status of a refusal on the chain, or the code of one before it. */
  readonly code: string;
  readonly height: number;
}

export type LoadFigures = Pick<
  Run,
  | 'planned'
  | 'sent'
  | 'accepted'
  | 'final'
  | 'refused'
  | 'timedOut'
  | 'finalPerS'
  | 'latencyMs'
  | 'curve'
  | 'timeline'
  | 'backlogGrowth'
  | 'longestGapMs'
>;

/** Between two looks at the backlog: several to a block, where that is large. */
const SAMPLE_MS = 100;

export class Recorder {
  readonly #plan: Pick<LoadPlan, 'warmUpS' | 'measuredS' | 'capMs'>;
  readonly #dueMs: Float64Array;
  readonly #sentMs: Float64Array;
  readonly #endMs: Float64Array;
  readonly #codes: (string | undefined)[];
  /** Height of the block that a payment took effect in; 0 where it did not. */
  readonly heights: Uint32Array;
  #open = 0;

  constructor(plan: Pick<LoadPlan, 'warmUpS' | 'measuredS' | 'capMs'>, dueMs: Float64Array) {
    this.#plan = plan;
    this.#dueMs = dueMs;
    this.#sentMs = new Float64Array(dueMs.length).fill(Number.NaN);
    this.#endMs = new Float64Array(dueMs.length).fill(Number.NaN);
    this.#codes = Array.from({ length: dueMs.length });
    this.heights = new Uint32Array(dueMs.length);
  }

  /** Payments that were sent and have no end yet. */
  get open(): number {
    return this.#open;
  }

  sent(index: number, atMs: number): void {
    this.#sentMs[index] = atMs;
    this.#open += 1;
  }

  hasEnded(index: number): boolean {
    return !Number.isNaN(this.#endMs[index]);
  }

  /** Once a payment: a second end of the same one would be a mistake of the server, and is told. */
  ended(index: number, { atMs, code, height }: Ending): void {
    if (!Number.isNaN(this.#endMs[index])) throw new Error(`payment ${index} ended twice`);
    this.#endMs[index] = atMs;
    this.#codes[index] = code;
    if (code === 'OK') this.heights[index] = height;
    this.#open -= 1;
  }

  figures(): LoadFigures {
    const { warmUpS, measuredS, capMs } = this.#plan;
    const fromMs = warmUpS * 1_000;
    const toMs = fromMs + measuredS * 1_000;
    const histogram = createLatencyHistogram();
    const refused: Record<string, number> = {};
    let [planned, sent, accepted, final, timedOut, seen] = [0, 0, 0, 0, 0, 0];
    for (const [index, dueMs] of this.#dueMs.entries()) {
      const endMs = this.#endMs[index] ?? Number.NaN;
      const code = this.#codes[index];
      if (code === 'OK' && endMs >= fromMs && endMs < toMs) seen += 1;
      if (dueMs < fromMs) continue;
      planned += 1;
      // What could not be sent in time is not offered load, however well it went afterwards.
      if ((this.#sentMs[index] ?? Number.NaN) < toMs) sent += 1;
      const latencyMs = Math.min(capMs, endMs - dueMs);
      if (Number.isNaN(endMs) || endMs - dueMs > capMs) {
        timedOut += 1;
        histogram.record(capMs);
      } else if (code === 'OK') {
        final += 1;
        histogram.record(latencyMs);
      } else refused[code ?? ''] = (refused[code ?? ''] ?? 0) + 1;
      if (code === 'OK' || code === undefined) accepted += 1;
    }
    return {
      planned,
      sent,
      accepted,
      final,
      refused,
      timedOut,
      finalPerS: seen / measuredS,
      latencyMs: quantilesOf(histogram),
      curve: curveOf(histogram),
      timeline: this.#timeline(),
      backlogGrowth: growthOf(this.#backlogs(fromMs, toMs)),
      longestGapMs: this.#longestGapMs(fromMs, toMs),
    };
  }

  /** How many were due and had no end, at every tenth of a second of the measured time. */
  #backlogs(fromMs: number, toMs: number): Float64Array {
    const backlogs = new Float64Array(Math.round((toMs - fromMs) / SAMPLE_MS) + 1);
    const after = (ms: number) => Math.min(backlogs.length, Math.max(0, Math.ceil((ms - fromMs) / SAMPLE_MS)));
    for (const [index, dueMs] of this.#dueMs.entries()) {
      const endMs = this.#endMs[index] ?? Number.NaN;
      const end = Number.isNaN(endMs) ? backlogs.length : after(endMs);
      for (let sample = after(dueMs); sample < end; sample++) backlogs[sample] = (backlogs[sample] ?? 0) + 1;
    }
    return backlogs;
  }

  #longestGapMs(fromMs: number, toMs: number): number {
    const seen = this.#endMs
      .filter((endMs, index) => this.#codes[index] === 'OK' && endMs >= fromMs && endMs < toMs)
      .sort();
    let longest = 0;
    let before = fromMs;
    for (const endMs of seen) {
      longest = Math.max(longest, endMs - before);
      before = endMs;
    }
    return Math.max(longest, toMs - before);
  }

  /** By the second in which payments were seen final. */
  #timeline(): Run['timeline'] {
    const seconds: number[][] = [];
    for (const [index, dueMs] of this.#dueMs.entries()) {
      const endMs = this.#endMs[index] ?? Number.NaN;
      if (this.#codes[index] !== 'OK') continue;
      const second = Math.floor(endMs / 1_000);
      for (let next = seconds.length; next <= second; next++) seconds.push([]);
      seconds[second]?.push(endMs - dueMs);
    }
    return seconds.map((latencies, second) => {
      const histogram = createLatencyHistogram();
      for (const ms of latencies) histogram.record(ms);
      const { p50, p99, max } = quantilesOf(histogram);
      return { second, final: latencies.length, p50, p99, max };
    });
  }
}

/**
 * From the first sample to the last, as fast as the median of all pairs says (Theil 1950, Sen 1968). Two moments by themselves differ by
 * what one block settles, whether or not a queue grows; and a stall that is made good within a quarter of the time does not change
 * a median, where it bends the line that is nearest to all samples.
 */
function growthOf(samples: Float64Array): number {
  const every = Math.ceil(samples.length / MOST_PAIRED);
  const kept = samples.filter((_, at) => at % every === 0);
  const slopes = new Float64Array((kept.length * (kept.length - 1)) / 2);
  let pair = 0;
  for (let late = 1; late < kept.length; late++)
    for (let early = 0; early < late; early++)
      slopes[pair++] = ((kept[late] ?? 0) - (kept[early] ?? 0)) / (late - early);
  return Math.round(medianOf(slopes) * (kept.length - 1));
}

/** All pairs of these are 80,000. */
const MOST_PAIRED = 400;

function medianOf(values: Float64Array): number {
  const sorted = values.toSorted();
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

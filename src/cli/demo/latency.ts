/** What a list of durations comes to. */

export interface Latency {
  readonly count: number;
  readonly medianMs: number;
  readonly p90Ms: number;
  readonly maxMs: number;
}

export function latencyOf(durationsMs: readonly number[]): Latency {
  const sorted = [...durationsMs].sort((a, b) => a - b);
  return {
    count: sorted.length,
    medianMs: quantile(sorted, 0.5),
    p90Ms: quantile(sorted, 0.9),
    maxMs: quantile(sorted, 1),
  };
}

/** `median 21 ms, 90 % within 30 ms, slowest 44 ms`. */
export function describeLatency({ medianMs, p90Ms, maxMs }: Latency): string {
  return `median ${ms(medianMs)}, 90 % within ${ms(p90Ms)}, slowest ${ms(maxMs)}`;
}

export function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

export function seconds(valueMs: number): string {
  return `${(valueMs / 1_000).toFixed(1)} s`;
}

/** Nearest rank: a value that was measured, never one between two. */
function quantile(sorted: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

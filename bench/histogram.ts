import { build, type Histogram } from 'hdr-histogram-js';
import type { Quantiles } from './report.ts';
export interface LatencyHistogram {
  record(ms: number): void;
  readonly raw: Histogram;
}
export function createLatencyHistogram(): LatencyHistogram {
  const raw = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 120_000_000,
    numberOfSignificantValueDigits: 3,
  });
  return { raw, record: (ms) => raw.recordValue(Math.max(1, Math.round(ms * 1000))) };
}
export function quantilesOf({ raw }: LatencyHistogram): Quantiles {
  const at = (p: number) => (raw.totalCount === 0 ? 0 : raw.getValueAtPercentile(p) / 1000);
  return {
    count: raw.totalCount,
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    max: raw.maxValue / 1000,
  };
}
export function curveOf({ raw }: LatencyHistogram): [number, number][] {
  return [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999].map((s) => [
    s,
    raw.totalCount === 0 ? 0 : raw.getValueAtPercentile(s * 100) / 1000,
  ]);
}

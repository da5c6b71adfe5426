/**
 * Latencies in one HDR histogram: three digits from a microsecond to two minutes, in 75 KiB however many there are. Quantiles
 * are read from the histogram of all values; those of parts are merged as histograms, never as quantiles.
 */
import { build, type Histogram } from 'hdr-histogram-js';
import { assert } from '../src/errors.ts';
import type { Quantiles } from './report.ts';

export interface LatencyHistogram {
  /** Enters one duration in milliseconds, not negative. One over two minutes is entered as two minutes. */
  record(ms: number): void;
  /** In microseconds. */
  readonly raw: Histogram;
}

const LONGEST_US = 120_000_000;

export function createLatencyHistogram(): LatencyHistogram {
  const raw = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_US,
    numberOfSignificantValueDigits: 3,
    autoResize: false,
  });
  return {
    raw,
    record(ms) {
      assert(ms >= 0, 'a latency is a number that is not negative');
      raw.recordValue(Math.min(LONGEST_US, Math.max(1, Math.round(ms * 1_000))));
    },
  };
}

/** In milliseconds; zeros where nothing was recorded. */
export function quantilesOf(histogram: LatencyHistogram): Quantiles {
  const at = (share: number): number => valueAt(histogram, share);
  const { raw } = histogram;
  return {
    count: raw.totalCount,
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    max: raw.maxValue / 1_000,
  };
}

/** The distribution for a plot: [share of the values, the milliseconds that they stay within], both ascending. */
export function curveOf(histogram: LatencyHistogram): [share: number, ms: number][] {
  const { totalCount, maxValue } = histogram.raw;
  if (totalCount === 0) return [];
  // Beyond one value's share there is only the maximum.
  const shares = CURVE_SHARES.filter((share) => 1 - share >= 1 / totalCount);
  return [...shares.map((share): [number, number] => [share, valueAt(histogram, share)]), [1, maxValue / 1_000]];
}

/** One histogram of all values of the others. */
export function merge(histograms: readonly LatencyHistogram[]): LatencyHistogram {
  const all = createLatencyHistogram();
  for (const { raw } of histograms) all.raw.add(raw);
  return all;
}

/** Nine points from each distance to 1 to a tenth of it: 0, 0.1 … 0.9, 0.91 … 0.99, 0.991 … 0.9999, and so to 0.99999. */
const CURVE_SHARES = [1, 2, 3, 4, 5].flatMap((digits) => {
  const from = 10 ** digits - 10;
  return Array.from({ length: digits === 5 ? 10 : 9 }, (_, step) => (from + step) / 10 ** digits);
});

/** Milliseconds that at least this share of the values stays within. A bucket's upper end may lie over the largest value. */
function valueAt({ raw }: LatencyHistogram, share: number): number {
  return Math.min(raw.getValueAtPercentile(share * 100), raw.maxValue) / 1_000;
}

import t, { type Test } from 'tap';
import { createLatencyHistogram, curveOf, type LatencyHistogram, merge, quantilesOf } from './histogram.ts';

function of(...parts: readonly (readonly [times: number, ms: number])[]): LatencyHistogram {
  const histogram = createLatencyHistogram();
  for (const [times, ms] of parts) for (let i = 0; i < times; i++) histogram.record(ms);
  return histogram;
}

/** Within a histogram's three digits. */
function near(t: Test, found: number, wanted: number, what: string): void {
  t.ok(Math.abs(found - wanted) <= wanted / 1_000 + 0.001, `${what}: ${found} is ${wanted}`);
}

t.test('a known delay shows in the quantiles it belongs to, and in no other', async (t) => {
  const quantiles = quantilesOf(of([979, 2], [20, 250], [1, 7_300]));
  t.equal(quantiles.count, 1_000);
  for (const name of ['p50', 'p90', 'p95'] as const) near(t, quantiles[name], 2, name);
  near(t, quantiles.p99, 250, 'p99');
  near(t, quantiles.p999, 250, 'p999');
  t.equal(quantiles.max, 7_300);
});

t.test('three digits from a microsecond to two minutes', async (t) => {
  for (const ms of [0.001, 0.037, 1.234, 56.78, 999.9, 61_234, 120_000]) {
    const { p50, max } = quantilesOf(of([3, ms]));
    near(t, p50, ms, 'p50');
    near(t, max, ms, 'max');
  }
});

t.test('what is under a microsecond counts as one, and over two minutes as two minutes', async (t) => {
  const { count, p50, max } = quantilesOf(of([2, 0], [1, 400_000]));
  t.strictSame({ count, p50, max }, { count: 3, p50: 0.001, max: 120_000 });
});

t.test('no number, and one below zero, is a mistake of who records it', async (t) => {
  for (const ms of [-1, Number.NaN]) t.throws(() => of([1, ms]));
});

t.test('no quantile lies over the largest value', async (t) => {
  const { p50, p999, max } = quantilesOf(of([5, 130]));
  t.strictSame([p50, p999, max], [130, 130, 130]);
});

t.test('nothing recorded: zeros, and no curve', async (t) => {
  t.strictSame(quantilesOf(createLatencyHistogram()), { count: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 });
  t.strictSame(curveOf(createLatencyHistogram()), []);
});

t.test('merging is the histogram of all values, not an average of quantiles', async (t) => {
  // The slow half's 97th percentile is the 98.5th of all.
  const [fast, slow] = [of([1_000, 1]), of([970, 1], [30, 100])];
  const merged = quantilesOf(merge([fast, slow]));
  t.strictSame(merged, quantilesOf(of([1_970, 1], [30, 100])));
  near(t, merged.p99, 100, 'p99');
  near(t, merged.p95, 1, 'p95');
  t.equal(quantilesOf(fast).count, 1_000, 'the parts stay as they are');
});

t.test('a curve ascends from the least to the greatest, and has a point for each of the usual quantiles', async (t) => {
  const histogram = of(...Array.from({ length: 10_000 }, (_, i) => [1, i + 1] as const));
  const curve = curveOf(histogram);
  const shares = curve.map(([share]) => share);
  t.strictSame(
    shares,
    [...new Set(shares)].sort((a, b) => a - b),
  );
  const values = curve.map(([, ms]) => ms);
  t.strictSame(
    values,
    values.toSorted((a, b) => a - b),
  );
  const { p50, p90, p99, p999, max } = quantilesOf(histogram);
  const at = new Map(curve);
  t.strictSame(
    [0.5, 0.9, 0.99, 0.999, 1].map((share) => at.get(share)),
    [p50, p90, p99, p999, max],
  );
  near(t, at.get(0)!, 1, 'the least');
  t.notOk(at.has(0.99999), 'no point for less than one value');
  t.ok(curve.length < 60, `${curve.length} points`);
});

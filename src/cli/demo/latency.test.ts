/** Quantiles are values that were measured. */
import fc from 'fast-check';
import { test } from 'tap';
import { describeLatency, latencyOf } from './latency.ts';

test('median, 90 % and maximum by nearest rank', async (t) => {
  const cases: readonly (readonly [durations: number[], median: number, p90: number, max: number])[] = [
    [[5], 5, 5, 5],
    [[9, 1], 1, 9, 9],
    [[3, 1, 2], 2, 3, 3],
    [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 5, 9, 10],
  ];
  for (const [durations, medianMs, p90Ms, maxMs] of cases) {
    t.strictSame(latencyOf(durations), { count: durations.length, medianMs, p90Ms, maxMs });
  }
  t.equal(describeLatency(latencyOf([1.4, 2.6])), 'median 1 ms, 90 % within 3 ms, slowest 3 ms');
});

test('whatever the order, half and nine tenths are at or below', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (durations) => {
      const { medianMs, p90Ms, maxMs } = latencyOf(durations);
      const share = (limit: number) => durations.filter((value) => value <= limit).length / durations.length;
      return durations.includes(medianMs) && share(medianMs) >= 0.5 && share(p90Ms) >= 0.9 && share(maxMs) === 1;
    }),
  );
  t.pass();
});

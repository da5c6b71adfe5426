/** A rate holds over time, a burst passes at once, and debts are told in time. */
import fc from 'fast-check';
import t from 'tap';
import type { ParticipantId } from '../types/index.ts';
import { PeerBuckets, TokenBucket } from './token-bucket.ts';

/** A clock that is set by hand. */
function handClock() {
  return { nowMs: 0, now: () => clock.nowMs, schedule: () => () => {} };
}
let clock = handClock();

t.test('a burst, then a debt, then its end', async (t) => {
  clock = handClock();
  const bucket = new TokenBucket(clock, 1_000, 500);
  const steps: readonly [atMs: number, take: number, waitMs: number][] = [
    [0, 500, 0],
    [0, 100, 100],
    [50, 0, 50],
    [100, 0, 0],
    [10_000, 500, 0],
    [10_000, 1, 1],
  ];
  for (const [atMs, take, waitMs] of steps) {
    clock.nowMs = atMs;
    t.equal(bucket.take(take), waitMs, `${take} at ${atMs} ms`);
  }
});

t.test('a clock that goes back earns nothing', async (t) => {
  clock = handClock();
  clock.nowMs = 1_000;
  const bucket = new TokenBucket(clock, 1_000, 10);
  clock.nowMs = 0;
  t.equal(bucket.take(10), 0);
  t.equal(bucket.take(1), 1);
});

t.test('whoever waits as told never exceeds burst and rate', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 }), (takes) => {
      clock = handClock();
      const bucket = new TokenBucket(clock, 100, 200);
      let taken = 0;
      for (const count of takes) {
        taken += count;
        clock.nowMs += bucket.take(count);
      }
      // Each wait is rounded up to a whole ms.
      return taken <= 200 + (clock.nowMs * 100) / 1_000 + 1e-6;
    }),
  );
});

t.test('every peer has a bucket of its own, and finds it as it left it', async (t) => {
  clock = handClock();
  const buckets = new PeerBuckets(clock, 1_000, 10);
  const [aclb, cnb] = ['aclb', 'cnb'] as [ParticipantId, ParticipantId];
  t.equal(buckets.of(aclb).take(30), 20);
  t.equal(buckets.of(cnb).take(10), 0);
  t.equal(buckets.of(aclb).take(0), 20);
});

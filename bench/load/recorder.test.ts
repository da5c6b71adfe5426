import t from 'tap';
import { Recorder } from './recorder.ts';

const PLAN = { warmUpS: 1, measuredS: 2, capMs: 5_000 };

/** A payment each ten milliseconds, answered as `end` says; null for no answer. */
function recorded(end: (dueMs: number, index: number) => { atMs: number; code?: string } | null) {
  const dueMs = Float64Array.from({ length: 300 }, (_, i) => i * 10);
  const recorder = new Recorder(PLAN, dueMs);
  for (const [index, due] of dueMs.entries()) {
    recorder.sent(index, due);
    const ended = end(due, index);
    if (ended !== null) recorder.ended(index, { code: 'OK', height: 7, ...ended });
  }
  return recorder;
}

t.test('a known delay is what the histogram says', async (t) => {
  const { latencyMs, planned, final, sent, finalPerS } = recorded((due) => ({ atMs: due + 42 })).figures();
  for (const quantile of ['p50', 'p90', 'p99', 'max'] as const)
    t.ok(Math.abs(latencyMs[quantile] - 42) < 0.1, quantile);
  t.strictSame([planned, final, sent], [200, 200, 200], 'only what was due in the measured time');
  t.equal(finalPerS, 100);
});

t.test('what a stall kept waiting is in the tail, though few were under way when it began', async (t) => {
  // Nothing is answered from 1.5 s to 2 s; who asks only after the last answer would have seen one slow payment.
  const { latencyMs, longestGapMs } = recorded((due) => ({
    atMs: due >= 1_500 && due < 2_000 ? 2_000 : due + 1,
  })).figures();
  t.ok(latencyMs.p50 < 2);
  t.ok(latencyMs.p90 > 250 && latencyMs.p90 < 500, `p90 ${latencyMs.p90}`);
  t.ok(latencyMs.max > 490);
  t.ok(longestGapMs > 490 && longestGapMs < 511, `gap ${longestGapMs}`);
});

t.test('a timeout enters at the cap, and a late answer is one', async (t) => {
  const figures = recorded((due, index) => {
    if (index === 150) return null;
    return { atMs: index === 151 ? due + 6_000 : due + 1 };
  }).figures();
  t.equal(figures.timedOut, 2);
  t.equal(figures.final, 198);
  t.ok(Math.abs(figures.latencyMs.max - 5_000) < 5);
  t.equal(figures.latencyMs.count, 200);
});

t.test('refusals are counted by code and have no latency', async (t) => {
  const code = (index: number) => (index === 120 ? 'INSUFFICIENT_FUNDS' : 'OK');
  const figures = recorded((due, index) => ({ atMs: due + 1, code: code(index) })).figures();
  t.strictSame(figures.refused, { INSUFFICIENT_FUNDS: 1 });
  t.equal(figures.latencyMs.count, 199);
});

t.test('a queue that grows shows as backlog', async (t) => {
  const { backlogGrowth } = recorded((due) => ({ atMs: due + due / 2 })).figures();
  t.ok(backlogGrowth > 40, String(backlogGrowth));
  t.equal(recorded((due) => ({ atMs: due + 1 })).figures().backlogGrowth, 0);
});

t.test('what waits for the next block when the time ends is no queue that grows', async (t) => {
  // A block each 600 ms: what is open at 1.0 and at 3.0 s differs by up to 40.
  for (let firstMs = 0; firstMs < 600; firstMs += 50) {
    const block = (due: number) => firstMs + Math.ceil((due - firstMs + 1) / 600) * 600;
    const { backlogGrowth } = recorded((due) => ({ atMs: block(due) })).figures();
    t.ok(Math.abs(backlogGrowth) < 10, `${backlogGrowth} of 60 a block`);
  }
});

t.test('a stall that is made good is no queue that grows', async (t) => {
  for (let fromMs = 1_000; fromMs <= 2_700; fromMs += 100) {
    const isStalled = (due: number) => due >= fromMs && due < fromMs + 300;
    const { backlogGrowth } = recorded((due) => ({ atMs: isStalled(due) ? fromMs + 300 : due + 1 })).figures();
    t.equal(backlogGrowth, 0, `30 wait, from ${fromMs} ms on`);
  }
});

t.test('what has no end is in the queue until the time is over', async (t) => {
  const { backlogGrowth } = recorded((due) => (due < 1_000 ? { atMs: due + 1 } : null)).figures();
  t.equal(backlogGrowth, 200);
});

t.test('a payment ends once', async (t) => {
  const recorder = recorded((due) => ({ atMs: due + 1 }));
  t.throws(() => recorder.ended(5, { atMs: 99, code: 'OK', height: 7 }), /ended twice/);
});

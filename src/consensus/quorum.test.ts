/** The arithmetic on which every proof stands, for all small networks: these are laws, so they are tried one by one. */
import { test } from 'tap';
import { maxFaulty, proposerIndex, quorum } from './quorum.ts';

test('the paper’s numbers', async (t) => {
  // n, f, quorum
  const rows = [
    [1, 0, 1],
    [2, 0, 2],
    [3, 0, 3],
    [4, 1, 3],
    [5, 1, 4],
    [6, 1, 5],
    [7, 2, 5],
    [10, 3, 7],
    [32, 10, 22],
  ] as const;
  for (const [n, f, size] of rows) {
    t.equal(maxFaulty(n), f, `f of ${n}`);
    t.equal(quorum(n), size, `quorum of ${n}`);
  }
});

test('two quorums share an honest validator, and the honest are a quorum', async (t) => {
  for (let n = 1; n <= 100; n++) {
    const f = maxFaulty(n);
    t.ok(3 * f + 1 <= n && n < 3 * (f + 1) + 1, `f is the largest for ${n}`);
    t.ok(2 * quorum(n) - n >= f + 1, `intersection for ${n}`);
    t.equal(quorum(n), n - f, `the honest of ${n}`);
  }
});

test('everyone proposes once in any n rounds, and heights begin with different validators', async (t) => {
  for (const n of [1, 4, 7]) {
    const turns = Array.from({ length: n }, (_, round) => proposerIndex(9, round + 3, n));
    t.same(
      [...turns].sort(),
      Array.from({ length: n }, (_, index) => index),
    );
    t.equal(proposerIndex(10, 0, n), proposerIndex(9, 1, n));
  }
});

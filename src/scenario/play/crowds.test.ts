import fc from 'fast-check';
import t from 'tap';
import { Chance } from '../../simulator/world/random.ts';
import type { AccountId, CurrencyCode } from '../../types/index.ts';
import type { PaymentsAction } from '../story.ts';
import { chooser, drawAmount, planPayments } from './crowds.ts';

const ACCOUNTS = Array.from({ length: 50 }, (_, i) => `c-${i}@aclb` as AccountId);

function payments(changes: Partial<PaymentsAction> = {}): PaymentsAction {
  return {
    type: 'payments',
    from: ACCOUNTS,
    to: { among: ACCOUNTS, zipf: null },
    currency: 'KHR' as CurrencyCode,
    amount: { kind: 'fixed', minor: 5n },
    count: 100,
    overMs: 3_600_000,
    arrivals: 'constant',
    eachPayerOnce: false,
    byPhone: false,
    memo: [],
    retry: false,
    mayRefuse: [],
    ...changes,
  };
}

const plan = (changes: Partial<PaymentsAction>, seed = 1) => planPayments(payments(changes), new Chance(seed, 'test'));

t.test('whatever is planned comes in order of time, within its time, and to somebody else', async () => {
  const settings = fc.record({
    count: fc.integer({ min: 1, max: 200 }),
    overMs: fc.nat(10_000_000),
    arrivals: fc.constantFrom('constant' as const, 'poisson' as const),
    zipf: fc.option(fc.double({ min: 0.1, max: 3, noNaN: true })),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(settings, ({ count, overMs, arrivals, zipf, seed }) => {
      const planned = plan({ count, overMs, arrivals, to: { among: ACCOUNTS, zipf } }, seed);
      return (
        planned.length === count &&
        planned.every(({ atMs, from, to }, i) => {
          return atMs >= (planned[i - 1]?.atMs ?? 0) && atMs <= overMs && from !== to && Number.isInteger(atMs);
        })
      );
    }),
  );
});

t.test('the same seed plans the same, another one otherwise', async (t) => {
  const poisson = { arrivals: 'poisson' } as const;
  t.strictSame(plan(poisson), plan(poisson));
  t.notSame(plan(poisson), plan(poisson, 2));
});

t.test('constant arrivals are evenly spread; those of Poisson are as even as chance', async (t) => {
  const even = plan({ count: 10, overMs: 1_000 });
  t.strictSame(
    even.map(({ atMs }) => atMs),
    [0, 100, 200, 300, 400, 500, 600, 700, 800, 900],
  );
  const random = plan({ count: 10_000, overMs: 1_000_000, arrivals: 'poisson' });
  const gaps = random.map(({ atMs }, i) => atMs - (random[i - 1]?.atMs ?? 0));
  // The gaps of a Poisson process are exponential: 1 - 1/e of them are shorter than the mean.
  const short = gaps.filter((gap) => gap < 100).length / gaps.length;
  t.ok(Math.abs(short - (1 - 1 / Math.E)) < 0.02, `${short} of the gaps are shorter than the mean`);
});

t.test('in turn, nobody pays twice before all have', async (t) => {
  const payers = plan({ count: 50, eachPayerOnce: true }).map(({ from }) => from);
  t.equal(new Set(payers).size, 50);
  t.notSame(payers, ACCOUNTS, 'in an order of chance');
});

t.test('by Zipf the k-th is chosen in proportion to 1 / k^s', async (t) => {
  const among = [1, 2, 3, 4, 5];
  const draws = 100_000;
  for (const zipf of [1, 1.3]) {
    const next = chooser({ among, zipf }, new Chance(3, 'zipf'));
    const found = new Map(among.map((k) => [k, 0]));
    for (let i = 0; i < draws; i += 1) {
      const k = next();
      found.set(k, (found.get(k) ?? 0) + 1);
    }
    const sum = among.reduce((all, k) => all + 1 / k ** zipf, 0);
    for (const k of among) {
      const share = (found.get(k) ?? 0) / draws;
      t.ok(Math.abs(share - 1 / k ** zipf / sum) < 0.01, `${k} of exponent ${zipf}: ${share}`);
    }
  }
});

t.test('what is drawn is a multiple of the rounding, at least that, and within its bounds', async () => {
  const bounds = fc.record({
    low: fc.nat(1_000),
    steps: fc.nat(1_000),
    round: fc.integer({ min: 1, max: 500 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(bounds, ({ low, steps, round, seed }) => {
      const roundTo = BigInt(round);
      const lowMinor = BigInt(low + 1) * roundTo;
      const highMinor = lowMinor + BigInt(steps) * roundTo;
      const chance = new Chance(seed, 'amounts');
      const uniform = drawAmount({ kind: 'uniform', lowMinor, highMinor, roundTo }, chance);
      const lognormal = drawAmount({ kind: 'lognormal', medianMinor: lowMinor, sigma: 2, roundTo }, chance);
      const isRound = (minor: bigint) => minor % roundTo === 0n && minor >= roundTo;
      return isRound(uniform) && isRound(lognormal) && uniform >= lowMinor && uniform <= highMinor;
    }),
  );
});

t.test('half of the lognormal amounts are below the median, and the mean is what sigma makes it', async (t) => {
  const chance = new Chance(5, 'lognormal');
  const amount = { kind: 'lognormal', medianMinor: 6_000n, sigma: 0.8, roundTo: 1n } as const;
  const drawn = Array.from({ length: 100_000 }, () => Number(drawAmount(amount, chance)));
  const below = drawn.filter((minor) => minor < 6_000).length / drawn.length;
  t.ok(Math.abs(below - 0.5) < 0.01, `${below} below the median`);
  const mean = drawn.reduce((sum, minor) => sum + minor, 0) / drawn.length;
  const promised = 6_000 * Math.exp(0.8 ** 2 / 2);
  t.ok(Math.abs(mean / promised - 1) < 0.02, `mean ${mean}, promised ${promised}`);
});

t.test('uniform amounts are as often each', async (t) => {
  const chance = new Chance(6, 'uniform');
  const amount = { kind: 'uniform', lowMinor: 100n, highMinor: 900n, roundTo: 100n } as const;
  const drawn = Array.from({ length: 90_000 }, () => drawAmount(amount, chance));
  for (let minor = 100n; minor <= 900n; minor += 100n) {
    const share = drawn.filter((each) => each === minor).length / drawn.length;
    t.ok(Math.abs(share - 1 / 9) < 0.005, `${minor}: ${share}`);
  }
});

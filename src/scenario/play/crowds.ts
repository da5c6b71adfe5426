/** The payments of a crowd, drawn from the seed before the first of them: when, who, to whom, how much. */
import type { Chance } from '../../simulator/world/random.ts';
import type { AccountId } from '../../types/index.ts';
import type { AmountDistribution, Choice, PaymentsAction } from '../story.ts';

export interface PlannedPayment {
  /** Since the step began. */
  readonly atMs: number;
  readonly from: AccountId;
  readonly to: AccountId;
  readonly minor: bigint;
}

/** @returns payments in the order of their times. Nobody pays an account of their own. */
export function planPayments(action: PaymentsAction, chance: Chance): readonly PlannedPayment[] {
  const times = arrivals(action, chance);
  const payer = action.eachPayerOnce ? inTurn(chance.shuffled(action.from)) : () => chance.pick(action.from);
  const payee = chooser(action.to, chance);
  return times.map((atMs) => {
    const from = payer();
    return { atMs, from, to: otherThan(from, payee, action.to.among), minor: drawAmount(action.amount, chance) };
  });
}

/**
 * Constant: evenly spread. Poisson: as many independent moments, which is what a Poisson process is for a given count
 * (Kingman, Poisson Processes, 1993, section 2.4).
 */
function arrivals({ arrivals: kind, count, overMs }: PaymentsAction, chance: Chance): readonly number[] {
  if (kind === 'constant') return Array.from({ length: count }, (_, i) => Math.floor((i * overMs) / count));
  return Array.from({ length: count }, () => Math.floor(uniform(chance) * overMs)).sort((a, b) => a - b);
}

function inTurn<T>(list: readonly T[]): () => T {
  let next = 0;
  return () => {
    const found = list[next % list.length] as T;
    next += 1;
    return found;
  };
}

/** All alike, or by Zipf's law: the k-th is picked in proportion to 1 / k^exponent. */
export function chooser<T>({ among, zipf }: Choice<T>, chance: Chance): () => T {
  if (zipf === null) return () => chance.pick(among);
  const sums: number[] = [];
  let sum = 0;
  for (let k = 1; k <= among.length; k += 1) {
    sum += 1 / k ** zipf;
    sums.push(sum);
  }
  return () => among[firstAbove(sums, uniform(chance) * sum)] as T;
}

/** In minor units, at least one rounding step. */
export function drawAmount(amount: AmountDistribution, chance: Chance): bigint {
  switch (amount.kind) {
    case 'fixed':
      return amount.minor;
    case 'uniform': {
      const { lowMinor, highMinor, roundTo } = amount;
      const steps = Number((highMinor - lowMinor) / roundTo) + 1;
      return lowMinor + BigInt(Math.floor(uniform(chance) * steps)) * roundTo;
    }
    case 'lognormal': {
      const { medianMinor, sigma, roundTo } = amount;
      const drawn = Number(medianMinor) * Math.exp(sigma * normal(chance));
      const rounded = BigInt(Math.round(drawn / Number(roundTo))) * roundTo;
      return rounded < roundTo ? roundTo : rounded;
    }
  }
}

/** 0 to 1, with 53 bits. */
export function uniform(chance: Chance): number {
  return ((chance.next() >>> 5) * 67_108_864 + (chance.next() >>> 6)) / 9_007_199_254_740_992;
}

/** Box and Muller, A Note on the Generation of Random Normal Deviates, 1958. */
function normal(chance: Chance): number {
  return Math.sqrt(-2 * Math.log(1 - uniform(chance))) * Math.cos(2 * Math.PI * uniform(chance));
}

function otherThan(from: AccountId, payee: () => AccountId, among: readonly AccountId[]): AccountId {
  if (among.every((account) => account === from)) return from;
  for (;;) {
    const to = payee();
    if (to !== from) return to;
  }
}

function firstAbove(sums: readonly number[], value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

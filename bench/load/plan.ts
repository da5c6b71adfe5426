/**
 * What a load is, planned before anything is sent: when each payment is due, who pays whom and how much. All of it comes out
 * of the seed. Arrivals do not wait for answers: what a slow network makes wait counts as its latency.
 */
import { Chance } from '../../src/simulator/world/random.ts';
import type { ChainId, ParticipantId } from '../../src/types/index.ts';

export interface LoadPlan {
  readonly seed: number;
  /** Loads of one network that differ in it have other payments. */
  readonly loadNumber: number;
  readonly chainId: ChainId;
  readonly banks: readonly ParticipantId[];
  readonly accounts: number;
  /** Payees: all alike, or the k-th of them with a weight of 1/k. Payers are always uniform. */
  readonly distribution: 'uniform' | 'zipf';
  readonly arrivals: 'poisson' | 'constant';
  readonly perS: number;
  /** Before what is measured. */
  readonly warmUpS: number;
  readonly measuredS: number;
  /** A payment that is not seen final so long after it was due has timed out. */
  readonly capMs: number;
}

export interface PlannedPayment {
  readonly from: number;
  readonly to: number;
  readonly minor: bigint;
  /** 16 bytes in hex. */
  readonly nonce: string;
}

/** Payments whose dice come from one stream: any piece can be made without those before it. */
export const PIECE = 2_048;

/** Milliseconds from the start at which each payment is due, ascending. */
export function arrivalsOf({ seed, loadNumber, arrivals, perS, warmUpS, measuredS }: LoadPlan): Float64Array {
  const endMs = (warmUpS + measuredS) * 1_000;
  if (arrivals === 'constant') {
    return Float64Array.from({ length: Math.floor((endMs * perS) / 1_000) }, (_, i) => (i * 1_000) / perS);
  }
  const chance = new Chance(seed, `arrivals ${loadNumber}`);
  const due: number[] = [];
  for (let atMs = 0; ; ) {
    // Exponential gaps make a Poisson process.
    atMs += (-Math.log(1 - chance.next() / 0x1_0000_0000) * 1_000) / perS;
    if (atMs >= endMs) return Float64Array.from(due);
    due.push(atMs);
  }
}

/** Payments `PIECE * piece` and those after it, as many as a piece has. */
export function paymentsOf(plan: LoadPlan, piece: number): PlannedPayment[] {
  const { accounts, distribution } = plan;
  const chance = new Chance(plan.seed, `payments ${plan.loadNumber} ${piece}`);
  const payee = distribution === 'uniform' ? () => chance.below(accounts) : zipf(accounts, chance);
  return Array.from({ length: PIECE }, () => {
    const from = chance.below(accounts);
    let to = payee();
    if (to === from) to = (from + 1) % accounts;
    return { from, to, minor: BigInt(chance.between(1, 100)), nonce: Buffer.from(chance.bytes(16)).toString('hex') };
  });
}

/**
 * Ranks with weight 1/k by inverting the integral of the density, which needs no table: the first of a million accounts is
 * paid in every fourteenth payment.
 */
function zipf(accounts: number, chance: Chance): () => number {
  const top = Math.log(accounts + 1);
  return () => Math.min(accounts - 1, Math.floor(Math.exp((chance.next() / 0x1_0000_0000) * top)) - 1);
}

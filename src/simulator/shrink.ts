/** The shortest list of faults that still fails: liars and faults are left out one at a time, and the run is repeated. */
import type { Plan } from './plan.ts';
import type { Outcome } from './simulation.ts';

/** What was left out of a seed's plan, by number in it. */
export interface LeftOut {
  readonly faults: readonly number[];
  readonly liars: readonly number[];
}

/** A plan with entries left out. The others keep their numbers' dice: each draws from the seed, not from its neighbours. */
export function leavingOut(plan: Plan, { faults, liars }: LeftOut): Plan {
  return {
    ...plan,
    faults: plan.faults.filter((_, i) => !faults.includes(i)),
    liars: plan.liars.filter((_, i) => !liars.includes(i)),
  };
}

/**
 * @param run a run of a plan.
 * @returns what can be left out so that the same checker still fires; nothing more can be left out alone.
 */
export async function shrink(plan: Plan, checker: string, run: (plan: Plan) => Promise<Outcome>): Promise<LeftOut> {
  let out: LeftOut = { faults: [], liars: [] };
  const fails = async (next: LeftOut) => (await run(leavingOut(plan, next))).violation?.checker === checker;
  for (const i of plan.liars.keys()) {
    const next = { ...out, liars: [...out.liars, i] };
    if (await fails(next)) out = next;
  }
  for (const i of [...plan.faults.keys()].reverse()) {
    const next = { ...out, faults: [...out.faults, i] };
    if (await fails(next)) out = next;
  }
  return out;
}

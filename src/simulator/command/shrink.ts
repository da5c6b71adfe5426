/**
 * The shortest run that still fails: liars and faults are left out one at a time; then the storm, the faults that are left,
 * the workload and the network are made smaller for as long as the same checker fires.
 */
import { maxFaulty } from '../../consensus/quorum.ts';
import type { Fault, Plan } from '../faults/plan.ts';
import { FORGETTING } from '../faults/plan.ts';
import type { Outcome } from '../simulation.ts';

/** What is changed about a seed's plan; faults and liars are named by their numbers in it. */
export interface Changes {
  readonly faults: readonly number[];
  readonly liars: readonly number[];
  /** New durations of faults. */
  readonly lengths: ReadonlyMap<number, number>;
  readonly stormMs: number | null;
  readonly maxRequests: number | null;
  /** Only the first so many members. */
  readonly banks: number | null;
}

export const AS_PLANNED: Changes = {
  faults: [],
  liars: [],
  lengths: new Map(),
  stormMs: null,
  maxRequests: null,
  banks: null,
};

/** Shorter runs that are tried at most. */
const MAX_RUNS = 60;
const FIRST_REQUESTS = 128;
const SMALLER_NETWORKS = [1, 4, 5];

/** The plan with changes. The faults that stay keep their dice: each draws from the seed, not from its neighbours. */
export function changed(plan: Plan, { faults, liars, lengths, stormMs, maxRequests, banks }: Changes): Plan {
  const participants = banks ?? plan.participants;
  const isMember = (node: string) => Number(node.slice('bank'.length)) <= participants;
  return {
    ...plan,
    participants,
    stormMs: stormMs ?? plan.stormMs,
    maxRequests: maxRequests ?? plan.maxRequests,
    liars: plan.liars.filter(({ node }, i) => !liars.includes(i) && isMember(node)),
    absent: plan.absent.filter(isMember),
    faults: plan.faults
      .map((fault, i) => ({ ...fault, forMs: lengths.get(i) ?? fault.forMs, nodes: fault.nodes.filter(isMember) }))
      .filter((fault, i) => !faults.includes(i) && hasTargets(fault, plan.faults[i])),
  };
}

/**
 * @param run a run of a plan.
 * @returns the changes with which the same checker still fires, found in a bounded number of runs.
 */
export async function shrink(plan: Plan, checker: string, run: (plan: Plan) => Promise<Outcome>): Promise<Changes> {
  let best = AS_PLANNED;
  let runs = 0;
  const tryOut = async (next: Changes) => {
    if (runs === MAX_RUNS || !isBearable(changed(plan, next), plan)) return false;
    runs += 1;
    if ((await run(changed(plan, next))).violation?.checker !== checker) return false;
    best = next;
    return true;
  };
  for (const i of plan.liars.keys()) await tryOut({ ...best, liars: [...best.liars, i] });
  for (const i of [...plan.faults.keys()].reverse()) await tryOut({ ...best, faults: [...best.faults, i] });
  for (const banks of SMALLER_NETWORKS) {
    if (banks < plan.participants && (await tryOut({ ...best, banks }))) break;
  }
  const halve = (ms: number) => Math.floor(ms / 2);
  while (await tryOut({ ...best, stormMs: halve(best.stormMs ?? plan.stormMs) }));
  for (const [i, { forMs }] of plan.faults.entries()) {
    if (best.faults.includes(i)) continue;
    const shorter = () => new Map(best.lengths).set(i, halve(best.lengths.get(i) ?? forMs));
    while ((best.lengths.get(i) ?? forMs) > 1 && (await tryOut({ ...best, lengths: shorter() })));
  }
  const fewer = () => (best.maxRequests === null ? FIRST_REQUESTS : halve(best.maxRequests));
  while (fewer() > 0 && (await tryOut({ ...best, maxRequests: fewer() })));
  return best;
}

/** A smaller network must still bear its liars, its absent and its forgetful members, as the whole one did. */
function isBearable({ participants, liars, faults, absent }: Plan, before: Plan): boolean {
  if (participants === before.participants) return true;
  const faulty = new Set([...liars.map(({ node }) => node), ...absent]);
  for (const { kind, nodes } of faults) if (FORGETTING.includes(kind)) for (const node of nodes) faulty.add(node);
  return faulty.size <= maxFaulty(participants) && participants > liars.length;
}

/** Whether a fault still has those whom it needs. */
function hasTargets({ nodes, kind }: Fault, before: Fault | undefined): boolean {
  const needed = kind === 'clogLink' || kind === 'oneWay' ? 2 : 1;
  return (before?.nodes.length ?? 0) === 0 || nodes.length >= needed;
}

/**
 * What a run will be thrown, as data that follows from its seed alone: how many banks, who of them lies, and which fault
 * happens when, to whom. A run that failed is made shorter by leaving out entries of this list.
 */
import { maxFaulty } from '../consensus/quorum.ts';
import type { ParticipantId } from '../types/index.ts';
import { Chance } from './random.ts';

export const FAULT_KINDS = [
  'drop',
  'delay',
  'duplicate',
  'replay',
  'clogLink',
  'clogNode',
  'swizzle',
  'oneWay',
  'partition',
  'silentPartition',
  'crash',
  'crashAtEffect',
  'crashAll',
  'diskError',
  'slowDisk',
  'pause',
  'clockJump',
  'clockDrift',
  'wipe',
] as const;

export const ACTOR_KINDS = ['equivocator', 'garbage', 'withholder', 'liar', 'delayer', 'forger'] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];
export type ActorKind = (typeof ACTOR_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** After the start of the run. */
  readonly atMs: number;
  readonly forMs: number;
  /** Whom it strikes: a node, the two ends of a link, or one side of a partition. */
  readonly nodes: readonly ParticipantId[];
  /** How hard, from 0 to 1; what that means is the kind's. */
  readonly force: number;
}

interface Liar {
  readonly kind: ActorKind;
  readonly node: ParticipantId;
}

export interface Plan {
  readonly seed: number;
  readonly participants: number;
  /** Length of the safety phase. */
  readonly stormMs: number;
  readonly liars: readonly Liar[];
  readonly faults: readonly Fault[];
}

export interface PlanOptions {
  readonly kinds?: readonly (FaultKind | ActorKind)[];
  readonly participants?: number;
  readonly stormMs?: number;
}

/** The plan of a seed. @param kinds what it may contain; everything unless told otherwise. */
export function planOf(seed: number, options: PlanOptions = {}): Plan {
  const { kinds = [...FAULT_KINDS, ...ACTOR_KINDS], stormMs = 12_000 } = options;
  const chance = new Chance(seed, 'plan');
  const participants = options.participants ?? chance.pick([1, 4, 4, 4, 4, 4, 5, 7]);
  const ids = Array.from({ length: participants }, (_, i) => `bank${i + 1}` as ParticipantId);
  const order = chance.shuffled(ids);
  const actors = ACTOR_KINDS.filter((kind) => kinds.includes(kind));
  const liarCount = actors.length === 0 ? 0 : chance.between(0, maxFaulty(participants));
  const liars = order.slice(0, liarCount).map((node) => ({ kind: chance.pick(actors), node }));
  const honest = order.slice(liarCount);

  const allowed = FAULT_KINDS.filter((kind) => kinds.includes(kind) && kind !== 'wipe');
  const count = allowed.length === 0 ? 0 : chance.between(2, 12);
  const faults = Array.from({ length: count }, () => faultOf(chance, chance.pick(allowed), ids, honest, stormMs));
  const wipes = maxFaulty(participants) - liarCount;
  if (kinds.includes('wipe') && wipes > 0 && chance.happens(0.2)) {
    faults.push(faultOf(chance, 'wipe', ids, honest.slice(0, 1), stormMs));
  }
  return { seed, participants, stormMs, liars, faults: faults.sort((a, b) => a.atMs - b.atMs) };
}

/** `3 drop 1200-4500 ms bank1,bank2 0.25`: a fault in one line, with its number. */
export function describeFault({ kind, atMs, forMs, nodes, force }: Fault, index: number): string {
  return `${index} ${kind} ${atMs}-${atMs + forMs} ms ${nodes.join(',')} ${force.toFixed(3)}`;
}

function faultOf(
  chance: Chance,
  kind: FaultKind,
  ids: readonly ParticipantId[],
  honest: readonly ParticipantId[],
  stormMs: number,
): Fault {
  const atMs = chance.between(50, Math.floor(stormMs * 0.9));
  const forMs = chance.between(20, Math.floor(stormMs / 3));
  const force = chance.next() / 0x1_0000_0000;
  const size = chance.between(1, Math.max(1, ids.length - 1));
  return { kind, atMs, forMs, nodes: targets(chance, kind, ids, honest, size), force };
}

function targets(
  chance: Chance,
  kind: FaultKind,
  ids: readonly ParticipantId[],
  honest: readonly ParticipantId[],
  size: number,
): readonly ParticipantId[] {
  switch (kind) {
    case 'clogLink':
    case 'oneWay':
      return chance.shuffled(ids).slice(0, 2);
    case 'partition':
    case 'silentPartition':
      return chance.shuffled(ids).slice(0, size);
    case 'swizzle':
      return chance.shuffled(ids);
    case 'drop':
    case 'delay':
    case 'duplicate':
    case 'replay':
      return [];
    case 'crashAll':
      return ids;
    default:
      return [chance.pick(honest)];
  }
}

/**
 * What a run will be thrown, as data that follows from its seed alone: how many banks, who of them lies, and which fault
 * happens when, to whom. A run that failed is made shorter by leaving out entries of this list.
 */
import { maxFaulty } from '../../consensus/quorum.ts';
import type { ParticipantId } from '../../types/index.ts';
import { Chance } from '../world/random.ts';

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
  'splitVotes',
  'crash',
  'crashAtEffect',
  'crashAll',
  'diskError',
  'slowDisk',
  'pause',
  'clockJump',
  'clockDrift',
  'slowNode',
  'wipe',
  'restoreBackup',
  'bitFlip',
  'logCut',
] as const;

/** After these a key may not know what it signed, so whoever they strike counts as one of the f. */
export const FORGETTING: readonly FaultKind[] = ['wipe', 'restoreBackup', 'bitFlip', 'logCut'];

export const ACTOR_KINDS = [
  'equivocator',
  'garbage',
  'withholder',
  'liar',
  'delayer',
  'forger',
  'smuggler',
  'pretender',
  'twin',
  'amnesiac',
  'badProposer',
  'poisoner',
] as const;

/** What more than f of them do together: two faces, one for each side of a split; or one that forgets what it said. */
export const CONSPIRACIES = ['twoFaced', 'forgetful'] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];
export type ActorKind = (typeof ACTOR_KINDS)[number];
export type Conspiracy = (typeof CONSPIRACIES)[number];

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
  readonly kind: ActorKind | Conspiracy;
  readonly node: ParticipantId;
}

export interface Plan {
  readonly seed: number;
  readonly participants: number;
  /** Length of the safety phase. */
  readonly stormMs: number;
  /** At most f of them, but for a conspiracy, which has one more. */
  readonly liars: readonly Liar[];
  readonly faults: readonly Fault[];
  /** Once down they stay down until the network has done without them; the end of the storm takes them at the latest. */
  readonly absent: readonly ParticipantId[];
  /** Whether gossip reaches a member through another one when their link is cut. */
  readonly relays: boolean;
  /** So many requests of wallets at most; null for as many as there is time for. */
  readonly maxRequests: number | null;
}

export interface PlanOptions {
  readonly kinds?: readonly (FaultKind | ActorKind)[];
  readonly participants?: number;
  readonly stormMs?: number;
  /** One liar more than a network can bear, all of one mind. */
  readonly conspiracy?: boolean;
  /** As many honest members are absent as the network can bear beside its liars. */
  readonly absent?: boolean;
  /** So many liars at least, where the network can bear them. */
  readonly minLiars?: number;
}

/** Networks in which f + 1 liars can split the others into two quorums; with five members they cannot. */
const FORKABLE = [4, 4, 7];
/** What disturbs a conspiracy's network, and its liars no less than the others. */
const NOISE: readonly FaultKind[] = ['drop', 'delay', 'duplicate', 'replay', 'slowNode', 'slowDisk'];

/** The plan of a seed. @param kinds what it may contain; everything unless told otherwise. */
export function planOf(seed: number, options: PlanOptions = {}): Plan {
  const { kinds = [...FAULT_KINDS, ...ACTOR_KINDS], stormMs = 12_000, conspiracy = false, absent = false } = options;
  const { minLiars = 0 } = options;
  const chance = new Chance(seed, conspiracy ? 'conspiracy' : 'plan');
  const participants = options.participants ?? chance.pick(conspiracy ? FORKABLE : [1, 4, 4, 4, 4, 4, 5, 7]);
  const ids = Array.from({ length: participants }, (_, i) => `bank${i + 1}` as ParticipantId);
  const order = chance.shuffled(ids);
  const bearable = maxFaulty(participants);
  const actors = ACTOR_KINDS.filter((kind) => kinds.includes(kind));
  const usual = actors.length === 0 ? 0 : Math.max(chance.between(0, bearable), Math.min(minLiars, bearable));
  const count = conspiracy ? bearable + 1 : usual;
  const plot = chance.pick(CONSPIRACIES);
  const liars = order.slice(0, count).map((node) => ({ kind: conspiracy ? plot : chance.pick(actors), node }));
  const honest = order.slice(count);
  /** Who may be damaged or absent without more than f members being faulty. */
  const fragile = honest.slice(0, Math.max(0, bearable - count));

  const allowed = (conspiracy ? NOISE : FAULT_KINDS).filter(
    (kind) => kinds.includes(kind) && !FORGETTING.includes(kind),
  );
  const faults = Array.from({ length: allowed.length === 0 ? 0 : chance.between(2, conspiracy ? 4 : 12) }, () =>
    faultOf(chance, chance.pick(allowed), ids, honest, stormMs),
  );
  const forgetting = FORGETTING.filter((kind) => kinds.includes(kind));
  const lost = forgetting.length > 0 && fragile.length > 0 && chance.happens(0.6) ? chance.between(1, 2) : 0;
  for (let i = 0; i < lost; i++) faults.push(faultOf(chance, chance.pick(forgetting), ids, fragile, stormMs));
  faults.sort((a, b) => a.atMs - b.atMs);
  const relays = chance.happens(0.5);
  return { seed, participants, stormMs, liars, faults, absent: absent ? fragile : [], relays, maxRequests: null };
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
  // A backup is taken at the one time and put back at the other, both of which lie in the storm.
  const latest = kind === 'restoreBackup' ? 0.6 : 0.9;
  const atMs = chance.between(50, Math.floor(stormMs * latest));
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
    case 'splitVotes':
      return [];
    case 'crashAll':
      return ids;
    default:
      return [chance.pick(honest)];
  }
}

/** What each kind of fault does when it strikes, and how it ends. */
import { CodecError } from '../../codec/schema.ts';
import type { Survival } from '../../storage/index.ts';
import { KEEP_UNSYNCED, LOSE_UNSYNCED } from '../../storage/index.ts';
import { keepSectors } from '../../storage/memory-disk.ts';
import type { ParticipantId, SignedStatement, Step } from '../../types/index.ts';
import { statementsIn } from '../checks/check-signatures.ts';
import type { VirtualClock } from '../world/clock.ts';
import type { Machine } from '../world/machine.ts';
import type { Fate, MessageKind, VirtualNetwork } from '../world/network.ts';
import type { Chance } from '../world/random.ts';
import { cutLog, type Damage, flipBit, type KeptBackup } from './damage.ts';
import type { Fault, FaultKind } from './plan.ts';

/** What faults reach of a simulation. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly wires: VirtualNetwork;
  readonly weather: Weather;
  readonly ids: readonly ParticipantId[];
  readonly chance: Chance;
  readonly fleet: Fleet;
}

/** What faults do to machines. */
interface Fleet {
  machine(id: ParticipantId): Machine;
  crash(machine: Machine, downMs: number): void;
  /** The disk is lost. */
  wipe(machine: Machine, downMs: number): void;
  backup(machine: Machine): KeptBackup;
  /** The machine goes back to what it was. */
  restore(machine: Machine, backup: KeptBackup, downMs: number): void;
  /** The disk is damaged while the machine is down. @param damage says what it did. */
  harm(machine: Machine, kind: FaultKind, downMs: number, damage: (machine: Machine) => Damage): void;
}

/** How the wires are now: the chance of each mishap, and the longest delay. */
export class Weather {
  drop = 0;
  duplicate = 0;
  /** On top of the few milliseconds that any message takes. */
  delayMs = 0;
  /** The same for all that one node sends. */
  readonly slowMs = new Map<ParticipantId, number>();
  /** How likely a member hears the votes of a step, by the fault that makes it so. */
  readonly splits = new Map<string, number>();
  /** Who hears what: `step/height/round/member`. */
  readonly #hears = new Map<string, boolean>();
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  readonly fate: Fate = (from, to, bytes, kind) => {
    const chance = this.#chance;
    if (this.drop > 0 && chance.happens(this.drop)) return null;
    for (const heard of this.splits.values()) if (!this.#isHeard(heard, to, bytes, kind)) return null;
    const extraMs = this.delayMs + (this.slowMs.get(from) ?? 0);
    const delayMs = () => chance.between(1, 5) + (extraMs > 0 ? chance.below(extraMs) : 0);
    return this.duplicate > 0 && chance.happens(this.duplicate) ? [delayMs(), delayMs()] : delayMs();
  };

  /** All votes of a step, or none of them. */
  #isHeard(heard: number, to: ParticipantId, bytes: Uint8Array, kind: MessageKind): boolean {
    if (kind === 'round') return this.#chance.happens(ROUND_HEARD);
    const step = kind === 'votes' || kind === 'proposals' ? stepOf(kind, bytes) : null;
    if (step === null) return true;
    const place = `${step.step}/${step.height}/${step.round}/${to}`;
    const known = this.#hears.get(place) ?? this.#chance.happens(heard * HEARD[step.step]);
    this.#hears.set(place, known);
    return known;
  }

  clear(): void {
    this.drop = 0;
    this.duplicate = 0;
    this.delayMs = 0;
    this.slowMs.clear();
    this.splits.clear();
  }
}

/** How likely a member hears the prevotes of a round where votes are split; of that, the other steps; what peers repeat. */
const MIN_HEARD = 0.3;
const MAX_HEARD = 0.7;
const HEARD: Readonly<Record<Step, number>> = { propose: 1.4, prevote: 1, precommit: 0.5 };
const ROUND_HEARD = 0.1;
/** Between a fault's replays of old messages. */
const REPLAY_MS = 20;
/** The most messages that may get lost, of all; the longest detour; the longest sync. */
const MAX_DROP = 0.3;
const MAX_DELAY_MS = 400;
/** Of one slow node: well past the timeout that others wait for its proposal. */
const MAX_SLOW_MS = 3_000;
const MAX_SYNC_MS = 60;
const MAX_CLOCK_JUMP_MS = 20_000;
const MAX_DRIFT = 0.05;
/** How long it takes to put a backup back, at most. */
const MAX_RESTORE_MS = 1_500;

/** Where in a height a message was said; null where it cannot be read. */
function stepOf(kind: MessageKind, bytes: Uint8Array): SignedStatement | null {
  try {
    const [said] = statementsIn(kind, bytes);
    return said ?? null;
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}

/** Starts a fault. @param cause names it, so that it ends alone. @returns what ends it, `forMs` later. */
export function strike(stage: Stage, fault: Fault, cause: string): () => void {
  return KINDS[fault.kind](stage, fault, cause);
}

/** What a crash leaves of what was not synced. */
export function survivalOf(chance: Chance): Survival {
  const keep = chance.next() / 0x1_0000_0000;
  const names = (pending: number) => chance.between(0, pending);
  const torn = keepSectors(() => chance.happens(keep));
  const kinds: readonly Survival[] = [
    LOSE_UNSYNCED,
    KEEP_UNSYNCED,
    torn,
    { content: torn.content, names },
    { content: LOSE_UNSYNCED.content, names },
  ];
  return chance.pick(kinds);
}

type Strike = (stage: Stage, fault: Fault, cause: string) => () => void;

const nothing = () => undefined;

const KINDS: Readonly<Record<FaultKind, Strike>> = {
  drop: ({ weather }, { force }) =>
    during(
      () => (weather.drop = force * MAX_DROP),
      () => (weather.drop = 0),
    ),
  delay: ({ weather }, { force }) =>
    during(
      () => (weather.delayMs = Math.ceil(force * MAX_DELAY_MS)),
      () => (weather.delayMs = 0),
    ),
  duplicate: ({ weather }, { force }) =>
    during(
      () => (weather.duplicate = force),
      () => (weather.duplicate = 0),
    ),
  replay({ wires, clock, chance }) {
    let isOver = false;
    const again = () => {
      if (isOver) return;
      wires.replay((count) => chance.below(count));
      clock.schedule(REPLAY_MS, again);
    };
    again();
    return () => {
      isOver = true;
    };
  },

  clogLink: ({ wires }, { nodes }, cause) => {
    wires.clog(nodes.slice(0, 1), nodes.slice(1), cause);
    return () => wires.heal(cause);
  },
  clogNode: ({ wires, ids }, { nodes }, cause) => {
    wires.clog(nodes, ids, cause);
    wires.clog(ids, nodes, cause);
    return () => wires.heal(cause);
  },
  /** FoundationDB's swizzle-clogging: nodes are clogged one after the other and come back in another order. */
  swizzle: ({ wires, ids, clock, chance }, { nodes, forMs }, cause) => {
    const half = forMs / 2;
    for (const [i, node] of nodes.entries()) {
      clock.schedule((half * i) / nodes.length, () => {
        wires.clog([node], ids, `${cause}/${node}`);
        wires.clog(ids, [node], `${cause}/${node}`);
      });
    }
    for (const [i, node] of chance.shuffled(nodes).entries()) {
      clock.schedule(half + (half * (i + 1)) / nodes.length, () => wires.heal(`${cause}/${node}`));
    }
    return nothing;
  },
  oneWay: ({ wires }, { nodes }, cause) => {
    wires.mute(nodes.slice(0, 1), nodes.slice(1), cause);
    return () => wires.heal(cause);
  },
  partition: ({ wires, ids }, { nodes }, cause) => {
    wires.cut(nodes, without(ids, nodes), cause);
    return () => wires.heal(cause);
  },
  /** In each step of each round some hear what is said and the others do not: chance that knows the algorithm. */
  splitVotes: ({ weather }, { force }, cause) =>
    during(
      () => weather.splits.set(cause, MIN_HEARD + (1 - force) * (MAX_HEARD - MIN_HEARD)),
      () => weather.splits.delete(cause),
    ),
  silentPartition: ({ wires, ids }, { nodes }, cause) => {
    wires.mute(nodes, without(ids, nodes), cause);
    wires.mute(without(ids, nodes), nodes, cause);
    return () => wires.heal(cause);
  },

  crash: onNode((stage, machine, { forMs }) => stage.fleet.crash(machine, forMs)),
  crashAtEffect: onNode((_, machine, { force }) => machine.crashAtEffect(1 + Math.floor(force * 40))),
  crashAll: (stage, { forMs, nodes }) => {
    for (const id of nodes)
      if (stage.fleet.machine(id).isUp) stage.fleet.crash(stage.fleet.machine(id), stage.chance.between(1, forMs));
    return nothing;
  },
  diskError: onNode(({ chance }, machine, { force }) =>
    machine.failDisk(1 + Math.floor(force * 20), chance.happens(0.5) ? 'EIO' : 'ENOSPC', chance.below(100) / 100),
  ),
  /** Of one member; a hard one, of all: what they share is overloaded, and a power cut then takes something from each. */
  slowDisk: (stage, { nodes, force }) => {
    const machines = (force > 0.5 ? stage.ids : nodes).map((id) => stage.fleet.machine(id));
    for (const machine of machines) machine.syncMs = () => stage.chance.below(1 + Math.ceil(force * MAX_SYNC_MS));
    return () => {
      for (const machine of machines) machine.syncMs = () => 0;
    };
  },
  pause: (stage, { nodes: [id] }) => {
    if (id === undefined) return nothing;
    stage.fleet.machine(id).pause();
    return () => stage.fleet.machine(id).resume();
  },
  clockJump: onNode((_, machine, { force }) => {
    machine.skewMs += Math.round((force - 0.5) * 2 * MAX_CLOCK_JUMP_MS);
  }),
  clockDrift: (stage, { nodes: [id], force }) => {
    if (id === undefined) return nothing;
    stage.fleet.machine(id).setDrift((force - 0.5) * 2 * MAX_DRIFT);
    return () => stage.fleet.machine(id).setDrift(0);
  },
  slowNode: ({ weather }, { nodes: [id], force }) => {
    if (id === undefined) return nothing;
    weather.slowMs.set(id, Math.ceil(force * MAX_SLOW_MS));
    return () => void weather.slowMs.delete(id);
  },
  wipe: onNode((stage, machine, { forMs }) => stage.fleet.wipe(machine, forMs)),
  /** A copy at the beginning, which comes back at the end. */
  restoreBackup: (stage, { nodes: [id], force }) => {
    if (id === undefined) return nothing;
    const backup = stage.fleet.backup(stage.fleet.machine(id));
    return () => stage.fleet.restore(stage.fleet.machine(id), backup, 1 + Math.floor(force * MAX_RESTORE_MS));
  },
  bitFlip: onNode((stage, machine, { forMs, force }) =>
    stage.fleet.harm(machine, 'bitFlip', forMs, (down) => flipBit(down, stage.chance, force)),
  ),
  logCut: onNode((stage, machine, { forMs, force }) =>
    stage.fleet.harm(machine, 'logCut', forMs, (down) => cutLog(down, force)),
  ),
};

function during(begin: () => unknown, end: () => unknown): () => void {
  begin();
  return () => void end();
}

/** A fault of one node that is up; it ends by itself. */
function onNode(act: (stage: Stage, machine: Machine, fault: Fault) => void): Strike {
  return (stage, fault) => {
    const [id] = fault.nodes;
    if (id !== undefined && stage.fleet.machine(id).isUp) act(stage, stage.fleet.machine(id), fault);
    return nothing;
  };
}

function without<T>(all: readonly T[], some: readonly T[]): T[] {
  return all.filter((item) => !some.includes(item));
}

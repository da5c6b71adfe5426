/** What each kind of fault does when it strikes, and how it ends. */
import type { Survival } from '../storage/index.ts';
import { KEEP_UNSYNCED, LOSE_UNSYNCED } from '../storage/index.ts';
import { keepSectors } from '../storage/memory-disk.ts';
import type { ParticipantId } from '../types/index.ts';
import type { VirtualClock } from './clock.ts';
import type { Machine } from './machine.ts';
import type { Fate, VirtualNetwork } from './network.ts';
import type { Fault, FaultKind } from './plan.ts';
import type { Chance } from './random.ts';

/** What faults reach of a simulation. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly wires: VirtualNetwork;
  readonly weather: Weather;
  readonly ids: readonly ParticipantId[];
  readonly chance: Chance;
  machine(id: ParticipantId): Machine;
  crash(machine: Machine, downMs: number): void;
  wipe(machine: Machine, downMs: number): void;
}

/** How the wires are now: the chance of each mishap, and the longest delay. */
export class Weather {
  drop = 0;
  duplicate = 0;
  /** On top of the few milliseconds that any message takes. */
  delayMs = 0;
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  readonly fate: Fate = () => {
    const chance = this.#chance;
    if (this.drop > 0 && chance.happens(this.drop)) return null;
    const delayMs = () => chance.between(1, 5) + (this.delayMs > 0 ? chance.below(this.delayMs) : 0);
    return this.duplicate > 0 && chance.happens(this.duplicate) ? [delayMs(), delayMs()] : delayMs();
  };

  clear(): void {
    this.drop = 0;
    this.duplicate = 0;
    this.delayMs = 0;
  }
}

/** Between a fault's replays of old messages. */
const REPLAY_MS = 20;
/** The most messages that may get lost, of all; the longest detour; the longest sync. */
const MAX_DROP = 0.3;
const MAX_DELAY_MS = 400;
const MAX_SYNC_MS = 60;
const MAX_CLOCK_JUMP_MS = 20_000;
const MAX_DRIFT = 0.05;

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
  silentPartition: ({ wires, ids }, { nodes }, cause) => {
    wires.mute(nodes, without(ids, nodes), cause);
    wires.mute(without(ids, nodes), nodes, cause);
    return () => wires.heal(cause);
  },

  crash: onNode((stage, machine, { forMs }) => stage.crash(machine, forMs)),
  crashAtEffect: onNode((_, machine, { force }) => machine.crashAtEffect(1 + Math.floor(force * 40))),
  crashAll: (stage, { forMs, nodes }) => {
    for (const id of nodes) if (stage.machine(id).isUp) stage.crash(stage.machine(id), stage.chance.between(1, forMs));
    return nothing;
  },
  diskError: onNode(({ chance }, machine, { force }) =>
    machine.failDisk(1 + Math.floor(force * 20), chance.happens(0.5) ? 'EIO' : 'ENOSPC', chance.below(100) / 100),
  ),
  slowDisk: (stage, { nodes: [id], force }) => {
    if (id === undefined) return nothing;
    stage.machine(id).syncMs = () => stage.chance.below(1 + Math.ceil(force * MAX_SYNC_MS));
    return () => {
      stage.machine(id).syncMs = () => 0;
    };
  },
  pause: (stage, { nodes: [id] }) => {
    if (id === undefined) return nothing;
    stage.machine(id).pause();
    return () => stage.machine(id).resume();
  },
  clockJump: onNode((_, machine, { force }) => {
    machine.skewMs += Math.round((force - 0.5) * 2 * MAX_CLOCK_JUMP_MS);
  }),
  clockDrift: (stage, { nodes: [id], force }) => {
    if (id === undefined) return nothing;
    stage.machine(id).setDrift((force - 0.5) * 2 * MAX_DRIFT);
    return () => stage.machine(id).setDrift(0);
  },
  wipe: onNode((stage, machine, { forMs }) => stage.wipe(machine, forMs)),
};

function during(begin: () => unknown, end: () => unknown): () => void {
  begin();
  return () => void end();
}

/** A fault of one node that is up; it ends by itself. */
function onNode(act: (stage: Stage, machine: Machine, fault: Fault) => void): Strike {
  return (stage, fault) => {
    const [id] = fault.nodes;
    if (id !== undefined && stage.machine(id).isUp) act(stage, stage.machine(id), fault);
    return nothing;
  };
}

function without<T>(all: readonly T[], some: readonly T[]): T[] {
  return all.filter((item) => !some.includes(item));
}

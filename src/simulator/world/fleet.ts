/**
 * The banks' computers and who looks after them: boots them, crashes them, puts old backups and new disks in, and gives liars
 * what they lie with.
 */
import { chainIdOf } from '../../crypto/ids.ts';
import { CodedError } from '../../errors.ts';
import { DEFAULT_TIMINGS } from '../../node/context.ts';
import type { NodeEvent } from '../../node/events.ts';
import type { ParticipantId } from '../../types/index.ts';
import { conspire } from '../byzantine/conspiracy.ts';
import { ACTORS } from '../byzantine/index.ts';
import { divideTwins, secondAddress } from '../byzantine/twin.ts';
import type { Checkers } from '../checks/checkers.ts';
import { BOOT_REFUSALS, type Damage, type KeptBackup } from '../faults/damage.ts';
import { survivalOf } from '../faults/faults.ts';
import type { FaultKind, Plan } from '../faults/plan.ts';
import { CONSPIRACIES } from '../faults/plan.ts';
import type { Fraud } from '../wallets/fraud.ts';
import type { VirtualClock } from './clock.ts';
import { type Alter, Machine } from './machine.ts';
import type { Membership } from './members.ts';
import type { VirtualNetwork } from './network.ts';
import type { CrashPoint, Probe } from './probe.ts';
import { Chance } from './random.ts';

/** How long a machine stays down after a crash at a point. */
const DOWN_MS = 50;
/** How long an operator takes to put a new disk in, at most. */
const MAX_REPAIR_MS = 2_000;

export interface FleetParts {
  readonly plan: Plan;
  readonly members: Membership;
  readonly clock: VirtualClock;
  readonly wires: VirtualNetwork;
  readonly chance: Chance;
  readonly checkers: Checkers;
  readonly honest: readonly ParticipantId[];
  /** Planted into every honest node. */
  readonly defect: Alter | null;
  readonly probe: Probe | null;
  readonly fraud: (label: string) => Fraud;
  readonly onEvent: (machine: Machine, event: NodeEvent) => void;
  /** All that a machine had in memory is gone. */
  readonly onGone: (id: ParticipantId) => void;
  readonly onLine: (text: string) => void;
  readonly count: (what: string) => void;
}

export class Fleet {
  readonly ids: readonly ParticipantId[];
  readonly clock: VirtualClock;
  readonly wires: VirtualNetwork;
  readonly #parts: FleetParts;
  /** By address: a twin has two. */
  readonly #machines = new Map<ParticipantId, Machine>();
  /** Whose disk was damaged and not replaced since, by the fault. */
  readonly #damaged = new Map<ParticipantId, FaultKind>();
  /** Who stays down from the next time on; nobody once all were brought back. */
  readonly #absent: Set<ParticipantId>;
  /** Of these, who is down. */
  readonly #away = new Set<ParticipantId>();

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#absent = new Set(parts.plan.absent);
    this.clock = parts.clock;
    this.wires = parts.wires;
    this.ids = parts.members.genesis.participants.map(({ id }) => id);
    for (const id of this.ids) this.#machines.set(id, this.#newMachine(id));
    for (const { kind, node } of parts.plan.liars) {
      const address = secondAddress(node);
      if (kind === 'twin' || kind === 'twoFaced') this.#machines.set(address, this.#newMachine(node, address));
    }
  }

  get all(): Iterable<Machine> {
    return this.#machines.values();
  }

  machine(id: ParticipantId): Machine {
    const machine = this.#machines.get(id);
    if (machine === undefined) throw new Error(`there is no ${id}`);
    return machine;
  }

  /** The damage that a machine bears, or null. */
  damageOf(id: ParticipantId): FaultKind | null {
    return this.#damaged.get(id) ?? null;
  }

  /** Boots every machine and lets the liars begin. */
  start(): void {
    const { plan, honest } = this.#parts;
    for (const machine of this.all) this.boot(machine);
    const chance = new Chance(plan.seed, 'liars');
    for (const { kind, node } of plan.liars) {
      if (kind === 'twin') divideTwins(this, [node, secondAddress(node)], chance);
    }
    const plot = CONSPIRACIES.find((kind) => kind === plan.liars[0]?.kind);
    const conspirators = plan.liars.map(({ node }) => node);
    if (plot !== undefined) conspire(this, plot, { conspirators, honest }, chance);
  }

  isAway(id: ParticipantId): boolean {
    return this.#away.has(id);
  }

  /** Whoever is to be absent and is still there goes down. */
  takeAbsent(): void {
    for (const id of this.#absent) if (!this.#away.has(id)) this.crash(this.machine(id), 0);
  }

  /** Whoever was absent comes back, and stays no longer away than others after a crash. */
  bringBack(): void {
    this.#absent.clear();
    const back = [...this.#away];
    this.#away.clear();
    for (const id of back) this.boot(this.machine(id));
  }

  /** Boots what is down, has lost what it had to lose, and is not to be absent. */
  boot(machine: Machine): void {
    const { checkers, onLine } = this.#parts;
    const { id, address } = machine;
    if (!machine.canBoot || this.#away.has(id)) return;
    onLine(`boot ${address}`);
    machine
      .boot(async (chain) => {
        if (this.#isHonest(id)) await checkers.booted(machine, chain);
      })
      .catch((error: unknown) => checkers.fail('node-ended', `${address} does not boot: ${String(error)}`));
  }

  crash(machine: Machine, downMs: number): void {
    const { chance } = this.#parts;
    this.#parts.onLine(`crash ${machine.address}`);
    this.#gone(machine.id);
    machine.crash(survivalOf(chance), chance.below(4));
    this.#bootLater(machine, downMs);
  }

  wipe(machine: Machine, downMs: number): void {
    this.#parts.onLine(`wipe ${machine.address}`);
    this.#gone(machine.id);
    this.#damaged.delete(machine.id);
    this.#parts.checkers.lost(machine.id, 'wipe');
    machine.wipe();
    this.#bootLater(machine, downMs);
  }

  /** Whatever is damaged then is damaged in the backup. */
  backup(machine: Machine): KeptBackup {
    return { ...machine.backup(), damage: this.damageOf(machine.id) };
  }

  restore(machine: Machine, backup: KeptBackup, downMs: number): void {
    this.#parts.onLine(`restore ${machine.address}`);
    this.#gone(machine.id);
    this.#parts.checkers.lost(machine.id, 'restoreBackup');
    this.#parts.count('restoreBackup: put back');
    machine.restore(backup);
    if (backup.damage === null) this.#damaged.delete(machine.id);
    else {
      this.#damaged.set(machine.id, backup.damage);
      this.#parts.checkers.money.damaged(machine.state);
    }
    this.#bootLater(machine, downMs);
  }

  harm(machine: Machine, kind: FaultKind, downMs: number, damage: (machine: Machine) => Damage): void {
    const { checkers, onLine, count } = this.#parts;
    this.crash(machine, downMs);
    const { what, isInState } = damage(machine);
    onLine(`${kind} ${machine.address}: ${what}`);
    this.#damaged.set(machine.id, kind);
    checkers.lost(machine.id, kind);
    if (isInState) checkers.money.damaged(machine.state);
    count(`${kind}: ${isInState ? 'in the state' : 'in a file'}`);
  }

  #gone(id: ParticipantId): void {
    if (this.#absent.has(id)) this.#away.add(id);
    this.#parts.onGone(id);
  }

  #bootLater(machine: Machine, downMs: number): void {
    this.clock.schedule(downMs, () => this.boot(machine));
  }

  #isHonest(id: ParticipantId): boolean {
    return this.#parts.honest.includes(id);
  }

  #newMachine(id: ParticipantId, address = id): Machine {
    const { members, checkers, onEvent, onLine, probe } = this.#parts;
    const alter = this.#alterationOf(id, address);
    const machine: Machine = new Machine({
      id,
      address,
      genesis: members.genesis,
      signer: members.signer(`validator/${id}`),
      verifier: members.verifier,
      clock: this.clock,
      wires: this.wires,
      timings: DEFAULT_TIMINGS,
      ...(alter === null ? {} : { alter }),
      onEvent: (event) => onEvent(machine, event),
      onEnd: (error, during) => this.#ended(machine, error, during),
      onEffect: (what) => probe?.onEffect(id, what),
      onArmedCrash: () => {
        onLine(`armed crash ${address}`);
        if (probe === null || probe.crash === null) this.#comeBack(machine);
        else this.#comeBackFrom(machine, probe.crash);
      },
      onWrites: (writes) => {
        if (this.#isHonest(id)) checkers.money.applying(machine, writes);
      },
    });
    return machine;
  }

  #ended(machine: Machine, error: unknown, during: 'boot' | 'run'): void {
    const { onLine, checkers, count } = this.#parts;
    const { id, address, diskFailed } = machine;
    onLine(`end ${address}: ${String(error)}`);
    const damage = this.damageOf(id);
    if (this.#isHonest(id)) {
      const name = error instanceof CodedError ? error.code : nameOf(error);
      checkers.ended(machine, error, damage !== null && (during === 'run' || BOOT_REFUSALS.has(name)));
      count(`${diskFailed ? 'diskError' : damage}: ${during === 'boot' ? 'boot refused' : 'ended'}, ${name}`);
    }
    // What it says then is to start it again.
    const isStateGivenUp = during === 'run' && error instanceof CodedError && error.code === 'STATE_CORRUPT';
    if (damage === null || diskFailed || isStateGivenUp) this.#comeBack(machine);
    else this.#repair(machine);
  }

  /** An operator puts a new disk in. */
  #repair(machine: Machine): void {
    const downMs = this.#parts.chance.between(1, MAX_REPAIR_MS);
    this.clock.schedule(0, () => this.wipe(machine, downMs));
  }

  /** After it ended in the midst of something: loses what it may lose, and restarts a while later. */
  #comeBack(machine: Machine): void {
    const downMs = this.#parts.chance.between(1, MAX_REPAIR_MS);
    this.clock.schedule(0, () => this.crash(machine, downMs));
  }

  #comeBackFrom(machine: Machine, { survival, lostBlocks }: CrashPoint): void {
    this.clock.schedule(0, () => {
      this.#gone(machine.id);
      machine.crash(survival, lostBlocks);
      this.#bootLater(machine, DOWN_MS);
    });
  }

  #alterationOf(id: ParticipantId, address: ParticipantId): Alter | null {
    const { plan, members, checkers, defect, fraud, count } = this.#parts;
    const kind = plan.liars.find(({ node }) => node === id)?.kind;
    if (kind === undefined) return defect;
    if (kind === 'twoFaced' || kind === 'forgetful') return null;
    return ACTORS[kind]({
      self: id,
      validator: this.ids.indexOf(id),
      validators: this.ids.length,
      ids: this.ids,
      chainId: chainIdOf(members.genesis),
      signer: members.signer(`validator/${id}`),
      chance: new Chance(plan.seed, `liar/${id}`),
      clock: this.clock,
      fraud: fraud(`smuggled/${id}`),
      tell: (peer, topic, bytes) => this.wires.gossip(address, peer, topic, bytes),
      restart: (downMs) => this.crash(this.machine(address), downMs),
      forged: (hash, wrong) => {
        checkers.forged(hash, wrong);
        count(`${kind}: proposed ${wrong}`);
      },
    });
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

/**
 * A run: a network of banks on virtual machines, a workload, and the faults of a plan. First a storm, in which only safety is
 * asked for; then everything is healed, and the network must commit a new payment and come level in bounded time. Nothing here
 * reads a real clock or draws from anything but the seed, so the same plan gives the same trace.
 */
import { maxFaulty } from '../consensus/quorum.ts';
import type { NodeEvent } from '../node/events.ts';
import type { ParticipantId } from '../types/index.ts';
import { checkRest } from './checks/aftermath.ts';
import { calmCheck } from './checks/calm.ts';
import { Checkers, type Fork } from './checks/checkers.ts';
import type { Violation } from './checks/violation.ts';
import { type Stage, strike, Weather } from './faults/faults.ts';
import type { Fault, Plan } from './faults/plan.ts';
import { describeFault } from './faults/plan.ts';
import { Customers } from './wallets/customers.ts';
import { Fraud } from './wallets/fraud.ts';
import { Workload } from './wallets/workload.ts';
import { VirtualClock } from './world/clock.ts';
import { Fleet } from './world/fleet.ts';
import type { Signatures } from './world/keyring.ts';
import type { Alter, Machine } from './world/machine.ts';
import { type Membership, membership, START_TIME_MS } from './world/members.ts';
import { VirtualNetwork } from './world/network.ts';
import type { Probe } from './world/probe.ts';
import { Chance } from './world/random.ts';
import { Trace } from './world/trace.ts';

export interface SimulationOptions {
  readonly signatures?: Signatures;
  /** Lets all that waits for nothing but its turn run, and then resolves. */
  readonly turn: () => Promise<void>;
  /** Hears each line of the trace. */
  readonly onLine?: (line: string) => void;
  /** A planted defect, in every honest node. */
  readonly defect?: Alter;
  readonly probe?: Probe;
}

export interface Outcome {
  readonly plan: Plan;
  readonly violation: Violation | null;
  /** SHA-256 of all that happened. */
  readonly traceHash: string;
  readonly heights: number;
  readonly events: number;
  readonly virtualMs: number;
  /** Faults that struck, by kind. */
  readonly struck: ReadonlyMap<string, number>;
  readonly payments: number;
  readonly acknowledged: number;
  /** Second values signed by keys whose machine lost its memory, by what took it. */
  readonly signedAfter: ReadonlyMap<string, number>;
  /** Where more than f lied and two honest nodes have different blocks. */
  readonly fork: Fork | null;
  /** What came of it all: `kind: what` -> how often. */
  readonly tally: ReadonlyMap<string, number>;
}

/** Within this much virtual time a healed network must commit: the timeouts of some rounds, and a clock that ran ahead. */
const LIVENESS_MS = 180_000;
/** A run that takes more events than this is stuck in a loop without time passing. */
const MAX_EVENTS = 5_000_000;

export async function simulate(plan: Plan, options: SimulationOptions): Promise<Outcome> {
  return await new Simulation(plan, options).run();
}

class Simulation {
  readonly #plan: Plan;
  readonly #turn: () => Promise<void>;
  readonly #probe: Probe | null;
  readonly #clock: VirtualClock;
  readonly #wires: VirtualNetwork;
  readonly #weather: Weather;
  readonly #chance: Chance;
  readonly #members: Membership;
  readonly #honest: readonly ParticipantId[];
  /** More than f: the network may fork or stand still. */
  readonly #isConspiracy: boolean;
  readonly #checkers: Checkers;
  readonly #fleet: Fleet;
  readonly #customers: Customers;
  readonly #trace: Trace;
  readonly #workload: Workload;
  readonly #checkCalm: ReturnType<typeof calmCheck>;
  readonly #struck = new Map<string, number>();
  readonly #tally = new Map<string, number>();
  #events = 0;
  #isStorm = true;

  constructor(plan: Plan, { signatures = 'stub', turn, onLine, ...rest }: SimulationOptions) {
    const { seed } = plan;
    const { defect = null, probe = null }: { defect?: Alter | null; probe?: Probe | null } = rest;
    this.#plan = plan;
    this.#turn = turn;
    this.#probe = probe;
    this.#members = membership(plan.participants, signatures);
    const lots = new Chance(seed, 'lots');
    this.#clock = new VirtualClock(START_TIME_MS, () => lots.next());
    this.#wires = new VirtualNetwork(this.#clock);
    this.#wires.relays = plan.relays;
    this.#trace = new Trace(onLine);
    this.#chance = new Chance(seed, 'faults');
    this.#weather = new Weather(new Chance(seed, 'wires'));
    const ids = this.#members.genesis.participants.map(({ id }) => id);
    this.#honest = ids.filter((id) => plan.liars.every(({ node }) => node !== id));
    this.#isConspiracy = plan.liars.length > maxFaulty(plan.participants);
    const latestMs = () => Math.max(...this.#honest.map((id) => this.#fleet.machine(id).latestMs));
    this.#checkers = new Checkers(this.#members, new Set(this.#honest), latestMs);
    this.#workload = new Workload(new Chance(seed, 'workload'), this.#members, this.#checkers.model);
    const isCalm = probe === null || probe.crash === null;
    this.#checkCalm = isCalm ? calmCheck(plan, (...problem) => this.#checkers.fail(...problem)) : () => undefined;
    this.#tapWires();
    this.#fleet = this.#newFleet(defect);
    this.#customers = this.#newCustomers(ids);
  }

  #newFleet(defect: Alter | null): Fleet {
    return new Fleet({
      plan: this.#plan,
      members: this.#members,
      clock: this.#clock,
      wires: this.#wires,
      chance: this.#chance,
      checkers: this.#checkers,
      honest: this.#honest,
      defect,
      probe: this.#probe,
      fraud: (label) => this.#fraud(label),
      onEvent: (machine, event) => this.#heard(machine, event),
      onGone: (id) => {
        this.#customers.crashed(id);
        this.#checkers.signatures.crashed(id);
      },
      onLine: (text) => this.#line(text),
      count: (what) => this.#count(what),
    });
  }

  #newCustomers(ids: readonly ParticipantId[]): Customers {
    return new Customers({
      clock: this.#clock,
      workload: this.#workload,
      fraud: this.#fraud('fraud'),
      ids,
      checkers: this.#checkers,
      honest: this.#honest,
      maxRequests: this.#plan.maxRequests ?? Number.POSITIVE_INFINITY,
      machine: (id) => this.#fleet.machine(id),
      isDamaged: (id) => this.#fleet.damageOf(id) !== null,
    });
  }

  #fraud(label: string): Fraud {
    return new Fraud(new Chance(this.#plan.seed, label), this.#members, this.#checkers.model);
  }

  async run(): Promise<Outcome> {
    const startMs = this.#clock.now();
    const { crash = null, isOver = () => false } = this.#probe ?? {};
    if (crash !== null) this.#fleet.machine(crash.node).crashAtEffect(crash.effect);
    // Without faults it is healed from the start, and evidence is due under load.
    if (this.#plan.faults.length === 0 && !this.#isConspiracy) this.#checkers.signatures.healed(0);
    this.#fleet.start();
    for (const [index, fault] of this.#plan.faults.entries()) {
      this.#clock.schedule(fault.atMs, () => this.#strike(fault, describeFault(fault, index)));
    }
    this.#customers.keepAsking(new Chance(this.#plan.seed, 'pace'));
    if (this.#plan.maxRequests === null) this.#customers.keepCheating(new Chance(this.#plan.seed, 'cheats'));
    await this.#until(() => this.#clock.now() >= startMs + this.#plan.stormMs || isOver(this.#checkers.height));
    this.#probe?.onOver?.((id) => this.#fleet.machine(id));
    this.#heal();
    await this.#askForLife();
    await this.#closeTheBooks();
    this.#checkers.judge();
    for (const machine of this.#fleet.all) machine.crash({ content: (file) => file.written, names: () => 0 });
    return this.#outcome(startMs);
  }

  #outcome(startMs: number): Outcome {
    const { violation, height, signatures, fork } = this.#checkers;
    const { payments, acknowledged, endings } = this.#customers;
    for (const [ending, count] of endings) this.#count(`taken: ${ending}`, count);
    this.#count('evidence on the chain', signatures.onChain.size);
    for (const [why, count] of signatures.signedAfter) this.#count(`${why}: second values signed`, count);
    return {
      plan: this.#plan,
      violation,
      fork,
      traceHash: this.#trace.digest(),
      heights: height,
      events: this.#events,
      virtualMs: this.#clock.now() - startMs,
      struck: this.#struck,
      tally: this.#tally,
      payments,
      acknowledged: acknowledged.size,
      signedAfter: signatures.signedAfter,
    };
  }

  // ---------------------------------------------------------------- time

  /** Fires event after event until the condition holds. @returns whether it did. */
  async #until(condition: () => boolean, untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (;;) {
      await this.#turn();
      if (this.#checkers.isOver) return false;
      if (condition()) return true;
      if (this.#clock.now() > untilMs || this.#events >= MAX_EVENTS || !this.#clock.fireNext()) return false;
      this.#events += 1;
    }
  }

  #strike(fault: Fault, text: string): void {
    if (!this.#isStorm) return;
    this.#line(`fault ${text}`);
    this.#struck.set(fault.kind, (this.#struck.get(fault.kind) ?? 0) + 1);
    const stage: Stage = {
      clock: this.#clock,
      wires: this.#wires,
      weather: this.#weather,
      ids: this.#fleet.ids,
      chance: this.#chance,
      fleet: this.#fleet,
    };
    const end = strike(stage, fault, text);
    this.#clock.schedule(fault.forMs, () => {
      if (this.#isStorm) end();
    });
  }

  /** Ends every fault; liars go on, and who is absent stays away. */
  #heal(): void {
    if (this.#checkers.isOver) return;
    this.#isStorm = false;
    this.#line('heal');
    this.#customers.stop();
    this.#weather.clear();
    for (const [index, fault] of this.#plan.faults.entries()) {
      const cause = describeFault(fault, index);
      this.#wires.heal(cause);
      for (const id of this.#fleet.ids) this.#wires.heal(`${cause}/${id}`);
    }
    for (const machine of this.#fleet.all) {
      machine.disarm();
      machine.setClockRight();
      machine.resume();
      this.#fleet.boot(machine);
    }
    this.#fleet.takeAbsent();
    // More than f can keep evidence off the chain for as long as they like.
    if (!this.#isConspiracy) this.#checkers.signatures.healed(this.#checkers.height);
  }

  /** A new payment, on every honest node, first without those who are absent; and all evidence on the chain. */
  async #askForLife(): Promise<void> {
    await this.#expectPayment();
    if (this.#plan.absent.length > 0) {
      this.#fleet.bringBack();
      await this.#expectPayment();
    }
    await this.#until(
      () => !this.#checkers.signatures.isWaiting || this.#isConspiracy,
      this.#clock.now() + LIVENESS_MS,
    );
    if (this.#checkers.signatures.isWaiting && !this.#isConspiracy) {
      this.#checkers.fail('evidence', `there is none on the chain after ${LIVENESS_MS} ms`);
    }
  }

  async #expectPayment(): Promise<void> {
    if (this.#checkers.isOver) return;
    const via = this.#chance.pick(this.#present);
    const last = this.#workload.lastPayment(via, this.#clock.now());
    this.#customers.insist(last, via);
    const isDone = () => this.#checkers.receiptOf(last.id) !== null && this.#isLevel();
    const isLive = await this.#until(isDone, this.#clock.now() + (this.#isConspiracy ? LIVENESS_MS / 9 : LIVENESS_MS));
    if (isLive || this.#isConspiracy) return;
    const where = this.#present.map((id) => `${id} ${this.#position(id)}`).join(', ');
    this.#checkers.fail('liveness', `no new payment on all within ${LIVENESS_MS} ms: ${where}`);
  }

  get #present(): readonly ParticipantId[] {
    return this.#honest.filter((id) => !this.#fleet.isAway(id));
  }

  #isLevel(): boolean {
    return this.#present.every((id) => this.#fleet.machine(id).chain?.tip.height === this.#checkers.height);
  }

  #position(id: ParticipantId): string {
    const { node } = this.#fleet.machine(id);
    if (node === null) return 'is down';
    const { height, round, step } = node.status().consensus;
    return `at ${height}/${round}/${step}`;
  }

  /** Lets everything expire that was handed in, and asks everybody for everything. */
  async #closeTheBooks(): Promise<void> {
    if (this.#checkers.isOver || this.#isConspiracy) return;
    const endMs = this.#customers.lastValidMs + 1;
    this.#clock.schedule(endMs - this.#clock.now(), () => undefined);
    await this.#until(() => this.#clock.now() >= endMs);
    await this.#until(() => this.#isLevel(), this.#clock.now() + LIVENESS_MS);
    if (this.#checkers.isOver) return;
    await this.#customers.checkAcknowledged();
    await checkRest({
      machines: this.#honest.map((id) => this.#fleet.machine(id)),
      checkers: this.#checkers,
      asked: this.#customers.asked,
      until: (condition) => this.#until(condition, this.#clock.now() + LIVENESS_MS),
      unlike: () => this.#count('bitFlip: not noticed by the end'),
    });
    if (this.#checkers.isOver) return;
    let isDone = false;
    const settled = this.#customers.checkSettled().then(() => {
      isDone = true;
    });
    if (await this.#until(() => isDone, this.#clock.now() + LIVENESS_MS)) await settled;
    else this.#checkers.fail('settled', 'a bank does not answer');
  }

  // ---------------------------------------------------------------- what is heard of it

  #tapWires(): void {
    this.#wires.fate = this.#weather.fate;
    this.#wires.wiretap = {
      sent: (...message) => this.#checkers.sent(...message),
      banned: (ban) => {
        this.#line(`ban ${ban.by} ${ban.peer} ${ban.reason}`);
        this.#checkers.banned(ban);
        if (this.#honest.includes(ban.by)) this.#count(`${this.#kindOf(ban.peer)}: banned, ${ban.reason}`);
      },
      delivered: (from, to, kind, bytes) => {
        this.#checkers.delivered(to, kind, bytes);
        this.#trace.message(() => `${this.#elapsed()} ${from} ${to} ${kind} ${bytes.length}`, bytes);
      },
      failed: (at, error) => {
        if (this.#honest.includes(at) && !this.#fleet.machine(at).diskFailed)
          this.#checkers.fail('handler', `${at}: ${String(error)}`);
      },
    };
  }

  #heard(machine: Machine, event: NodeEvent): void {
    const { id } = machine;
    if (!this.#honest.includes(id)) return;
    this.#checkCalm(id, event);
    if (event.type === 'joined') this.#joined(machine, event.height);
    if (event.type === 'committed') {
      this.#line(`commit ${id} ${event.committed.block.header.height} ${event.blockHash} ${event.via}`);
      this.#checkers.committed(machine, event);
      this.#customers.heard(id, event);
    } else if (event.type === 'evidence') {
      this.#count(`${this.#kindOf(event.participant)}: evidence found`);
      this.#checkers.signatures.heard(id, event.evidence, this.#checkers.height);
    } else if (event.type === 'blockRefused') {
      this.#count(`block refused: ${this.#checkers.wrongOf(event.blockHash) ?? event.reason}`);
    } else if (event.type === 'round' && event.round > 0) this.#count('rounds above the first');
    else if (event.type === 'signatureRefused') this.#count('signatures held back');
  }

  /** A bank has opened its chain at a snapshot: as far as the checkers go, that is a boot. */
  #joined(machine: Machine, height: number): void {
    const { id, chain } = machine;
    this.#line(`join ${id} ${height}`);
    this.#count('joined through a snapshot');
    if (chain === null) return;
    this.#checkers
      .booted(machine, chain)
      .catch((error: unknown) => this.#checkers.fail('node-ended', `${id} does not read its record: ${String(error)}`));
  }

  #kindOf(id: ParticipantId): string {
    return this.#plan.liars.find(({ node }) => node === id)?.kind ?? this.#fleet.damageOf(id) ?? 'honest';
  }

  #count(what: string, by = 1): void {
    if (by > 0) this.#tally.set(what, (this.#tally.get(what) ?? 0) + by);
  }

  #line(text: string): void {
    this.#trace.line(`${this.#elapsed()} ${text}`);
  }

  #elapsed(): string {
    return (this.#clock.now() - START_TIME_MS).toFixed(3);
  }
}

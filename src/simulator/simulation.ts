/**
 * A run: a network of banks on virtual machines, a workload, and the faults of a plan. First a storm, in which only safety is
 * asked for; then everything is healed, and the network must commit a new payment and come level in bounded time. Nothing here
 * reads a real clock or draws from anything but the seed, so the same plan gives the same trace.
 */
import { chainIdOf } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import { DEFAULT_TIMINGS } from '../node/context.ts';
import type { NodeEvent } from '../node/events.ts';
import { Refusal } from '../node/node.ts';
import type { Survival } from '../storage/index.ts';
import type { ParticipantId, TransactionId } from '../types/index.ts';
import { findForgotten } from './acknowledged.ts';
import { ACTORS } from './byzantine/index.ts';
import { Checkers, type Committed, type Violation } from './checkers.ts';
import { VirtualClock } from './clock.ts';
import { type Stage, strike, survivalOf, Weather } from './faults.ts';
import { type Alter, Machine } from './machine.ts';
import { GENESIS_TIME_MS, type Membership, membership, type Signatures } from './members.ts';
import { VirtualNetwork } from './network.ts';
import type { Fault, Plan } from './plan.ts';
import { describeFault } from './plan.ts';
import { Chance } from './random.ts';
import { Trace } from './trace.ts';
import { type Request, Workload } from './workload.ts';

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

/** Looks at single effects of the nodes, and cuts one run short at one of them; see `crash-points.ts`. */
interface Probe {
  /** A node is about to do something to its disk or the network. */
  readonly onEffect: (node: ParticipantId, what: string) => void;
  /** Ends the storm when it says so; asked after each event. @param height the highest that is committed. */
  readonly isOver: (height: number) => boolean;
  readonly crash: CrashPoint | null;
}

/** One machine crashes before its nth effect since the start of the run. */
export interface CrashPoint {
  readonly node: ParticipantId;
  readonly effect: number;
  readonly survival: Survival;
  /** Newest blocks that its state database loses. */
  readonly lostBlocks: number;
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
  readonly signedAfterWipe: number;
}

/** Within this much virtual time a healed network must commit: the timeouts of some rounds, and a clock that ran ahead. */
const LIVENESS_MS = 180_000;
/** Between two requests of the workload, at most. */
const PAUSE_MS = 60;
/** A wallet that heard nothing for so long tries again elsewhere; so many times. */
const RETRY_MS = 2_500;
const MAX_RETRIES = 4;
/** A run that takes more events than this is stuck in a loop without time passing. */
const MAX_EVENTS = 5_000_000;
/** How long a machine stays down after a crash at a point. */
const DOWN_MS = 50;

export async function simulate(plan: Plan, options: SimulationOptions): Promise<Outcome> {
  return await new Simulation(plan, options).run();
}

class Simulation implements Stage {
  readonly clock = new VirtualClock(GENESIS_TIME_MS + 1_000);
  readonly wires = new VirtualNetwork(this.clock);
  readonly weather: Weather;
  readonly chance: Chance;
  readonly ids: readonly ParticipantId[];
  readonly #plan: Plan;
  readonly #options: SimulationOptions;
  readonly #members: Membership;
  readonly #machines = new Map<ParticipantId, Machine>();
  readonly #honest: readonly ParticipantId[];
  readonly #checkers: Checkers;
  readonly #trace: Trace;
  readonly #workload: Workload;
  readonly #struck = new Map<string, number>();
  readonly #acknowledged = new Map<TransactionId, string>();
  readonly #asked = new Map<ParticipantId, Set<TransactionId>>();
  readonly #wiped = new Set<ParticipantId>();
  #payments = 0;
  #events = 0;
  #isStorm = true;

  constructor(plan: Plan, options: SimulationOptions) {
    const { seed } = plan;
    this.#plan = plan;
    this.#options = options;
    this.#members = membership(plan.participants, options.signatures ?? 'stub');
    this.ids = this.#members.genesis.participants.map(({ id }) => id);
    this.#honest = this.ids.filter((id) => plan.liars.every(({ node }) => node !== id));
    this.chance = new Chance(seed, 'faults');
    this.weather = new Weather(new Chance(seed, 'wires'));
    this.#checkers = new Checkers(this.#members, new Set(this.#honest));
    this.#trace = new Trace(options.onLine);
    this.#workload = new Workload(new Chance(seed, 'workload'), this.#members, this.#checkers.model);
    this.#tapWires();
    for (const id of this.ids) this.#machines.set(id, this.#newMachine(id));
  }

  async run(): Promise<Outcome> {
    const startMs = this.clock.now();
    const point = this.#options.probe?.crash ?? null;
    if (point !== null) this.machine(point.node).crashAtEffect(point.effect);
    for (const id of this.ids) this.#boot(this.machine(id));
    for (const [index, fault] of this.#plan.faults.entries()) {
      this.clock.schedule(fault.atMs, () => this.#strike(fault, describeFault(fault, index)));
    }
    const pace = new Chance(this.#plan.seed, 'pace');
    this.#keepAsking(pace);
    const isOver = this.#options.probe?.isOver ?? (() => false);
    await this.#until(() => this.clock.now() >= startMs + this.#plan.stormMs || isOver(this.#checkers.height));
    await this.#heal();
    if (this.#checkers.violation === null) await this.#checkTheEnd();
    for (const machine of this.#machines.values()) machine.crash({ content: (file) => file.written, names: () => 0 });
    return {
      plan: this.#plan,
      violation: this.#checkers.violation,
      traceHash: this.#trace.digest(),
      heights: this.#checkers.height,
      events: this.#events,
      virtualMs: this.clock.now() - startMs,
      struck: this.#struck,
      payments: this.#payments,
      acknowledged: this.#acknowledged.size,
      signedAfterWipe: this.#checkers.signedAfterWipe,
    };
  }

  machine(id: ParticipantId): Machine {
    const machine = this.#machines.get(id);
    if (machine === undefined) throw new Error(`there is no ${id}`);
    return machine;
  }

  crash(machine: Machine, downMs: number): void {
    this.#line(`crash ${machine.id}`);
    machine.crash(survivalOf(this.chance), this.chance.below(4));
    this.clock.schedule(downMs, () => this.#boot(machine));
  }

  wipe(machine: Machine, downMs: number): void {
    this.#line(`wipe ${machine.id}`);
    this.#wiped.add(machine.id);
    this.#checkers.wiped(machine.id);
    machine.wipe();
    this.clock.schedule(downMs, () => this.#boot(machine));
  }

  // ---------------------------------------------------------------- time

  /** Fires event after event until the condition holds. @returns whether it did. */
  async #until(condition: () => boolean, untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (;;) {
      await this.#options.turn();
      if (this.#checkers.violation !== null) return false;
      if (condition()) return true;
      if (this.clock.now() > untilMs || this.#events >= MAX_EVENTS || !this.clock.fireNext()) return false;
      this.#events += 1;
    }
  }

  #strike(fault: Fault, text: string): void {
    if (!this.#isStorm) return;
    this.#line(`fault ${text}`);
    this.#struck.set(fault.kind, (this.#struck.get(fault.kind) ?? 0) + 1);
    const end = strike(this, fault, text);
    this.clock.schedule(fault.forMs, () => {
      if (this.#isStorm) end();
    });
  }

  /** Ends every fault and asks for life. */
  async #heal(): Promise<void> {
    if (this.#checkers.violation !== null) return;
    this.#isStorm = false;
    this.#line('heal');
    this.weather.clear();
    for (const [index, fault] of this.#plan.faults.entries()) {
      const cause = describeFault(fault, index);
      this.wires.heal(cause);
      for (const id of this.ids) this.wires.heal(`${cause}/${id}`);
    }
    for (const machine of this.#machines.values()) {
      machine.disarm();
      machine.setClockRight();
      machine.resume();
      this.#boot(machine);
    }
    const via = this.chance.pick(this.#honest);
    const last = this.#workload.lastPayment(via, this.clock.now());
    // A healed bank boots within this turn; the payment comes right after.
    this.clock.schedule(10, () => this.#ask(last, via, MAX_RETRIES));
    const endMs = this.clock.now() + LIVENESS_MS;
    const isDone = () => this.#checkers.receiptOf(last.id) !== null && this.#isLevel();
    if (!(await this.#until(isDone, endMs))) {
      const where = this.#honest.map((id) => `${id} ${this.#position(id)}`).join(', ');
      this.#checkers.fail('liveness', `no new payment on all within ${LIVENESS_MS} ms: ${where}`);
    }
  }

  #isLevel(): boolean {
    return this.#honest.every((id) => this.machine(id).chain?.tip.height === this.#checkers.height);
  }

  #position(id: ParticipantId): string {
    const { node } = this.machine(id);
    if (node === null) return 'is down';
    const { height, round, step } = node.status().consensus;
    return `at ${height}/${round}/${step}`;
  }

  async #checkTheEnd(): Promise<void> {
    for (const id of this.#honest) {
      const machine = this.machine(id);
      this.#checkers.wholeState(machine);
      const problem = await findForgotten(machine, this.#acknowledged);
      if (problem !== null) this.#checkers.fail('acknowledged', problem);
    }
  }

  // ---------------------------------------------------------------- machines

  #newMachine(id: ParticipantId): Machine {
    const { genesis, signer, verifier } = this.#members;
    const alter = this.#alterationOf(id);
    const isHonest = this.#honest.includes(id);
    const machine: Machine = new Machine({
      id,
      genesis,
      signer: signer(`validator/${id}`),
      verifier,
      clock: this.clock,
      wires: this.wires,
      timings: DEFAULT_TIMINGS,
      ...(alter === null ? {} : { alter }),
      onEvent: (event) => this.#heard(machine, event),
      onEnd: (error) => {
        this.#line(`end ${id}: ${String(error)}`);
        if (isHonest) this.#checkers.ended(machine, error);
        this.#comeBack(machine);
      },
      onEffect: (what) => this.#options.probe?.onEffect(id, what),
      onArmedCrash: () => {
        this.#line(`armed crash ${id}`);
        if (this.#options.probe?.crash == null) this.#comeBack(machine);
        else this.#comeBackFrom(machine, this.#options.probe.crash);
      },
    });
    return machine;
  }

  /** After it ended in the midst of something: loses what it may lose, and restarts a while later. */
  #comeBack(machine: Machine): void {
    const downMs = this.chance.between(1, 2_000);
    this.clock.schedule(0, () => this.crash(machine, downMs));
  }

  #comeBackFrom(machine: Machine, { survival, lostBlocks }: CrashPoint): void {
    this.clock.schedule(0, () => {
      machine.crash(survival, lostBlocks);
      this.clock.schedule(DOWN_MS, () => this.#boot(machine));
    });
  }

  #alterationOf(id: ParticipantId): Alter | null {
    const liar = this.#plan.liars.find(({ node }) => node === id);
    if (liar === undefined) return this.#options.defect ?? null;
    return ACTORS[liar.kind]({
      self: id,
      validator: this.ids.indexOf(id),
      validators: this.ids.length,
      chainId: chainIdOf(this.#members.genesis),
      signer: this.#members.signer(`validator/${id}`),
      chance: new Chance(this.#plan.seed, `liar/${id}`),
      clock: this.clock,
      tell: (peer, topic, bytes) => this.wires.gossip(id, peer, topic, bytes),
    });
  }

  #boot(machine: Machine): void {
    const { id } = machine;
    if (!machine.canBoot) return;
    this.#line(`boot ${id}`);
    const isHonest = this.#honest.includes(id);
    machine
      .boot(async (chain) => {
        if (isHonest) await this.#checkers.booted(id, chain);
      })
      .catch((error: unknown) => this.#checkers.fail('node-ended', `${id} does not boot: ${String(error)}`));
  }

  #tapWires(): void {
    this.wires.fate = this.weather.fate;
    this.wires.wiretap = {
      sent: (...message) => this.#checkers.sent(...message),
      banned: (ban) => {
        this.#line(`ban ${ban.by} ${ban.peer} ${ban.reason}`);
        this.#checkers.banned(ban);
      },
      delivered: (from, to, kind, bytes) =>
        this.#trace.message(() => `${this.#elapsed()} ${from} ${to} ${kind} ${bytes.length}`, bytes),
      failed: (at, error) => {
        if (this.#honest.includes(at) && !this.machine(at).diskFailed)
          this.#checkers.fail('handler', `${at}: ${String(error)}`);
      },
    };
  }

  // ---------------------------------------------------------------- wallets

  #keepAsking(pace: Chance): void {
    if (!this.#isStorm) return;
    const request = this.#workload.next(this.clock.now());
    for (const bank of request.via) this.#ask(request, bank, 0);
    this.clock.schedule(pace.between(1, PAUSE_MS), () => this.#keepAsking(pace));
  }

  #ask(request: Request, bank: ParticipantId, tries: number): void {
    const machine = this.machine(bank);
    this.#payments += 1;
    const { node } = machine;
    if (node !== null) {
      const asked = this.#asked.get(bank) ?? new Set();
      this.#asked.set(bank, asked.add(request.id));
      machine.outside(
        node.submit(request.transaction),
        () => undefined,
        (error) => this.#refused(machine, request, error),
      );
    }
    this.clock.schedule(RETRY_MS, () => {
      if (this.#acknowledged.has(request.id) || tries >= MAX_RETRIES) return;
      this.#ask(request, this.#workload.anotherBank(), tries + 1);
    });
  }

  #refused(machine: Machine, { id }: Request, error: unknown): void {
    if (error instanceof Refusal || (error instanceof CodedError && machine.diskFailed)) return;
    if (this.#honest.includes(machine.id)) this.#checkers.fail('submission', `${machine.id}, ${id}: ${String(error)}`);
  }

  #heard(machine: Machine, event: NodeEvent): void {
    if (event.type === 'joined') this.#joined(machine, event.height);
    if (event.type !== 'committed' || !this.#honest.includes(machine.id)) return;
    this.#line(`commit ${machine.id} ${event.committed.block.header.height} ${event.blockHash} ${event.via}`);
    this.#checkers.committed(machine, event);
    this.#acknowledge(machine.id, event);
  }

  /** A bank has opened its chain at a snapshot: as far as the checkers go, that is a boot. */
  #joined({ id, chain }: Machine, height: number): void {
    this.#line(`join ${id} ${height}`);
    this.#struck.set('joined', (this.#struck.get('joined') ?? 0) + 1);
    if (chain === null || !this.#honest.includes(id)) return;
    this.#checkers
      .booted(id, chain)
      .catch((error: unknown) => this.#checkers.fail('node-ended', `${id} does not read its record: ${String(error)}`));
  }

  /** What the bank tells its customers of a block. */
  #acknowledge(id: ParticipantId, { transactions }: Committed): void {
    const asked = this.#asked.get(id);
    for (const { receipt } of transactions) {
      if (asked?.has(receipt.transactionId) !== true) continue;
      const text = `${receipt.height}/${receipt.index}/${receipt.status}`;
      const before = this.#acknowledged.get(receipt.transactionId) ?? text;
      this.#acknowledged.set(receipt.transactionId, before);
      if (before !== text) this.#checkers.fail('acknowledged', `${id} says ${text}, before it was ${before}`);
    }
  }

  #line(text: string): void {
    this.#trace.line(`${this.#elapsed()} ${text}`);
  }

  #elapsed(): string {
    return (this.clock.now() - GENESIS_TIME_MS - 1_000).toFixed(3);
  }
}

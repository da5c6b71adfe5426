/**
 * The banks of a story as simulated machines on one clock and one network, everything that happens to them on record, and what
 * must hold of them while it does: no two honest banks have different blocks at a height, and none ends by itself.
 */
import { CodedError } from '../../errors.ts';
import type { NodeEvent } from '../../node/events.ts';
import { VirtualClock } from '../../simulator/world/clock.ts';
import type { Keyring } from '../../simulator/world/keyring.ts';
import { type Alter, Machine } from '../../simulator/world/machine.ts';
import { VirtualNetwork } from '../../simulator/world/network.ts';
import { Chance } from '../../simulator/world/random.ts';
import { Trace } from '../../simulator/world/trace.ts';
import type { Genesis, ParticipantId } from '../../types/index.ts';
import type { JournalEntry } from '../engine.ts';
import type { NetworkSpec } from '../story.ts';
import { beginningOf } from '../terms.ts';
import { Agreement } from './agreement.ts';
import { SimulatedBank } from './bank.ts';
import { genesisOf, timingsOf } from './genesis.ts';
import { entryOf } from './journal.ts';
import { Time } from './time.ts';

/** How long a message is on its way, in ms: cables within a town, and switches. */
const LEAST_DELAY_MS = 2;
const MAX_DELAY_MS = 8;

/** A bank's computer, who stands at its door, and what is known of it. */
export interface Member {
  readonly machine: Machine;
  readonly bank: SimulatedBank;
  /** What it does instead of what it should, from its next boot on. */
  alter: Alter | null;
  /** Its disk was taken away, or it lies: it may end by itself. */
  isExcused: boolean;
  /** What all that it sends takes longer, in ms. */
  lateMs: number;
}

export class World {
  readonly genesis: Genesis;
  readonly clock: VirtualClock;
  readonly wires: VirtualNetwork;
  readonly time: Time;
  readonly trace = new Trace();
  readonly members: ReadonlyMap<ParticipantId, Member>;
  readonly #spec: NetworkSpec;
  readonly #keys: Keyring;
  readonly #startMs: number;
  readonly #listeners: ((entry: JournalEntry) => void)[] = [];
  readonly #agreement = new Agreement();
  #problem: { readonly error: unknown } | null = null;

  constructor(spec: NetworkSpec, keys: Keyring, turn: () => Promise<void>) {
    this.#spec = spec;
    this.#keys = keys;
    this.genesis = genesisOf(spec, keys);
    this.#startMs = beginningOf(spec);
    const lots = new Chance(spec.seed, 'lots');
    this.clock = new VirtualClock(this.#startMs, () => lots.next());
    this.wires = this.#newWires();
    this.time = new Time({
      clock: this.clock,
      turn,
      isAtRest: () => this.#isAtRest(),
      check: () => {
        if (this.#problem !== null) throw this.#problem.error;
      },
      onLeap: (ms) => this.line(`leap ${ms}`),
    });
    this.members = new Map(this.genesis.participants.map(({ id }) => [id, this.#newMember(id)]));
  }

  get elapsedMs(): number {
    return this.clock.now() - this.#startMs;
  }

  /** @throws CodedError `BANK_UNKNOWN`. */
  member(id: ParticipantId): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new CodedError('BANK_UNKNOWN', `no bank of this story is called ${id}`);
    return member;
  }

  listen(listener: (entry: JournalEntry) => void): void {
    this.#listeners.push(listener);
  }

  /** One line of the record that the trace hash is of. */
  line(text: string): void {
    this.trace.line(`${this.elapsedMs} ${text}`);
  }

  /** Starts the process of a bank that is down. @throws CodedError `BANK_DOES_NOT_START`. */
  async boot(id: ParticipantId, why: string): Promise<void> {
    const { machine } = this.member(id);
    this.line(`boot ${id}`);
    await machine.boot();
    if (machine.node === null) throw new CodedError('BANK_DOES_NOT_START', `${id} does not start`);
    this.#write({ atMs: this.elapsedMs, bank: id, type: 'started', why });
  }

  /** Says that a bank's process is gone. */
  gone(id: ParticipantId, why: string): void {
    this.line(`end ${id}: ${why}`);
    this.member(id).bank.gone();
    this.#write({ atMs: this.elapsedMs, bank: id, type: 'ended', why });
  }

  /** Makes the story fail: nothing after this can be believed. */
  fail(error: unknown): void {
    this.#problem ??= { error };
  }

  #newWires(): VirtualNetwork {
    const wires = new VirtualNetwork(this.clock);
    const chance = new Chance(this.#spec.seed, 'wires');
    wires.fate = (from) => chance.between(LEAST_DELAY_MS, MAX_DELAY_MS) + (this.members.get(from)?.lateMs ?? 0);
    wires.wiretap = {
      sent: () => undefined,
      banned: ({ by, peer, reason }) => this.line(`ban ${by} ${peer} ${reason}`),
      delivered: (from, to, kind, bytes) =>
        this.trace.message(() => `${this.elapsedMs} ${from} ${to} ${kind} ${bytes.length}`, bytes),
      failed: (at, error) => {
        if (this.members.get(at)?.alter === null) this.fail(error);
      },
    };
    return wires;
  }

  #newMember(id: ParticipantId): Member {
    const machine = new Machine({
      id,
      genesis: this.genesis,
      signer: this.#keys.signer(`validator/${id}`),
      verifier: this.#keys.verifier,
      clock: this.clock,
      wires: this.wires,
      timings: timingsOf(this.#spec),
      alter: (ports, self) => this.member(self).alter?.(ports, self) ?? ports,
      onEvent: (event) => this.#heard(id, event),
      onEnd: (error) => this.#ended(id, error),
    });
    const bank = new SimulatedBank(machine, this.clock, this.time);
    return { machine, bank, alter: null, isExcused: false, lateMs: 0 };
  }

  #heard(id: ParticipantId, event: NodeEvent): void {
    const member = this.member(id);
    if (event.type === 'committed') this.#committed(id, member, event);
    else if (event.type === 'joined') this.line(`join ${id} ${event.height}`);
    else if (event.type === 'evidence') this.line(`evidence ${id} ${event.participant}`);
    else if (event.type === 'round') this.line(`round ${id} ${event.height} ${event.round}`);
    member.bank.heard(event);
    if (this.#listeners.length === 0) return;
    const entry = entryOf(this.elapsedMs, id, event);
    if (entry !== null) this.#write(entry);
  }

  #committed(id: ParticipantId, member: Member, event: Extract<NodeEvent, { type: 'committed' }>): void {
    const { height } = event.committed.block.header;
    this.line(`commit ${id} ${height} ${event.blockHash} ${event.via}`);
    if (member.alter !== null) return;
    const problem = this.#agreement.problemOf(id, height, event.blockHash);
    if (problem !== null) this.fail(problem);
  }

  #ended(id: ParticipantId, error: unknown): void {
    this.gone(id, error instanceof Error ? error.message : String(error));
    if (!this.member(id).isExcused) {
      this.fail(new CodedError('BANK_ENDED', `${id} ended by itself: ${String(error)}`, { cause: error }));
    }
  }

  /** Those of the honest banks that can hear each other have the same blocks, and nothing to do. */
  #isAtRest(): boolean {
    const awake = [...this.members.values()].flatMap(({ machine, alter }) => {
      const { node, chain, id } = machine;
      if (node === null || chain === null || machine.isPaused || alter !== null) return [];
      return [{ id, node, height: chain.tip.height }];
    });
    if (awake.some(({ node }) => node.isBusy)) return false;
    return awake.every((one) =>
      awake.every((other) => one.height === other.height || !this.wires.areLinked(one.id, other.id)),
    );
  }

  #write(entry: JournalEntry): void {
    for (const listener of this.#listeners) listener(entry);
  }
}

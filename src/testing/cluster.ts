/** A whole network of nodes in one process, on a virtual clock, network and disk; nothing happens until a test says so. */

import { createInlineVerifier } from '../crypto/verifier.ts';
import type { Chain } from '../node/chain.ts';
import { DEFAULT_TIMINGS, type Timings } from '../node/context.ts';
import type { NodeEvent } from '../node/events.ts';
import type { Node } from '../node/node.ts';
import { VirtualClock } from '../simulator/world/clock.ts';
import { type Alter, Machine } from '../simulator/world/machine.ts';
import { VirtualNetwork } from '../simulator/world/network.ts';
import { KEEP_UNSYNCED } from '../storage/index.ts';
import type { ParticipantId } from '../types/index.ts';
import { GENESIS_TIME_MS, type TestNetwork, testNetwork } from './genesis.ts';

export interface Member {
  readonly id: ParticipantId;
  readonly node: Node;
  readonly chain: Chain;
  readonly events: NodeEvent[];
}

export class Cluster {
  readonly network: TestNetwork;
  readonly clock = new VirtualClock(GENESIS_TIME_MS + 1_000);
  readonly wires: VirtualNetwork;
  readonly members = new Map<string, Member>();
  readonly fatal: unknown[] = [];
  /** Of every member. */
  readonly verifier = createInlineVerifier();
  readonly #machines = new Map<string, Machine>();
  readonly #events = new Map<string, NodeEvent[]>();
  readonly #timings: Timings;
  readonly #alter: Alter;

  /** @param alter changes the ports of members, of liars for example. */
  constructor(network = testNetwork(), timings: Timings = DEFAULT_TIMINGS, alter: Alter = (ports) => ports) {
    this.network = network;
    this.#timings = timings;
    this.#alter = alter;
    this.wires = new VirtualNetwork(this.clock);
  }

  get ids(): string[] {
    return this.network.genesis.participants.map(({ id }) => id);
  }

  get(id: string): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`${id} is not up`);
    return member;
  }

  /** A member's computer, whether it is up or not. */
  machine(id: string): Machine {
    const machine = this.#machines.get(id);
    if (machine === undefined) throw new Error(`${id} was never up`);
    return machine;
  }

  async startAll(): Promise<void> {
    for (const id of this.ids) await this.start(id);
  }

  /** Boots a participant on what its disk holds. */
  async start(id: string): Promise<Member> {
    const machine = this.#machines.get(id) ?? this.#newMachine(id);
    this.#machines.set(id, machine);
    this.#events.set(id, []);
    await machine.boot();
    const { node, chain } = machine;
    if (node === null || chain === null) throw this.fatal[0] ?? new Error(`${id} did not come up`);
    const member = { id: machine.id, node, chain, events: this.#events.get(id) ?? [] };
    this.members.set(id, member);
    return member;
  }

  /** The process is gone, its disk stays. */
  kill(id: string): void {
    this.#machines.get(id)?.crash(KEEP_UNSYNCED);
    this.members.delete(id);
  }

  /** The process is gone, and its disk with it. */
  wipe(id: string): void {
    this.kill(id);
    this.#machines.delete(id);
  }

  /** From now on this member's clock is off by so much. */
  skew(id: string, ms: number): void {
    const machine = this.#machines.get(id);
    if (machine !== undefined) machine.skewMs = ms;
  }

  /** Lets time pass until the condition holds. @throws Error after ten virtual minutes. */
  async until(condition: () => boolean | Promise<boolean>, what = String(condition)): Promise<void> {
    const endMs = this.clock.now() + 600_000;
    for (;;) {
      await settle();
      if (this.fatal.length > 0) throw this.fatal[0];
      if (await condition()) return;
      if (this.clock.now() > endMs || !this.clock.fireNext()) throw new Error(`never came true: ${what}`);
    }
  }

  /** Lets time pass until the promise has settled. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    await this.until(() => settled, 'a promise settles');
    return done;
  }

  /** Lets this much time pass. */
  async pass(durationMs: number): Promise<void> {
    const endMs = this.clock.now() + durationMs;
    this.clock.schedule(durationMs, () => undefined);
    await this.until(() => this.clock.now() >= endMs);
  }

  async allAt(height: number): Promise<void> {
    await this.until(
      () => [...this.members.values()].every(({ chain }) => chain.tip.height >= height),
      `height ${height}`,
    );
  }

  async stop(): Promise<void> {
    for (const { node } of this.members.values()) await node.stop();
  }

  #newMachine(id: string): Machine {
    const { genesis, signer } = this.network;
    return new Machine({
      id: id as ParticipantId,
      genesis,
      signer: signer(`validator/${id}`),
      verifier: this.verifier,
      clock: this.clock,
      wires: this.wires,
      timings: this.#timings,
      alter: this.#alter,
      onArmedCrash: () => this.members.delete(id),
      onEvent: (event) => this.#events.get(id)?.push(event),
      onEnd: (error) => this.fatal.push(error),
    });
  }
}

/** Lets everything run that waits for nothing but its turn. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

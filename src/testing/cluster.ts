/** A whole network of nodes in one process, on a virtual clock, network and disk; nothing happens until a test says so. */

import { chainIdOf } from '../crypto/ids.ts';
import { createInlineVerifier } from '../crypto/verifier.ts';
import { Chain } from '../node/chain.ts';
import { DEFAULT_TIMINGS, type Timings } from '../node/context.ts';
import type { NodeEvent } from '../node/events.ts';
import { Node } from '../node/node.ts';
import { VirtualClock } from '../simulator/clock.ts';
import { VirtualNetwork } from '../simulator/network.ts';
import { MemoryDisk, MemoryState, openBlockLog, openMemoryStateStore, openSignState } from '../storage/index.ts';
import type { ParticipantId } from '../types/index.ts';
import { GENESIS_TIME_MS, type TestNetwork, testNetwork } from './genesis.ts';

export interface Member {
  readonly id: ParticipantId;
  readonly node: Node;
  readonly chain: Chain;
  readonly events: NodeEvent[];
}

interface Machine {
  disk: MemoryDisk;
  state: MemoryState;
}

export class Cluster {
  readonly network: TestNetwork;
  readonly clock = new VirtualClock(GENESIS_TIME_MS + 1_000);
  readonly wires: VirtualNetwork;
  readonly members = new Map<string, Member>();
  readonly fatal: unknown[] = [];
  readonly #machines = new Map<string, Machine>();
  readonly #timings: Timings;

  constructor(network = testNetwork(), timings: Timings = DEFAULT_TIMINGS) {
    this.network = network;
    this.#timings = timings;
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

  async startAll(): Promise<void> {
    for (const id of this.ids) await this.start(id);
  }

  /** Boots a participant on what its disk holds. */
  async start(id: string): Promise<Member> {
    const self = id as ParticipantId;
    const machine = this.#machines.get(id) ?? { disk: new MemoryDisk(), state: new MemoryState() };
    this.#machines.set(id, machine);
    const { genesis, signer } = this.network;
    const chainId = chainIdOf(genesis);
    const verifier = createInlineVerifier();
    const store = openMemoryStateStore(machine.state);
    const log = await openBlockLog(machine.disk, chainId);
    const chain = await Chain.open({ genesis, log, store, verifier });
    const node = new Node({
      self,
      chain,
      signer: signer(`validator/${id}`),
      signState: await openSignState(machine.disk, chainId),
      network: this.wires.join(self),
      clock: this.clock,
      verifier,
      timings: this.#timings,
      onFatal: (error) => this.fatal.push(error),
    });
    const events: NodeEvent[] = [];
    node.subscribe((event) => events.push(event));
    const member = { id: self, node, chain, events };
    this.members.set(id, member);
    await node.start();
    return member;
  }

  /** The process is gone, its disk stays. */
  kill(id: string): void {
    this.wires.leave(id as ParticipantId);
    void this.members.get(id)?.node.stop();
    this.members.delete(id);
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
}

/** Lets everything run that waits for nothing but its turn. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

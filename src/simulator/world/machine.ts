/**
 * One bank's computer: a disk and a state database that outlast its process, and the process itself, the same node as in
 * production, behind ports that can be held up (pause), made to fail (disk) or closed for ever (crash). Whatever an abandoned
 * node does after its crash reaches nobody: every port asks first whether its process is still alive.
 */
import { chainIdOf } from '../../crypto/ids.ts';
import { assert } from '../../errors.ts';
import { Chain } from '../../node/chain.ts';
import type { Timings } from '../../node/context.ts';
import type { NodeEvent } from '../../node/events.ts';
import { Node } from '../../node/node.ts';
import type { BlockLog, Clock, Network, Signer, SignState, Snapshots, StateStore, Verifier } from '../../ports.ts';
import type { Survival } from '../../storage/index.ts';
import {
  diskError,
  KEEP_UNSYNCED,
  MemoryDisk,
  MemoryState,
  openData,
  openMemoryStateStore,
} from '../../storage/index.ts';
import type { DiskOperation, Interceptor, Refusal } from '../../storage/memory-disk.ts';
import type { BlockWrites, Genesis, ParticipantId } from '../../types/index.ts';
import type { VirtualClock } from './clock.ts';
import type { VirtualNetwork } from './network.ts';

/** What stands between the node and its world; a Byzantine participant and a planted defect are both changes of these. */
export interface Ports {
  readonly network: Network;
  readonly clock: Clock;
  readonly signer: Signer;
  readonly signState: SignState;
  readonly log: BlockLog;
  readonly snapshots: Snapshots;
  readonly store: StateStore;
  readonly verifier: Verifier;
}

export type Alter = (ports: Ports, self: ParticipantId) => Ports;

export interface MachineParts {
  readonly id: ParticipantId;
  /** Its place on the wires; the participant's own name unless it has a second machine. */
  readonly address?: ParticipantId;
  readonly genesis: Genesis;
  readonly signer: Signer;
  readonly verifier: Verifier;
  readonly clock: VirtualClock;
  readonly wires: VirtualNetwork;
  readonly timings: Timings;
  readonly alter?: Alter;
  readonly onEvent: (event: NodeEvent) => void;
  /** The process has ended by itself, or (`boot`) did not come up. */
  readonly onEnd: (error: unknown, during: 'boot' | 'run') => void;
  /** A block is about to be applied to the state database. */
  readonly onWrites?: (writes: BlockWrites) => void;
  /** The process is about to do something to its disk or the network; said before an armed crash. */
  readonly onEffect?: (what: string) => void;
  /** The crash that was armed has come: the machine is down. */
  readonly onArmedCrash?: () => void;
}

/** Faults of a disk: the `nth` change from now on fails, after `written` of its bytes. */
interface DiskFault {
  nth: number;
  readonly code: 'EIO' | 'ENOSPC';
  readonly written: number;
}

/** A copy of all that a machine keeps. */
export interface Backup {
  readonly disk: MemoryDisk;
  readonly state: MemoryState;
}

/** One life of the node, from boot to crash. */
interface Life {
  begun: boolean;
  alive: boolean;
  node: Node | null;
  chain: Chain | null;
  diskFailed: boolean;
}

export class Machine {
  readonly id: ParticipantId;
  readonly address: ParticipantId;
  disk: MemoryDisk;
  state = new MemoryState();
  /** What the machine's clock is off by, and by how much it runs fast. */
  skewMs = 0;
  drift = 0;
  /** The latest time that its clock ever showed to the node. */
  latestMs = 0;
  /** How long a sync takes. */
  syncMs: () => number = () => 0;
  readonly #parts: MachineParts;
  #driftFromMs: number;
  #life: Life = newLife();
  #held: (() => void)[] | null = null;
  #effectsLeft: number | null = null;
  #diskFault: DiskFault | null = null;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.address = parts.address ?? parts.id;
    this.disk = new MemoryDisk(this.#interceptor(this.#life));
    this.#driftFromMs = parts.clock.now();
  }

  /** The running node, or null while it is down or still booting. */
  get node(): Node | null {
    return this.#life.alive ? this.#life.node : null;
  }

  get chain(): Chain | null {
    return this.#life.alive ? this.#life.chain : null;
  }

  get isUp(): boolean {
    return this.#life.alive;
  }

  /** Whether it is down and has nothing left to lose. */
  get canBoot(): boolean {
    return !this.#life.begun;
  }

  /** Whether the disk of this life refused something. */
  get diskFailed(): boolean {
    return this.#life.diskFailed;
  }

  get isPaused(): boolean {
    return this.#held !== null;
  }

  /** Boots on what the disk holds. @param opened sees the chain before the node has begun. */
  async boot(opened: (chain: Chain) => Promise<void> = () => Promise.resolve()): Promise<void> {
    const { genesis, onEnd, onEvent } = this.#parts;
    const life = this.#life;
    assert(!life.begun, 'a machine boots once after each crash');
    life.begun = true;
    life.alive = true;
    try {
      const ports = await this.#ports(life);
      const { log, snapshots, store, verifier, ...rest } = ports;
      life.chain = await Chain.open({ genesis, log, snapshots, store, verifier, clock: rest.clock });
      await opened(life.chain);
      const end = (error: unknown) => this.#end(life, error);
      const { id: self } = this;
      const { timings } = this.#parts;
      life.node = new Node({ self, chain: life.chain, verifier, timings, onFatal: end, ...rest });
      life.node.subscribe((event) => {
        if (life.alive) onEvent(event);
      });
      await life.node.start();
    } catch (error) {
      if (life.alive) {
        this.#stopProcess();
        onEnd(error, 'boot');
      }
    }
  }

  /** Power fails: the disk keeps what survives, the state database loses its newest blocks. */
  crash(survival: Survival, lostBlocks = 0): void {
    this.#stopProcess();
    this.#life = newLife();
    this.disk = this.disk.afterCrash(survival, this.#interceptor(this.#life));
    const height = this.state.tip?.height ?? 0;
    if (lostBlocks > 0) this.state.loseNewest(Math.min(lostBlocks, height, this.state.losable));
  }

  /** A new, empty disk. */
  wipe(): void {
    this.#stopProcess();
    this.#life = newLife();
    this.disk = new MemoryDisk(this.#interceptor(this.#life));
    this.state = new MemoryState();
  }

  /** What a backup program reads while the node runs. */
  backup(): Backup {
    return { disk: this.disk.afterCrash(KEEP_UNSYNCED), state: this.state.copy() };
  }

  /** The whole machine is as it was when the backup was taken. */
  restore({ disk, state }: Backup): void {
    this.#stopProcess();
    this.#life = newLife();
    this.disk = disk.afterCrash(KEEP_UNSYNCED, this.#interceptor(this.#life));
    this.state = state.copy();
  }

  pause(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const act of held) act();
  }

  /** Crashes before the `nth` thing from now on that the process does to its disk or the network. */
  crashAtEffect(nth: number): void {
    this.#effectsLeft = nth;
  }

  failDisk(nth: number, code: DiskFault['code'], written: number): void {
    this.#diskFault = { nth, code, written };
  }

  /** From now on the clock runs by this much fast; what it gained so far stays. */
  setDrift(drift: number): void {
    const nowMs = this.#parts.clock.now();
    this.skewMs += (nowMs - this.#driftFromMs) * this.drift;
    this.#driftFromMs = nowMs;
    this.drift = drift;
  }

  setClockRight(): void {
    this.setDrift(0);
    this.skewMs = 0;
  }

  /** No fault is armed any more. */
  disarm(): void {
    this.#effectsLeft = null;
    this.#diskFault = null;
    this.syncMs = () => 0;
  }

  /** Does something once this process is awake: now, when it is resumed, or, where it ends before, never. */
  whenAwake(act: () => void): void {
    this.#gate(this.#life, act);
  }

  /** What somebody outside gets back from the node: nothing, once the process is gone. */
  outside<T>(answer: Promise<T>, heard: (value: T) => void, failed: (error: unknown) => void): void {
    const life = this.#life;
    answer.then(
      (value) => this.#gate(life, () => heard(value)),
      (error: unknown) => this.#gate(life, () => failed(error)),
    );
  }

  #stopProcess(): void {
    this.#life.alive = false;
    this.#effectsLeft = null;
    this.#diskFault = null;
    this.#held = null;
    this.#parts.wires.leave(this.address);
  }

  #end(life: Life, error: unknown): void {
    if (!life.alive) return;
    this.#stopProcess();
    this.#parts.onEnd(error, 'run');
  }

  /** Lets something happen in this life of the process: now, when it is resumed, or never. */
  #gate(life: Life, act: () => void): void {
    if (!life.alive) return;
    if (this.#held === null) act();
    else this.#held.push(() => this.#gate(life, act));
  }

  /** @returns whether the process lives to see it. */
  #effect(life: Life, what: string): boolean {
    if (!life.alive) return false;
    this.#parts.onEffect?.(what);
    if (this.#effectsLeft === null) return true;
    this.#effectsLeft -= 1;
    if (this.#effectsLeft > 0) return true;
    this.#stopProcess();
    this.#parts.onArmedCrash?.();
    return false;
  }

  /** A disk serves one life only: what an abandoned node does to its old disk touches nothing. */
  #interceptor(life: Life): Interceptor {
    return (operation) => {
      if (!this.#effect(life, `${operation.kind} ${operation.path}`.trimEnd())) return new Promise(() => undefined);
      const refusal = this.#refusal(life, operation);
      if (refusal !== null || operation.kind !== 'sync') return refusal;
      const delayMs = this.syncMs();
      if (delayMs === 0) return null;
      const { promise, resolve } = Promise.withResolvers<null>();
      this.#parts.clock.schedule(delayMs, () => this.#gate(life, () => resolve(null)));
      return promise;
    };
  }

  #refusal(life: Life, operation: DiskOperation): Refusal | null {
    const fault = this.#diskFault;
    if (fault === null) return null;
    fault.nth -= 1;
    if (fault.nth > 0) return null;
    this.#diskFault = null;
    life.diskFailed = true;
    return { error: diskError(fault.code), written: Math.floor(operation.length * fault.written) };
  }

  async #ports(life: Life): Promise<Ports> {
    const { genesis, signer, verifier, alter } = this.#parts;
    const { repairs: _, ...data } = await openData({
      disk: this.disk,
      chainId: chainIdOf(genesis),
      openState: () => Promise.resolve(this.#store(life)),
      setAsideState: () => {
        this.state.clear();
        return Promise.resolve('nowhere');
      },
      hasPeers: genesis.participants.length > 1,
    });
    const ports: Ports = {
      ...data,
      network: this.#network(life),
      clock: this.#clock(life),
      signer,
      verifier,
    };
    return alter === undefined ? ports : alter(ports, this.id);
  }

  #store(life: Life): StateStore {
    const store = openMemoryStateStore(this.state);
    const whenAlive = <T>(effect: string, act: () => Promise<T>) =>
      this.#effect(life, effect) ? act() : new Promise<T>(() => undefined);
    const apply = store.apply.bind(store);
    const giveUp = store.giveUp.bind(store);
    const clear = store.clear.bind(store);
    const fill = store.fill.bind(store);
    const seal = store.seal.bind(store);
    store.apply = (...block) =>
      whenAlive('apply state', () => {
        this.#parts.onWrites?.(block[1]);
        return apply(...block);
      });
    store.giveUp = () => whenAlive('give up state', giveUp);
    store.clear = () => whenAlive('clear state', clear);
    store.fill = (entries) => whenAlive('fill state', () => fill(entries));
    store.seal = (...tip) => whenAlive('seal state', () => seal(...tip));
    return store;
  }

  #clock(life: Life): Clock {
    const { clock } = this.#parts;
    const offMs = () => this.skewMs + (clock.now() - this.#driftFromMs) * this.drift;
    return {
      now: () => {
        const nowMs = Math.floor(clock.now() + offMs());
        this.latestMs = Math.max(this.latestMs, nowMs);
        return nowMs;
      },
      schedule: (delayMs, fire) => clock.schedule(Math.ceil(delayMs / (1 + this.drift)), () => this.#gate(life, fire)),
    };
  }

  #network(life: Life): Network {
    const port = this.#parts.wires.join(this.address, this.id);
    const whenAlive = (what: string, act: () => void) => {
      if (this.#effect(life, what)) act();
    };
    return {
      start: (handlers) =>
        port.start({
          onGossip: (...message) => this.#gated(life, () => handlers.onGossip(...message)),
          onBatch: (...message) => this.#gated(life, () => handlers.onBatch(...message)),
          onQuestion: (...message) => this.#gated(life, () => handlers.onQuestion(...message)),
          onPeer: (...news) => this.#gate(life, () => handlers.onPeer(...news)),
        }),
      stop: () => port.stop(),
      peers: () => (life.alive ? port.peers() : []),
      publish: (topic, bytes) => whenAlive(`publish ${topic}`, () => port.publish(topic, bytes)),
      pushBatch: (bytes) => whenAlive('push batch', () => port.pushBatch(bytes)),
      ban: (peer, reason) => whenAlive('ban', () => port.ban(peer, reason)),
      ask: (peer, question, bytes) => {
        if (!this.#effect(life, `ask ${question}`)) return new Promise(() => undefined);
        return this.#gated(life, () => port.ask(peer, question, bytes));
      },
    };
  }

  /** A call whose start and whose answer both wait for a process that is awake and alive. */
  #gated<T>(life: Life, call: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#gate(life, () => {
      call().then(
        (value) => this.#gate(life, () => resolve(value)),
        (error: unknown) => this.#gate(life, () => reject(error)),
      );
    });
    return promise;
  }
}

function newLife(): Life {
  return { begun: false, alive: false, node: null, chain: null, diskFailed: false };
}

/** Hosts of the real network on 127.0.0.1 for tests: free ports, keys made from small numbers, a clock that can be pushed. */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { toHex } from '../codec/hex.ts';
import { AssertionError } from '../errors.ts';
import type { Clock, Logger, NetworkHandlers, Random } from '../ports.ts';
import type { ChainId, ParticipantId, PublicKey } from '../types/index.ts';
import type { NetworkWorld } from './network.suite.ts';
import { createNetwork } from './network.ts';
import type { LibP2pNetwork, NetworkMember, NetworkOptions } from './options.ts';

export const CHAIN = 'c0ffee'.padEnd(64, '0') as ChainId;
const LOCALHOST = '/ip4/127.0.0.1/tcp/0';

/** A line of a host's diary. */
export interface Line {
  readonly level: keyof Logger;
  readonly event: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Real time, and more of it on demand. */
export class PushableClock implements Clock {
  #pushedMs = 0;
  readonly #pending = new Map<() => void, { readonly atMs: number; readonly timer: NodeJS.Timeout }>();

  now(): number {
    return Date.now() + this.#pushedMs;
  }

  schedule(delayMs: number, fire: () => void): () => void {
    const run = () => {
      this.#cancel(run);
      fire();
    };
    this.#pending.set(run, { atMs: this.now() + delayMs, timer: setTimeout(run, delayMs) });
    return () => this.#cancel(run);
  }

  stop(): void {
    for (const run of [...this.#pending.keys()]) this.#cancel(run);
  }

  /** Lets `byMs` pass at once: whatever was due by then fires now, in order. */
  push(byMs: number): void {
    this.#pushedMs += byMs;
    const due = [...this.#pending].filter(([, { atMs }]) => atMs <= this.now());
    for (const [run] of due.sort(([, a], [, b]) => a.atMs - b.atMs)) run();
  }

  #cancel(run: () => void): void {
    clearTimeout(this.#pending.get(run)?.timer);
    this.#pending.delete(run);
  }
}

const random: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) };

export function keyOf(index: number): Promise<Ed25519PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', seedOf(index));
}

export function seedOf(index: number): Uint8Array {
  return new Uint8Array(32).fill(index + 1);
}

/** Later hosts sort first, so that they dial the earlier ones at once. */
export function participantAt(index: number): ParticipantId {
  return `bank${String(99 - index)}` as ParticipantId;
}

export function membersUpTo(size: number): Promise<readonly NetworkMember[]> {
  return Promise.all(
    Array.from({ length: size }, async (_, index) => ({
      participant: participantAt(index),
      networkKey: toHex((await keyOf(index)).publicKey.raw) as PublicKey,
    })),
  );
}

export class TcpWorld implements NetworkWorld {
  readonly #members: readonly NetworkMember[];
  readonly #networks = new Map<number, LibP2pNetwork>();
  readonly #addresses = new Map<number, string>();
  readonly #clocks = new Map<number, PushableClock>();
  readonly #diaries = new Map<number, Line[]>();
  readonly #listeners = new Set<() => void>();

  constructor(members: readonly NetworkMember[]) {
    this.#members = members;
  }

  participant(index: number): ParticipantId {
    return participantAt(index);
  }

  async start(index: number, handlers: NetworkHandlers, changes: Partial<NetworkOptions> = {}): Promise<LibP2pNetwork> {
    const network = createNetwork(this.options(index, changes));
    await network.start(handlers);
    this.#networks.set(index, network);
    this.#addresses.set(index, network.addresses()[0] ?? '');
    return network;
  }

  options(index: number, changes: Partial<NetworkOptions> = {}): NetworkOptions {
    const others = [...this.#addresses].filter(([other]) => other !== index);
    return {
      chainId: CHAIN,
      self: participantAt(index),
      privateKey: seedOf(index),
      members: this.#members,
      listen: [this.#addresses.get(index)?.replace(/\/p2p\/.*/, '') ?? LOCALHOST],
      dial: others.map(([other, address]) => ({ participant: participantAt(other), address })),
      clock: this.clock(index),
      random,
      log: this.#logger(index),
      ...changes,
    };
  }

  /** Where host `index` listens, with its peer id. */
  address(index: number): string {
    const address = this.#addresses.get(index);
    if (!address) throw new AssertionError(`host ${index} was started`);
    return address;
  }

  clock(index: number): PushableClock {
    return upsert(this.#clocks, index, () => new PushableClock());
  }

  diary(index: number): readonly Line[] {
    return upsert(this.#diaries, index, () => []);
  }

  /** Resolves with the nth line of host `index`, past or future, that fits. */
  line(index: number, fits: (line: Line) => boolean, nth = 1): Promise<Line> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.diary(index).filter(fits)[nth - 1];
        if (!found) return;
        this.#listeners.delete(look);
        resolve(found);
      };
      this.#listeners.add(look);
      look();
    });
  }

  async kill(index: number): Promise<void> {
    await this.#networks.get(index)?.stop();
    this.#networks.delete(index);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#networks.keys()].map((index) => this.kill(index)));
  }

  #logger(index: number): Logger {
    const lines = upsert(this.#diaries, index, () => []);
    const write =
      (level: keyof Logger) =>
      (event: string, facts: Readonly<Record<string, unknown>> = {}) => {
        lines.push({ level, event, facts });
        for (const look of [...this.#listeners]) look();
      };
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  }
}

function upsert<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const fresh = create();
  map.set(key, fresh);
  return fresh;
}

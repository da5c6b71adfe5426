/**
 * Defects planted into every honest node through its ports, to see that the checkers would notice: each is a mistake that
 * somebody's node has made. Names the faults that bring it to light and the checker that must fire.
 */
import { decode, encode } from '../../codec/schema.ts';
import { accountRecord } from '../../codec/state.ts';
import type { BlockLog, SignState, StateStore } from '../../ports.ts';
import type { Alter } from '../world/machine.ts';
import type { ActorKind, FaultKind } from './plan.ts';

export interface Defect {
  readonly name: string;
  readonly alter: Alter;
  readonly kinds: readonly (FaultKind | ActorKind)[];
  /** Any of these must fire. */
  readonly caughtBy: readonly string[];
}

export const DEFECTS: readonly Defect[] = [
  {
    name: 'votes are not written down',
    alter: (ports) => ({ ...ports, signState: forgetful(ports.signState) }),
    kinds: ['crash', 'crashAtEffect', 'crashAll', 'drop', 'delay'],
    caughtBy: ['double-sign'],
  },
  {
    name: 'signatures are not checked',
    alter: (ports) => ({
      ...ports,
      verifier: { verify: () => true, verifyAll: (checks) => Promise.resolve(checks.map(() => true)) },
    }),
    kinds: ['forger', 'drop'],
    caughtBy: ['certificate', 'agreement', 'framed'],
  },
  {
    name: 'blocks are told before they are on the disk',
    alter: (ports) => ({ ...ports, log: lazy(ports.log) }),
    kinds: ['crash', 'crashAll', 'crashAtEffect'],
    caughtBy: ['durability', 'node-ended'],
  },
  {
    name: 'every node reads a unit too much',
    alter: (ports) => ({ ...ports, store: generous(ports.store) }),
    kinds: [],
    caughtBy: ['balances', 'receipts', 'conservation'],
  },
  {
    name: 'one node reads a unit too much',
    alter: (ports, self) => (self === 'bank1' ? { ...ports, store: generous(ports.store) } : ports),
    kinds: [],
    caughtBy: ['node-ended', 'balances', 'conservation', 'calm'],
  },
  {
    name: 'one node forgets a write',
    alter: (ports, self) => (self === 'bank2' ? { ...ports, store: leaky(ports.store) } : ports),
    kinds: [],
    caughtBy: ['balances', 'conservation', 'calm'],
  },
  {
    name: 'one node forgets to whom a phone number belongs',
    alter: (ports, self) => (self === 'bank2' ? { ...ports, store: leaky(ports.store, 'alias/') } : ports),
    kinds: [],
    caughtBy: ['aliases', 'calm', 'node-ended'],
  },
  {
    name: 'every node takes it to be a minute later',
    alter: (ports) => ({ ...ports, clock: { ...ports.clock, now: () => ports.clock.now() + 60_000 } }),
    kinds: [],
    caughtBy: ['time'],
  },
  {
    name: 'timers never fire',
    alter: (ports) => ({
      ...ports,
      clock: { now: () => ports.clock.now(), schedule: () => () => undefined },
    }),
    kinds: ['drop', 'silentPartition', 'crash'],
    caughtBy: ['liveness'],
  },
  {
    name: 'a node signs with a key that is not its own',
    alter: (ports, self) =>
      self === 'bank3'
        ? { ...ports, signer: { publicKey: ports.signer.publicKey, sign: () => new Uint8Array(64) } }
        : ports,
    kinds: [],
    caughtBy: ['honest-ban'],
  },
  {
    name: 'a node answers no questions about batches and pushes none',
    alter: (ports) => ({
      ...ports,
      network: { ...ports.network, pushBatch: () => undefined, ask: () => new Promise(() => undefined) },
    }),
    kinds: [],
    caughtBy: ['liveness'],
  },
];

function forgetful(state: SignState): SignState {
  return { last: () => null, record: () => Promise.resolve(), close: () => state.close() };
}

/** Keeps the newest block in memory until the next one comes. */
function lazy(log: BlockLog): BlockLog {
  let newest: Uint8Array | null = null;
  return {
    first: () => log.first(),
    length: () => log.length() + (newest === null ? 0 : 1),
    async append(entry) {
      if (newest !== null) await log.append(newest);
      newest = entry;
    },
    read: (height) => (newest !== null && height === log.length() + 1 ? Promise.resolve(newest) : log.read(height)),
    beginAnew(first, entries) {
      newest = null;
      return log.beginAnew(first, entries);
    },
    close: () => log.close(),
  };
}

/** Balances come out of it one minor unit too high. */
function generous(store: StateStore): StateStore {
  return {
    ...methodsOf(store),
    async get(keys) {
      const values = await store.get(keys);
      return values.map((value, i) => {
        if (value === null || keys[i]?.startsWith('account/') !== true) return value;
        const record = decode(accountRecord, value, value.length);
        const holdings = record.holdings.map((holding) => ({ ...holding, minor: holding.minor + 1n }));
        return encode(accountRecord, { ...record, holdings });
      });
    },
  };
}

/** Every seventh block loses some of its writes. */
function leaky(store: StateStore, prefix = 'account/'): StateStore {
  return {
    ...methodsOf(store),
    apply(height, writes, index, chain) {
      const entries = writes.entries.filter(({ key }) => height % 7 !== 0 || !key.startsWith(prefix));
      return store.apply(height, { ...writes, entries }, index, chain);
    },
  };
}

function methodsOf(store: StateStore): StateStore {
  return {
    height: () => store.height(),
    chain: () => store.chain(),
    get: (keys) => store.get(keys),
    apply: (...block) => store.apply(...block),
    hold: (read) => store.hold(read),
    warm: (keys) => store.warm(keys),
    indexGet: (key) => store.indexGet(key),
    lastPlaces: (keys) => store.lastPlaces(keys),
    newestPlaces: (query) => store.newestPlaces(query),
    giveUp: () => store.giveUp(),
    clear: () => store.clear(),
    fill: (entries) => store.fill(entries),
    seal: (height, chain) => store.seal(height, chain),
    close: () => store.close(),
  };
}

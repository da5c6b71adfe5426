/**
 * `StateStore` in memory, for tests and simulated nodes. What it holds lives in a `MemoryState`, which outlasts the store
 * as a disk outlasts a process, and can lose its newest blocks as LevelDB can lose those it has not synced.
 */
import { assert } from '../errors.ts';
import type { IndexWrite, RangeQuery, StateStore } from '../ports.ts';
import type { BlockWrites, Hash, StateKey } from '../types/index.ts';
import { SortedMap } from './sorted-map.ts';
import { assertFollows } from './state-store.ts';
import type { StateTip } from './state-values.ts';
import { WriteQueue } from './write-queue.ts';

/** Blocks that can be lost again: more than any database keeps unsynced in a test. */
const UNDO_BLOCKS = 64;

/** How to take one applied block back. */
interface Undo {
  readonly tip: StateTip | null;
  readonly entries: readonly (readonly [key: string, value: Uint8Array | undefined])[];
  readonly index: readonly (readonly [key: string, value: Uint8Array | undefined])[];
}

export class MemoryState {
  readonly entries = new SortedMap<Uint8Array>();
  readonly index = new SortedMap<Uint8Array>();
  tip: StateTip | null = null;
  readonly #undo: Undo[] = [];
  readonly #shelf = new Shelf();

  /** Changes as one block does. */
  apply(tip: StateTip, writes: BlockWrites, index: readonly IndexWrite[]): void {
    const { forget } = writes;
    const forgotten = forget === null ? [] : this.entries.range(forget.from, forget.to).map(([key]) => key);
    const changed = new Set([...forgotten, ...writes.entries.map(({ key }) => key)]);
    this.#undo.push({
      tip: this.tip,
      entries: [...changed].map((key) => [key, this.entries.get(key)]),
      index: index.map(({ key }) => [key, this.index.get(key)]),
    });
    if (this.#undo.length > UNDO_BLOCKS) this.#undo.shift();
    for (const key of forgotten) this.entries.delete(key);
    for (const { key, value } of writes.entries) put(this.entries, key, value?.slice());
    for (const { key, value } of index) put(this.index, key, this.#shelf.copy(value));
    this.tip = tip;
  }

  /** Says that the entries are the whole state after a block. */
  seal(tip: StateTip): void {
    assert(this.tip === null, 'only what was just filled is sealed');
    this.#undo.length = 0;
    this.#undo.push({ tip: null, entries: this.entries.entries().map(([key]) => [key, undefined]), index: [] });
    this.tip = tip;
  }

  /** How many of the newest blocks a crash can take. */
  get losable(): number {
    return this.#undo.length;
  }

  /** What a crash does that comes before the newest `blocks` reached the disk. */
  loseNewest(blocks: number): void {
    assert(blocks <= this.#undo.length, `at most the last ${UNDO_BLOCKS} blocks can be lost`);
    for (const undo of this.#undo.splice(this.#undo.length - blocks).reverse()) {
      for (const [key, value] of undo.entries) put(this.entries, key, value);
      for (const [key, value] of undo.index) put(this.index, key, value);
      this.tip = undo.tip;
    }
  }

  clear(): void {
    this.entries.clear();
    this.index.clear();
    this.tip = null;
    this.#undo.length = 0;
  }

  /** A backup: what changes afterwards changes one of them only. */
  copy(): MemoryState {
    const copy = new MemoryState();
    for (const [key, value] of this.entries.entries()) copy.entries.set(key, value);
    for (const [key, value] of this.index.entries()) copy.index.set(key, value);
    copy.tip = this.tip;
    copy.#undo.push(...this.#undo);
    return copy;
  }
}

const SHELF_BYTES = 64 * 1024;

/**
 * Copies of bytes that stay for good, many in one buffer: a buffer for each of a million rows of an index costs more than what
 * is in it.
 */
class Shelf {
  #bytes = new Uint8Array(SHELF_BYTES);
  #used = 0;

  copy(value: Uint8Array): Uint8Array {
    if (value.length > this.#bytes.length - this.#used) {
      this.#bytes = new Uint8Array(Math.max(SHELF_BYTES, value.length));
      this.#used = 0;
    }
    const kept = this.#bytes.subarray(this.#used, this.#used + value.length);
    kept.set(value);
    this.#used += value.length;
    return kept;
  }
}

/** A store over `state`; after it is closed, or its process is thought dead, another may be opened over the same. */
export function openMemoryStateStore(state = new MemoryState()): StateStore {
  // As in the database: what has no tip was left in the middle of something.
  if (state.tip === null) state.clear();
  return new MemoryStateStore(state);
}

class MemoryStateStore implements StateStore {
  readonly #state: MemoryState;
  readonly #queue = new WriteQueue('the state', 'STATE_FAILED');

  constructor(state: MemoryState) {
    this.#state = state;
  }

  height(): number | null {
    return this.#state.tip?.height ?? null;
  }

  chain(): Hash | null {
    return this.#state.tip?.chain ?? null;
  }

  get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | null)[]> {
    return this.#reading(() => keys.map((key) => this.#state.entries.get(key)?.slice() ?? null));
  }

  apply(height: number, writes: BlockWrites, index: readonly IndexWrite[], chain: Hash): Promise<void> {
    return this.#changing(() => {
      const tip = { height, chain };
      assertFollows(this.#state.tip, tip);
      this.#state.apply(tip, writes, index);
    });
  }

  async *entries(): AsyncGenerator<{ readonly key: StateKey; readonly value: Uint8Array }> {
    const entries = await this.#reading(() => this.#state.entries.entries());
    for (const [key, value] of entries) yield { key: key as StateKey, value: value.slice() };
  }

  indexGet(key: string): Promise<Uint8Array | null> {
    return this.#reading(() => this.#state.index.get(key)?.slice() ?? null);
  }

  indexRange({ from, to, limit, reverse }: RangeQuery): Promise<readonly IndexWrite[]> {
    return this.#reading(() => {
      assert(Number.isInteger(limit) && limit >= 0, 'a range is limited to a number of rows');
      return this.#state.index.range(from, to, limit, reverse).map(([key, value]) => ({ key, value: value.slice() }));
    });
  }

  clear(): Promise<void> {
    return this.#changing(() => this.#state.clear());
  }

  fill(entries: readonly { readonly key: StateKey; readonly value: Uint8Array }[]): Promise<void> {
    return this.#changing(() => {
      assert(this.#state.tip === null, 'only an empty store is filled');
      for (const { key, value } of entries) this.#state.entries.set(key, value.slice());
    });
  }

  seal(height: number, chain: Hash): Promise<void> {
    return this.#changing(() => this.#state.seal({ height, chain }));
  }

  close(): Promise<void> {
    return this.#queue.close(() => Promise.resolve());
  }

  #changing(change: () => void): Promise<void> {
    return this.#queue.run(() => Promise.resolve(change()));
  }

  #reading<T>(read: () => T): Promise<T> {
    return Promise.resolve().then(() => {
      this.#queue.check();
      return read();
    });
  }
}

function put(map: SortedMap<Uint8Array>, key: string, value: Uint8Array | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

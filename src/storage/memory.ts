/**
 * `StateStore` in memory, for tests and simulated nodes. What it holds lives in a `MemoryState`, which outlasts the store
 * as a disk outlasts a process, and can lose its newest blocks as LevelDB can lose those it has not synced.
 */
import { ChunkWriter, type EncodedChunk } from '../codec/chunk-writer.ts';
import { toHex } from '../codec/hex.ts';
import { MAX_CHUNK_ENTRIES } from '../codec/limits.ts';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, readPlace } from '../codec/places.ts';
import { bytesOf, textOf } from '../codec/short.ts';
import { assert } from '../errors.ts';
import type { HeldState, IndexWrites, PlaceQuery, StateStore } from '../ports.ts';
import type { BlockWrites, Hash, Place, StateKey } from '../types/index.ts';
import { storageError } from './errors.ts';
import { digits, PLACES_PREFIX } from './keys.ts';
import { SortedMap } from './sorted-map.ts';
import { assertFollows } from './state-notes.ts';
import type { StateTip } from './state-values.ts';
import { WriteQueue } from './write-queue.ts';

/** Blocks that can be lost again: more than any database keeps unsynced in a test. */
const UNDO_BLOCKS = 64;

/** How many entries are copied at a time for whoever reads them all. */
const PAGE_ENTRIES = 1000;

/** How to take one applied block back: what each of its changes replaced, in their order. */
interface Undo {
  readonly tip: StateTip | null;
  readonly entries: readonly (readonly [key: string, value: Uint8Array | undefined])[];
  readonly index: readonly (readonly [key: string, value: string | undefined])[];
}

export class MemoryState {
  readonly entries = new SortedMap<Uint8Array>();
  /** One character a byte: there are many rows, and text takes a fourth of what an array takes. */
  readonly index = new SortedMap<string>();
  tip: StateTip | null = null;
  readonly #undo: Undo[] = [];

  /** Changes as one block does. */
  apply(tip: StateTip, writes: BlockWrites, { rows, places }: IndexWrites): void {
    const { forget } = writes;
    const forgotten = forget === null ? [] : this.entries.deleteRange(forget.from, forget.to);
    const written = writes.entries.map(({ key, value }) => [key, put(this.entries, key, value?.slice())] as const);
    this.#undo.push({
      tip: this.tip,
      entries: [...forgotten, ...written],
      index: [
        ...rows.map(({ key, value }) => [key, this.index.set(key, textOf(value, 'latin1'))] as const),
        ...placeKeysOf(places).map((key) => [key, this.index.set(key, '')] as const),
      ],
    });
    if (this.#undo.length > UNDO_BLOCKS) this.#undo.shift();
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
      for (const [key, value] of undo.entries.toReversed()) put(this.entries, key, value);
      for (const [key, value] of undo.index.toReversed()) put(this.index, key, value);
      this.tip = undo.tip;
    }
  }

  giveUp(): void {
    this.tip = null;
    this.#undo.length = 0;
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

/** A store over `state`; after it is closed, or its process is thought dead, another may be opened over the same. */
export function openMemoryStateStore(state = new MemoryState()): StateStore {
  // As in the database: what has no tip was left in the middle of something.
  if (state.tip === null) state.clear();
  return new MemoryStateStore(state);
}

/** What somebody reads, for as long as they do. */
interface Held {
  readonly entries: readonly (readonly [key: string, value: Uint8Array])[];
  isOver: boolean;
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

  /** All of it is at hand. */
  warm(): void {}

  apply(height: number, writes: BlockWrites, index: IndexWrites, chain: Hash): Promise<void> {
    return this.#changing(() => {
      const tip = { height, chain };
      assertFollows(this.#state.tip, tip);
      this.#state.apply(tip, writes, index);
    });
  }

  async hold<T>(read: (state: HeldState) => Promise<T>): Promise<T> {
    // Before anything is waited for: so it is held still.
    const height = this.height();
    const held = { entries: this.#state.entries.entries(), isOver: false };
    await this.#reading(() => undefined);
    try {
      return await read({ height, pages: this.#pagesOf(held), chunks: this.#chunksOf(held) });
    } finally {
      held.isOver = true;
    }
  }

  indexGet(key: string): Promise<Uint8Array | null> {
    return this.#reading(() => {
      const value = this.#state.index.get(key);
      return value === undefined ? null : bytesOf(value, 'latin1');
    });
  }

  lastPlaces(keys: readonly Uint8Array[]): Promise<readonly (Place | null)[]> {
    return this.#reading(() => keys.map((key) => this.#placesOf({ key, before: null, limit: 1 })[0] ?? null));
  }

  newestPlaces(query: PlaceQuery): Promise<readonly Place[]> {
    return this.#reading(() => this.#placesOf(query));
  }

  #placesOf({ key, before, limit }: PlaceQuery): Place[] {
    const from = PLACES_PREFIX + toHex(key);
    const to = before === null ? `${from}~` : from + placeDigits(before);
    const rows = this.#state.index.range(from, to, limit, true);
    return rows.map(([row]) => ({
      height: Number(row.slice(from.length, -PLACE_INDEX_DIGITS)),
      index: Number(row.slice(-PLACE_INDEX_DIGITS)),
    }));
  }

  giveUp(): Promise<void> {
    return this.#changing(() => this.#state.giveUp());
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

  async *#pagesOf(held: Held): AsyncGenerator<readonly { key: StateKey; value: Uint8Array }[]> {
    for (let at = 0; at < held.entries.length; at += PAGE_ENTRIES) {
      yield await this.#reading(() => {
        return partOf(held, at, PAGE_ENTRIES).map(([key, value]) => ({ key: key as StateKey, value: value.slice() }));
      });
    }
  }

  async *#chunksOf(held: Held): AsyncGenerator<EncodedChunk> {
    const writer = new ChunkWriter();
    for (let at = 0; at < held.entries.length; at += MAX_CHUNK_ENTRIES) {
      yield await this.#reading(() => {
        for (const [key, value] of partOf(held, at, MAX_CHUNK_ENTRIES)) writer.add(key, value);
        return writer.take();
      });
    }
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

function partOf(held: Held, at: number, length: number): Held['entries'] {
  if (held.isOver) throw storageError('STORAGE_CLOSED', 'the state is not held any more');
  return held.entries.slice(at, at + length);
}

/** @returns what was there before. */
function put<V extends NonNullable<unknown>>(map: SortedMap<V>, key: string, value: V | undefined): V | undefined {
  return value === undefined ? map.delete(key) : map.set(key, value);
}

const PLACE_INDEX_DIGITS = 6;

/** Keys of rows whose order is that of the records. */
function placeKeysOf(places: Uint8Array): string[] {
  const keys: string[] = [];
  for (let at = 0; at < places.length; at += PLACE_RECORD_BYTES) {
    const key = toHex(places.subarray(at, at + PLACE_KEY_BYTES));
    keys.push(PLACES_PREFIX + key + placeDigits(readPlace(places, at)));
  }
  return keys;
}

function placeDigits({ height, index }: Place): string {
  return digits(height) + String(index).padStart(PLACE_INDEX_DIGITS, '0');
}

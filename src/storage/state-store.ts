/**
 * Account state and indexes in LevelDB: atomic batches of whole blocks, which also move the height. A block counts as applied as
 * soon as every reader sees it, and is written behind, with those that came meanwhile (`pending.ts`). The batch is not synced: the
 * block log is, before, and whatever the database lacks at its end is applied again from there. What it must not do is lose
 * something in the middle, or change it, without being noticed: hence the notes (`state-notes.ts`), a checksum on each value,
 * checked on reading, and a look at LevelDB's tables before it opens them.
 */
import path from 'node:path';
import { assert } from '../errors.ts';
import type { Disk, HeldState, IndexWrites, PlaceQuery, StateStore } from '../ports.ts';
import type { BlockWrites, Hash, Place, StateKey } from '../types/index.ts';
import { openFileDisk } from './file-disk.ts';
import { HeldRows } from './held-rows.ts';
import { BASE_KEY, INDEX_PREFIX, STATE_PREFIX, TIP_KEY, wholeSection } from './keys.ts';
import { openLevelDatabase } from './leveldb.ts';
import type { PackedKeys } from './packed-keys.ts';
import { findPacked, packedKeysOf } from './packed-section.ts';
import { Pause } from './pause.ts';
import { PendingBlocks, pendingBlock } from './pending.ts';
import { PlaceFiles } from './place-files.ts';
import type { StoredRun } from './place-rows.ts';
import { PlaceRuns } from './place-runs.ts';
import { putBlocks, putEntries } from './state-batch.ts';
import { readValues, type StateBatch, type StateDatabase, stateChunks, statePages } from './state-database.ts';
import { orStateError, stateError } from './state-errors.ts';
import { assertFollows, checkNotes, NOTED_BLOCKS, noteTip, tipAt } from './state-notes.ts';
import { StateReader } from './state-reader.ts';
import type { StateTip } from './state-values.ts';
import { encodeTip, sealValue } from './state-values.ts';
import { WriteQueue } from './write-queue.ts';

/** Blocks, and bytes of their keys and values, that may wait to be written: seconds of the busiest traffic. */
const MAX_PENDING_BLOCKS = 256;
const MAX_PENDING_BYTES = 32 * 1024 * 1024;
/**
 * From a block to its writing. A crash costs as much of running again; for it, what a busy account's balance was in between is not
 * written, and the database is not at work while the next block is made.
 */
const WRITE_AFTER_MS = 1_000;
/** Rows that are written a second time with those of some blocks: fractions of a second of work. */
const MAX_ROWS_ANEW = 16_384;
const CACHE_BYTES = 128 * 1024 * 1024;
/** In the folder of the database, which leaves it alone: one is moved, lost and set aside with the other. */
const PLACES_FOLDER = 'places';

export interface StateStoreOptions {
  /** How many blocks' notes are kept and counted. */
  readonly notedBlocks?: number;
  /** Memory for state values that were read last; 128 MiB by default. */
  readonly cacheBytes?: number;
  /** Milliseconds from a block to its writing where nobody waits for it; 1,000 by default. */
  readonly writeAfterMs?: number;
  /**
   * What the keys of a section begin with that grows at its end: they are all new, and go by whole groups. They are packed
   * (`packed-rows.ts`), and an absent one is not looked for.
   */
  readonly growing?: string;
  /** Hears of the write that failed, once: no call may be waiting for it. Nothing can be read or written from then on. */
  readonly onFailure?: (error: Error) => void;
}

/**
 * Opens the database in the folder `location`, or makes an empty one. LevelDB's lock on it is what keeps a second process
 * out of a home folder, so it is opened before the logs beside it.
 * @throws CodedError `FOLDER_IN_USE`, `FOLDER_UNUSABLE`, `STATE_CORRUPT` (then `setAsideStateStore` and open anew),
 *   `STATE_FAILED`.
 */
export async function openStateStore(location: string, options: StateStoreOptions = {}): Promise<StateStore> {
  const disk = await openFileDisk(path.join(location, PLACES_FOLDER));
  return await stateStoreOver({ database: await openLevelDatabase(location), disk }, options);
}

export interface StateStoreParts {
  readonly database: StateDatabase;
  /** For files of the index of places. */
  readonly disk: Disk;
}

/**
 * The store over an open database, which it closes in the end.
 * @throws CodedError `STATE_CORRUPT` where a block is missing among those applied, or the tip is damaged.
 */
export async function stateStoreOver(parts: StateStoreParts, options: StateStoreOptions = {}): Promise<StateStore> {
  const { database, disk } = parts;
  const { notedBlocks = NOTED_BLOCKS } = options;
  try {
    const tip = await tipAt(database, TIP_KEY);
    const base = await tipAt(database, BASE_KEY);
    // Without a tip, all that is there is left from a `clear` or a `fill` that a crash cut short.
    if (tip === null) await database.clear();
    else await checkNotes(database, tip.height, Math.max(base?.height ?? 0, tip.height - notedBlocks + 1));
    const { growing } = options;
    const packed = growing === undefined ? null : await packedKeysOf(database, growing);
    const first = base === null ? 0 : base.height + 1;
    const stores = { database, files: new PlaceFiles(disk) };
    const places = await PlaceRuns.open(stores, tip === null ? null : { first, last: tip.height });
    return new LevelStateStore(database, tip, { packed, places }, options);
  } catch (error) {
    await database.close();
    throw stateError(error);
  }
}

/** What is known of the database without looking. */
interface Known {
  readonly packed: PackedKeys | null;
  readonly places: PlaceRuns;
}

class LevelStateStore implements StateStore {
  readonly #database: StateDatabase;
  readonly #notedBlocks: number;
  readonly #writeAfterMs: number;
  readonly #onFailure: (error: Error) => void;
  readonly #queue = new WriteQueue('the state database', 'STATE_FAILED');
  readonly #reader: StateReader;
  readonly #packed: PackedKeys | null;
  readonly #places: PlaceRuns;
  readonly #held = new HeldRows();
  #tip: StateTip | null;
  #waiting = new PendingBlocks();
  #writing = new PendingBlocks();
  readonly #unwritten = { blocks: 0, bytes: 0 };
  /** The writer's. */
  readonly #pause = new Pause();
  /** How often entries of a whole state were put in. */
  #fillings = 0;
  /** How many wait for all that is pending to be written. */
  #waiters = 0;
  /** Resolves when all that was pending is written; null while nothing is. */
  #writer: Promise<void> | null = null;

  constructor(database: StateDatabase, tip: StateTip | null, { packed, places }: Known, options: StateStoreOptions) {
    const { notedBlocks = NOTED_BLOCKS, writeAfterMs = WRITE_AFTER_MS } = options;
    const { cacheBytes = CACHE_BYTES, onFailure = () => undefined } = options;
    this.#database = database;
    this.#tip = tip;
    this.#packed = packed;
    this.#places = places;
    this.#notedBlocks = notedBlocks;
    this.#writeAfterMs = writeAfterMs;
    this.#reader = new StateReader({
      read: (keys) => this.#readState(keys),
      pending: (key) => {
        for (const known of [this.#waiting, this.#writing, this.#held]) {
          const value = known.get(key);
          if (value !== undefined) return value;
        }
        return undefined;
      },
      packed,
      cacheBytes,
    });
    this.#onFailure = onFailure;
  }

  height(): number | null {
    return this.#tip?.height ?? null;
  }

  chain(): Hash | null {
    return this.#tip?.chain ?? null;
  }

  get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | null)[]> {
    return this.#reading(() => this.#reader.get(keys));
  }

  warm(keys: () => readonly StateKey[]): void {
    if (!this.#queue.hasFailed) this.#reader.warm(keys);
  }

  /** When it resolves, every reader sees the block; where too many wait for the database, it waits as well. */
  apply(height: number, writes: BlockWrites, index: IndexWrites, chain: Hash): Promise<void> {
    return this.#changing(async () => {
      const tip = { height, chain };
      assertFollows(this.#tip, tip);
      while (this.#isFull) await this.#written();
      const block = pendingBlock(tip, writes, index);
      this.#waiting.add(block);
      this.#unwritten.blocks += 1;
      this.#unwritten.bytes += block.bytes;
      this.#reader.wrote(writes);
      this.#tip = tip;
      if (this.#writer === null) this.#beginWriting();
    });
  }

  async hold<T>(read: (state: HeldState) => Promise<T>): Promise<T> {
    // As a change, so that no block is applied between the last write and the snapshot that an iterator is.
    const { height, iterator } = await this.#changing(async () => {
      await this.#written();
      const iterator = this.#database.iterator(wholeSection(STATE_PREFIX));
      this.#held.begin();
      return { height: this.height(), iterator };
    });
    try {
      const check = () => this.#queue.check();
      const reading = { iterator, check, isPacked: (key: string) => this.#isPacked(key) };
      return await read({ height, pages: this.#knowing(statePages(reading)), chunks: stateChunks(reading) });
    } finally {
      // Also where nobody asked for a page, or not for the last one.
      await iterator.close();
      this.#held.end();
      if (this.#held.isDue && this.#writer === null && !this.#queue.hasFailed) this.#beginWriting();
    }
  }

  indexGet(key: string): Promise<Uint8Array | null> {
    return this.#reading(async () => {
      const value = this.#waiting.indexGet(key) ?? this.#writing.indexGet(key);
      if (value !== undefined) return value;
      const [read = null] = await readValues(this.#database, [INDEX_PREFIX + key]);
      return read;
    });
  }

  lastPlaces(keys: readonly Uint8Array[]): Promise<readonly (Place | null)[]> {
    return this.#reading(async () => {
      const pending = keys.map((key) => this.#pendingPlaces({ key, before: null, limit: 1 })[0] ?? null);
      const stored = await this.#places.last(keys.filter((_, at) => pending[at] === null));
      const next = stored.values();
      return pending.map((place) => place ?? next.next().value ?? null);
    });
  }

  newestPlaces(query: PlaceQuery): Promise<readonly Place[]> {
    return this.#reading(async () => {
      const { key, before, limit } = query;
      const pending = this.#pendingPlaces(query);
      return [...pending, ...(await this.#places.newest(key, before, limit - pending.length))];
    });
  }

  giveUp(): Promise<void> {
    return this.#changing(() => this.#removeTip());
  }

  /** The tip goes first: whatever a crash leaves of the rest is then known for what it is. */
  clear(): Promise<void> {
    return this.#changing(async () => {
      await this.#removeTip();
      await this.#places.stop();
      await this.#database.clear();
      await this.#places.clear();
      this.#held.clear();
      this.#reader.forgetAll();
      this.#packed?.clear();
    });
  }

  fill(entries: readonly { readonly key: StateKey; readonly value: Uint8Array }[]): Promise<void> {
    return this.#changing(async () => {
      assert(this.#tip === null, 'only an empty store is filled');
      this.#fillings += 1;
      await this.#batch((batch) => putEntries(batch, entries, this.#fillings, (key) => this.#isPacked(key)));
      for (const { key } of entries) this.#packed?.add(key);
      this.#reader.forgetAll();
    });
  }

  seal(height: number, chain: Hash): Promise<void> {
    return this.#changing(async () => {
      assert(this.#tip === null, 'only what was just filled is sealed');
      const tip = { height, chain };
      await this.#batch((batch) => {
        batch.put(BASE_KEY, sealValue(BASE_KEY, encodeTip(tip)));
        noteTip(batch, tip, this.#notedBlocks);
      });
      this.#tip = tip;
    });
  }

  close(): Promise<void> {
    return this.#queue.close(async () => {
      try {
        if (!this.#queue.hasFailed) await this.#written();
      } finally {
        try {
          await this.#places.close();
        } finally {
          await this.#database.close();
        }
      }
    });
  }

  /** A node that reads its whole state to prove it has much of it at hand then. What changes meanwhile is held, so newer. */
  async *#knowing(pages: HeldState['pages']): HeldState['pages'] {
    for await (const page of pages) {
      for (const { key, value } of page) this.#reader.offer(key, value);
      yield page;
    }
  }

  #pendingPlaces(query: PlaceQuery): Place[] {
    const waiting = this.#waiting.newestPlaces(query);
    const limit = query.limit - waiting.length;
    return [...waiting, ...this.#writing.newestPlaces({ ...query, limit })];
  }

  async #removeTip(): Promise<void> {
    await this.#written();
    await this.#batch((batch) => batch.del(TIP_KEY));
    this.#tip = null;
  }

  #isPacked(key: string): boolean {
    return this.#packed?.isOfSection(key) === true;
  }

  async #readState(keys: readonly StateKey[]): Promise<readonly (Uint8Array | null)[]> {
    const alone = keys.filter((key) => !this.#isPacked(key));
    const read = (
      await readValues(
        this.#database,
        alone.map((key) => STATE_PREFIX + key),
      )
    ).values();
    if (alone.length === keys.length) return [...read];
    const packed = await findPacked(
      this.#database,
      keys.filter((key) => this.#isPacked(key)),
    );
    return keys.map((key) => (this.#isPacked(key) ? (packed.get(key) ?? null) : (read.next().value ?? null)));
  }

  get #isFull(): boolean {
    const { blocks, bytes } = this.#unwritten;
    return blocks > 0 && (blocks >= MAX_PENDING_BLOCKS || bytes >= MAX_PENDING_BYTES);
  }

  /** Resolves when everything that was applied is in the database. */
  async #written(): Promise<void> {
    this.#waiters += 1;
    try {
      while (this.#writer !== null) {
        this.#pause.end();
        await this.#writer;
      }
    } finally {
      this.#waiters -= 1;
    }
  }

  #beginWriting(): void {
    this.#writer = this.#write();
    // Whoever waits for it hears of its failure, and so does the node.
    this.#writer.catch(() => undefined);
  }

  /** Writes what is pending until nothing is. What fails here nobody may be waiting for, so it is told. */
  async #write(): Promise<void> {
    try {
      while (this.#waiting.blocks.length > 0 || this.#held.isDue) {
        // More blocks come, whose common keys are then written once; unless somebody waits, for this one or the one before.
        if (this.#waiters === 0) await this.#pause.take(this.#writeAfterMs);
        this.#writing = this.#waiting;
        this.#waiting = new PendingBlocks();
        const run = await this.#writeBlocks(this.#writing);
        // In one step: who looks for a place finds it here or there.
        if (run !== null) this.#places.add(run);
        for (const { bytes } of this.#writing.blocks) this.#unwritten.bytes -= bytes;
        this.#unwritten.blocks -= this.#writing.blocks.length;
        this.#writing = new PendingBlocks();
        this.#places.beginMerging((error) => this.#onFailure(this.#queue.fail(stateError(error))));
      }
      this.#writer = null;
    } catch (error) {
      this.#writer = null;
      const failure = this.#queue.fail(stateError(error));
      this.#onFailure(failure);
      throw failure;
    }
  }

  /** In one batch, so that the state is always that after one of the blocks. */
  async #writeBlocks(blocks: PendingBlocks): Promise<StoredRun | null> {
    const batch = this.#database.batch();
    const { entries } = blocks.changes();
    const anew = this.#held.some(MAX_ROWS_ANEW).filter(([key]) => !entries.has(key));
    const isPacked = (key: string) => this.#isPacked(key);
    let run: StoredRun | null = null;
    try {
      run = await putBlocks({
        database: this.#database,
        batch,
        blocks,
        anew,
        held: this.#held,
        places: this.#places,
        isPacked,
      });
      for (const { tip } of blocks.blocks) noteTip(batch, tip, this.#notedBlocks);
    } catch (error) {
      await batch.close();
      throw error;
    }
    await batch.write();
    for (const [key, value] of anew) this.#held.wrote(key, value);
    return run;
  }

  async #batch(put: (batch: StateBatch) => void): Promise<void> {
    const batch = this.#database.batch();
    put(batch);
    await batch.write();
  }

  #changing<T>(change: () => Promise<T>): Promise<T> {
    return this.#queue.run(() => orStateError(change));
  }

  #reading<T>(read: () => Promise<T>): Promise<T> {
    return orStateError(() => {
      this.#queue.check();
      return read();
    });
  }
}

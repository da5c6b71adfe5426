/**
 * Account state and indexes in LevelDB: one atomic batch a block, which also moves the height. The batch is not synced:
 * the block log is, before, and whatever the database loses from its end is applied again from there. What it must not
 * do is lose something in the middle, or change it, without being noticed, and LevelDB's recovery does the first (it
 * opens with the damaged part of its log left out). Hence a note for each applied block, counted on opening, a checksum
 * on each value, checked on reading, and a look at LevelDB's tables before it opens them.
 */
import { assert } from '../errors.ts';
import type { IndexWrite, RangeQuery, StateStore } from '../ports.ts';
import type { BlockWrites, Hash, StateKey } from '../types/index.ts';
import { storageError } from './errors.ts';
import { appliedKey, appliedSection, BASE_KEY, INDEX_PREFIX, STATE_PREFIX, TIP_KEY, wholeSection } from './keys.ts';
import { LOG_BYTES, openLevelDatabase } from './leveldb.ts';
import { orStateError, stateError } from './state-errors.ts';
import type { StateTip } from './state-values.ts';
import { decodeTip, encodeTip, openValue, sealValue } from './state-values.ts';
import { WriteQueue } from './write-queue.ts';

/** What is needed of a database; every `AbstractLevel` with text keys and binary values has it. */
export interface StateDatabase {
  get(key: string): Promise<Uint8Array | undefined>;
  getMany(keys: string[]): Promise<(Uint8Array | undefined)[]>;
  batch(): StateBatch;
  iterator(range: DatabaseRange): DatabaseIterator<[string, Uint8Array]>;
  keys(range: DatabaseRange): DatabaseIterator<string>;
  clear(): Promise<void>;
  close(): Promise<void>;
}

interface StateBatch {
  put(key: string, value: Uint8Array): unknown;
  del(key: string): unknown;
  write(): Promise<void>;
  close(): Promise<void>;
}

interface DatabaseRange {
  readonly gte: string;
  readonly lt: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

interface DatabaseIterator<T> {
  nextv(size: number): Promise<T[]>;
  close(): Promise<void>;
}

/** A batch with nothing but the tip, a note and the end of an old note takes no less in LevelDB's log. */
const LEAST_BATCH_BYTES = 128;
/** Blocks whose notes are kept: all that recovery could leave out, as it reads up to two logs. */
const NOTED_BLOCKS = (2 * LOG_BYTES) / LEAST_BATCH_BYTES;
/** Rows an iterator fetches at a time: bounds memory, and costs one trip to the thread pool. */
const CHUNK_ROWS = 1000;

/**
 * Opens the database in the folder `location`, or makes an empty one. LevelDB's lock on it is what keeps a second process
 * out of a home folder, so it is opened before the logs beside it.
 * @throws CodedError `FOLDER_IN_USE`, `FOLDER_UNUSABLE`, `STATE_CORRUPT` (then `setAsideStateStore` and open anew),
 *   `STATE_FAILED`.
 */
export async function openStateStore(location: string): Promise<StateStore> {
  return await stateStoreOver(await openLevelDatabase(location));
}

/**
 * The store over an open database, which it closes in the end.
 * @param notedBlocks how many blocks' notes are kept and counted.
 * @throws CodedError `STATE_CORRUPT` where a block is missing among those applied, or the tip is damaged.
 */
export async function stateStoreOver(database: StateDatabase, notedBlocks = NOTED_BLOCKS): Promise<StateStore> {
  try {
    const tip = await tipAt(database, TIP_KEY);
    const base = await tipAt(database, BASE_KEY);
    // Without a tip, all that is there is left from a `clear` or a `fill` that a crash cut short.
    if (tip === null) await database.clear();
    else await checkNotes(database, tip.height, Math.max(base?.height ?? 0, tip.height - notedBlocks + 1));
    return new LevelStateStore(database, tip, notedBlocks);
  } catch (error) {
    await database.close();
    throw stateError(error);
  }
}

class LevelStateStore implements StateStore {
  readonly #database: StateDatabase;
  readonly #notedBlocks: number;
  readonly #queue = new WriteQueue('the state database', 'STATE_FAILED');
  #tip: StateTip | null;

  constructor(database: StateDatabase, tip: StateTip | null, notedBlocks: number) {
    this.#database = database;
    this.#tip = tip;
    this.#notedBlocks = notedBlocks;
  }

  height(): number | null {
    return this.#tip?.height ?? null;
  }

  chain(): Hash | null {
    return this.#tip?.chain ?? null;
  }

  async get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | null)[]> {
    const stored = keys.map((key) => STATE_PREFIX + key);
    return await this.#reading(async () => openAll(stored, await this.#database.getMany(stored)));
  }

  apply(height: number, writes: BlockWrites, index: readonly IndexWrite[], chain: Hash): Promise<void> {
    return this.#changing(async () => {
      const tip = { height, chain };
      assertFollows(this.#tip, tip);
      const batch = this.#database.batch();
      try {
        await this.#fill(batch, tip, writes, index);
      } catch (error) {
        await batch.close();
        throw error;
      }
      await batch.write();
      this.#tip = tip;
    });
  }

  async *pages(): AsyncGenerator<readonly { readonly key: StateKey; readonly value: Uint8Array }[]> {
    this.#queue.check();
    try {
      // LevelDB's iterator stands on the state of the moment it is made in, and here nothing was waited for yet.
      for await (const rows of chunksOf(this.#database.iterator(wholeSection(STATE_PREFIX)))) {
        yield rows.map(([key, sealed]) => {
          return { key: key.slice(STATE_PREFIX.length) as StateKey, value: openValue(key, sealed) };
        });
      }
    } catch (error) {
      throw stateError(error);
    }
  }

  async indexGet(key: string): Promise<Uint8Array | null> {
    const stored = INDEX_PREFIX + key;
    return await this.#reading(async () => {
      const sealed = await this.#database.get(stored);
      return sealed === undefined ? null : openValue(stored, sealed);
    });
  }

  async indexGetMany(keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    const stored = keys.map((key) => INDEX_PREFIX + key);
    return await this.#reading(async () => openAll(stored, await this.#database.getMany(stored)));
  }

  async indexRange({ from, to, limit, reverse }: RangeQuery): Promise<readonly IndexWrite[]> {
    assert(Number.isInteger(limit) && limit >= 0, 'a range is limited to a number of rows');
    const range = { gte: INDEX_PREFIX + from, lt: INDEX_PREFIX + to, limit, reverse };
    return await this.#reading(async () => {
      const found: IndexWrite[] = [];
      for await (const rows of chunksOf(this.#database.iterator(range))) {
        for (const [key, sealed] of rows) {
          found.push({ key: key.slice(INDEX_PREFIX.length), value: openValue(key, sealed) });
        }
      }
      return found;
    });
  }

  /** The tip goes first: whatever a crash leaves of the rest is then known for what it is. */
  clear(): Promise<void> {
    return this.#changing(async () => {
      const batch = this.#database.batch();
      batch.del(TIP_KEY);
      await batch.write();
      this.#tip = null;
      await this.#database.clear();
    });
  }

  fill(entries: readonly { readonly key: StateKey; readonly value: Uint8Array }[]): Promise<void> {
    return this.#changing(async () => {
      assert(this.#tip === null, 'only an empty store is filled');
      await this.#write((batch) => {
        for (const { key, value } of entries) batch.put(STATE_PREFIX + key, sealValue(STATE_PREFIX + key, value));
      });
    });
  }

  seal(height: number, chain: Hash): Promise<void> {
    return this.#changing(async () => {
      assert(this.#tip === null, 'only what was just filled is sealed');
      const tip = { height, chain };
      await this.#write((batch) => {
        for (const key of [TIP_KEY, BASE_KEY]) batch.put(key, sealValue(key, encodeTip(tip)));
        batch.put(appliedKey(height), sealValue(appliedKey(height), NOTHING));
      });
      this.#tip = tip;
    });
  }

  close(): Promise<void> {
    return this.#queue.close(() => this.#database.close());
  }

  async #write(put: (batch: StateBatch) => void): Promise<void> {
    const batch = this.#database.batch();
    put(batch);
    await batch.write();
  }

  /** What is forgotten goes in first, so that a key written by the same block stays. */
  async #fill(batch: StateBatch, tip: StateTip, writes: BlockWrites, index: readonly IndexWrite[]): Promise<void> {
    if (writes.forget !== null) {
      const range = { gte: STATE_PREFIX + writes.forget.from, lt: STATE_PREFIX + writes.forget.to };
      for await (const keys of chunksOf(this.#database.keys(range))) {
        for (const key of keys) batch.del(key);
      }
    }
    const put = (key: string, value: Uint8Array) => batch.put(key, sealValue(key, value));
    for (const { key, value } of writes.entries) {
      if (value === null) batch.del(STATE_PREFIX + key);
      else put(STATE_PREFIX + key, value);
    }
    for (const { key, value } of index) put(INDEX_PREFIX + key, value);
    put(TIP_KEY, encodeTip(tip));
    put(appliedKey(tip.height), NOTHING);
    if (tip.height >= this.#notedBlocks) batch.del(appliedKey(tip.height - this.#notedBlocks));
  }

  #changing(change: () => Promise<void>): Promise<void> {
    return this.#queue.run(() => orStateError(change));
  }

  #reading<T>(read: () => Promise<T>): Promise<T> {
    return orStateError(() => {
      this.#queue.check();
      return read();
    });
  }
}

const NOTHING = new Uint8Array();

/** Blocks are applied one after the other, of one chain, from the genesis on: anything else is a mistake of ours. */
export function assertFollows(tip: StateTip | null, next: StateTip): void {
  const expected = tip === null ? 0 : tip.height + 1;
  assert(next.height === expected, `block ${next.height} is applied where ${expected} is due`);
  assert(tip === null || next.chain === tip.chain, 'every block applied is of the chain of the first');
}

async function tipAt(database: StateDatabase, key: string): Promise<StateTip | null> {
  const sealed = await database.get(key);
  return sealed === undefined ? null : decodeTip(openValue(key, sealed));
}

/** Every applied block noted itself in its own batch; where a note is missing, so are that block's writes. */
async function checkNotes(database: StateDatabase, height: number, from: number): Promise<void> {
  let next = from;
  for await (const keys of chunksOf(database.keys(appliedSection()))) {
    for (const key of keys) {
      if (key !== appliedKey(next))
        throw storageError('STATE_CORRUPT', `the state has lost the writes of block ${next}`);
      next += 1;
    }
  }
  if (next !== height + 1) throw storageError('STATE_CORRUPT', `the state has lost the writes of block ${next}`);
}

function openAll(keys: readonly string[], sealed: readonly (Uint8Array | undefined)[]): (Uint8Array | null)[] {
  assert(keys.length === sealed.length, 'the database answers for each key');
  return sealed.map((value, at) => (value === undefined ? null : openValue(keys[at] ?? '', value)));
}

async function* chunksOf<T>(iterator: DatabaseIterator<T>): AsyncGenerator<T[]> {
  try {
    for (;;) {
      const rows = await iterator.nextv(CHUNK_ROWS);
      if (rows.length === 0) return;
      yield rows;
    }
  } finally {
    await iterator.close();
  }
}

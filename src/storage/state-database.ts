/** The database under the state store, as much of it as the store needs, and reading it a part at a time. */

import { ChunkWriter, type EncodedChunk } from '../codec/chunk-writer.ts';
import { assert } from '../errors.ts';
import type { StateKey } from '../types/index.ts';
import { STATE_PREFIX } from './keys.ts';
import { groupOf, MergedRows } from './packed-rows.ts';
import { stateError } from './state-errors.ts';
import { copyValue, lendSealed, lengthOfValue, openValue } from './state-values.ts';

/** What is needed of a database; every `AbstractLevel` with text keys and binary values has it. */
export interface StateDatabase {
  get(key: string): Promise<Uint8Array | undefined>;
  getSync(key: string): Uint8Array | undefined;
  getMany(keys: string[]): Promise<(Uint8Array | undefined)[]>;
  batch(): StateBatch;
  iterator(range: DatabaseRange): DatabaseIterator<[string, Uint8Array]>;
  keys(range: DatabaseRange): DatabaseIterator<string>;
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface StateBatch {
  put(key: string, value: Uint8Array): unknown;
  del(key: string): unknown;
  /** @param options where `sync` is set, it is durable when it resolves, with all that was written before. */
  write(options?: { readonly sync: boolean }): Promise<void>;
  close(): Promise<void>;
}

interface DatabaseRange {
  readonly gte: string;
  readonly lt: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** A snapshot of the database, from its making until it is closed. */
interface DatabaseIterator<T> {
  nextv(size: number): Promise<T[]>;
  close(): Promise<void>;
}

/**
 * Rows an iterator fetches at a time, if they are not more than 16 KiB before: bounds memory and the time until everything else may
 * run, and costs one trip to the thread pool. With four times as many bytes a turn takes twice as long, and all of them as much.
 */
const CHUNK_ROWS = 1000;

/** Puts a value with its seal into a batch, which copies it. */
export function putSealed(batch: StateBatch, key: string, value: Uint8Array): void {
  batch.put(key, lendSealed(key, value));
}

/** Keys that are looked up without leaving the thread. */
const MAX_KEYS_AT_ONCE = 8;

/**
 * The values of keys as they are stored, in order; null for what is not there. A look-up that finds nothing takes two microseconds, a
 * trip to another thread and back thirty.
 *
 * @throws CodedError `STATE_CORRUPT`.
 */
export async function readValues(
  database: StateDatabase,
  keys: readonly string[],
): Promise<readonly (Uint8Array | null)[]> {
  const isLittle = keys.length <= MAX_KEYS_AT_ONCE;
  const sealed = isLittle ? keys.map((key) => database.getSync(key)) : await database.getMany([...keys]);
  assert(keys.length === sealed.length, 'the database answers for each key');
  return sealed.map((value, at) => (value === undefined ? null : copyValue(keys[at] ?? '', value)));
}

export async function* chunksOf<T>(iterator: DatabaseIterator<T>): AsyncGenerator<T[]> {
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

type EntryIterator = DatabaseIterator<[string, Uint8Array]>;

/** How the section of the state is to be read. */
export interface Reading {
  /** An iterator over the whole section. */
  readonly iterator: EntryIterator;
  /** Throws where nothing may be read any more. */
  readonly check: () => void;
  /** Whether a state key is of the section whose entries are packed. */
  readonly isPacked: (key: string) => boolean;
}

/** The state as an iterator over its whole section sees it. */
export async function* statePages(
  reading: Reading,
): AsyncGenerator<readonly { readonly key: StateKey; readonly value: Uint8Array }[]> {
  for await (const { rows, group } of itemsOf(reading)) {
    const page = rows.map(([key, sealed]) => ({ key: stateKeyOf(key), value: openValue(key, sealed) }));
    const merged = new MergedRows(group);
    for (let next = merged.next(); next !== null; next = merged.next()) {
      page.push({ key: next.key as StateKey, value: next.value });
    }
    yield page;
  }
}

/** As `statePages`, as canonical chunks: without an object an entry. */
export async function* stateChunks(reading: Reading): AsyncGenerator<EncodedChunk> {
  const writer = new ChunkWriter();
  for await (const { rows, group } of itemsOf(reading)) {
    for (const [key, sealed] of rows) {
      writer.add(stateKeyOf(key), sealed, lengthOfValue(key, sealed));
      if (writer.isFull) yield writer.take();
    }
    const merged = new MergedRows(group);
    for (let next = merged.next(); next !== null; next = merged.next()) {
      writer.addAgain(next.bytes, next.from, next.end);
      if (writer.isFull) yield writer.take();
    }
  }
  if (writer.count > 0) yield writer.take();
}

function stateKeyOf(key: string): StateKey {
  return key.slice(STATE_PREFIX.length) as StateKey;
}

type Row = readonly [key: string, sealed: Uint8Array];

/** What lies side by side in the state: rows of an entry each, or what the packed rows of one whole group hold. */
interface Item {
  readonly rows: readonly Row[];
  readonly group: readonly Uint8Array[];
}

async function* itemsOf({ iterator, check, isPacked }: Reading): AsyncGenerator<Item> {
  let open: { readonly name: string; readonly group: Uint8Array[] } | null = null;
  for await (const part of partsOf(iterator, check)) {
    let rows: Row[] = [];
    for (const row of part) {
      const [key, sealed] = row;
      const name = isPacked(stateKeyOf(key)) ? groupOf(key) : null;
      if (open !== null && open.name !== name) {
        yield { rows: [], group: open.group };
        open = null;
      }
      if (name === null) {
        rows.push(row);
        continue;
      }
      if (rows.length > 0) yield { rows, group: [] };
      rows = [];
      open ??= { name, group: [] };
      open.group.push(openValue(key, sealed));
    }
    if (rows.length > 0) yield { rows, group: [] };
  }
  if (open !== null) yield { rows: [], group: open.group };
}

async function* partsOf(iterator: EntryIterator, check: () => void): AsyncGenerator<[string, Uint8Array][]> {
  try {
    for await (const rows of chunksOf(iterator)) {
      check();
      yield rows;
    }
  } catch (error) {
    throw stateError(error);
  }
}

/** Lets everything else run that is ready to. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The database under the state store, as much of it as the store needs, and reading it a part at a time. */

import { ChunkWriter, type EncodedChunk } from '../codec/chunk-writer.ts';
import type { StateKey } from '../types/index.ts';
import { STATE_PREFIX } from './keys.ts';
import { stateError } from './state-errors.ts';
import { lengthOfValue, openValue } from './state-values.ts';

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
  write(): Promise<void>;
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

/** The state as an iterator over its whole section sees it. @param check throws where nothing may be read any more. */
export async function* statePages(
  iterator: EntryIterator,
  check: () => void,
): AsyncGenerator<readonly { readonly key: StateKey; readonly value: Uint8Array }[]> {
  for await (const rows of partsOf(iterator, check)) {
    yield rows.map(([key, sealed]) => {
      return { key: key.slice(STATE_PREFIX.length) as StateKey, value: openValue(key, sealed) };
    });
  }
}

/** As `statePages`, as canonical chunks: without an object an entry. */
export async function* stateChunks(iterator: EntryIterator, check: () => void): AsyncGenerator<EncodedChunk> {
  const writer = new ChunkWriter();
  for await (const rows of partsOf(iterator, check)) {
    for (const [key, sealed] of rows) {
      writer.add(key.slice(STATE_PREFIX.length), sealed, lengthOfValue(key, sealed));
      if (writer.isFull) yield writer.take();
    }
  }
  if (writer.count > 0) yield writer.take();
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

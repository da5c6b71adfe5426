/** What the tests of state stores share: the content of blocks, what a store has of them, and stores whose parts the test replaces. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { Level } from 'level';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, writePlace } from '../codec/places.ts';
import type { Disk, HeldState, IndexWrites, StateStore } from '../ports.ts';
import type { BlockWrites, Hash, StateKey } from '../types/index.ts';
import { openFileDisk } from './file-disk.ts';
import { over } from './stand-ins.suite.ts';
import type { StateDatabase } from './state-database.ts';
import type { StateStoreOptions } from './state-store.ts';
import { openStateStore, stateStoreOver } from './state-store.ts';

export const chain = 'c1'.repeat(32) as Hash;
export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (value: Uint8Array | null) => (value === null ? null : new TextDecoder().decode(value));
export const keys = (...names: string[]) => names as StateKey[];

/** `{ a: '1', b: null }` as the writes of a block. */
export function writesOf(
  entries: Readonly<Record<string, string | null>>,
  forget: BlockWrites['forget'] = null,
): BlockWrites {
  return {
    entries: Object.entries(entries).map(([key, value]) => ({
      key: key as StateKey,
      value: value === null ? null : bytes(value),
    })),
    forget,
  };
}

export const range = (from: string, to: string) => ({ from: from as StateKey, to: to as StateKey });
export const rows = (entries: Readonly<Record<string, string>>): IndexWrites => {
  return { ...NO_INDEX, rows: Object.entries(entries).map(([key, value]) => ({ key, value: bytes(value) })) };
};
export const NO_INDEX: IndexWrites = { rows: [], places: new Uint8Array() };

export const placeKey = (name: string) => createHash('sha256').update(name).digest().subarray(0, PLACE_KEY_BYTES);

/** A record for each of the names, at the places of a block in their order. */
export function placesOf(height: number, names: readonly string[]): IndexWrites {
  const places = Buffer.alloc(names.length * PLACE_RECORD_BYTES);
  for (const [index, name] of names.entries()) {
    places.set(placeKey(name), index * PLACE_RECORD_BYTES);
    writePlace(places, index * PLACE_RECORD_BYTES, { height, index });
  }
  return { rows: [], places };
}

export async function contentOf(store: StateStore): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {};
  await store.hold(async ({ pages }) => {
    for await (const page of pages) for (const { key, value } of page) found[key] = text(value);
  });
  return found;
}

export async function firstPage(pages: HeldState['pages']) {
  for await (const page of pages) return page;
  return null;
}

/** Of the rows that these tests write, those that are there. */
export async function indexOf(store: StateStore): Promise<string[]> {
  const found: string[] = [];
  for (const key of ['a', 'b', 'c/1', 'c/2', 'c/3', 'd', 'r/2', 'x', 'y']) {
    const value = await store.indexGet(key);
    if (value !== null) found.push(`${key}=${text(value)}`);
  }
  return found;
}

/** The database and the disk of its places, but for what the test replaces. */
export async function openWith(
  folder: string,
  replaced: (database: Level<string, Uint8Array>) => Partial<StateDatabase>,
  options: StateStoreOptions = {},
  replacedDisk: (disk: Disk) => Partial<Disk> = () => ({}),
) {
  const database = new Level<string, Uint8Array>(folder, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    compression: false,
  });
  await database.open();
  const disk = await openFileDisk(path.join(folder, 'places'));
  const allOfDisk: Disk = {
    open: (name, create) => disk.open(name, create),
    rename: (from, to) => disk.rename(from, to),
    remove: (name) => disk.remove(name),
    names: () => disk.names(),
    syncFolder: () => disk.syncFolder(),
  };
  const parts = { database: over(database, replaced(database)), disk: { ...allOfDisk, ...replacedDisk(disk) } };
  return await stateStoreOver(parts, { writeAfterMs: 0, ...options });
}

export async function filled(folder: string, blocks: number): Promise<void> {
  const store = await openStateStore(folder);
  for (let height = 0; height < blocks; height++) {
    await store.apply(height, writesOf({ a: String(height), [`k/${height}`]: 'x' }), rows({ x: 'y' }), chain);
  }
  await store.close();
}

/** A store whose writes wait until they are let go, each of them, or fail from then on. */
export async function heldStore(
  folder: string,
  options: StateStoreOptions = {},
  replacedDisk?: (disk: Disk) => Partial<Disk>,
) {
  const held: PromiseWithResolvers<void>[] = [];
  let mode: 'hold' | 'write' | 'fail' = 'hold';
  let begun = Promise.withResolvers<void>();
  let writes = 0;
  const failed = () => Promise.reject(new Error('IO error: No space left on device'));
  const store = await openWith(
    folder,
    (database) => ({
      batch: () => {
        const batch = database.batch();
        return {
          put: (key, value) => batch.put(key, value),
          del: (key) => batch.del(key),
          close: () => batch.close(),
          write: async () => {
            writes += 1;
            begun.resolve();
            const go = Promise.withResolvers<void>();
            held.push(go);
            if (mode === 'hold') await go.promise;
            await (mode === 'fail' ? failed() : batch.write());
          },
        };
      },
    }),
    options,
    replacedDisk,
  );
  return {
    store,
    writes: () => writes,
    /** Resolves when a write has begun since it was asked last. */
    begun: async () => {
      await begun.promise;
      begun = Promise.withResolvers<void>();
    },
    let: (next: 'write' | 'fail') => {
      mode = next;
      for (const go of held.splice(0)) go.resolve();
    },
  };
}

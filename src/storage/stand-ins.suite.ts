/** Databases and disks that stand in for the real ones beneath what is tested: some of their methods are others, or all is in memory. */
import type { Disk, DiskFile } from '../ports.ts';
import type { StateDatabase } from './state-database.ts';

/** A database some of whose methods are others. */
export function over(database: StateDatabase, change: Partial<StateDatabase>): StateDatabase {
  return {
    get: (key) => database.get(key),
    getSync: (key) => database.getSync(key),
    getMany: (keys) => database.getMany(keys),
    batch: () => database.batch(),
    iterator: (range) => database.iterator(range),
    keys: (range) => database.keys(range),
    clear: () => database.clear(),
    close: () => database.close(),
    ...change,
  };
}

/** The database, whose batches write by `around`. */
export function writing(
  database: StateDatabase,
  around: (write: () => Promise<void>, isSynced: boolean) => Promise<void>,
): StateDatabase {
  return over(database, {
    batch: () => {
      const batch = database.batch();
      return {
        put: (key, value) => batch.put(key, value),
        del: (key) => batch.del(key),
        write: (options) => around(() => batch.write(options), options?.sync === true),
        close: () => batch.close(),
      };
    },
  });
}

/** A database in memory, of which a copy can be had at any moment. */
export class MemoryDatabase implements StateDatabase {
  readonly #rows: Map<string, Uint8Array>;

  constructor(rows: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#rows = new Map(rows);
  }

  copy(): MemoryDatabase {
    return new MemoryDatabase(this.#rows);
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.getSync(key));
  }

  getSync(key: string): Uint8Array | undefined {
    return this.#rows.get(key)?.slice();
  }

  getMany(keys: string[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.getSync(key)));
  }

  batch() {
    const changes = new Map<string, Uint8Array | null>();
    return {
      put: (key: string, value: Uint8Array) => changes.set(key, value.slice()),
      del: (key: string) => changes.set(key, null),
      write: () => {
        for (const [key, value] of changes) {
          if (value === null) this.#rows.delete(key);
          else this.#rows.set(key, value);
        }
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
  }

  iterator({ gte, lt }: { readonly gte: string; readonly lt: string }) {
    const rows = [...this.#rows].filter(([key]) => key >= gte && key < lt).sort(([a], [b]) => (a < b ? -1 : 1));
    return { nextv: (size: number) => Promise.resolve(rows.splice(0, size)), close: () => Promise.resolve() };
  }

  keys(range: { readonly gte: string; readonly lt: string }) {
    const { nextv, close } = this.iterator(range);
    return { nextv: async (size: number) => (await nextv(size)).map(([key]) => key), close };
  }

  clear(): Promise<void> {
    this.#rows.clear();
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** An operation of a disk or of one of its files. */
export type Around = <T>(kind: keyof Disk | keyof DiskFile, path: string, work: () => Promise<T>) => Promise<T>;

/** The disk, each of whose operations goes through `around`. */
export function through(disk: Disk, around: Around): Disk {
  const fileThrough = (path: string, file: DiskFile): DiskFile => ({
    size: () => around('size', path, () => file.size()),
    read: (position, length) => around('read', path, () => file.read(position, length)),
    append: (bytes) => around('append', path, () => file.append(bytes)),
    appendSynced: (bytes) => around('appendSynced', path, () => file.appendSynced(bytes)),
    truncate: (size) => around('truncate', path, () => file.truncate(size)),
    sync: () => around('sync', path, () => file.sync()),
    close: () => around('close', path, () => file.close()),
  });
  return {
    open: async (path, create) => {
      const file = await around('open', path, () => disk.open(path, create));
      return file === null ? null : fileThrough(path, file);
    },
    rename: (from, to) => around('rename', from, () => disk.rename(from, to)),
    remove: (path) => around('remove', path, () => disk.remove(path)),
    names: () => around('names', '', () => disk.names()),
    syncFolder: () => around('syncFolder', '', () => disk.syncFolder()),
  };
}

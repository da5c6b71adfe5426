/**
 * `Disk` in memory that forgets like a real one: every file has its content as a reader sees it and the content that is
 * synced, every name in the folder likewise. It refuses the operations it is told to refuse, and shows what a restart
 * would find. It promises nothing that POSIX does not: a synced file whose name was not synced may be gone.
 */
import { assert } from '../errors.ts';
import type { Disk, DiskFile } from '../ports.ts';

/** An operation that changes the disk or makes a change durable, as an `Interceptor` sees it before it happens. */
export interface DiskOperation {
  /** 1 for the disk's first one. */
  readonly ordinal: number;
  readonly kind: 'create' | 'append' | 'truncate' | 'sync' | 'rename' | 'remove' | 'syncFolder';
  /** The file; of a rename, the name it leaves; empty for the folder. */
  readonly path: string;
  /** Bytes of an append, size of a truncation; 0 for the others. */
  readonly length: number;
}

/** Lets an operation happen (null) or fail with `error`, an append after `written` of its bytes. May take its time. */
export type Interceptor = (operation: DiskOperation) => Refusal | null | Promise<Refusal | null>;

export interface Refusal {
  readonly error: Error;
  readonly written: number;
}

/** A file whose last changes are not synced. */
export interface UnsyncedFile {
  readonly path: string;
  /** What is surely there after a crash, unless it was cut or follows in `written` otherwise. */
  readonly synced: Uint8Array;
  /** What a reader sees now. */
  readonly written: Uint8Array;
}

/** What a crash spares of that which was not synced. */
export interface Survival {
  /** The file's content after the restart. */
  content(file: UnsyncedFile): Uint8Array;
  /** How many of the unsynced changes of names survive, oldest first. */
  names(pending: number): number;
}

/** The crash that loses all it may lose. */
export const LOSE_UNSYNCED: Survival = { content: (file) => file.synced, names: () => 0 };
/** The crash of the process alone: the page cache lives on. */
export const KEEP_UNSYNCED: Survival = { content: (file) => file.written, names: (pending) => pending };

/** What disks write at once, or not at all. */
const SECTOR_BYTES = 512;

/** A crash after which names and sizes are new, but of the unsynced content only the sectors that `keep` names. */
export function keepSectors(keep: (sector: number) => boolean): Survival {
  return {
    names: (pending) => pending,
    content: ({ synced, written }) => {
      const found = new Uint8Array(written.length);
      found.set(synced.subarray(0, written.length));
      for (let at = 0; at < written.length; at += SECTOR_BYTES) {
        if (keep(at / SECTOR_BYTES)) found.set(written.subarray(at, at + SECTOR_BYTES), at);
      }
      return found;
    },
  };
}

export class MemoryDisk implements Disk {
  readonly #intercept: Interceptor;
  #operations = 0;
  readonly #names = new Map<string, Inode>();
  #syncedNames = new Map<string, Inode>();
  #pending: NameChange[] = [];

  constructor(intercept: Interceptor = () => null) {
    this.#intercept = intercept;
  }

  /** Operations so far, refused ones included. */
  get operations(): number {
    return this.#operations;
  }

  /** What a restart after a crash at this moment finds, as a disk of its own. */
  afterCrash(survival: Survival, intercept?: Interceptor): MemoryDisk {
    const disk = new MemoryDisk(intercept);
    const names = new Map(this.#syncedNames);
    for (const change of this.#pending.slice(0, survival.names(this.#pending.length))) applyNames(names, change);
    for (const [path, inode] of names) disk.write(path, inode.afterCrash(path, survival));
    return disk;
  }

  /** Puts a file there, durably, without being asked. */
  write(path: string, content: Uint8Array): void {
    const inode = new Inode(content);
    applyNames(this.#names, [[path, inode]]);
    applyNames(this.#syncedNames, [[path, inode]]);
  }

  /** A file as a reader sees it, or null. */
  peek(path: string): Uint8Array | null {
    return this.#names.get(path)?.content() ?? null;
  }

  /** Names as a reader sees them, in order. */
  list(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  async open(path: string, create: boolean): Promise<DiskFile | null> {
    const found = this.#names.get(path);
    if (found === undefined && !create) return null;
    return new MemoryFile(found ?? (await this.#create(path)), this.#perform, path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#perform({ kind: 'rename', path: from, length: 0 }, () => {
      const inode = this.#names.get(from);
      if (inode === undefined) throw diskError('ENOENT', `rename ${from}`);
      this.#change([
        [from, null],
        [to, inode],
      ]);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#perform({ kind: 'remove', path, length: 0 }, () => {
      if (!this.#names.has(path)) throw diskError('ENOENT', `remove ${path}`);
      this.#change([[path, null]]);
    });
  }

  names(): Promise<readonly string[]> {
    return Promise.resolve(this.list());
  }

  async syncFolder(): Promise<void> {
    await this.#perform({ kind: 'syncFolder', path: '', length: 0 }, () => {
      this.#syncedNames = new Map(this.#names);
      this.#pending = [];
    });
  }

  async #create(path: string): Promise<Inode> {
    const inode = new Inode(new Uint8Array());
    await this.#perform({ kind: 'create', path, length: 0 }, () => this.#change([[path, inode]]));
    return inode;
  }

  #change(change: NameChange): void {
    applyNames(this.#names, change);
    this.#pending.push(change);
  }

  readonly #perform: Perform = async (operation, happen, refused = () => undefined) => {
    this.#operations += 1;
    const refusal = await this.#intercept({ ...operation, ordinal: this.#operations });
    if (refusal === null) return happen();
    refused(refusal.written);
    throw refusal.error;
  };
}

/** An error as the file system words it: `ENOSPC: refused, append`. */
export function diskError(code: string, what = 'refused'): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

/** Names that change together: each now leads to the file, or to none. */
type NameChange = readonly (readonly [path: string, inode: Inode | null])[];

function applyNames(names: Map<string, Inode>, change: NameChange): void {
  for (const [path, inode] of change) {
    if (inode === null) names.delete(path);
    else names.set(path, inode);
  }
}

/** A file's content, whatever its names. */
class Inode {
  /** Page cache and disk, each with room to grow. */
  #written: Uint8Array;
  #size: number;
  #synced: Uint8Array;
  #syncedSize: number;
  /** The page cache from here on differs from the disk, as far as the kernel remembers. */
  #dirtyFrom: number;

  constructor(content: Uint8Array) {
    this.#written = content.slice();
    this.#synced = content.slice();
    this.#size = content.length;
    this.#syncedSize = content.length;
    this.#dirtyFrom = content.length;
  }

  get size(): number {
    return this.#size;
  }

  content(from = 0, to = this.#size): Uint8Array {
    return this.#written.slice(from, Math.min(to, this.#size));
  }

  append(bytes: Uint8Array): void {
    this.#dirtyFrom = Math.min(this.#dirtyFrom, this.#size);
    this.#written = withRoom(this.#written, this.#size, bytes.length);
    this.#written.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  truncate(size: number): void {
    this.#dirtyFrom = Math.min(this.#dirtyFrom, size);
    this.#written = withRoom(this.#written, this.#size, Math.max(0, size - this.#size));
    this.#written.fill(0, Math.min(size, this.#size));
    this.#size = size;
  }

  /** Bytes that an earlier failed sync gave up are not written by this one, and read as zeros after a crash. */
  sync(): void {
    const from = Math.min(this.#dirtyFrom, this.#size);
    this.#synced = withRoom(this.#synced, this.#syncedSize, Math.max(0, this.#size - this.#syncedSize));
    const ends = [this.#syncedSize, this.#size];
    this.#synced.fill(0, Math.min(...ends), Math.max(...ends));
    this.#synced.set(this.#written.subarray(from, this.#size), from);
    this.#syncedSize = this.#size;
    this.#dirtyFrom = this.#size;
  }

  /** What Linux does: the error is told once, the pages count as clean from then on. */
  failSync(): void {
    this.#dirtyFrom = this.#size;
  }

  afterCrash(path: string, survival: Survival): Uint8Array {
    const synced = this.#synced.slice(0, this.#syncedSize);
    const written = this.content();
    return Buffer.compare(synced, written) === 0 ? synced : survival.content({ path, synced, written });
  }
}

/** Counts an operation, asks the interceptor, and lets it happen or be `refused`. */
type Perform = (
  operation: Omit<DiskOperation, 'ordinal'>,
  happen: () => void,
  refused?: (written: number) => void,
) => Promise<void>;

class MemoryFile implements DiskFile {
  readonly #inode: Inode;
  readonly #perform: Perform;
  readonly #path: string;
  #open = true;

  constructor(inode: Inode, perform: Perform, path: string) {
    this.#inode = inode;
    this.#perform = perform;
    this.#path = path;
  }

  size(): Promise<number> {
    return Promise.resolve(this.#checked().size);
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.#checked().content(position, position + length));
  }

  async append(bytes: Uint8Array): Promise<void> {
    const inode = this.#checked();
    const write = (count: number) => inode.append(bytes.subarray(0, count));
    await this.#perform({ kind: 'append', path: this.#path, length: bytes.length }, () => write(bytes.length), write);
  }

  async appendSynced(bytes: Uint8Array): Promise<void> {
    await this.append(bytes);
    await this.sync();
  }

  async truncate(size: number): Promise<void> {
    const inode = this.#checked();
    await this.#perform({ kind: 'truncate', path: this.#path, length: size }, () => inode.truncate(size));
  }

  async sync(): Promise<void> {
    const inode = this.#checked();
    await this.#perform(
      { kind: 'sync', path: this.#path, length: 0 },
      () => inode.sync(),
      () => inode.failSync(),
    );
  }

  close(): Promise<void> {
    this.#open = false;
    return Promise.resolve();
  }

  #checked(): Inode {
    assert(this.#open, `${this.#path} is open`);
    return this.#inode;
  }
}

/** `bytes`, or a larger copy of its first `used`, with room for `more` after them. */
function withRoom(bytes: Uint8Array, used: number, more: number): Uint8Array {
  if (used + more <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(2 * bytes.length, used + more, 256));
  larger.set(bytes.subarray(0, used));
  return larger;
}

/** `Disk` over a folder of the real file system. Files are readable by their owner only. */
import { writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { constants, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { assert } from '../errors.ts';
import type { Disk, DiskFile } from '../ports.ts';
import { reasonOf, storageError } from './errors.ts';
import { Patience } from './patience.ts';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/**
 * Opens the folder, making it (and what lies above it) durably where it is absent.
 * @throws CodedError `FOLDER_UNUSABLE`.
 */
export async function openFileDisk(folder: string): Promise<Disk> {
  const absolute = path.resolve(folder);
  try {
    const first = await mkdir(absolute, { recursive: true, mode: OWNER_ONLY_FOLDER });
    const made = first === undefined ? [] : foldersBetween(path.dirname(first), path.dirname(absolute));
    for (const parent of [...made, absolute]) await syncFolder(parent);
  } catch (error) {
    throw storageError('FOLDER_UNUSABLE', `${absolute} cannot be used (${reasonOf(error)})`, error);
  }
  return new FileDisk(absolute);
}

class FileDisk implements Disk {
  readonly #folder: string;
  readonly #patience = new Patience();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(name: string, create: boolean): Promise<DiskFile | null> {
    const flags = constants.O_RDWR | (create ? constants.O_CREAT : 0);
    try {
      const handle = await open(this.#path(name), flags, OWNER_ONLY_FILE);
      try {
        const syncing = await openSyncing(this.#path(name));
        return new OpenFile({ handle, syncing, patience: this.#patience, size: (await handle.stat()).size });
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      if (!create && error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(this.#path(from), this.#path(to));
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name));
  }

  async names(): Promise<readonly string[]> {
    const entries = await readdir(this.#folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  }

  async syncFolder(): Promise<void> {
    await syncFolder(this.#folder);
  }

  #path(name: string): string {
    assert(name !== '' && path.basename(name) === name && name !== '..', `${name} is the name of a file in the folder`);
    return path.join(this.#folder, name);
  }
}

interface OpenFileParts {
  readonly handle: FileHandle;
  /** The same file, each write of which is synced when it ends; null where the system has no such thing. */
  readonly syncing: FileHandle | null;
  /** Of its disk. */
  readonly patience: Patience;
  /** In bytes: where the next append goes. */
  readonly size: number;
}

class OpenFile implements DiskFile {
  readonly #handle: FileHandle;
  readonly #syncing: FileHandle | null;
  readonly #patience: Patience;
  #end: number;

  constructor({ handle, syncing, patience, size }: OpenFileParts) {
    this.#handle = handle;
    this.#syncing = syncing;
    this.#patience = patience;
    this.#end = size;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  }

  /** One write may take less than it was given (POSIX write), and the rest must follow. */
  async append(bytes: Uint8Array): Promise<void> {
    await this.#write(this.#handle, bytes);
  }

  /** A trip to the thread pool takes longer than the disk does when the cores are busy: none, or one instead of two. */
  async appendSynced(bytes: Uint8Array): Promise<void> {
    if (this.#syncing === null) {
      await this.append(bytes);
      await this.sync();
    } else if (this.#patience.has(bytes.length)) this.#writeHere(this.#syncing, bytes);
    else await this.#write(this.#syncing, bytes);
  }

  #writeHere({ fd }: FileHandle, bytes: Uint8Array): void {
    const beganMs = performance.now();
    let written = 0;
    while (written < bytes.length) {
      const taken = writeSync(fd, bytes, written, bytes.length - written, this.#end + written);
      assert(taken > 0, 'a write that takes nothing fails instead');
      written += taken;
    }
    this.#end += written;
    this.#patience.waited(performance.now() - beganMs);
  }

  async #write(handle: FileHandle, bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, this.#end + written);
      assert(bytesWritten > 0, 'a write that takes nothing fails instead');
      written += bytesWritten;
    }
    this.#end += written;
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
    this.#end = size;
  }

  /** fdatasync: the bytes and the size, without the times, which nobody reads. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#syncing?.close();
    await this.#handle.close();
  }
}

/** O_DSYNC of Linux is fdatasync after each write (open(2)); that of macOS does not reach the platter. */
async function openSyncing(location: string): Promise<FileHandle | null> {
  return process.platform === 'linux' ? await open(location, constants.O_RDWR | constants.O_DSYNC) : null;
}

/** Windows opens no folder for syncing; NTFS keeps names in its own journal. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `/a`, `/a/b` and `/a/b/c` for `/a` and `/a/b/c`. */
function foldersBetween(top: string, bottom: string): readonly string[] {
  return bottom === top || bottom === path.dirname(bottom)
    ? [bottom]
    : [...foldersBetween(top, path.dirname(bottom)), bottom];
}

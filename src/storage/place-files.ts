/**
 * Files of the index of places: a run that was merged is one of its own, `<name>.places`, not rows of the database, which would write
 * them as often again as it merges its tables, and keep those in memory. A file never changes; it counts when the database names its
 * run, which is after it was synced, and any other is left from a merge that a crash or a stop cut short.
 */
import { assert } from '../errors.ts';
import type { Disk, DiskFile } from '../ports.ts';
import { storageError } from './errors.ts';
import type { RunSink } from './place-rows.ts';
import { lendSealed } from './state-values.ts';

const SUFFIX = '.places';
/** What is written at once. */
const WRITE_BYTES = 256 * 1024;

export class PlaceFiles {
  readonly #disk: Disk;
  readonly #open = new Map<string, DiskFile>();
  /** One that is being written. */
  #half: DiskFile | null = null;
  #isClosed = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Opens the file of a run. @returns whether it is there. */
  async open(run: string): Promise<boolean> {
    const file = await this.#disk.open(run + SUFFIX, false);
    if (file === null) return false;
    this.#open.set(run, file);
    return true;
  }

  /** Begins the file of a run; what has its name is overwritten. */
  async begin(run: string): Promise<PlaceFileWriter> {
    // A write that was refused, by the disk or by the database, may have left one open.
    if (this.#half !== null) await this.#letGo();
    if (this.#open.has(run)) await this.#close(run);
    const file = await this.#disk.open(run + SUFFIX, true);
    assert(file !== null, 'a file that is created is there');
    this.#half = file;
    await file.truncate(0);
    return new PlaceFileWriter(file);
  }

  /** Makes what was written of a run durable; from then on it can be read. */
  async finish(run: string, writer: PlaceFileWriter): Promise<void> {
    await writer.finish();
    await this.#disk.syncFolder();
    this.#half = null;
    this.#open.set(run, writer.file);
  }

  /** So many bytes of a run, less at its end; null where its file is not there any more. @throws CodedError `STORAGE_CLOSED`. */
  async read(run: string, position: number, length: number): Promise<Uint8Array | null> {
    const file = this.#open.get(run);
    if (file !== undefined) return await file.read(position, length);
    if (this.#isClosed) throw storageError('STORAGE_CLOSED', 'the index of places is closed');
    return null;
  }

  /** Removes every file but those of these runs. */
  async keep(runs: ReadonlySet<string>): Promise<void> {
    if (this.#half !== null) await this.#letGo();
    for (const run of [...this.#open.keys()]) if (!runs.has(run)) await this.#close(run);
    for (const name of await this.#disk.names()) {
      if (name.endsWith(SUFFIX) && !runs.has(name.slice(0, -SUFFIX.length))) await this.#disk.remove(name);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#letGo();
    for (const run of [...this.#open.keys()]) await this.#close(run);
  }

  /** Of a file that is half written. */
  async #letGo(): Promise<void> {
    const file = this.#half;
    this.#half = null;
    await file?.close();
  }

  /** Who is reading it reads to the end. */
  async #close(run: string): Promise<void> {
    const file = this.#open.get(run);
    this.#open.delete(run);
    await file?.close();
  }
}

export class PlaceFileWriter implements RunSink {
  readonly file: DiskFile;
  #bytes = Buffer.allocUnsafe(2 * WRITE_BYTES);
  #filled = 0;

  constructor(file: DiskFile) {
    this.file = file;
  }

  put(key: string, value: Uint8Array): void {
    const sealed = lendSealed(key, value);
    const end = this.#filled + sealed.length;
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * end);
    this.#bytes.set(sealed, this.#filled);
    this.#filled = end;
  }

  /** Writes what was put, where it is enough to be worth it. */
  async flush(): Promise<void> {
    if (this.#filled >= WRITE_BYTES) await this.#write();
  }

  async finish(): Promise<void> {
    await this.#write();
    await this.file.sync();
  }

  async #write(): Promise<void> {
    await this.file.append(this.#bytes.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

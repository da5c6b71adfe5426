/**
 * Snapshots of the whole state, in files `<height>.snapshot`: a record file whose records are the chunks in order, and the
 * manifest last. A file gets its name when it is whole and synced, so a crash leaves the old files or a whole new one. What
 * is damaged is set aside as `<height>.snapshot.damaged-<n>`: nothing depends on a snapshot, it only saves time.
 */
import { CodedError } from '../errors.ts';
import type { Disk, Snapshots, SnapshotWriter } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import type { RecordFile, RecordFileOptions, RecordWriter } from './record-file.ts';
import { beginRecordFile, moveAside, openRecordFile, orFailed } from './record-file.ts';
import { RECORD_KINDS } from './record-format.ts';
import { WriteQueue } from './write-queue.ts';

const SUFFIX = '.snapshot';
const NAME = /^([1-9]\d{0,15})\.snapshot(\.new)?$/;

/**
 * Finds the snapshots in the folder and removes what a crash left unfinished. A file is read, whole, when it is first asked for.
 * @throws CodedError `LOG_FAILED` where the disk refuses.
 */
export async function openSnapshots(disk: Disk, chainId: ChainId): Promise<Snapshots> {
  return await orFailed('the snapshots', async () => {
    const heights: number[] = [];
    for (const name of await disk.names()) {
      const [, height, unfinished] = NAME.exec(name) ?? [];
      if (unfinished !== undefined) await disk.remove(name);
      else if (height !== undefined) heights.push(Number(height));
    }
    return new FileSnapshots(disk, chainId, heights);
  });
}

class FileSnapshots implements Snapshots {
  readonly #disk: Disk;
  readonly #chainId: ChainId;
  /** By height; null for one that was not opened yet. */
  readonly #files = new Map<number, RecordFile | null>();
  /** Everything in turn: a file must not be closed while it is read. */
  readonly #queue = new WriteQueue('the snapshots', 'LOG_FAILED');

  constructor(disk: Disk, chainId: ChainId, heights: readonly number[]) {
    this.#disk = disk;
    this.#chainId = chainId;
    for (const height of heights) this.#files.set(height, null);
  }

  heights(): readonly number[] {
    return [...this.#files.keys()].sort((a, b) => a - b);
  }

  manifest(height: number): Promise<Uint8Array | null> {
    return this.#reading(height, (file) => file.read(file.last));
  }

  chunk(height: number, index: number): Promise<Uint8Array | null> {
    return this.#reading(height, (file) =>
      index < file.count - 1 ? file.read(file.first + index) : Promise.resolve(null),
    );
  }

  async begin(height: number): Promise<SnapshotWriter> {
    const options = this.#options(height);
    const writer = await this.#queue.run(() => beginRecordFile(options));
    return {
      append: (chunk) => this.#queue.run(() => writer.append(chunk)),
      finish: (manifest) => this.#queue.run(() => this.#finish(height, writer, manifest)),
      abandon: () =>
        this.#queue.run(async () => {
          await writer.close();
          await this.#disk.remove(`${options.name}.new`);
        }),
    };
  }

  setAside(height: number): Promise<void> {
    return this.#queue.run(() => this.#setAside(height));
  }

  keep(heights: readonly number[]): Promise<void> {
    return this.#queue.run(async () => {
      const others = this.heights().filter((height) => !heights.includes(height));
      for (const height of others) {
        await this.#forget(height);
        await this.#disk.remove(height + SUFFIX);
      }
      if (others.length > 0) await this.#disk.syncFolder();
    });
  }

  close(): Promise<void> {
    return this.#queue.close(async () => {
      for (const height of this.heights()) await this.#forget(height);
    });
  }

  #options(height: number): RecordFileOptions {
    return { disk: this.#disk, name: height + SUFFIX, kind: RECORD_KINDS.snapshot, chainId: this.#chainId };
  }

  async #finish(height: number, writer: RecordWriter, manifest: Uint8Array): Promise<void> {
    await writer.append(manifest);
    const file = await writer.finish();
    await this.#forget(height);
    this.#files.set(height, file);
  }

  /** What does not open as a snapshot, or no longer reads as it did, is set aside and answered for by null. */
  #reading(height: number, read: (file: RecordFile) => Promise<Uint8Array | null>): Promise<Uint8Array | null> {
    return this.#queue.run(async () => {
      if (!this.#files.has(height)) return null;
      try {
        const file = this.#files.get(height) ?? (await openRecordFile(this.#options(height)));
        this.#files.set(height, file);
        return await read(file);
      } catch (error) {
        if (!(error instanceof CodedError) || error.code === 'LOG_FAILED') throw error;
        await this.#setAside(height);
        return null;
      }
    });
  }

  async #setAside(height: number): Promise<void> {
    if (!this.#files.has(height)) return;
    await this.#forget(height);
    await moveAside(this.#disk, height + SUFFIX, `${height}${SUFFIX}.damaged-`);
  }

  async #forget(height: number): Promise<void> {
    await this.#files.get(height)?.close();
    this.#files.delete(height);
  }
}

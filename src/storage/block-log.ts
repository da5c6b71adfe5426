/** The record: every committed block, in the file `blocks.log`, that of height 1 first, or that of a snapshot. */
import type { BlockLog, Disk } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import type { RecordFile, RecordFileOptions } from './record-file.ts';
import { moveAside, openRecordFile, orFailed, replaceRecordFile, salvageRecordFile } from './record-file.ts';
import { RECORD_KINDS } from './record-format.ts';
import { WriteQueue } from './write-queue.ts';

export const BLOCK_LOG_FILE = 'blocks.log';

/**
 * Opens the log of `chainId`, or starts one. Reads all of it (bounded memory, disk speed); a block whose write was cut
 * off by a crash is moved to `blocks.log.torn-<n>`. After a write or sync error every call rejects with `LOG_FAILED`.
 * @throws CodedError `LOG_CORRUPT`, `LOG_FORMAT`, `FOLDER_FOREIGN`, `LOG_FAILED`.
 */
export async function openBlockLog(disk: Disk, chainId: ChainId): Promise<BlockLog> {
  const options = optionsOf(disk, chainId);
  return new FileBlockLog(options, await openRecordFile(options));
}

/**
 * Keeps a log that `openBlockLog` refuses with `LOG_CORRUPT` as `blocks.log.damaged-<n>`, and leaves the entries before the
 * damage as the log. @returns the name of the copy.
 */
export async function salvageBlockLog(disk: Disk, chainId: ChainId): Promise<string> {
  return await salvageRecordFile(optionsOf(disk, chainId));
}

function optionsOf(disk: Disk, chainId: ChainId): RecordFileOptions {
  return { disk, name: BLOCK_LOG_FILE, kind: RECORD_KINDS.blocks, chainId };
}

class FileBlockLog implements BlockLog {
  readonly #options: RecordFileOptions;
  readonly #queue = new WriteQueue(BLOCK_LOG_FILE, 'LOG_FAILED');
  #file: RecordFile;

  constructor(options: RecordFileOptions, file: RecordFile) {
    this.#options = options;
    this.#file = file;
  }

  first(): number {
    return this.#file.first;
  }

  length(): number {
    return this.#file.last;
  }

  append(entry: Uint8Array): Promise<void> {
    return this.#queue.run(() => this.#file.append(entry));
  }

  async read(height: number): Promise<Uint8Array | null> {
    this.#queue.check();
    return await orFailed(BLOCK_LOG_FILE, () => this.#file.read(height));
  }

  /**
   * The present log, unless it is empty, is kept as `blocks.log.replaced-<n>`. A crash leaves the old log, the new one, or
   * an empty one.
   */
  beginAnew(first: number, entries: readonly Uint8Array[]): Promise<void> {
    return this.#queue.run(async () => {
      const { disk, name } = this.#options;
      await this.#file.close();
      if (this.#file.count > 0) await moveAside(disk, name, `${name}.replaced-`);
      await replaceRecordFile(this.#options, entries, first);
      this.#file = await openRecordFile(this.#options);
    });
  }

  close(): Promise<void> {
    return this.#queue.close(() => this.#file.close());
  }
}

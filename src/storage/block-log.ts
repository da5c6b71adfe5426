/** The record: every committed block, in the file `blocks.log`, entry 1 first. */
import type { BlockLog, Disk } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import type { RecordFile } from './record-file.ts';
import { openRecordFile, orFailed } from './record-file.ts';
import { RECORD_KINDS } from './record-format.ts';
import { WriteQueue } from './write-queue.ts';

export const BLOCK_LOG_FILE = 'blocks.log';

/**
 * Opens the log of `chainId`, or starts one. Reads all of it (bounded memory, disk speed); a block whose write was cut
 * off by a crash is moved to `blocks.log.torn-<n>`. After a write or sync error every call rejects with `LOG_FAILED`.
 * @throws CodedError `LOG_CORRUPT`, `LOG_FORMAT`, `FOLDER_FOREIGN`, `LOG_FAILED`.
 */
export async function openBlockLog(disk: Disk, chainId: ChainId): Promise<BlockLog> {
  const file = await openRecordFile({ disk, name: BLOCK_LOG_FILE, kind: RECORD_KINDS.blocks, chainId });
  return new FileBlockLog(file);
}

class FileBlockLog implements BlockLog {
  readonly #file: RecordFile;
  readonly #queue = new WriteQueue(BLOCK_LOG_FILE, 'LOG_FAILED');

  constructor(file: RecordFile) {
    this.#file = file;
  }

  length(): number {
    return this.#file.count;
  }

  append(entry: Uint8Array): Promise<void> {
    return this.#queue.run(() => this.#file.append(entry));
  }

  async read(height: number): Promise<Uint8Array | null> {
    this.#queue.check();
    return await orFailed(BLOCK_LOG_FILE, () => this.#file.read(height));
  }

  close(): Promise<void> {
    return this.#queue.close(() => this.#file.close());
  }
}

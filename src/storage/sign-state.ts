/**
 * What this key signed last, in the file `sign-state.log`. Each entry replaces the one before; they are appended, twice
 * each, and the file is begun anew when it has grown. Of all files this is the one that must not lie: an entry lost is a
 * vote that can be cast again.
 */
import type { Disk, SignState } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import type { RecordFile, RecordFileOptions } from './record-file.ts';
import { openRecordFile, orFailed, replaceRecordFile } from './record-file.ts';
import { RECORD_KINDS } from './record-format.ts';
import { WriteQueue } from './write-queue.ts';

export const SIGN_STATE_FILE = 'sign-state.log';

/** Beginning anew costs three syncs, and a lock with a full block's batches is a third of a megabyte; reading this much takes some milliseconds. */
const COMPACT_ABOVE_BYTES = 16 * 1024 * 1024;

/**
 * Opens the sign state of `chainId`, or starts one, whose `last()` is null. A caller that finds null beside a block log
 * with entries knows that this key may have signed what the file no longer tells, and must not sign before it is sure.
 *
 * The last entry is written anew, through `sign-state.new`, before this resolves. So what `last()` tells is on the disk
 * even where an earlier process saw its sync fail and the page cache alone still has the bytes.
 * @param compactAboveBytes size above which the file is begun anew.
 * @throws CodedError `SIGN_STATE_CORRUPT` where entries are damaged that a crash cannot have damaged; `LOG_FORMAT`,
 *   `FOLDER_FOREIGN`, `LOG_FAILED`.
 */
export async function openSignState(
  disk: Disk,
  chainId: ChainId,
  compactAboveBytes = COMPACT_ABOVE_BYTES,
): Promise<SignState> {
  const options = { disk, name: SIGN_STATE_FILE, kind: RECORD_KINDS.signState, chainId };
  const found = await openRecordFile(options);
  const last = await closing(found, () => found.read(found.count));
  return new FileSignState(options, compactAboveBytes, last, await startAnew(options, last));
}

class FileSignState implements SignState {
  readonly #options: RecordFileOptions;
  readonly #compactAboveBytes: number;
  readonly #queue = new WriteQueue(SIGN_STATE_FILE, 'LOG_FAILED');
  #file: RecordFile;
  #last: Uint8Array | null;

  constructor(options: RecordFileOptions, compactAboveBytes: number, last: Uint8Array | null, file: RecordFile) {
    this.#options = options;
    this.#compactAboveBytes = compactAboveBytes;
    this.#last = last;
    this.#file = file;
  }

  last(): Uint8Array | null {
    return this.#last;
  }

  record(entry: Uint8Array): Promise<void> {
    const kept = entry.slice();
    return this.#queue.run(async () => {
      if (this.#file.size > this.#compactAboveBytes) {
        await this.#file.close();
        this.#file = await startAnew(this.#options, kept);
      } else {
        await this.#file.append(kept);
      }
      this.#last = kept;
    });
  }

  close(): Promise<void> {
    return this.#queue.close(() => this.#file.close());
  }
}

/** Replaces the file by one that holds `entry` alone, and opens that. */
function startAnew(options: RecordFileOptions, entry: Uint8Array | null): Promise<RecordFile> {
  return orFailed(options.name, async () => {
    await replaceRecordFile(options, entry === null ? [] : [entry]);
    return await openRecordFile(options);
  });
}

async function closing<T>(file: RecordFile, work: () => Promise<T>): Promise<T> {
  return await orFailed(SIGN_STATE_FILE, async () => {
    try {
      return await work();
    } finally {
      await file.close();
    }
  });
}

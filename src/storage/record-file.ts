/**
 * An append-only file of records over a `Disk`: opened by reading all of it, repaired only where a crash can have left
 * it so, never overwritten. Callers queue: one append at a time.
 */
import { crc32 } from 'node:zlib';
import { CodedError } from '../errors.ts';
import type { Disk, DiskFile } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import { reasonOf, storageError } from './errors.ts';
import type { RecordFormat, RecordKind } from './record-format.ts';
import {
  decodeFileHead,
  encodeFileHead,
  encodeRecord,
  FILE_HEAD_BYTES,
  RECORD_HEAD_BYTES,
  startRecordCrc,
} from './record-format.ts';
import type { RecordIndex } from './record-index.ts';
import { scanRecords } from './record-scan.ts';

/** Which file: where, of what kind, of which chain. */
export interface RecordFileOptions {
  readonly disk: Disk;
  /** Ends in `.log`; the file that may replace it has the same name with `.new`. */
  readonly name: string;
  readonly kind: RecordKind;
  readonly chainId: ChainId;
}

/**
 * Opens the file, or makes an empty one. A torn end is first copied to `<name>.torn-<n>`, synced, and then cut off. The
 * file is synced before this resolves: a process that was killed between its write and its sync leaves a whole record
 * that only the page cache has. (After a sync that failed even this one proves nothing, see `write-queue.ts`: the sign
 * state writes its record anew, the block log can ask peers.)
 * @throws CodedError `LOG_FORMAT`, `FOLDER_FOREIGN`, the kind's own code for damage, all of them before anything is
 *   changed; `LOG_FAILED` where the disk refuses.
 */
export async function openRecordFile(options: RecordFileOptions): Promise<RecordFile> {
  const { disk, name } = options;
  return await orFailed(name, async () => {
    const found = await disk.open(name, false);
    if (found === null) await replaceRecordFile(options, []);
    const file = found ?? (await disk.open(name, false));
    if (file === null) throw new Error('the file is not where it was just made');
    try {
      return await recover(file, options);
    } catch (error) {
      await file.close();
      throw error;
    }
  });
}

/**
 * Puts a file with these records in the place of whatever has the name. At every point of a crash the name leads to the
 * old file or to the whole new one; when this resolves, to the new one for good.
 */
export async function replaceRecordFile(options: RecordFileOptions, payloads: readonly Uint8Array[]): Promise<void> {
  const { disk, name, kind, chainId } = options;
  const next = name.replace(/\.log$/, '.new');
  const head = encodeFileHead(kind, chainId);
  const format = decodeFileHead(head, kind, chainId, name);
  const parts = [head];
  let crc = format.seed;
  for (const payload of payloads) {
    const record = encodeRecord(payload, parts.length, crc, format);
    parts.push(record.bytes);
    crc = record.crc;
  }
  const file = await created(disk, next);
  try {
    await file.truncate(0);
    await file.append(Buffer.concat(parts));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(next, name);
  await disk.syncFolder();
}

export class RecordFile {
  readonly #file: DiskFile;
  readonly #format: RecordFormat;
  readonly #index: RecordIndex;
  #end: number;

  constructor(file: DiskFile, format: RecordFormat, index: RecordIndex, end: number) {
    this.#file = file;
    this.#format = format;
    this.#index = index;
    this.#end = end;
  }

  /** Records that are synced. */
  get count(): number {
    return this.#index.count;
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#end;
  }

  /** Resolves when the record is synced. After a failure the file's end is unknown: close it and open it anew. */
  async append(payload: Uint8Array): Promise<void> {
    const { bytes, crc } = encodeRecord(payload, this.count + 1, this.#index.lastCrc, this.#format);
    await this.#file.append(bytes);
    await this.#file.sync();
    this.#index.push(this.#end + RECORD_HEAD_BYTES, payload.length, crc);
    this.#end += bytes.length;
  }

  /**
   * The payload of record `ordinal`, or null where there is none.
   * @throws CodedError the kind's own code where the bytes are no longer those that were written.
   */
  async read(ordinal: number): Promise<Uint8Array | null> {
    if (!Number.isInteger(ordinal) || ordinal < 1 || ordinal > this.count) return null;
    const { offset, length, crc } = this.#index.place(ordinal);
    const payload = await this.#file.read(offset, length);
    const start = startRecordCrc({ length, ordinal, crc }, this.#index.crcBefore(ordinal));
    if (payload.length === length && crc32(payload, start) === crc) return payload;
    const { name, kind } = this.#format;
    throw storageError(
      kind.corruptCode,
      `${name}: record ${ordinal} at byte ${offset} was damaged since it was opened`,
    );
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Runs `work` on the file `name`; whatever the disk throws becomes `LOG_FAILED`. */
export async function orFailed<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw storageError('LOG_FAILED', `${name} failed (${reasonOf(error)})`, error);
  }
}

async function recover(file: DiskFile, { disk, name, kind, chainId }: RecordFileOptions): Promise<RecordFile> {
  const format = decodeFileHead(await file.read(0, FILE_HEAD_BYTES), kind, chainId, name);
  const size = await file.size();
  const { index, end } = await scanRecords(file, size, format);
  if (end < size) {
    await saveTorn(disk, name, file, end, size);
    await file.truncate(end);
  }
  await file.sync();
  await disk.syncFolder();
  return new RecordFile(file, format, index, end);
}

/** Copies the bytes from `from` to `to` into the first `<name>.torn-<n>` that is free, durably. */
async function saveTorn(disk: Disk, name: string, file: DiskFile, from: number, to: number): Promise<void> {
  const chunkBytes = 1024 * 1024;
  const torn = await created(disk, await freeName(disk, `${name}.torn-`));
  try {
    for (let at = from; at < to; at += chunkBytes) {
      await torn.append(await file.read(at, Math.min(chunkBytes, to - at)));
    }
    await torn.sync();
  } finally {
    await torn.close();
  }
  await disk.syncFolder();
}

async function freeName(disk: Disk, prefix: string): Promise<string> {
  for (let n = 1; ; n++) {
    const file = await disk.open(`${prefix}${n}`, false);
    if (file === null) return `${prefix}${n}`;
    await file.close();
  }
}

async function created(disk: Disk, name: string): Promise<DiskFile> {
  const file = await disk.open(name, true);
  if (file === null) throw new Error(`${name} was not made`);
  return file;
}

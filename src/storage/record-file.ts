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
  MAX_FILE_HEAD_BYTES,
  RECORD_HEAD_BYTES,
  startRecordCrc,
} from './record-format.ts';
import { RecordIndex } from './record-index.ts';
import { scanRecords } from './record-scan.ts';

/** Which file: where, of what kind, of which chain. */
export interface RecordFileOptions {
  readonly disk: Disk;
  /** `x.log`, whose next version is made as `x.new`, or another name, to which `.new` is added. */
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
export async function replaceRecordFile(
  options: RecordFileOptions,
  payloads: readonly Uint8Array[],
  first = 1,
): Promise<void> {
  const writer = await beginRecordFile(options, first);
  try {
    for (const payload of payloads) await writer.append(payload);
  } catch (error) {
    await writer.close();
    throw error;
  }
  await (await writer.finish()).close();
}

/** Begins the next version of a file, whose first record has the ordinal `first`. It is of no meaning until it is finished. */
export async function beginRecordFile(options: RecordFileOptions, first = 1): Promise<RecordWriter> {
  const { disk, kind, chainId } = options;
  const file = await created(disk, nextName(options.name));
  try {
    await file.truncate(0);
  } catch (error) {
    await file.close();
    throw error;
  }
  return new RecordWriter(options, file, encodeFileHead(kind, chainId, first));
}

/** Bytes that a writer gathers before it writes them. */
const WRITE_BYTES = 1024 * 1024;

export class RecordWriter {
  readonly #options: RecordFileOptions;
  readonly #file: DiskFile;
  readonly #format: RecordFormat;
  readonly #index: RecordIndex;
  #waiting: Uint8Array[];
  #waitingBytes: number;
  #end: number;

  constructor(options: RecordFileOptions, file: DiskFile, head: Uint8Array) {
    this.#options = options;
    this.#file = file;
    this.#format = decodeFileHead(head, options.kind, options.chainId, options.name);
    this.#index = new RecordIndex(this.#format);
    this.#waiting = [head];
    this.#waitingBytes = head.length;
    this.#end = head.length;
  }

  async append(payload: Uint8Array): Promise<void> {
    const { bytes, crc } = encodeRecord(payload, this.#index.last + 1, this.#index.lastCrc, this.#format);
    this.#index.push(this.#end + RECORD_HEAD_BYTES, payload.length, crc);
    this.#end += bytes.length;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= WRITE_BYTES) await this.#write();
  }

  /** Makes it durable and gives it its name, in the place of what had it. After a failure it is closed. */
  async finish(): Promise<RecordFile> {
    const { disk, name } = this.#options;
    try {
      await this.#write();
      await this.#file.sync();
      await disk.rename(nextName(name), name);
      await disk.syncFolder();
    } catch (error) {
      await this.#file.close();
      throw error;
    }
    return new RecordFile(this.#file, this.#format, this.#index, this.#end);
  }

  /** Leaves it unfinished. */
  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (bytes.length > 0) await this.#file.append(bytes);
  }
}

/**
 * What remains of a file that opening refuses because it is damaged before its end: the whole file is copied to
 * `<name>.damaged-<n>`, durably, and then cut down to the records before the damage, to none where its head is damaged.
 * A crash in between leaves the damaged file as it was, to be salvaged again.
 * @returns the name of the copy.
 */
export async function salvageRecordFile(options: RecordFileOptions): Promise<string> {
  const { disk, name } = options;
  return await orFailed(name, async () => {
    const file = await disk.open(name, false);
    if (file === null) throw new Error('the damaged file is gone');
    try {
      const size = await file.size();
      const copy = await copyAside(disk, `${name}.damaged-`, file, 0, size);
      const end = await endOfWhole(file, size, options);
      if (end === null) {
        await replaceRecordFile(options, []);
      } else {
        await file.truncate(end);
        await file.sync();
      }
      return copy;
    } finally {
      await file.close();
    }
  });
}

/** Where the records before the damage end, or null where the head is damaged. */
async function endOfWhole(file: DiskFile, size: number, options: RecordFileOptions): Promise<number | null> {
  const { kind, chainId, name } = options;
  let format: RecordFormat;
  try {
    format = decodeFileHead(await file.read(0, MAX_FILE_HEAD_BYTES), kind, chainId, name);
  } catch (error) {
    if (error instanceof CodedError && error.code === kind.corruptCode) return null;
    throw error;
  }
  return (await scanRecords(file, size, format)).end;
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

  /** Ordinal of the first record, whether it is there yet or not. */
  get first(): number {
    return this.#index.first;
  }

  /** Ordinal of the last record; one less than that of the first where there is none. */
  get last(): number {
    return this.#index.last;
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#end;
  }

  /** Resolves when the record is synced. After a failure the file's end is unknown: close it and open it anew. */
  async append(payload: Uint8Array): Promise<void> {
    const { bytes, crc } = encodeRecord(payload, this.last + 1, this.#index.lastCrc, this.#format);
    await this.#file.appendSynced(bytes);
    this.#index.push(this.#end + RECORD_HEAD_BYTES, payload.length, crc);
    this.#end += bytes.length;
  }

  /**
   * The payload of record `ordinal`, or null where there is none.
   * @throws CodedError the kind's own code where the bytes are no longer those that were written.
   */
  async read(ordinal: number): Promise<Uint8Array | null> {
    if (!Number.isInteger(ordinal) || ordinal < this.first || ordinal > this.last) return null;
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
  const format = decodeFileHead(await file.read(0, MAX_FILE_HEAD_BYTES), kind, chainId, name);
  const size = await file.size();
  const { index, end, damage } = await scanRecords(file, size, format);
  if (damage !== null) throw damage;
  if (end < size && kind.isMadeWhole) throw storageError(kind.corruptCode, `${name}: its end is damaged`);
  if (end < size) {
    await copyAside(disk, `${name}.torn-`, file, end, size);
    await file.truncate(end);
  }
  await file.sync();
  await disk.syncFolder();
  return new RecordFile(file, format, index, end);
}

/** Copies the bytes from `from` to `to` into the first `<prefix><n>` that is free, durably. @returns its name. */
async function copyAside(disk: Disk, prefix: string, file: DiskFile, from: number, to: number): Promise<string> {
  const name = await freeName(disk, prefix);
  const copy = await created(disk, name);
  try {
    for (let at = from; at < to; at += WRITE_BYTES) {
      await copy.append(await file.read(at, Math.min(WRITE_BYTES, to - at)));
    }
    await copy.sync();
  } finally {
    await copy.close();
  }
  await disk.syncFolder();
  return name;
}

/** Moves a file that nobody has open to the first `<prefix><n>` that is free, durably. @returns its new name. */
export async function moveAside(disk: Disk, name: string, prefix: string): Promise<string> {
  const aside = await freeName(disk, prefix);
  await disk.rename(name, aside);
  await disk.syncFolder();
  return aside;
}

function nextName(name: string): string {
  return name.endsWith('.log') ? name.replace(/\.log$/, '.new') : `${name}.new`;
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

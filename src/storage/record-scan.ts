/**
 * Reads a record file from its head to its end, in chunks, and says where every record lies and where the whole ones
 * end. The question at each flaw is whether a crash can have left it. Each write is synced before the next one starts,
 * so a crash leaves at most one write unfinished, at the very end, with any of its sectors missing:
 *
 * | found where a record should be | then | verdict |
 * |---|---|---|
 * | a whole record | | take it |
 * | its bytes end with the file, or the file ends before they do | nothing follows | torn: the record was never synced |
 * | damaged payload | the head says where it ends, and more follows | damage |
 * | no record's head | no later record's head in the rest | torn |
 * | no record's head | a later record's head in the rest | damage |
 * | the head of another record | | damage |
 *
 * With two copies, a flawed one is passed over where the other is whole.
 */
import { crc32 } from 'node:zlib';
import type { CodedError } from '../errors.ts';
import type { DiskFile } from '../ports.ts';
import { storageError } from './errors.ts';
import type { RecordFormat, RecordHead } from './record-format.ts';
import { decodeRecordHead, RECORD_HEAD_BYTES, startRecordCrc } from './record-format.ts';
import { RecordIndex } from './record-index.ts';

/** Bounds the memory of a scan; reads of this size keep any disk busy. */
const CHUNK_BYTES = 1024 * 1024;

interface Scan {
  readonly index: RecordIndex;
  /** Where the whole records end: what lies beyond is torn, or damaged. */
  readonly end: number;
  /** Why what lies beyond cannot come from a crash, naming file, byte and record; null where it can. */
  readonly damage: CodedError | null;
}

/** @param size of the file, at least that of its head. */
export async function scanRecords(file: DiskFile, size: number, format: RecordFormat): Promise<Scan> {
  const chunks = new ChunkReader(file, size);
  const index = new RecordIndex(format);
  const damage = (at: number): Scan => ({ index, end: index.end, damage: damaged(format, index, at) });
  const { copies, maxBytes } = format.kind;
  let at = format.headBytes;
  /** Where the first bytes lie that belong to no whole record, since the last one that was. */
  let doubt: number | null = null;
  while (at < size) {
    const head = decodeRecordHead(await chunks.read(at, RECORD_HEAD_BYTES), 0, format);
    const end = head === null ? null : at + RECORD_HEAD_BYTES + head.length;
    const isNext = head?.ordinal === index.last + 1;
    const isCopy = copies === 2 && isSecondCopy(head, index);
    if (head !== null && !isNext && !isCopy) return damage(doubt ?? at);
    if (head !== null && isNext && (await isWhole(chunks, at, head, index.lastCrc))) {
      index.push(at + RECORD_HEAD_BYTES, head.length, head.crc);
      doubt = null;
    } else if (!isCopy || end === null || end > size) {
      doubt ??= at;
    }
    at = end ?? (await findHead(chunks, at + 1, index.last, format));
    if (doubt !== null && copies === 1 && at < size) return damage(doubt);
  }
  if (doubt !== null && size - doubt > copies * (RECORD_HEAD_BYTES + maxBytes)) return damage(doubt);
  return { index, end: doubt ?? size, damage: null };
}

async function isWhole(chunks: ChunkReader, at: number, head: RecordHead, previousCrc: number): Promise<boolean> {
  const start = at + RECORD_HEAD_BYTES;
  const end = start + head.length;
  if (end > chunks.size) return false;
  let crc = startRecordCrc(head, previousCrc);
  for (let position = start; position < end; ) {
    const bytes = await chunks.read(position, Math.min(CHUNK_BYTES, end - position));
    crc = crc32(bytes, crc);
    position += bytes.length;
  }
  return crc === head.crc;
}

function isSecondCopy(head: RecordHead | null, index: RecordIndex): boolean {
  return head !== null && head.ordinal === index.last && head.crc === index.lastCrc;
}

/**
 * Where, from `from` on, the next head of a record after record `last` begins, or the size where there is none. A
 * payload that imitates one makes us refuse a torn file, at worst; no record is accepted on a head alone.
 */
async function findHead(chunks: ChunkReader, from: number, last: number, format: RecordFormat): Promise<number> {
  const highest = last + 1 + (chunks.size - from) / RECORD_HEAD_BYTES;
  for (let position = from; chunks.size - position >= RECORD_HEAD_BYTES; ) {
    const bytes = await chunks.read(position, Math.min(CHUNK_BYTES, chunks.size - position));
    const lastAt = bytes.length - RECORD_HEAD_BYTES;
    for (let at = 0; at <= lastAt; at++) {
      const ordinal = bytes.readUInt32LE(at + 4);
      const plausible = ordinal > last && ordinal <= highest;
      if (plausible && decodeRecordHead(bytes, at, format) !== null) return position + at;
    }
    position += lastAt + 1;
  }
  return chunks.size;
}

function damaged(format: RecordFormat, index: RecordIndex, at: number): CodedError {
  const what = `${format.name}: record ${index.last + 1} at byte ${at} is damaged and more follows it`;
  return storageError(format.kind.corruptCode, what);
}

/** Reads ahead by a chunk, so that small records cost no read each. */
class ChunkReader {
  readonly size: number;
  readonly #file: DiskFile;
  #chunk: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(file: DiskFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** `length` bytes (at most a chunk) from `position`, fewer at the end of the file; valid until the next call. */
  async read(position: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, this.size - position);
    const from = position - this.#start;
    if (from < 0 || from + wanted > this.#chunk.length) {
      const bytes = await this.#file.read(position, Math.min(CHUNK_BYTES, this.size - position));
      if (bytes.length < wanted) throw new Error(`the file ends at byte ${position + bytes.length}, not ${this.size}`);
      this.#chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      this.#start = position;
      return this.#chunk.subarray(0, wanted);
    }
    return this.#chunk.subarray(from, from + wanted);
  }
}

/**
 * Verifies the checksums of a LevelDB database's tables, which LevelDB does not do as it is built here: it reads a table
 * with a flipped bit as if nothing were, tells an older balance, or ends the process on an assertion while compacting.
 * Run before the database is opened, this leaves only the flips that come later to the checksums of the values.
 *
 * A table (google/leveldb, doc/table_format.md) is a row of blocks and a footer of 48 bytes. Each block is followed by a
 * byte for its compression and a masked CRC-32C of both. The footer points to the index, whose entries point to the data
 * blocks, and to the metaindex, whose entries point to the filter.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { storageError } from './errors.ts';

const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const MAGIC = 0xdb4775248b80fb57n;
/** What LevelDB adds to a checksum that it stores (util/crc32c.h). */
const MASK_DELTA = 0xa282ead8;

/** Where a block lies in its file. */
interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

/**
 * Passes over a file that does not end as a table: a process that was killed leaves one unfinished, which LevelDB does
 * not use, and where it should have been a table LevelDB itself says so.
 * @returns the bytes of all tables.
 * @throws CodedError `STATE_CORRUPT` naming the first table that is damaged.
 */
export async function checkTables(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => /\.(ldb|sst)$/.test(name)).sort();
  let bytes = 0;
  for (const name of names) {
    const table = await readFile(path.join(folder, name));
    bytes += table.length;
    const flaw = tableFlaw(table);
    if (flaw !== null) throw storageError('STATE_CORRUPT', `${path.join(folder, name)}: ${flaw}`);
  }
  return bytes;
}

/**
 * What is wrong with a table, or null: every byte of it lies under a checksum that is right, or in the footer. Null also
 * for what does not end as a table.
 */
export function tableFlaw(table: Buffer): string | null {
  const footer = table.length - FOOTER_BYTES;
  if (footer < 0 || table.readBigUInt64LE(footer + 40) !== MAGIC) return null;
  const handles = new Cursor(table, footer, footer + 40);
  const metaindex = handles.handle();
  const index = handles.handle();
  const roots = [metaindex, index];
  const flaw = firstFlaw(table, roots);
  if (flaw !== null) return flaw;
  const blocks = roots.flatMap((root) => (root === null ? [] : entriesOf(table, root)));
  const covered = [...roots, ...blocks].reduce((sum, block) => sum + (block?.size ?? 0) + TRAILER_BYTES, FOOTER_BYTES);
  return covered === table.length ? firstFlaw(table, blocks) : 'its blocks do not fill it';
}

function firstFlaw(table: Buffer, blocks: readonly (BlockHandle | null)[]): string | null {
  for (const block of blocks) {
    if (block === null || block.offset + block.size + TRAILER_BYTES > table.length - FOOTER_BYTES) {
      return 'it names a block that is not there';
    }
    const end = block.offset + block.size;
    // The byte after the block, its compression, is covered by the checksum too.
    if (masked(crc32c(table.subarray(block.offset, end + 1))) !== table.readUInt32LE(end + 1)) {
      return `the block at byte ${block.offset} is damaged`;
    }
    if (table[end] !== 0) return 'it is compressed, which this program does not do';
  }
  return null;
}

/** The handles that an index or metaindex block holds as values; null where one makes no sense. */
function entriesOf(table: Buffer, { offset, size }: BlockHandle): readonly (BlockHandle | null)[] {
  const restarts = size < 4 ? 0 : table.readUInt32LE(offset + size - 4);
  const end = offset + size - 4 - 4 * restarts;
  const cursor = new Cursor(table, offset, end);
  const found: (BlockHandle | null)[] = [];
  while (cursor.position < end) {
    cursor.varint();
    const keyRest = cursor.varint();
    cursor.varint();
    cursor.position += keyRest;
    found.push(cursor.handle());
    if (found.at(-1) === null) break;
  }
  return found;
}

class Cursor {
  position: number;
  readonly #bytes: Buffer;
  readonly #end: number;

  constructor(bytes: Buffer, position: number, end: number) {
    this.#bytes = bytes;
    this.position = position;
    this.#end = end;
  }

  /** A base-128 number, least significant group first; NaN past the end. */
  varint(): number {
    let value = 0;
    for (let scale = 1; this.position < this.#end; scale *= 128) {
      const byte = this.#bytes[this.position++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return Number.NaN;
  }

  handle(): BlockHandle | null {
    const offset = this.varint();
    const size = this.varint();
    return Number.isSafeInteger(offset) && Number.isSafeInteger(size) ? { offset, size } : null;
  }
}

function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** CRC-32C (Castagnoli), four bytes a step by four tables ("slicing"): Node has only the other CRC-32. */
export function crc32c(bytes: Uint8Array): number {
  const [last, third, second, first] = SLICES;
  let crc = -1;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^= (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    crc =
      (first[crc & 255] ?? 0) ^
      (second[(crc >>> 8) & 255] ?? 0) ^
      (third[(crc >>> 16) & 255] ?? 0) ^
      (last[crc >>> 24] ?? 0);
  }
  for (; at < bytes.length; at++) crc = (last[(crc ^ (bytes[at] ?? 0)) & 255] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** What a byte comes to that is followed by 0, 1, 2 or 3 others. */
const SLICES = slices();

function slices(): readonly [Int32Array, Int32Array, Int32Array, Int32Array] {
  const last = Int32Array.from({ length: 256 }, (_, n) => {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    return crc;
  });
  const before = (slice: Int32Array) => slice.map((crc) => (last[crc & 255] ?? 0) ^ (crc >>> 8));
  const third = before(last);
  const second = before(third);
  return [last, third, second, before(second)];
}

/**
 * The bytes of a record file: a head of 48 or 52 bytes, then records. All integers are little-endian, all checksums CRC-32.
 *
 * | file head | bytes | meaning |
 * |---|---|---|
 * | magic | 0-7 | `tonlelog` |
 * | version | 8-9 | 1, or 2 where the first record is not record 1 |
 * | kind | 10-11 | what the records are, see `RECORD_KINDS` |
 * | checksum | 12-15 | of all other bytes of the head |
 * | chain | 16-47 | chain id |
 * | first | 48-51 | in version 2 only: ordinal of the first record |
 *
 * | record | bytes | meaning |
 * |---|---|---|
 * | length | 0-3 | bytes of the payload, from 1 |
 * | ordinal | 4-7 | that of the record before, and 1; for the first record, what the head says |
 * | checksum | 8-11 | of length, ordinal and payload, continued from the checksum of the record before (of the file head for the first) |
 * | head checksum | 12-15 | of the 12 bytes before it, continued from that of the file head |
 * | payload | 16- | |
 *
 * The checksum that runs on from record to record makes a record that was dropped, repeated, moved or taken from another
 * file as visible as a flipped bit. The head has its own, so that a length is known to be right before anyone relies on
 * it: that tells a torn last record from a damaged length in the middle, which would make everything after it look torn.
 * A CRC finds accidents; against forgery stand the hashes and certificates inside the blocks.
 */
import { crc32 } from 'node:zlib';
import { fromHex, toHex } from '../codec/hex.ts';
import {
  MAX_CHUNK_BYTES,
  MAX_COMMITTED_BLOCK_BYTES,
  MAX_MANIFEST_BYTES,
  MAX_SIGN_MEMORY_BYTES,
} from '../codec/limits.ts';
import { assert } from '../errors.ts';
import type { ChainId } from '../types/index.ts';
import type { StorageErrorCode } from './errors.ts';
import { storageError } from './errors.ts';

/** Of a file whose first record is record 1, as nearly all are. */
export const FILE_HEAD_BYTES = 48;
/** Of any file: what has to be read to decode a head. */
export const MAX_FILE_HEAD_BYTES = 52;
export const RECORD_HEAD_BYTES = 16;
const MAGIC = Buffer.from('tonlelog', 'latin1');
const VERSION = 1;
const VERSION_WITH_FIRST = 2;

/** What a record file is for, and how careful it is. */
export interface RecordKind {
  readonly kind: number;
  /**
   * How often each record stands in the file, one right after the other, written at once. Damage to a single last record
   * looks like a write that never ended, and is cut off. A block cut off by mistake comes back from the peers; a vote
   * forgotten by mistake is a vote cast twice, so those are kept twice.
   */
  readonly copies: 1 | 2;
  /** Whether the file is only ever made whole: then an end that looks torn is damage too. */
  readonly isMadeWhole: boolean;
  /** Largest payload; a length above it is damage. Bounds what a reader holds in memory. */
  readonly maxBytes: number;
  readonly corruptCode: StorageErrorCode;
}

export const RECORD_KINDS = {
  /** A committed block, encoded. */
  blocks: {
    kind: 1,
    copies: 1,
    isMadeWhole: false,
    maxBytes: MAX_COMMITTED_BLOCK_BYTES,
    corruptCode: 'LOG_CORRUPT',
  },
  /** The last statements, and the locked block with its batches and the votes that made it so. */
  signState: {
    kind: 2,
    copies: 2,
    isMadeWhole: false,
    maxBytes: MAX_SIGN_MEMORY_BYTES,
    corruptCode: 'SIGN_STATE_CORRUPT',
  },
  /** The chunks of a whole state, then its manifest. */
  snapshot: {
    kind: 3,
    copies: 1,
    isMadeWhole: true,
    maxBytes: Math.max(MAX_CHUNK_BYTES, MAX_MANIFEST_BYTES),
    corruptCode: 'SNAPSHOT_CORRUPT',
  },
} as const satisfies Readonly<Record<string, RecordKind>>;

/** How to read one file: its kind, its name for messages, and the checksum of its head, where all others start from. */
export interface RecordFormat {
  readonly kind: RecordKind;
  readonly name: string;
  readonly seed: number;
  /** Ordinal of the first record. */
  readonly first: number;
  readonly headBytes: number;
}

export interface RecordHead {
  readonly length: number;
  readonly ordinal: number;
  readonly crc: number;
}

/** @param first ordinal of the first record. */
export function encodeFileHead(kind: RecordKind, chainId: ChainId, first = 1): Uint8Array {
  assert(Number.isInteger(first) && first >= 1 && first < 2 ** 32, 'ordinals are whole numbers from 1 on');
  const head = Buffer.alloc(first === 1 ? FILE_HEAD_BYTES : MAX_FILE_HEAD_BYTES);
  head.set(MAGIC, 0);
  head.writeUInt16LE(first === 1 ? VERSION : VERSION_WITH_FIRST, 8);
  if (first > 1) head.writeUInt32LE(first, 48);
  head.writeUInt16LE(kind.kind, 10);
  head.set(fromHex(chainId, 32), 16);
  head.writeUInt32LE(fileHeadCrc(head), 12);
  return head;
}

/**
 * @param bytes the first 52 bytes of the file, fewer where it is shorter.
 * @throws CodedError `LOG_FORMAT` for another magic, version or kind, `FOLDER_FOREIGN` for another chain, and the kind's
 *   own code where the head is damaged or cut short (it is written and synced before the file gets its name).
 */
export function decodeFileHead(bytes: Uint8Array, kind: RecordKind, chainId: ChainId, name: string): RecordFormat {
  if (bytes.length < FILE_HEAD_BYTES) throw storageError(kind.corruptCode, `${name}: its head is cut off`);
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!MAGIC.equals(start.subarray(0, 8))) throw storageError('LOG_FORMAT', `${name} does not start as a record file`);
  const version = start.readUInt16LE(8);
  if (version !== VERSION && version !== VERSION_WITH_FIRST) {
    throw storageError('LOG_FORMAT', `${name} has version ${version}, known are ${VERSION} and ${VERSION_WITH_FIRST}`);
  }
  const headBytes = version === VERSION ? FILE_HEAD_BYTES : MAX_FILE_HEAD_BYTES;
  if (start.length < headBytes) throw storageError(kind.corruptCode, `${name}: its head is cut off`);
  const head = start.subarray(0, headBytes);
  const seed = head.readUInt32LE(12);
  if (seed !== fileHeadCrc(head)) throw storageError(kind.corruptCode, `${name}: its head is damaged`);
  const found = head.readUInt16LE(10);
  if (found !== kind.kind) throw storageError('LOG_FORMAT', `${name} holds records of kind ${found}, not ${kind.kind}`);
  const chain = toHex(head.subarray(16, FILE_HEAD_BYTES));
  if (chain !== chainId) throw storageError('FOLDER_FOREIGN', `${name} is of chain ${chain}, not ${chainId}`);
  const first = version === VERSION ? 1 : head.readUInt32LE(FILE_HEAD_BYTES);
  return { kind, name, seed, first, headBytes };
}

/** @param previousCrc checksum of the record before, or the format's seed. */
export function encodeRecord(
  payload: Uint8Array,
  ordinal: number,
  previousCrc: number,
  format: RecordFormat,
): { readonly bytes: Uint8Array; readonly crc: number } {
  const { copies, maxBytes } = format.kind;
  assert(payload.length > 0 && payload.length <= maxBytes, `${format.name} takes records of 1 to ${maxBytes} bytes`);
  const size = RECORD_HEAD_BYTES + payload.length;
  const bytes = Buffer.allocUnsafe(copies * size);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(ordinal, 4);
  const crc = crc32(payload, crc32(bytes.subarray(0, 8), previousCrc));
  bytes.writeUInt32LE(crc, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12), format.seed), 12);
  bytes.set(payload, RECORD_HEAD_BYTES);
  if (copies === 2) bytes.copyWithin(size, 0, size);
  return { bytes, crc };
}

/** The record's head at `at`, or null where the bytes are none. */
export function decodeRecordHead(bytes: Buffer, at: number, format: RecordFormat): RecordHead | null {
  if (bytes.length - at < RECORD_HEAD_BYTES) return null;
  if (bytes.readUInt32LE(at + 12) !== crc32(bytes.subarray(at, at + 12), format.seed)) return null;
  const length = bytes.readUInt32LE(at);
  if (length < 1 || length > format.kind.maxBytes) return null;
  return { length, ordinal: bytes.readUInt32LE(at + 4), crc: bytes.readUInt32LE(at + 8) };
}

/** The checksum to continue over the payload, after the head's length and ordinal. */
export function startRecordCrc(head: RecordHead, previousCrc: number): number {
  const start = Buffer.allocUnsafe(8);
  start.writeUInt32LE(head.length, 0);
  start.writeUInt32LE(head.ordinal, 4);
  return crc32(start, previousCrc);
}

function fileHeadCrc(head: Buffer): number {
  return crc32(head.subarray(16), crc32(head.subarray(0, 12)));
}

/**
 * Values as the database holds them, each sealed with a checksum of its key and itself. LevelDB has checksums of its
 * own, but reads through this binding do not verify those of its tables, and its recovery skips damaged parts of its
 * log. A balance that changed on the disk must not be read as money.
 */
import { fromHex, toHex } from '../codec/hex.ts';
import { MAX_SAFE } from '../codec/limits.ts';
import { SHORT_BYTES } from '../codec/short.ts';
import type { Hash } from '../types/index.ts';
import { checksum } from './checksum.ts';
import { storageError } from './errors.ts';

export const SEAL_BYTES = 4;
const TIP_VERSION = 5;
const TIP_BYTES = 1 + 8 + 32;

/** The last applied block. */
export interface StateTip {
  readonly height: number;
  readonly chain: Hash;
}

export function sealValue(key: string, value: Uint8Array): Uint8Array {
  return sealInto(new Uint8Array(value.length + SEAL_BYTES), key, value);
}

/**
 * As `sealValue`, for a batch, which copies what it is given: the bytes are overwritten by the next call. A new array a row
 * costs its making, and again when the database asks where its bytes are, as V8 then moves them out of the array.
 */
export function lendSealed(key: string, value: Uint8Array): Uint8Array {
  const length = value.length + SEAL_BYTES;
  if (length > scratch.length) return sealValue(key, value);
  lent[length] ??= scratch.subarray(0, length);
  return sealInto(lent[length], key, value);
}

const scratch = new Uint8Array(new ArrayBuffer(1_024));
/** The beginning of the scratch, by its length. */
const lent: (Uint8Array | undefined)[] = Array.from({ length: scratch.length + 1 });

function sealInto(sealed: Uint8Array, key: string, value: Uint8Array): Uint8Array {
  sealed.set(value);
  const crc = checksum(key, value, value.length);
  sealed[value.length] = crc;
  sealed[value.length + 1] = crc >>> 8;
  sealed[value.length + 2] = crc >>> 16;
  sealed[value.length + 3] = crc >>> 24;
  return sealed;
}

/** @throws CodedError `STATE_CORRUPT` where key and value are not those that were sealed together. */
export function openValue(key: string, sealed: Uint8Array): Uint8Array {
  return new Uint8Array(sealed.buffer, sealed.byteOffset, lengthOfValue(key, sealed));
}

/** As `openValue`, in an array of its own. @throws as above. */
export function copyValue(key: string, sealed: Uint8Array): Uint8Array {
  const length = lengthOfValue(key, sealed);
  const value = new Uint8Array(length);
  // Short as most are, they are copied before a view of them would be made.
  if (length > SHORT_BYTES) value.set(sealed.subarray(0, length));
  else for (let i = 0; i < length; i++) value[i] = sealed[i] ?? 0;
  return value;
}

/** How many of the first bytes are the value, which is as it was sealed. @throws CodedError as above. */
export function lengthOfValue(key: string, sealed: Uint8Array): number {
  const length = sealed.length - SEAL_BYTES;
  if (length >= 0 && checksum(key, sealed, length) === sealAt(sealed, length)) return length;
  throw storageError('STATE_CORRUPT', `the state's entry ${JSON.stringify(key)} is damaged`);
}

function sealAt(sealed: Uint8Array, at: number): number {
  const low = (sealed[at] ?? 0) | ((sealed[at + 1] ?? 0) << 8) | ((sealed[at + 2] ?? 0) << 16);
  return (low | ((sealed[at + 3] ?? 0) << 24)) >>> 0;
}

export function encodeTip(tip: StateTip): Uint8Array {
  const bytes = Buffer.alloc(TIP_BYTES);
  bytes.writeUInt8(TIP_VERSION, 0);
  bytes.writeBigUInt64LE(BigInt(tip.height), 1);
  bytes.set(fromHex(tip.chain, 32), 9);
  return bytes;
}

/** @throws CodedError `STATE_CORRUPT` for an impossible height, and for any other version: the state is rebuilt from the log rather than converted. */
export function decodeTip(bytes: Uint8Array): StateTip {
  const tip = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (tip.length !== TIP_BYTES || tip.readUInt8(0) !== TIP_VERSION) {
    throw storageError('STATE_CORRUPT', 'the state was written by another version of this program');
  }
  const height = tip.readBigUInt64LE(1);
  if (height > BigInt(MAX_SAFE)) throw storageError('STATE_CORRUPT', `the state claims to be at height ${height}`);
  return { height: Number(height), chain: toHex(tip.subarray(9)) as Hash };
}

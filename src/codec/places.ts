/**
 * Records of the index of places: a key, then the place in the record of blocks that is found by it, in 32 bytes of which the order
 * is that of keys, then heights, then indexes. Keys are digests, so that they differ in their first bytes. They are local: rebuilt
 * from the log, sent to nobody.
 */
import { assert } from '../errors.ts';
import type { Place } from '../types/index.ts';
import { MAX_BATCH_TRANSACTIONS, MAX_BLOCK_BATCHES } from './limits.ts';

export const PLACE_KEY_BYTES = 24;
const HEIGHT_BYTES = 6;
const INDEX_BYTES = 2;
export const PLACE_RECORD_BYTES = PLACE_KEY_BYTES + HEIGHT_BYTES + INDEX_BYTES;

/** No block has as many transactions. */
export const MAX_PLACE_INDEX = 2 ** (8 * INDEX_BYTES) - 1;
assert(MAX_BLOCK_BATCHES * MAX_BATCH_TRANSACTIONS <= MAX_PLACE_INDEX + 1, 'every transaction of a block has a place');
const MAX_PLACE_HEIGHT = 2 ** (8 * HEIGHT_BYTES) - 1;

/** Writes the place of a record that begins at `at`; its key is written apart. */
export function writePlace(records: Buffer, at: number, { height, index }: Place): void {
  assert(height <= MAX_PLACE_HEIGHT && index <= MAX_PLACE_INDEX, 'a place is in its limits');
  records.writeUIntBE(height, at + PLACE_KEY_BYTES, HEIGHT_BYTES);
  records.writeUInt16BE(index, at + PLACE_KEY_BYTES + HEIGHT_BYTES);
}

/** The place of the record that begins at `at`. */
export function readPlace(records: Uint8Array, at: number): Place {
  let height = 0;
  for (let i = at + PLACE_KEY_BYTES; i < at + PLACE_KEY_BYTES + HEIGHT_BYTES; i++)
    height = height * 256 + (records[i] ?? 0);
  const low = at + PLACE_KEY_BYTES + HEIGHT_BYTES;
  return { height, index: (records[low] ?? 0) * 256 + (records[low + 1] ?? 0) };
}

/** Of the first so many bytes of two records: below 0, 0 or above 0, as the first one is less, equal or more. */
export function compareRecords(
  a: Uint8Array,
  aAt: number,
  b: Uint8Array,
  bAt: number,
  length = PLACE_RECORD_BYTES,
): number {
  for (let i = 0; i < length; i++) {
    const difference = (a[aAt + i] ?? 0) - (b[bAt + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first 32 bits of a key, as a number. */
export function headOf(records: Uint8Array, at: number): number {
  const low = ((records[at + 1] ?? 0) << 16) | ((records[at + 2] ?? 0) << 8) | (records[at + 3] ?? 0);
  return (records[at] ?? 0) * 0x100_0000 + low;
}

/** A safe integer has room for a head and for so many numbers of records. */
const MAX_SORTED = 2 ** 21;

/** The records in ascending order, in an array of their own. @param records whose places ascend where keys are the same. */
export function sortRecords(records: Uint8Array): Uint8Array {
  const count = records.length / PLACE_RECORD_BYTES;
  assert(Number.isInteger(count) && count <= MAX_SORTED, 'whole records, no more than can be numbered');
  // By the heads, which the engine sorts as numbers, each with the number of its record; then those with the same one.
  const order = new Float64Array(count);
  for (let n = 0; n < count; n++) order[n] = headOf(records, n * PLACE_RECORD_BYTES) * MAX_SORTED + n;
  order.sort();
  const from = wordsOf(records);
  const sorted = new Uint8Array(records.length);
  const to = wordsOf(sorted);
  let end = 0;
  for (const head of order) {
    const n = head % MAX_SORTED;
    let at = end;
    while (at > 0 && compareRecords(sorted, at - PLACE_RECORD_BYTES, records, n * PLACE_RECORD_BYTES) > 0)
      at -= PLACE_RECORD_BYTES;
    if (at < end) sorted.copyWithin(at + PLACE_RECORD_BYTES, at, end);
    const word = at / WORD_BYTES;
    for (let i = 0; i < RECORD_WORDS; i++) to[word + i] = from[n * RECORD_WORDS + i] ?? 0;
    end += PLACE_RECORD_BYTES;
  }
  return sorted;
}

const WORD_BYTES = 4;
const RECORD_WORDS = PLACE_RECORD_BYTES / WORD_BYTES;

/** The same bytes by fours, which are copied in a quarter of the time. */
function wordsOf(records: Uint8Array): Int32Array {
  const { buffer, byteOffset, length } = records.byteOffset % WORD_BYTES === 0 ? records : new Uint8Array(records);
  return new Int32Array(buffer, byteOffset, length / WORD_BYTES);
}

/** Shorter than it takes to make a view of them. */
export function copyRecord(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number): void {
  for (let i = 0; i < PLACE_RECORD_BYTES; i++) to[toAt + i] = from[fromAt + i] ?? 0;
}

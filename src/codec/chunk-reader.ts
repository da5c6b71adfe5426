/**
 * The entries of a `stateChunk`, one after the other, as places in its bytes: where millions are read, no object is made of an entry,
 * and no text of its key before somebody asks.
 */
import { assert } from '../errors.ts';

/** Major types (RFC 8949 section 3.1) in the high three bits of a head. */
const [BYTES, TEXT, ARRAY] = [2, 3, 4];
/** Fields of a `stateEntry`. */
const FIELDS = 2;

export class ChunkReader {
  readonly bytes: Uint8Array;
  /** Entries that come after the present one. */
  left: number;
  /** The present entry, from its first byte to before `end`. */
  from = 0;
  end: number;
  /** Its key. */
  keyFrom = 0;
  keyEnd = 0;
  /** Its value, which ends where the entry does. */
  valueFrom = 0;

  /** @param bytes canonical: made by this node and kept under a checksum. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = 0;
    this.left = this.#head(ARRAY);
  }

  /** Goes on to the next entry. @returns whether there is one. */
  next(): boolean {
    if (this.left === 0) return false;
    this.left -= 1;
    this.from = this.end;
    assert(this.#head(ARRAY) === FIELDS, 'a state entry has two fields');
    const keyLength = this.#head(TEXT);
    this.keyFrom = this.end;
    this.keyEnd = this.keyFrom + keyLength;
    this.end = this.keyEnd;
    const valueLength = this.#head(BYTES);
    this.valueFrom = this.end;
    this.end += valueLength;
    assert(this.end <= this.bytes.length, 'a state entry is in its chunk');
    return true;
  }

  /** Keys are ASCII. */
  get key(): string {
    const { buffer, byteOffset } = this.bytes;
    return Buffer.from(buffer, byteOffset + this.keyFrom, this.keyEnd - this.keyFrom).toString('latin1');
  }

  /** A view. */
  get value(): Uint8Array {
    return this.bytes.subarray(this.valueFrom, this.end);
  }

  /** Whether the present entry's key comes before the other's. */
  isBefore(other: ChunkReader): boolean {
    const length = Math.min(this.keyEnd - this.keyFrom, other.keyEnd - other.keyFrom);
    for (let i = 0; i < length; i++) {
      const own = this.bytes[this.keyFrom + i] ?? 0;
      const its = other.bytes[other.keyFrom + i] ?? 0;
      if (own !== its) return own < its;
    }
    return this.keyEnd - this.keyFrom < other.keyEnd - other.keyFrom;
  }

  /** The argument of the head at `end`, which is left behind. */
  #head(major: number): number {
    const { bytes } = this;
    const first = bytes[this.end] ?? 0;
    const short = first & 0x1f;
    assert(first >> 5 === major && short <= 25, 'an item of a state chunk has its kind and size');
    this.end += 1;
    if (short < 24) return short;
    let argument = 0;
    for (let size = short - 23; size > 0; size--) argument = argument * 0x100 + (bytes[this.end++] ?? 0);
    return argument;
  }
}

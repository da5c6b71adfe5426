/**
 * Writes deterministic CBOR (RFC 8949 section 4.2): whole numbers, byte strings, text, arrays of a known length and null, every
 * head in its shortest form. Items are written straight into one buffer, without a tree of them in between.
 */
import { assert, CodedError } from '../errors.ts';
import { Slab } from './slab.ts';

/** Major types (RFC 8949 section 3.1) in the high three bits of a head. */
const [UINT, BYTES, TEXT, ARRAY] = [0x00, 0x40, 0x60, 0x80];
const NULL = 0xf6;
/** A head with the longest argument. */
const MAX_HEAD_BYTES = 9;

/** What is kept between two messages: batches and chunks fit in it, and the rare longer one gets a buffer for itself. */
const KEPT_BYTES = 1024 * 1024;
/** Longer byte strings are faster copied by one call than by a loop. */
const LOOPED_BYTES = 64;
/** What is only looked at is short as a rule, and making a view of it takes as long as writing some of its fields. */
const MAX_KEPT_VIEW = 512;
/** Longer text is faster written by one call than by a loop over its characters. */
const LOOPED_CHARS = 32;

export class Writer {
  readonly #kept = Buffer.alloc(KEPT_BYTES);
  #bytes = this.#kept;
  #end = 0;
  /** Views of what was written, by their lengths. */
  readonly #views: (Uint8Array | undefined)[] = Array.from({ length: MAX_KEPT_VIEW + 1 });
  readonly #slab = new Slab();

  /** Forgets what was written. */
  begin(): void {
    this.#end = 0;
    this.#bytes = this.#kept;
  }

  /** What was written, as long as nothing else is. */
  viewSoFar(): Uint8Array {
    const length = this.#end;
    if (length > MAX_KEPT_VIEW || this.#bytes !== this.#kept) return viewOf(this.#bytes, length);
    this.#views[length] ??= viewOf(this.#kept, length);
    return this.#views[length];
  }

  /** A copy of what was written. */
  bytesSoFar(): Uint8Array {
    return this.#slab.copy(this.#bytes, 0, this.#end);
  }

  /** The head of an array: so many items must follow. */
  array(length: number): void {
    this.#head(ARRAY, length);
  }

  uint(value: number | bigint): void {
    this.#head(UINT, value);
  }

  null(): void {
    this.#reserve(1);
    this.#bytes[this.#end++] = NULL;
  }

  /** A byte string. @param length how many bytes of `value`, where not all. */
  bytes(value: Uint8Array, length = value.length): void {
    this.#head(BYTES, length);
    this.#reserve(length);
    if (length > LOOPED_BYTES) this.#bytes.set(length === value.length ? value : value.subarray(0, length), this.#end);
    else for (let i = 0; i < length; i++) this.#bytes[this.#end + i] = value[i] ?? 0;
    this.#end += length;
  }

  /** An item that was written before. @param item its canonical bytes. */
  again(item: Uint8Array): void {
    this.#reserve(item.length);
    this.#bytes.set(item, this.#end);
    this.#end += item.length;
  }

  /** A byte string given in hex. @throws CodedError `HEX_MALFORMED` for anything but lowercase digits, two a byte. */
  hex(value: string): void {
    const length = Math.ceil(value.length / 2);
    this.#head(BYTES, length);
    this.#reserve(length);
    // `write` stops at what is no pair of digits; asking for the case besides takes half as long as an expression for both.
    const written = this.#bytes.write(value, this.#end, 'hex');
    if (2 * written !== value.length || value.toLowerCase() !== value) {
      throw new CodedError('HEX_MALFORMED', 'expected lowercase hex digits (0-9, a-f), two a byte');
    }
    this.#end += written;
  }

  text(value: string): void {
    if (value.length > LOOPED_CHARS) {
      this.#unicode(value);
      return;
    }
    const start = this.#end;
    this.#head(TEXT, value.length);
    this.#reserve(value.length);
    const bytes = this.#bytes;
    let end = this.#end;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        this.#end = start;
        this.#unicode(value);
        return;
      }
      bytes[end++] = code;
    }
    this.#end = end;
  }

  #unicode(value: string): void {
    const length = Buffer.byteLength(value);
    this.#head(TEXT, length);
    this.#reserve(length);
    this.#end += this.#bytes.write(value, this.#end);
  }

  #head(major: number, argument: number | bigint): void {
    this.#reserve(MAX_HEAD_BYTES);
    const value = argument <= Number.MAX_SAFE_INTEGER ? Number(argument) : argument;
    if (typeof value === 'bigint') this.#longHead(major, Number(value >> 32n), Number(value & 0xffff_ffffn));
    else {
      assert(Number.isSafeInteger(value) && value >= 0, 'what is written as a number is a whole one from 0 on');
      const high = Math.floor(value / 0x1_0000_0000);
      if (value < 24) this.#bytes[this.#end++] = major | value;
      else if (value < 0x100) this.#shortHead(major | 24, value, 1);
      else if (value < 0x1_0000) this.#shortHead(major | 25, value, 2);
      else if (high === 0) this.#shortHead(major | 26, value, 4);
      else this.#longHead(major, high, value - high * 0x1_0000_0000);
    }
  }

  #longHead(major: number, high: number, low: number): void {
    this.#shortHead(major | 27, high, 4);
    this.#bigEndian(low, 4);
  }

  #shortHead(first: number, value: number, size: number): void {
    this.#bytes[this.#end++] = first;
    this.#bigEndian(value, size);
  }

  /** The lowest `size` bytes, up to 4. */
  #bigEndian(value: number, size: number): void {
    for (let shift = 8 * size - 8; shift >= 0; shift -= 8) this.#bytes[this.#end++] = value >>> shift;
  }

  #reserve(more: number): void {
    const needed = this.#end + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(2 * needed);
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}

function viewOf({ buffer, byteOffset }: Buffer, length: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/**
 * Reads deterministic CBOR (RFC 8949 section 4.2) and nothing else: whole numbers, byte strings, text, arrays and null, every
 * head in its shortest form, every length definite. The caller says what must come next; anything else is refused.
 *
 * It is our own because a general decoder makes an object of each item and cannot tell canonical input from other spellings;
 * `reader.test.ts` holds it to cborg's strict decoder, and `writer.ts` writes what it reads.
 */
import { CodedError } from '../errors.ts';
import { SHORT_BYTES, textOf } from './short.ts';
import { Slab } from './slab.ts';

/** Bytes that are not what they should be: `BYTES_TOO_LONG`, `BYTES_MALFORMED`, `BYTES_NOT_CANONICAL` or `FIELD_INVALID`. */
export class CodecError extends CodedError {
  override readonly name = 'CodecError';
}

/** Major types (RFC 8949 section 3.1), as messages name them. */
const MAJORS = ['uint', 'negint', 'bytes', 'text', 'array', 'map', 'tag', 'simple value'] as const;
const [UINT, BYTES, TEXT, ARRAY, MAP, SIMPLE] = [0, 2, 3, 4, 5, 7];
/** The byte of `null` (RFC 8949 table 4: simple value 22); before it stand false and true, after the next one floats. */
const NULL = 0xf6;
const [FALSE, HALF_FLOAT, DOUBLE_FLOAT] = [0xf4, 0xf9, 0xfb];
/** The low bits of a head from here on say how many bytes its argument takes. */
const LONG_ARGUMENT = 24;
/** What an argument of 1, 2, 4 or 8 bytes must reach, or a shorter one would do. */
const SMALLEST = [LONG_ARGUMENT, 0x100, 0x1_0000, 0x1_0000_0000] as const;

/** One for all messages. */
const slab = new Slab();
/** Names of the fields and places that are being read, from the outermost in: nothing that reads is interrupted by another that does. */
const path: (string | number)[] = [];

export class Reader {
  readonly #bytes: Uint8Array;
  /** The same bytes of a long message, once hex or text is asked for. */
  #view: Buffer | null = null;
  readonly #type: string;
  /** How much of `path` is its own. */
  #depth = 0;
  #at = 0;
  #marks: number[] | null = null;
  #isCanonical = true;

  /** @param type what the bytes should be, for messages. */
  constructor(bytes: Uint8Array, type: string) {
    this.#bytes = bytes;
    this.#type = type;
  }

  /** Where it stands: so many bytes were read. */
  get at(): number {
    return this.#at;
  }

  /** Whether all that was read so far is in canonical form, as far as that does not show at once. */
  get isCanonical(): boolean {
    return this.#isCanonical;
  }

  /** What `mark` was told: start and end of each, in turn. */
  get marks(): readonly number[] {
    return this.#marks ?? [];
  }

  /** From `start` to here lies something that whoever decodes wants to find again. */
  mark(start: number): void {
    this.#marks ??= [];
    this.#marks.push(start, this.#at);
  }

  /** From here to the matching `leave`, messages name this field or place. */
  enter(name: string | number): void {
    path[this.#depth++] = name;
  }

  leave(): void {
    this.#depth -= 1;
  }

  fail(problem: string, code = 'FIELD_INVALID'): never {
    throw new CodecError(code, `${[this.#type, ...path.slice(0, this.#depth)].join('.')}: ${problem}`);
  }

  end(): void {
    if (this.#at < this.#bytes.length) this.fail('bytes after the end', 'BYTES_MALFORMED');
    if (!this.#isCanonical) this.fail('not in canonical form (RFC 8949 section 4.2)', 'BYTES_NOT_CANONICAL');
  }

  /** @returns the number of items that follow. */
  array(min: number, max: number): number {
    const length = this.#head(ARRAY);
    if (typeof length === 'bigint') this.#malformed('too many items');
    if (length < min || length > max) {
      this.fail(min === max ? `expected ${min} items` : `expected ${min} to ${max} items`);
    }
    return length;
  }

  /** A whole number from 0 on: a number where it is safe, else a bigint. */
  uint(): number | bigint {
    return this.#head(UINT);
  }

  /** A copy: a view would keep the whole input alive, and change with it. */
  bytes(min: number, max: number): Uint8Array {
    const start = this.#string(BYTES, min, max);
    return slab.copy(this.#bytes, start, this.#at);
  }

  /** A byte string of this length as lowercase hex. */
  hex(length: number): string {
    const start = this.#string(BYTES, length, length);
    return this.#textFrom(start, 'hex');
  }

  /** Text of at most `maxBytes` of UTF-8. */
  text(maxBytes: number): string {
    const start = this.#string(TEXT, 0, Number.POSITIVE_INFINITY);
    const end = this.#at;
    const value = isAscii(this.#bytes, start, end)
      ? this.#textFrom(start, 'latin1')
      : this.#unicode(this.#bytes.subarray(start, end));
    return end - start > maxBytes ? this.fail(`over ${maxBytes} bytes`) : value;
  }

  /** Passes over the next item and answers true where these are its bytes, or reads nothing. @param item of a canonical one. */
  tryItem(item: Uint8Array): boolean {
    for (let i = 0; i < item.length; i++) if (this.#bytes[this.#at + i] !== item[i]) return false;
    this.#at += item.length;
    return true;
  }

  /** A copy of the bytes from `start` to here. */
  since(start: number): Uint8Array {
    return this.#bytes.slice(start, this.#at);
  }

  /** Passes over the next item, whatever it is, and all that it holds. @returns its bytes, a view. */
  item(): Uint8Array {
    const start = this.#at;
    for (let left = 1; left > 0; left--) left += this.#passOver();
    return this.#bytes.subarray(start, this.#at);
  }

  /** @returns how many items the next one holds, which still have to be passed over. */
  #passOver(): number {
    const byte = this.#bytes[this.#at] ?? 0;
    if (byte === NULL) this.#at += 1;
    else if (byte >> 5 === ARRAY) return this.array(0, Number.POSITIVE_INFINITY);
    else if (byte >> 5 === BYTES || byte >> 5 === TEXT) this.#string(byte >> 5, 0, Number.POSITIVE_INFINITY);
    else this.#head(UINT);
    return 0;
  }

  /** What was just passed over, as text. */
  #textFrom(start: number, encoding: 'hex' | 'latin1'): string {
    const bytes = this.#bytes;
    if (bytes.length <= SHORT_BYTES) return textOf(bytes, encoding, start, this.#at);
    this.#view ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.#view.toString(encoding, start, this.#at);
  }

  /** Reads null and answers true, or reads nothing: only the next byte tells. */
  tryNull(): boolean {
    if (this.#bytes[this.#at] !== NULL) return false;
    this.#at += 1;
    return true;
  }

  /** Invalid UTF-8, and a byte order mark, which decoding drops, are another spelling of what is read. */
  #unicode(bytes: Uint8Array): string {
    const value = new TextDecoder().decode(bytes);
    if (Buffer.compare(Buffer.from(value), bytes) !== 0) this.#isCanonical = false;
    return value;
  }

  /** Passes over a byte string or text. @returns where its content starts; it ends where the reader stands. */
  #string(major: number, min: number, max: number): number {
    const length = this.#head(major);
    const start = this.#at;
    if (length > this.#bytes.length - start) this.#malformed('ends too early');
    if (length < min || length > max) {
      this.fail(`expected ${min === max ? min : `${min} to ${max}`} bytes, found ${length}`);
    }
    this.#at += Number(length);
    return start;
  }

  /** Reads the head of an item of this major type. @returns its argument: the number itself, or a length. */
  #head(major: number): number | bigint {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) this.#malformed('ends too early');
    if (byte >> 5 !== major) this.#unexpected(byte, major);
    this.#at += 1;
    const low = byte & 0x1f;
    return low < LONG_ARGUMENT ? low : this.#longArgument(low);
  }

  #longArgument(low: number): number | bigint {
    const smallest = SMALLEST[low - LONG_ARGUMENT];
    if (smallest === undefined) this.#malformed('indefinite lengths are not accepted');
    const size = 1 << (low - LONG_ARGUMENT);
    const start = this.#at;
    if (start + size > this.#bytes.length) this.#malformed('ends too early');
    this.#at += size;
    const value = size === 8 ? this.#long(start) : this.#short(start, size);
    if (value < smallest) this.#malformed('a number takes more bytes than it needs');
    return value;
  }

  /** Big-endian, up to 4 bytes. */
  #short(start: number, size: number): number {
    let value = 0;
    for (let i = start; i < start + size; i++) value = value * 0x100 + (this.#bytes[i] ?? 0);
    return value;
  }

  /** Big-endian, 8 bytes. */
  #long(start: number): number | bigint {
    const [high, low] = [this.#short(start, 4), this.#short(start + 4, 4)];
    const value = high * 0x1_0000_0000 + low;
    return Number.isSafeInteger(value) ? value : BigInt(high) * 0x1_0000_0000n + BigInt(low);
  }

  /** Tells an item of another kind (the field is wrong) from bytes that are no accepted item at all. */
  #unexpected(byte: number, expected: number): never {
    const major = byte >> 5;
    this.#at += 1;
    const left = this.#bytes.length - this.#at;
    if (major === SIMPLE) {
      const floatBytes = byte >= HALF_FLOAT && byte <= DOUBLE_FLOAT ? 2 ** (byte - HALF_FLOAT + 1) : null;
      const isWord = byte >= FALSE && byte <= NULL;
      if (!isWord && (floatBytes === null || floatBytes > left)) this.#malformed('no item that is accepted');
    } else {
      const low = byte & 0x1f;
      const argument = low < LONG_ARGUMENT ? low : this.#longArgument(low);
      const isString = major === BYTES || major === TEXT;
      if (isString && argument > this.#bytes.length - this.#at) this.#malformed('ends too early');
      if ((major === ARRAY || major === MAP) && typeof argument === 'bigint') this.#malformed('too many items');
    }
    return this.fail(`expected ${MAJORS[expected]}, found ${MAJORS[major]}`);
  }

  #malformed(problem: string): never {
    return this.fail(problem, 'BYTES_MALFORMED');
  }
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((bytes[i] ?? 0) >= 0x80) return false;
  return true;
}

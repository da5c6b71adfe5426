/**
 * Canonical bytes: deterministic CBOR (RFC 8949 section 4.2) of fixed tuples. A schema says once how a value is written,
 * read and bounded, and what each field means; the message tables in ARCHITECTURE.md are printed from it.
 *
 * Decoding pulls one CBOR token at a time and asks for exactly what the schema expects next, so no input makes it build
 * more than the schema allows or nest deeper than the schema does. What it returns encodes to the same bytes, or it throws.
 */
import { encode as encodeCbor, type Token, Tokenizer } from 'cborg';
import { CodedError } from '../errors.ts';
import { fromHex, toHex } from './hex.ts';

/** Bytes that are not what they should be: `BYTES_TOO_LONG`, `BYTES_MALFORMED`, `BYTES_NOT_CANONICAL` or `FIELD_INVALID`. */
export class CodecError extends CodedError {
  override readonly name = 'CodecError';
}

/** One row of a message table. */
export interface FieldRow {
  readonly field: string;
  readonly type: string;
  readonly meaning: string;
}

export interface Schema<T> {
  /** As a message table names it. */
  readonly type: string;
  /** The rows of its own table, for a schema that has fields. */
  readonly rows?: readonly FieldRow[];
  /** Number of items it adds to the tuple around it; 1 unless it is spliced in. */
  toCbor(value: T): unknown;
  read(reader: Reader): T;
}

/** @returns the canonical bytes of a value that is known to be valid. */
export function encode<T>(schema: Schema<T>, value: T): Uint8Array {
  return encodeCbor(schema.toCbor(value));
}

/**
 * @param maxBytes longest input that is looked at.
 * @throws CodecError where the bytes are not the canonical encoding of a value of the schema.
 */
export function decode<T>(schema: Schema<T>, bytes: Uint8Array, maxBytes: number): T {
  if (bytes.length > maxBytes) {
    throw new CodecError('BYTES_TOO_LONG', `${schema.type}: ${bytes.length} bytes; at most ${maxBytes} are accepted`);
  }
  const reader = new Reader(bytes, schema.type);
  const value = schema.read(reader);
  reader.end();
  // Well-formed tokens can still hide another spelling (invalid UTF-8, a float that is whole), so compare the bytes.
  if (!equalBytes(encode(schema, value), bytes)) {
    throw new CodecError('BYTES_NOT_CANONICAL', `${schema.type}: not in canonical form (RFC 8949 section 4.2)`);
  }
  return value;
}

/** Hands out the tokens of one input, each checked against what is expected there. */
class Reader {
  readonly #tokens: Tokenizer;
  readonly #type: string;
  readonly #path: string[] = [];

  constructor(bytes: Uint8Array, type: string) {
    this.#tokens = new Tokenizer(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowBigInt: true,
    });
    this.#type = type;
  }

  /** Runs `read` with `name` in the path that error messages show. */
  within<T>(name: string, read: () => T): T {
    this.#path.push(name);
    const value = read();
    this.#path.pop();
    return value;
  }

  fail(problem: string, code = 'FIELD_INVALID'): never {
    throw new CodecError(code, `${[this.#type, ...this.#path].join('.')}: ${problem}`);
  }

  end(): void {
    if (!this.#tokens.done()) this.fail('bytes after the end', 'BYTES_MALFORMED');
  }

  array(min: number, max: number): number {
    const length: unknown = this.#expect('array').value;
    if (typeof length !== 'number' || length < min || length > max) {
      this.fail(min === max ? `expected ${min} items` : `expected ${min} to ${max} items`);
    }
    return length;
  }

  /** A whole number from 0 on: a number where it is safe, else a bigint. */
  uint(): number | bigint {
    const value: unknown = this.#expect('uint').value;
    if (typeof value !== 'number' && typeof value !== 'bigint') this.fail('expected a whole number');
    return value;
  }

  bytes(): Uint8Array {
    const value: unknown = this.#expect('bytes').value;
    if (!(value instanceof Uint8Array)) this.fail('expected bytes');
    return value;
  }

  text(): string {
    const value: unknown = this.#expect('string').value;
    if (typeof value !== 'string') this.fail('expected text');
    return value;
  }

  /** Reads null and answers true, or reads nothing: only the next byte tells. */
  tryNull(): boolean {
    const { data } = this.#tokens as unknown as { data: Uint8Array };
    if (data[this.#tokens.pos()] !== CBOR_NULL) return false;
    this.#next();
    return true;
  }

  #expect(type: string): Token {
    const token = this.#next();
    if (token.type.name !== type) this.fail(`expected ${type}, found ${token.type.name}`);
    return token;
  }

  #next(): Token {
    if (this.#tokens.done()) this.fail('ends too early', 'BYTES_MALFORMED');
    try {
      return this.#tokens.next();
    } catch (cause) {
      const what = cause instanceof Error ? cause.message.replace(/^CBOR decode error: /, '') : String(cause);
      throw new CodecError('BYTES_MALFORMED', `${[this.#type, ...this.#path].join('.')}: ${what}`, { cause });
    }
  }
}

/** The byte of `null` (RFC 8949 table 4: simple value 22). */
const CBOR_NULL = 0xf6;

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

// ---------------------------------------------------------------- combinators

interface Field<T> {
  readonly schema: Schema<T>;
  readonly meaning: string;
}

/** A field of a record and what it means. */
export function field<T>(schema: Schema<T>, meaning: string): Field<T> {
  return { schema, meaning };
}

/** An object written as a tuple of its fields, in the order they are listed here. */
export function record<T extends object>(type: string, fields: { readonly [K in keyof T]: Field<T[K]> }): Schema<T> {
  const entries = Object.entries(fields) as [keyof T & string, Field<T[keyof T & string]>][];
  return {
    type,
    rows: entries.map(([name, { schema, meaning }]) => ({ field: name, type: schema.type, meaning })),
    toCbor: (value) => entries.map(([name, { schema }]) => schema.toCbor(value[name])),
    read(reader) {
      reader.array(entries.length, entries.length);
      const value: Partial<T> = {};
      for (const [name, { schema }] of entries) value[name] = reader.within(name, () => schema.read(reader));
      return value as T;
    },
  };
}

/** A case of a tagged union: its number in the bytes and the record of its other fields. */
interface Case<T> {
  readonly tag: number;
  readonly schema: Schema<T>;
}

/** Objects told apart by their `type`, written as [tag, record]. Tags are never used again for something else. */
export function union<T extends { readonly type: string }>(
  type: string,
  cases: { readonly [K in T['type']]: Case<Omit<Extract<T, { readonly type: K }>, 'type'>> },
): Schema<T> {
  type Entry = Case<object>;
  const byName = new Map(Object.entries(cases) as [string, Entry][]);
  const byTag = new Map([...byName].map(([name, entry]) => [entry.tag, { name, entry }]));
  return {
    type,
    rows: [...byName].map(([name, { tag, schema }]) => ({
      field: String(tag),
      type: schema.type,
      meaning: `\`${name}\``,
    })),
    toCbor(value) {
      const entry = byName.get(value.type);
      if (entry === undefined) throw new CodecError('FIELD_INVALID', `${type}: no case ${value.type}`);
      return [entry.tag, entry.schema.toCbor(value)];
    },
    read(reader) {
      reader.array(2, 2);
      const tag = Number(reader.uint());
      const found = byTag.get(tag);
      if (found === undefined) return reader.fail(`no case ${tag}`);
      const rest = reader.within(found.name, () => found.entry.schema.read(reader));
      return { type: found.name, ...rest } as unknown as T;
    },
  };
}

export function list<T>(item: Schema<T>, min: number, max: number): Schema<readonly T[]> {
  return {
    type: `${item.type}[${min}..${max}]`,
    toCbor: (values) => values.map((value) => item.toCbor(value)),
    read(reader) {
      const length = reader.array(min, max);
      return Array.from({ length }, (_, i) => reader.within(String(i), () => item.read(reader)));
    },
  };
}

/** A schema with a rule besides; `problem` answers null where the value is fine. */
export function refine<T>(schema: Schema<T>, problem: (value: T) => string | null): Schema<T> {
  return {
    ...schema,
    read(reader) {
      const value = schema.read(reader);
      const found = problem(value);
      return found === null ? value : reader.fail(found);
    },
  };
}

export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return {
    type: `${schema.type}?`,
    toCbor: (value) => (value === null ? null : schema.toCbor(value)),
    read: (reader) => (reader.tryNull() ? null : schema.read(reader)),
  };
}

/** A whole number from `min` to `max`, both safe integers. */
export function integer(min: number, max: number): Schema<number> {
  return {
    type: max === Number.MAX_SAFE_INTEGER ? `uint >= ${min}` : `uint ${min}..${max}`,
    toCbor: (value) => value,
    read(reader) {
      const value = reader.uint();
      if (typeof value !== 'number' || value < min || value > max) return reader.fail(`expected ${min} to ${max}`);
      return value;
    },
  };
}

/** A number that can only be this one: a format's version. */
export function exactly<const N extends number>(expected: N): Schema<N> {
  return {
    type: String(expected),
    toCbor: (value) => value,
    read(reader) {
      const value = reader.uint();
      return value === expected ? expected : reader.fail(`expected ${expected}, found ${value}`, 'VERSION_UNKNOWN');
    },
  };
}

export function bigUint(max: bigint): Schema<bigint> {
  return {
    type: `uint 0..${max}`,
    toCbor: (value) => value,
    read(reader) {
      const value = BigInt(reader.uint());
      return value <= max ? value : reader.fail(`over ${max}`);
    },
  };
}

/** Between `min` and `max` bytes. */
export function byteString(min: number, max: number): Schema<Uint8Array> {
  return {
    type: min === max ? `bytes(${min})` : `bytes(${min}..${max})`,
    toCbor: (value) => value,
    read(reader) {
      const value = reader.bytes();
      if (value.length < min || value.length > max)
        reader.fail(`expected ${min} to ${max} bytes, found ${value.length}`);
      // A copy: a view would keep the whole input alive, and change with it.
      return new Uint8Array(value);
    },
  };
}

/** `length` bytes that live in memory as lowercase hex. */
export function hexBytes<T extends string>(type: string, length: number): Schema<T> {
  return {
    type: `${type} (bytes ${length})`,
    toCbor: (value) => fromHex(value),
    read(reader) {
      const value = reader.bytes();
      if (value.length !== length) reader.fail(`expected ${length} bytes, found ${value.length}`);
      return toHex(value) as T;
    },
  };
}

/** Text of at most `maxBytes` of UTF-8, for which `problem` answers null. */
export function text<T extends string>(
  type: string,
  maxBytes: number,
  problem: (value: string) => string | null = () => null,
): Schema<T> {
  return {
    type,
    toCbor: (value) => value,
    read(reader) {
      const value = reader.text();
      const found = new TextEncoder().encode(value).length > maxBytes ? `over ${maxBytes} bytes` : problem(value);
      return found === null ? (value as T) : reader.fail(found);
    },
  };
}

/** One of a few words, written as its number. */
export function choice<T extends string>(type: string, numbers: { readonly [K in T]: number }): Schema<T> {
  const names = new Map(Object.entries(numbers).map(([name, number]) => [number as number, name as T]));
  return {
    type: [...names].map(([number, name]) => `${number} ${name}`).join(', '),
    toCbor: (value) => numbers[value],
    read(reader) {
      const number = reader.uint();
      return names.get(Number(number)) ?? reader.fail(`no ${type} ${number}`);
    },
  };
}

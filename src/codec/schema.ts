/**
 * Canonical bytes: deterministic CBOR (RFC 8949 section 4.2) of fixed tuples. A schema says once how a value is written,
 * read and bounded, and what each field means; the message tables in ARCHITECTURE.md are printed from it.
 *
 * Decoding asks for exactly what the schema expects next, so no input makes it build more than the schema allows or nest
 * deeper than the schema does. What it returns encodes to the same bytes, or it throws.
 */
import { CodecError, Reader } from './reader.ts';
import { Writer } from './writer.ts';

export { CodecError } from './reader.ts';

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
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

/** @returns the canonical bytes of a value that is known to be valid. */
export function encode<T>(schema: Schema<T>, value: T): Uint8Array {
  writer.begin();
  schema.write(writer, value);
  return writer.bytesSoFar();
}

/** As `encode`, for whoever only looks at the bytes: they are overwritten by the next value. */
export function lend<T, R>(schema: Schema<T>, value: T, look: (bytes: Uint8Array) => R): R {
  writer.begin();
  schema.write(writer, value);
  return look(writer.viewSoFar());
}

/** One for all: nothing that writes is interrupted by another that does. */
const writer = new Writer();

/**
 * @param maxBytes longest input that is looked at.
 * @throws CodecError where the bytes are not the canonical encoding of a value of the schema.
 */
export function decode<T>(schema: Schema<T>, bytes: Uint8Array, maxBytes: number): T {
  const reader = readerOf(schema, bytes, maxBytes);
  const value = schema.read(reader);
  reader.end();
  return value;
}

/** What was decoded, and where in its bytes the values of `marked` schemas are: start and end (excluded) of each, in turn. */
export interface Decoded<T> {
  readonly value: T;
  readonly marks: readonly number[];
}

/** As `decode`, for whoever wants the marks. */
export function decodeMarked<T>(schema: Schema<T>, bytes: Uint8Array, maxBytes: number): Decoded<T> {
  const reader = readerOf(schema, bytes, maxBytes);
  const value = schema.read(reader);
  reader.end();
  return { value, marks: reader.marks };
}

function readerOf<T>({ type }: Schema<T>, bytes: Uint8Array, maxBytes: number): Reader {
  if (bytes.length > maxBytes) {
    throw new CodecError('BYTES_TOO_LONG', `${type}: ${bytes.length} bytes; at most ${maxBytes} are accepted`);
  }
  return new Reader(bytes, type);
}

// ---------------------------------------------------------------- combinators

/**
 * A value of the schema that stays what it is in the bytes, for whoever knows it by the digest of them: a view of the input, of
 * which only the outline was looked at.
 */
export function unread<T>(schema: Schema<T>): Schema<Uint8Array> {
  return {
    type: schema.type,
    write: (writer, bytes) => writer.again(bytes),
    read: (reader) => reader.item(),
  };
}

/** A schema whose values `decodeMarked` says the places of: what has a digest of its own need not be encoded again for it. */
export function marked<T>(schema: Schema<T>): Schema<T> {
  return {
    ...schema,
    read(reader) {
      const start = reader.at;
      const value = schema.read(reader);
      reader.mark(start);
      return value;
    },
  };
}

/** As many different values as there are at a time, as a rule. */
const MAX_RECENT = 4;

/**
 * A schema with a memory of the last values, for what is the same in nearly every message: where their bytes come next, the value is
 * there already. It must be one that nobody can change.
 */
export function recurring<T extends string>(schema: Schema<T>): Schema<T> {
  const recent: { readonly value: T; readonly bytes: Uint8Array }[] = [];
  let oldest = 0;
  return {
    ...schema,
    read(reader) {
      for (const { value, bytes } of recent) if (reader.tryItem(bytes)) return value;
      const start = reader.at;
      const value = schema.read(reader);
      // What is no canonical form is refused at the end of the message, and must be each time.
      if (!reader.isCanonical) return value;
      recent[oldest] = { value, bytes: reader.since(start) };
      oldest = (oldest + 1) % MAX_RECENT;
      return value;
    },
  };
}

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
  type Name = keyof T & string;
  const entries = (Object.entries(fields) as [Name, Field<T[Name]>][]).map(([name, own]) => ({ name, ...own }));
  return {
    type,
    rows: entries.map(({ name, schema, meaning }) => ({ field: name, type: schema.type, meaning })),
    write(writer, value) {
      writer.array(entries.length);
      for (const { name, schema } of entries) schema.write(writer, value[name]);
    },
    read(reader) {
      reader.array(entries.length, entries.length);
      const value: Partial<T> = {};
      for (const { name, schema } of entries) {
        reader.enter(name);
        value[name] = schema.read(reader);
        reader.leave();
      }
      return value as T;
    },
  };
}

/** A schema with a memory of the canonical bytes of some values, which must not change any more. */
export interface RememberingSchema<T extends object> extends Schema<T> {
  /** From now on these bytes are copied wherever the value is written. @param bytes its canonical bytes. */
  remember(value: T, bytes: Uint8Array): void;
}

/** For what is long and is written several times: the bytes are remembered as long as the value and somebody who has it live. */
export function remembering<T extends object>(schema: Schema<T>): RememberingSchema<T> {
  const known = new WeakMap<T, Uint8Array>();
  return {
    ...schema,
    remember: (value, bytes) => known.set(value, bytes),
    write(writer, value) {
      const bytes = known.get(value);
      if (bytes === undefined) schema.write(writer, value);
      else writer.again(bytes);
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
    write(writer, value) {
      const entry = byName.get(value.type);
      if (entry === undefined) throw new CodecError('FIELD_INVALID', `${type}: no case ${value.type}`);
      writer.array(2);
      writer.uint(entry.tag);
      entry.schema.write(writer, value);
    },
    read(reader) {
      reader.array(2, 2);
      const tag = Number(reader.uint());
      const found = byTag.get(tag);
      if (found === undefined) return reader.fail(`no case ${tag}`);
      reader.enter(found.name);
      const rest = found.entry.schema.read(reader);
      reader.leave();
      return { type: found.name, ...rest } as unknown as T;
    },
  };
}

export function list<T>(item: Schema<T>, min: number, max: number): Schema<readonly T[]> {
  return {
    type: `${item.type}[${min}..${max}]`,
    write(writer, values) {
      writer.array(values.length);
      for (const value of values) item.write(writer, value);
    },
    read(reader) {
      const length = reader.array(min, max);
      // Most lists of a payment have one item, and one that items are pushed to begins with room for seventeen.
      if (length === 1) return [only(reader, item)];
      const values: T[] = [];
      for (let i = 0; i < length; i++) {
        reader.enter(i);
        values.push(item.read(reader));
        reader.leave();
      }
      return values;
    },
  };
}

function only<T>(reader: Reader, item: Schema<T>): T {
  reader.enter(0);
  const value = item.read(reader);
  reader.leave();
  return value;
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
    write: (writer, value) => (value === null ? writer.null() : schema.write(writer, value)),
    read: (reader) => (reader.tryNull() ? null : schema.read(reader)),
  };
}

/** A whole number from `min` to `max`, both safe integers. */
export function integer(min: number, max: number): Schema<number> {
  return {
    type: max === Number.MAX_SAFE_INTEGER ? `uint >= ${min}` : `uint ${min}..${max}`,
    write: (writer, value) => writer.uint(value),
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
    write: (writer, value) => writer.uint(value),
    read(reader) {
      const value = reader.uint();
      return value === expected ? expected : reader.fail(`expected ${expected}, found ${value}`, 'VERSION_UNKNOWN');
    },
  };
}

export function bigUint(max: bigint): Schema<bigint> {
  return {
    type: `uint 0..${max}`,
    write: (writer, value) => writer.uint(value),
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
    write: (writer, value) => writer.bytes(value),
    read: (reader) => reader.bytes(min, max),
  };
}

/** `length` bytes that live in memory as lowercase hex. */
export function hexBytes<T extends string>(type: string, length: number): Schema<T> {
  return {
    type: `${type} (bytes ${length})`,
    write: (writer, value) => writer.hex(value),
    read: (reader) => reader.hex(length) as T,
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
    write: (writer, value) => writer.text(value),
    read(reader) {
      const value = reader.text(maxBytes);
      const found = problem(value);
      return found === null ? (value as T) : reader.fail(found);
    },
  };
}

/** One of a few words, written as its number. */
export function choice<T extends string>(type: string, numbers: { readonly [K in T]: number }): Schema<T> {
  const names = new Map(Object.entries(numbers).map(([name, number]) => [number as number, name as T]));
  return {
    type: [...names].map(([number, name]) => `${number} ${name}`).join(', '),
    write: (writer, value) => writer.uint(numbers[value]),
    read(reader) {
      const number = reader.uint();
      return names.get(Number(number)) ?? reader.fail(`no ${type} ${number}`);
    },
  };
}

/** Holds the reader and the writer to cborg, an independent implementation, behind the same schemas. */
import { isDeepStrictEqual } from 'node:util';
import { encode as encodeCbor, type Token, Tokenizer } from 'cborg';
import fc from 'fast-check';
import t from 'tap';
import * as arbitrary from '../testing/arbitraries.ts';
import { batch, block, committedBlock, header } from './block.ts';
import { displayName, memo, minorUnits } from './fields.ts';
import { genesis } from './genesis.ts';
import { toHex } from './hex.ts';
import { indexedReceipt, placeRun } from './index-rows.ts';
import { MAX_COMMITTED_BLOCK_BYTES, MAX_MEMO_BYTES } from './limits.ts';
import { announcement, batchesQuestion, proposal, roundMessages } from './messages.ts';
import { receiptProof } from './proof.ts';
import { CodecError, Reader } from './reader.ts';
import { decode, encode, type Schema } from './schema.ts';
import { signMemory } from './sign-memory.ts';
import { accountRecord, aliasRecord, stateWrite, supplyRecord } from './state.ts';
import { receipt, transaction } from './transaction.ts';
import { commitCertificate, evidence, vote } from './vote.ts';
import { Writer } from './writer.ts';

type Any = Schema<unknown>;

const schemas = {
  accountRecord,
  aliasRecord,
  announcement,
  batch,
  batchesQuestion,
  block,
  committedBlock,
  displayName,
  evidence,
  genesis,
  header,
  indexedReceipt,
  memo,
  placeRun,
  proposal,
  receipt,
  receiptProof,
  roundMessages,
  signMemory,
  stateWrite,
  supplyRecord,
  transaction,
  vote,
} as unknown as Record<string, Any>;

const messages = [
  [transaction, arbitrary.transaction],
  [receipt, arbitrary.receipt],
  [vote, arbitrary.vote],
  [evidence, arbitrary.evidence],
  [header, arbitrary.header],
  [block, arbitrary.block],
  [proposal, arbitrary.proposal],
  [commitCertificate, arbitrary.certificate],
  [batch, arbitrary.batch],
  [committedBlock, arbitrary.committedBlock],
  [minorUnits, fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })],
  [memo, fc.string({ unit: 'grapheme', maxLength: 40 })],
] as unknown as [schema: Any, values: fc.Arbitrary<unknown>][];

// ---------------------------------------------------------------- the same through cborg

function cborgEncode(schema: Any, value: unknown): Uint8Array {
  const tree = new TreeWriter();
  schema.write(tree as unknown as Writer, value);
  return encodeCbor(tree.root);
}

/** Strict tokens, and then the bytes that cborg itself writes for what was read. */
function cborgDecode(schema: Any, bytes: Uint8Array): unknown {
  const reader = new TokenReader(bytes);
  const value = schema.read(reader as unknown as Reader);
  reader.end();
  if (Buffer.compare(cborgEncode(schema, value), bytes) !== 0)
    throw new CodecError('BYTES_NOT_CANONICAL', 'other bytes');
  return value;
}

type Public<T> = Pick<T, keyof T>;

/** Gathers plain values. */
class TreeWriter implements Omit<Public<Writer>, 'begin' | 'bytesSoFar' | 'viewSoFar' | 'again'> {
  root: unknown;
  /** Arrays that are not full yet, the innermost last. */
  readonly #open: { readonly items: unknown[]; readonly length: number }[] = [];

  array(length: number): void {
    const items: unknown[] = [];
    this.#put(items);
    if (length > 0) this.#open.push({ items, length });
  }

  uint(value: number | bigint): void {
    this.#put(value);
  }

  null(): void {
    this.#put(null);
  }

  bytes(value: Uint8Array): void {
    this.#put(value);
  }

  hex(value: string): void {
    this.#put(new Uint8Array(Buffer.from(value, 'hex')));
  }

  text(value: string): void {
    this.#put(value);
  }

  #put(value: unknown): void {
    const inner = this.#open.at(-1);
    if (inner === undefined) {
      this.root = value;
      return;
    }
    inner.items.push(value);
    if (inner.items.length === inner.length) this.#open.pop();
  }
}

/** Pulls the tokens of cborg's strict decoder. */
class TokenReader implements Omit<Public<Reader>, 'item'> {
  readonly #tokens: Tokenizer;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const options = {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowBigInt: true,
      retainStringBytes: true,
    };
    this.#tokens = new Tokenizer(bytes, options);
  }

  enter(): void {}

  leave(): void {}

  get at(): number {
    return this.#tokens.pos();
  }

  readonly isCanonical = true;

  get marks(): readonly number[] {
    return [];
  }

  mark(): void {}

  since(start: number): Uint8Array {
    return this.#bytes.slice(start, this.at);
  }

  /** Knows nothing again: what was remembered is held to what is read anew. */
  tryItem(): boolean {
    return false;
  }

  fail(problem: string, code = 'FIELD_INVALID'): never {
    throw new CodecError(code, problem);
  }

  end(): void {
    if (!this.#tokens.done()) this.fail('bytes after the end', 'BYTES_MALFORMED');
  }

  array(min: number, max: number): number {
    const length = this.#expect('array').value as number;
    return length < min || length > max ? this.fail('length') : length;
  }

  uint(): number | bigint {
    return this.#expect('uint').value as number | bigint;
  }

  bytes(min: number, max: number): Uint8Array {
    const value = this.#expect('bytes').value as Uint8Array;
    return value.length < min || value.length > max ? this.fail('length') : new Uint8Array(value);
  }

  hex(length: number): string {
    return toHex(this.bytes(length, length));
  }

  text(maxBytes: number): string {
    const token = this.#expect('string');
    // The empty text is one ready-made token, without bytes.
    return (token.byteValue?.length ?? 0) > maxBytes ? this.fail('length') : token.value;
  }

  tryNull(): boolean {
    if (this.#bytes[this.#tokens.pos()] !== 0xf6) return false;
    this.#next();
    return true;
  }

  #expect(type: string): Token {
    const token = this.#next();
    return token.type.name === type ? token : this.fail('type');
  }

  #next(): Token {
    if (this.#tokens.done()) this.fail('ends too early', 'BYTES_MALFORMED');
    try {
      return this.#tokens.next();
    } catch {
      return this.fail('malformed', 'BYTES_MALFORMED');
    }
  }
}

// ---------------------------------------------------------------- the laws

t.test('every message is written as cborg writes it', async (t) => {
  for (const [schema, values] of messages) {
    fc.assert(
      fc.property(values, (value) => Buffer.compare(encode(schema, value), cborgEncode(schema, value)) === 0),
      { numRuns: 60 },
    );
    t.pass(schema.type);
  }
});

t.test('random bytes are read as cborg reads them, or refused by the same code', async (t) => {
  for (const schema of Object.values(schemas)) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => agree(schema, bytes)),
      { numRuns: 300 },
    );
    t.pass(schema.type);
  }
});

t.test('random items in the place of a message are read as cborg reads them', async (t) => {
  const item = fc.letrec<{ item: unknown }>((tie) => ({
    item: fc.oneof(
      { maxDepth: 3 },
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.double(),
      fc.constantFrom(null, true, false, undefined),
      fc.array(tie('item'), { maxLength: 5 }),
      fc.dictionary(fc.string(), tie('item'), { maxKeys: 2 }),
    ),
  })).item;
  for (const schema of Object.values(schemas)) {
    fc.assert(
      fc.property(item, (value) => agree(schema, encodeCbor(value))),
      { numRuns: 100 },
    );
    t.pass(schema.type);
  }
});

t.test('messages with bytes changed, put in, taken out or cut off are read as cborg reads them', async (t) => {
  const change = fc.tuple(fc.constantFrom('set', 'insert', 'remove', 'cut'), fc.nat(), fc.nat(255));
  for (const [schema, values] of messages) {
    fc.assert(
      fc.property(values, fc.array(change, { maxLength: 3 }), (value, changes) =>
        agree(schema, changes.reduce(changed, encode(schema, value))),
      ),
      { numRuns: 400 },
    );
    t.pass(schema.type);
  }
});

t.test('every first byte, with little and with much behind it, in every place', async (t) => {
  const tails = [[], [0], [23], [24], [255, 255], [0, 0, 0, 0, 0, 0, 0, 0, 0], Array<number>(300).fill(255)];
  for (const schema of [supplyRecord, minorUnits, aliasRecord, accountRecord, memo, batchesQuestion] as Any[]) {
    for (let first = 0; first < 256; first++) {
      for (const tail of tails) {
        for (const head of [[], [0x82]]) {
          const bytes = Uint8Array.from([...head, first, ...tail]);
          if (!agree(schema, bytes)) t.fail(`${schema.type}: ${toHex(bytes)}`);
        }
      }
    }
  }
  t.pass('all of them');
});

t.test('text that decodes to itself alone is accepted, up to its limit', async (t) => {
  const cases: [what: string, bytes: number[], code: string | null][] = [
    ['ASCII', [0x61, 0x62], null],
    ['Khmer', [...Buffer.from('សួស្តី')], null],
    ['the replacement character itself', [0xef, 0xbf, 0xbd], null],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61], 'BYTES_NOT_CANONICAL'],
    ['a byte order mark later on', [0x61, 0xef, 0xbb, 0xbf], null],
    ['a cut sequence', [0x61, 0xe1, 0x9e], 'BYTES_NOT_CANONICAL'],
    ['an overlong sequence', [0xc1, 0x81], 'BYTES_NOT_CANONICAL'],
    ['a surrogate', [0xed, 0xa0, 0x80], 'BYTES_NOT_CANONICAL'],
    ['too much of it', Array<number>(MAX_MEMO_BYTES + 1).fill(0x61), 'FIELD_INVALID'],
  ];
  for (const [what, content, code] of cases) {
    const head = content.length < 24 ? [0x60 | content.length] : [0x78, content.length];
    const bytes = Uint8Array.from([...head, ...content]);
    t.equal(outcome(() => decode(memo, bytes, 1_000)).code, code, what);
    t.ok(agree(memo as Any, bytes), `${what}, by cborg`);
  }
});

t.test('what is read does not change with its input', async (t) => {
  for (const length of [0, 1, 64, 65, 300]) {
    const writer = new Writer();
    writer.begin();
    writer.bytes(new Uint8Array(length).fill(7));
    const input = writer.bytesSoFar();
    const value = new Reader(input, 'Bytes').bytes(0, 300);
    input.fill(9);
    t.same(value, new Uint8Array(length).fill(7));
    t.equal(value.constructor, Uint8Array);
    t.not(value.buffer, input.buffer);
  }
});

t.test('the writer starts afresh after a long message and after one that failed', async (t) => {
  const writer = new Writer();
  for (const length of [10, 600_000, 1_200_000, 10]) {
    writer.begin();
    t.throws(() => writer.hex('0g'), { code: 'HEX_MALFORMED' });
    t.throws(() => writer.hex('abc'), { code: 'HEX_MALFORMED' });
    t.throws(() => writer.hex('AB'), { code: 'HEX_MALFORMED' });
    t.throws(() => writer.hex('ā0'), { code: 'HEX_MALFORMED' });
    t.throws(() => writer.uint(-1), { name: 'AssertionError' });
    t.throws(() => writer.uint(0.5), { name: 'AssertionError' });
    writer.begin();
    writer.array(2);
    writer.bytes(new Uint8Array(length).fill(7));
    writer.text('é'.repeat(length));
    const due = encodeCbor([new Uint8Array(length).fill(7), 'é'.repeat(length)]);
    t.equal(Buffer.compare(writer.bytesSoFar(), due), 0, `${length} bytes`);
  }
});

function changed(bytes: Uint8Array, [how, place, byte]: [string, number, number]): Uint8Array {
  const at = place % (bytes.length + 1);
  const end = { set: at + 1, insert: at, remove: at + 1, cut: bytes.length }[how];
  const put = how === 'set' || how === 'insert' ? [byte] : [];
  return Uint8Array.from([...bytes.subarray(0, at), ...put, ...bytes.subarray(end)]);
}

function agree(schema: Any, bytes: Uint8Array): boolean {
  const ours = outcome(() => decode(schema, bytes, MAX_COMMITTED_BLOCK_BYTES));
  const theirs = outcome(() => cborgDecode(schema, bytes));
  return ours.code === theirs.code && isDeepStrictEqual(ours.value, theirs.value);
}

function outcome(read: () => unknown): { readonly value: unknown; readonly code: string | null } {
  try {
    return { value: read(), code: null };
  } catch (error) {
    if (error instanceof CodecError) return { value: null, code: error.code };
    throw error;
  }
}

import { isDeepStrictEqual } from 'node:util';
import { encode as cbor } from 'cborg';
import fc from 'fast-check';
import t from 'tap';
import * as arbitrary from '../testing/arbitraries.ts';
import { batch, block, committedBlock, header, sealedBlock } from './block.ts';
import { genesis } from './genesis.ts';
import { fromHex } from './hex.ts';
import * as limits from './limits.ts';
import { announcement, batchesQuestion, blocksQuestion, evidenceMessage, proposal, roundMessages } from './messages.ts';
import { receiptProof } from './proof.ts';
import {
  CodecError,
  decode,
  decodeMarked,
  encode,
  field,
  integer,
  list,
  record,
  recurring,
  remembering,
  type Schema,
  text,
} from './schema.ts';
import { signMemory } from './sign-memory.ts';
import { accountRecord, aliasRecord, supplyRecord } from './state.ts';
import { decodeTransaction, receipt, transaction, transactionBody } from './transaction.ts';
import { commitCertificate, evidence, vote } from './vote.ts';

const MAX = limits.MAX_COMMITTED_BLOCK_BYTES;

/** Every schema that meets bytes from outside or from a disk. */
const decoders: Record<string, Schema<never>> = {
  accountRecord,
  aliasRecord,
  announcement,
  batch,
  batchesQuestion,
  block,
  blocksQuestion,
  commitCertificate,
  committedBlock,
  evidence,
  genesis,
  header,
  proposal,
  receipt,
  receiptProof,
  roundMessages,
  signMemory,
  supplyRecord,
  transaction,
  vote,
} as never;

const messages: [name: string, schema: Schema<never>, values: fc.Arbitrary<never>][] = [
  ['transaction', transaction, arbitrary.transaction],
  ['receipt', receipt, arbitrary.receipt],
  ['vote', vote, arbitrary.vote],
  ['evidence', evidence, arbitrary.evidence],
  ['header', header, arbitrary.header],
  ['block', block, arbitrary.block],
  ['proposal', proposal, arbitrary.proposal],
  ['certificate', commitCertificate, arbitrary.certificate],
  ['batch', batch, arbitrary.batch],
  ['committedBlock', committedBlock, arbitrary.committedBlock],
] as never;

t.test('what is encoded decodes to the same value', async (t) => {
  for (const [name, schema, values] of messages) {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encode(schema, value);
        const again = decode(schema, bytes, MAX);
        // A clone, because fast-check also makes objects without a prototype.
        return isDeepStrictEqual(again, structuredClone(value)) && same(encode(schema, again), bytes);
      }),
      { numRuns: 30 },
    );
    t.pass(name);
  }
});

t.test('a sealed block is the committed one, with its batches as they are in the bytes', async (t) => {
  const law = fc.property(arbitrary.committedBlock, fc.nat(), (value, cut) => {
    const bytes = encode(committedBlock, value);
    const sealed = decode(sealedBlock, bytes, MAX);
    if (!isDeepStrictEqual(sealed.block, structuredClone(value.block))) return false;
    if (!value.batches.every((each, i) => same(encode(batch, each), sealed.batches[i] ?? bytes))) return false;
    if (!same(encode(sealedBlock, sealed), bytes)) return false;
    const short = bytes.subarray(0, cut % bytes.length);
    return decodedAgain(sealedBlock as never, short) === null;
  });
  fc.assert(law, { numRuns: 50 });
  t.pass();
});

t.test('any bytes decode to something that encodes to the same bytes, or are refused by a code', async (t) => {
  for (const [name, schema] of Object.entries(decoders)) {
    const law = (bytes: Uint8Array) => same(bytes, decodedAgain(schema, bytes) ?? bytes);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), law), { numRuns: 200 });
    t.pass(name);
  }
});

t.test('a message with any one byte changed decodes to another message, or is refused by a code', async (t) => {
  for (const [name, schema, values] of messages) {
    const law = fc.property(values, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
      const bytes = encode(schema, value);
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      return same(bytes, decodedAgain(schema, bytes) ?? bytes);
    });
    fc.assert(law, { numRuns: 100 });
    t.pass(name);
  }
});

t.test('bytes that say something true in another way are refused', async (t) => {
  const plain = [1, 2, '0'.repeat(2)];
  const supply = encode(supplyRecord, { issuedMinor: 5n, redeemedMinor: 1n });
  const cases: [what: string, schema: Schema<never>, bytes: Uint8Array, code: string][] = [
    ['nothing', vote, new Uint8Array(), 'BYTES_MALFORMED'],
    ['bytes after the end', supplyRecord, new Uint8Array([...supply, 0]), 'BYTES_MALFORMED'],
    ['a cut', supplyRecord, supply.slice(0, -1), 'BYTES_MALFORMED'],
    ['a long form of a small number', supplyRecord, new Uint8Array([0x82, 0x18, 5, 1]), 'BYTES_MALFORMED'],
    ['an indefinite array', supplyRecord, new Uint8Array([0x9f, 5, 1, 0xff]), 'BYTES_MALFORMED'],
    ['a float', supplyRecord, new Uint8Array([0x82, 0xf9, 0x45, 0x00, 1]), 'FIELD_INVALID'],
    ['a negative number', supplyRecord, cbor([-5, 1]), 'FIELD_INVALID'],
    ['a number over the limit', supplyRecord, cbor([2n ** 63n, 1]), 'FIELD_INVALID'],
    ['a map', supplyRecord, cbor({ a: 1 }), 'FIELD_INVALID'],
    ['too many items', supplyRecord, cbor([1, 2, 3]), 'FIELD_INVALID'],
    ['a tag', supplyRecord, new Uint8Array([0x82, 0xc2, 0x41, 5, 1]), 'FIELD_INVALID'],
    ['undefined', aliasRecord, new Uint8Array([0x83, 0xf7, 1, 0xf6]), 'BYTES_MALFORMED'],
    ['invalid UTF-8', aliasRecord, new Uint8Array([0x83, 0x64, 0x61, 0xff, 0x40, 0x62, 1, 0xf6]), 'FIELD_INVALID'],
    ['another version', announcement, cbor([2, 0, null]), 'VERSION_UNKNOWN'],
    ['a nest without end', transaction, new Uint8Array(30_000).fill(0x81), 'FIELD_INVALID'],
    [
      'an array that claims four billion items',
      batchesQuestion,
      new Uint8Array([0x9a, 255, 255, 255, 255]),
      'FIELD_INVALID',
    ],
    [
      'text that claims four gigabytes',
      aliasRecord,
      new Uint8Array([0x83, 0x7a, 255, 255, 255, 255]),
      'BYTES_MALFORMED',
    ],
    ['something else', vote, cbor(plain), 'FIELD_INVALID'],
  ] as never;
  for (const [what, schema, bytes, code] of cases) {
    t.throws(() => decode(schema, bytes, limits.MAX_TRANSACTION_BYTES), { name: 'CodecError', code }, what);
  }
});

t.test('more bytes than the limit are not looked at', async (t) => {
  t.throws(() => decode(vote, new Uint8Array(257), limits.MAX_VOTE_BYTES), { code: 'BYTES_TOO_LONG' });
});

t.test('the largest of each message fits its limit', async (t) => {
  const signature = new Uint8Array(64);
  const digest = 'f'.repeat(64) as never;
  const statement = {
    height: limits.MAX_SAFE,
    round: limits.MAX_ROUND,
    validator: limits.MAX_VALIDATORS - 1,
    signature,
  };
  const largest = { ...statement, step: 'precommit', blockHash: digest, validRound: null } as const;
  t.ok(encode(vote, largest).length <= limits.MAX_VOTE_BYTES);
  const fullHeader = {
    version: 1,
    chainId: digest,
    height: limits.MAX_SAFE,
    timeMs: limits.MAX_SAFE,
    proposer: 'abcdefghijkl',
    parentHash: digest,
    validatorSetHash: digest,
    batchesRoot: digest,
    evidenceRoot: digest,
    transactionsRoot: digest,
    receiptsRoot: digest,
    writesRoot: digest,
    checkpointRoot: digest,
  };
  const second = { ...largest, blockHash: 'fe'.repeat(32) as never };
  const full = {
    statement: { ...largest, step: 'propose', validRound: limits.MAX_ROUND - 1 },
    block: {
      header: fullHeader,
      batches: Array.from({ length: limits.MAX_BLOCK_BATCHES }, () => digest),
      evidence: Array.from({ length: limits.MAX_BLOCK_EVIDENCE }, () => ({ first: second, second: largest })),
    },
  } as never;
  const evidence = { first: second, second: largest };
  t.ok(encode(evidenceMessage, { height: limits.MAX_SAFE, evidence }).length <= limits.MAX_EVIDENCE_BYTES);
  const size = encode(proposal, full).length;
  t.ok(size <= limits.MAX_PROPOSAL_BYTES, `a full proposal has ${size} bytes`);
  const round = { height: limits.MAX_SAFE, proposals: Array.from({ length: limits.MAX_ROUND_PROPOSALS }, () => full) };
  const votes = Array.from({ length: limits.MAX_ROUND_MESSAGES }, () => largest);
  t.ok(encode(roundMessages, { ...round, votes }).length <= limits.MAX_ROUND_BYTES);
});

t.test('a transaction that a client sent is written as it came', async (t) => {
  fc.assert(
    fc.property(arbitrary.transaction, (value) => {
      const bytes = encode(transaction, value);
      const { value: again } = decodeTransaction(bytes);
      return isDeepStrictEqual(again, structuredClone(value)) && same(encode(transaction, again), bytes);
    }),
    { numRuns: 30 },
  );
  t.throws(() => decodeTransaction(new Uint8Array(limits.MAX_TRANSACTION_BYTES + 1)), { code: 'BYTES_TOO_LONG' });
});

t.test('what a schema remembers is written as it is, for that very value alone', async (t) => {
  const inner = remembering(record<{ readonly n: number }>('Inner', { n: field(integer(0, 9), '') }));
  const outer = list(inner, 0, 3);
  const value = { n: 1 };
  inner.remember(value, encode(inner, { n: 2 }));
  t.same(decode(outer, encode(outer, [value, { n: 1 }]), MAX), [{ n: 2 }, { n: 1 }]);
});

t.test('marks say where the bodies of transactions are, in order', async () => {
  fc.assert(
    fc.property(arbitrary.batch, (value) => {
      const bytes = encode(batch, value);
      const { value: again, marks } = decodeMarked(batch, bytes, MAX);
      return (
        marks.length === 2 * again.transactions.length &&
        again.transactions.every(({ body }, i) =>
          same(encode(transactionBody, body), bytes.subarray(marks[2 * i], marks[2 * i + 1])),
        )
      );
    }),
    { numRuns: 60 },
  );
  fc.assert(
    fc.property(arbitrary.receipt, (value) => decodeMarked(receipt, encode(receipt, value), MAX).marks.length === 0),
  );
});

t.test('a value that comes again and again is read as any other', async (t) => {
  const word = text<string>('Word', 8, (value) => (value.startsWith('x') ? 'no x' : null));
  const again = list(recurring(word), 0, 30);
  const plain = list(word, 0, 30);
  const words = fc.array(fc.constantFrom('', 'a', 'ab', 'abc', 'b', 'bcd', 'cde', 'def', 'ខ្'), { maxLength: 30 });
  fc.assert(
    fc.property(words, (values) => {
      const bytes = encode(plain, values);
      return isDeepStrictEqual(decode(again, bytes, MAX), values) && same(encode(again, values), bytes);
    }),
  );
  for (const bytes of ['81', '8163', '816361', '8178036162', '816178', '81780161', '8241', '816361626300']) {
    const input = fromHex(bytes);
    t.equal(codeOf(again, input), codeOf(plain, input), bytes);
    t.not(codeOf(again, input), null, bytes);
  }
  // Invalid UTF-8 is read as U+FFFD: refused, and refused again.
  const invalid = fromHex('8161ff');
  for (const time of ['once', 'twice']) t.equal(codeOf(again, invalid), 'BYTES_NOT_CANONICAL', time);
  t.same(decode(again, encode(plain, ['\u{fffd}']), MAX), ['\u{fffd}']);
});

function codeOf(schema: Schema<never> | Schema<readonly string[]>, bytes: Uint8Array): string | null {
  try {
    decode(schema as Schema<never>, bytes, MAX);
    return null;
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
}

/** What decoding and encoding gives, or null where the bytes were refused by a code. */
function decodedAgain(schema: Schema<never>, bytes: Uint8Array): Uint8Array | null {
  try {
    return encode(schema, decode(schema, bytes, MAX));
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/**
 * Every decoder of bytes against hostile bytes: what it takes encodes to the same bytes again, what it refuses it refuses by a
 * code, and a claim costs nothing. The table of decoders is held against what `codec/` exports, so that none is forgotten.
 */
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { decoderProblem, fuzzRuns } from '../testing/fuzz.ts';
import { claims, corpusOf, hostileCbor } from '../testing/fuzz-cbor.ts';
import { decoders } from '../testing/fuzz-decoders.ts';
import * as amount from './amount.ts';
import * as block from './block.ts';
import * as chunkReader from './chunk-reader.ts';
import * as chunkWriter from './chunk-writer.ts';
import * as fields from './fields.ts';
import * as frames from './frames.ts';
import * as genesis from './genesis.ts';
import * as genesisJson from './genesis-json.ts';
import * as hex from './hex.ts';
import * as indexRows from './index-rows.ts';
import * as json from './json.ts';
import * as limits from './limits.ts';
import * as messages from './messages.ts';
import * as places from './places.ts';
import * as proof from './proof.ts';
import * as reader from './reader.ts';
import * as schema from './schema.ts';
import { decode } from './schema.ts';
import * as short from './short.ts';
import * as signMemory from './sign-memory.ts';
import * as slab from './slab.ts';
import * as state from './state.ts';
import * as text from './text.ts';
import * as transaction from './transaction.ts';
import * as vote from './vote.ts';
import * as writer from './writer.ts';

const modules: Readonly<Record<string, object>> = {
  'amount.ts': amount,
  'block.ts': block,
  'chunk-reader.ts': chunkReader,
  'chunk-writer.ts': chunkWriter,
  'fields.ts': fields,
  'frames.ts': frames,
  'genesis-json.ts': genesisJson,
  'genesis.ts': genesis,
  'hex.ts': hex,
  'index-rows.ts': indexRows,
  'json.ts': json,
  'limits.ts': limits,
  'messages.ts': messages,
  'places.ts': places,
  'proof.ts': proof,
  'reader.ts': reader,
  'schema.ts': schema,
  'short.ts': short,
  'sign-memory.ts': signMemory,
  'slab.ts': slab,
  'state.ts': state,
  'text.ts': text,
  'transaction.ts': transaction,
  'vote.ts': vote,
  'writer.ts': writer,
};

const all = decoders(8);
const others = all.flatMap((decoder) => decoder.messages.slice(0, 1));

t.test('no schema is missing in the table', async (t) => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  t.strictSame(Object.keys(modules).sort(), files.sort(), 'every file of codec/ is looked at');
  const known = new Set<unknown>(all.map((decoder) => decoder.schema));
  const forgotten = Object.entries(modules).flatMap(([file, exported]) =>
    Object.entries(exported).flatMap(([name, value]) =>
      isSchema(value) && !known.has(value) ? [`${file}: ${name}`] : [],
    ),
  );
  t.strictSame(forgotten, []);
});

t.test('true messages are taken, and come back as they were', async (t) => {
  for (const { name, schema: known, maxBytes, messages: sent } of all) {
    const refused = sent.flatMap((bytes) => decoderProblem(known, bytes, maxBytes) ?? []);
    t.strictSame(refused, [], name);
    t.doesNotThrow(() => sent.map((bytes) => decode(known, bytes, maxBytes)), name);
  }
});

for (const { name, schema: known, maxBytes, messages: sent } of all) {
  t.test(`${name}: hostile bytes`, async (t) => {
    const corpus = corpusOf(sent, others);
    const law = fc.property(fc.nat(), (seed) => {
      const { bytes, how } = hostileCbor(seed, corpus);
      const problem = decoderProblem(known, bytes, maxBytes);
      if (problem !== null)
        throw new Error(`${how}: ${problem}\n${Buffer.from(bytes.subarray(0, 2_000)).toString('hex')}`);
    });
    fc.assert(law, fuzzRuns(200));
    t.pass('laws hold');
  });
}

t.test('a claim of more than is there is refused, and nothing is reserved for it', async (t) => {
  const before = process.memoryUsage();
  let tried = 0;
  for (const { name, schema: known, maxBytes, messages: sent } of all) {
    for (const claim of [2n ** 16n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n]) {
      for (const bytes of claims(sent[0] as Uint8Array, claim)) {
        tried += 1;
        const problem = decoderProblem(known, bytes, maxBytes);
        if (problem !== null) t.fail(`${name} claiming ${claim}: ${problem}`);
      }
    }
  }
  const { heapTotal, arrayBuffers, external } = process.memoryUsage();
  const grown =
    heapTotal - before.heapTotal + Math.max(0, arrayBuffers - before.arrayBuffers, external - before.external);
  t.ok(tried > 500, `${tried} claims`);
  t.ok(grown < 128 * 1024 * 1024, `memory grew by ${grown} bytes`);
});

t.test('more bytes than its limit are refused before any is looked at', async (t) => {
  for (const { name, schema: known, maxBytes } of all) {
    const bytes = new Uint8Array(maxBytes + 1).fill(0x81);
    t.throws(() => decode(known, bytes, maxBytes), { name: 'CodecError', code: 'BYTES_TOO_LONG' }, name);
  }
});

t.test('the law of decoders sees what breaks it', async (t) => {
  const failing = {
    type: 'failing',
    write: () => undefined,
    read: () => {
      throw new TypeError('undefined is not a function');
    },
  };
  t.match(decoderProblem(failing, new Uint8Array([1]), 9), /TypeError/);
});

function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'write' in value && 'read' in value;
}

/**
 * The protocol, pinned. A vector that changes is a new format: old blocks, signatures and receipts mean something else.
 * Where that is meant, `node src/codec/golden.test.ts --write "why"` writes the file anew and adds the reason to it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { GOLDEN_BYTES, GOLDEN_DIGESTS } from '../testing/golden.ts';

const FILE = new URL('./golden.json', import.meta.url);
const golden = JSON.parse(readFileSync(FILE, 'utf8')) as { why: string[]; bytes: unknown; digests: unknown };

const write = process.argv.indexOf('--write');
if (write > 0) {
  const why = process.argv[write + 1];
  if (why === undefined) throw new Error('say why the format changes: --write "why"');
  const next = { why: [...golden.why, why], bytes: GOLDEN_BYTES, digests: GOLDEN_DIGESTS };
  writeFileSync(FILE, `${JSON.stringify(next, null, 2)}\n`);
}

t.test('canonical bytes are what they were', async (t) => {
  t.strictSame(GOLDEN_BYTES, golden.bytes);
});

t.test('digests and signed bytes are what they were', async (t) => {
  t.strictSame(GOLDEN_DIGESTS, golden.digests);
});

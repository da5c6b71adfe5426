import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'tap';
import { toHex } from '../codec/hex.ts';
import type { Hash } from '../types/index.ts';
import type { Domain } from './domains.ts';
import { DOMAINS } from './domains.ts';
import { hashDigests, hashHex, hashLatin1, hashPair, hashSpans, sha256, tagged, taggedDigests } from './hash.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const domains = Object.keys(DOMAINS) as Domain[];
const anyDomain = fc.constantFrom(...domains);

test('sha256 gives the digests of FIPS 180-2 appendix B', async (t) => {
  const rows: [string, string][] = [
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ];
  for (const [input, digest] of rows) t.equal(toHex(sha256(ascii(input))), digest, input);
});

test('hashHex is SHA-256 of the length of the tag, the tag and the parts', async () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 4 });
  fc.assert(
    fc.property(anyDomain, parts, (domain, pieces) => {
      const tag = DOMAINS[domain];
      const expected = createHash('sha256').update(Uint8Array.of(tag.length)).update(tag, 'ascii');
      for (const piece of pieces) expected.update(piece);
      const digest = expected.digest('hex');
      return hashHex(domain, ...pieces) === digest && toHex(sha256(tagged(domain, ...pieces))) === digest;
    }),
    { numRuns: 60 },
  );
});

test('hashSpans and hashLatin1 are hashHex of those parts and of that text', async () => {
  const spans = fc.array(fc.tuple(fc.nat({ max: 19_999 }), fc.nat({ max: 19_999 })), { maxLength: 4 });
  fc.assert(
    fc.property(anyDomain, fc.uint8Array({ minLength: 20_000, maxLength: 20_000 }), spans, (domain, bytes, pairs) => {
      const view = bytes.subarray(1);
      const digests = hashSpans(
        domain,
        view,
        pairs.flatMap(([a, b]) => [Math.min(a, b), Math.max(a, b)]),
      );
      return pairs.every(([a, b], i) => digests[i] === hashHex(domain, view.subarray(Math.min(a, b), Math.max(a, b))));
    }),
    { numRuns: 20 },
  );
  const latin1 = fc.uint8Array({ maxLength: 20_000 });
  fc.assert(
    fc.property(anyDomain, latin1, (domain, bytes) => {
      return hashLatin1(domain, Buffer.from(bytes).toString('latin1')) === hashHex(domain, bytes);
    }),
    { numRuns: 60 },
  );
});

test('hashDigests is hashHex of the digests', async (t) => {
  const digests = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 64 });
  fc.assert(
    fc.property(anyDomain, digests, (domain, all) => {
      const hex = all.map((bytes) => toHex(bytes) as Hash);
      return hashDigests(domain, hex) === hashHex(domain, ...all);
    }),
  );
  for (const wrong of ['', 'ab', `${'ab'.repeat(31)}zz`, 'ab'.repeat(33)]) {
    t.throws(() => hashDigests('digestLeaf', [wrong as Hash]), { name: 'AssertionError' }, wrong);
  }
});

test('taggedDigests is tagged of each', async (t) => {
  const digests = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 5 });
  fc.assert(
    fc.property(anyDomain, digests, (domain, all) => {
      const found = taggedDigests(
        domain,
        all.map((bytes) => toHex(bytes) as Hash),
      );
      return found.length === all.length && all.every((bytes, i) => toHex(tagged(domain, bytes)) === toHex(found[i]!));
    }),
  );
  for (const wrong of ['', 'ab', `${'ab'.repeat(31)}zz`, 'ab'.repeat(33)]) {
    t.throws(() => taggedDigests('digestLeaf', [wrong as Hash]), { name: 'AssertionError' }, wrong);
  }
});

test('a tag is ASCII, of one byte of length, and its own', async (t) => {
  const tags = Object.values(DOMAINS);
  t.equal(new Set(tags).size, tags.length);
  for (const tag of tags) t.match(tag, /^tonle\/[a-z-]+(\/[a-z]+)?\/v[0-9]+$/);
  for (const tag of tags) t.ok(tag.length < 128);
});

test('no two domains share a digest, whatever follows the tag', async () => {
  fc.assert(
    fc.property(anyDomain, anyDomain, fc.uint8Array(), fc.uint8Array(), (one, other, first, second) => {
      return one === other || hashHex(one, first) !== hashHex(other, second);
    }),
  );
});

test('the digests of the domains are pinned', async (t) => {
  // Changing one of these is changing the protocol.
  const all = domains.map((domain) => `${domain} ${hashHex(domain, ascii('tonle'))}`).join('\n');
  t.equal(hashHex('transaction'), '477b78c8bd05a987b75c27741088b6f7be2f80bfd6d14c6fcaa3c1283f32514a');
  t.equal(toHex(sha256(ascii(all))), '1e447151eb9a5dacb6417d5f340779248d71aa1dc484692d26906acd6b925a55');
});

test('hashPair is hashHex of both digests', async (t) => {
  const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(digest, digest, (left, right) => {
      const pair = hashPair('merkleNode', toHex(left) as Hash, toHex(right) as Hash);
      return pair === hashHex('merkleNode', left, right);
    }),
  );
  const good = 'ab'.repeat(32) as Hash;
  for (const bad of ['', 'ab', 'xy'.repeat(32), 'ab'.repeat(33)]) {
    t.throws(() => hashPair('merkleNode', good, bad as Hash), { name: 'AssertionError' }, bad);
    t.throws(() => hashPair('merkleNode', bad as Hash, good), { name: 'AssertionError' }, bad);
  }
});

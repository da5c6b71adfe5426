import { scrypt } from '@noble/hashes/scrypt.js';
import fc from 'fast-check';
import { test } from 'tap';
import { fromHex, toHex } from '../codec/hex.ts';
import { publicKeyOf } from './ed25519.ts';
import type { KeyKind } from './keyfile.ts';
import { decodeKeyFile, encodeKeyFile, KEY_KINDS } from './keyfile.ts';

const seed = new Uint8Array(32).map((_, i) => i);
const label = { name: 'dara@aclb', kind: 'wallet' } as const;
const password = 'correct horse';
/** Numbers from 0 on: a test needs no more. */
const random = { bytes: (length: number) => new Uint8Array(length).map((_, i) => i) };
const CHEAP = 2 ** 10;
const file = encodeKeyFile(seed, label, password, random, CHEAP);
const plain = encodeKeyFile(seed, label, null, random);
const PLAIN = `{
  "format": "tonle-key",
  "version": 1,
  "name": "dara@aclb",
  "kind": "wallet",
  "publicKey": "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
  "encryption": "none",
  "warning": "development only: this key is not encrypted",
  "seed": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
}
`;
const ENCRYPTED = `{
  "format": "tonle-key",
  "version": 1,
  "name": "dara@aclb",
  "kind": "wallet",
  "publicKey": "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
  "encryption": "scrypt-xchacha20poly1305",
  "scrypt": {
    "n": 1024,
    "r": 8,
    "p": 1,
    "salt": "000102030405060708090a0b0c0d0e0f"
  },
  "nonce": "000102030405060708090a0b0c0d0e0f1011121314151617",
  "ciphertext": "ddd7a087c591eb96fd61687f25980acf36f16fbf5e190371d9b34c08751ed9bdbe194dce146f87cac7eaafaa779962fd"
}
`;

test('a key comes back', async () => {
  const printable = fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme-ascii' });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      printable,
      fc.constantFrom(...KEY_KINDS),
      fc.option(fc.string({ minLength: 1 })),
      (bytes, name, kind, secret) => {
        const found = decodeKeyFile(encodeKeyFile(bytes, { name, kind }, secret, random, CHEAP), secret);
        const same = toHex(found.seed) === toHex(bytes) && found.publicKey === publicKeyOf(bytes);
        return same && found.name === name && found.kind === kind && found.encrypted === (secret !== null);
      },
    ),
    { numRuns: 40 },
  );
});

test('the formats are pinned', async (t) => {
  // Changing these makes every key file of a user unreadable.
  t.equal(plain, PLAIN);
  t.equal(file, ENCRYPTED);
  t.same(decodeKeyFile(ENCRYPTED, password).seed, seed);
  t.same(decodeKeyFile(PLAIN, null).seed, seed);
});

test('scrypt is that of RFC 7914 section 12', async (t) => {
  const rows: [string, string, number, number, number, string][] = [
    ['', '', 16, 1, 1, '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442'],
    ['password', 'NaCl', 1024, 8, 16, 'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162'],
    [
      'pleaseletmein',
      'SodiumChloride',
      16384,
      8,
      1,
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2',
    ],
  ];
  for (const [secret, salt, N, r, p, start] of rows) {
    t.equal(toHex(scrypt(secret, salt, { N, r, p, dkLen: 64 })).slice(0, 64), start, secret);
  }
});

test('the cost unless told otherwise is that of OWASP', async (t) => {
  t.match(encodeKeyFile(seed, label, password, random), /"n": 131072,\s+"r": 8,\s+"p": 1,/);
});

test('the password', async (t) => {
  t.throws(() => decodeKeyFile(file, 'correct horsf'), { code: 'KEY_FILE_PASSWORD' });
  t.throws(() => decodeKeyFile(file, null), { code: 'KEY_FILE_PASSWORD_NEEDED' });
  t.throws(() => decodeKeyFile(file, ''), { code: 'KEY_FILE_PASSWORD_NEEDED' });
  t.throws(() => encodeKeyFile(seed, label, '', random), { code: 'KEY_FILE_PASSWORD_NEEDED' });
  t.same(decodeKeyFile(plain, 'not looked at').seed, seed);
  const composed = encodeKeyFile(seed, label, 'caf\u00e9', random, CHEAP);
  t.same(decodeKeyFile(composed, 'cafe\u0301').seed, seed, 'typed on another keyboard');
});

test('an encrypted file holds no seed, and two of one seed share nothing secret', async (t) => {
  let next = 0;
  const running = { bytes: (length: number) => new Uint8Array(length).map(() => next++) };
  const [first, second] = [0, 1].map(() => JSON.parse(encodeKeyFile(seed, label, password, running, CHEAP)));
  t.notMatch(file, toHex(seed));
  for (const field of ['nonce', 'ciphertext']) t.not(first[field], second[field], field);
  t.not(first.scrypt.salt, second.scrypt.salt);
});

test('any one byte changed, added or taken away: refused', async () => {
  const codes = ['KEY_FILE_MALFORMED', 'KEY_FILE_PASSWORD', 'KEY_FILE_MISMATCH'];
  const refused = (text: string): boolean => codes.includes(codeOf(() => decodeKeyFile(text, password)));
  const at = fc.nat(file.length - 1);
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const hexDigit = fc.constantFrom(...'0123456789abcdef');
  fc.assert(
    fc.property(at, fc.oneof(byte, hexDigit), (i, to) => {
      const changed = file.slice(0, i) + to + file.slice(i + 1);
      const longer = file.slice(0, i) + to + file.slice(i);
      const shorter = file.slice(0, i) + file.slice(i + 1);
      return (changed === file || refused(changed)) && refused(longer) && refused(shorter);
    }),
    { numRuns: 250 },
  );
});

test('each field of an encrypted file is authenticated', async (t) => {
  const fields = JSON.parse(file);
  const other = publicKeyOf(new Uint8Array(32).fill(1));
  const rows: [string, object][] = [
    ['name', { ...fields, name: 'dara@aclc' }],
    ['kind', { ...fields, kind: 'officer' satisfies KeyKind }],
    ['publicKey', { ...fields, publicKey: other }],
    ['n', { ...fields, scrypt: { ...fields.scrypt, n: 2 * CHEAP } }],
    ['salt', { ...fields, scrypt: { ...fields.scrypt, salt: 'ab'.repeat(16) } }],
    ['nonce', { ...fields, nonce: 'ab'.repeat(24) }],
    ['ciphertext', { ...fields, ciphertext: 'ab'.repeat(48) }],
  ];
  for (const [what, changed] of rows) {
    t.throws(() => decodeKeyFile(render(changed), password), { code: 'KEY_FILE_PASSWORD' }, what);
  }
  t.same(decodeKeyFile(render(fields), password).seed, seed, 'unchanged it opens');
});

test('what has not the form of a key file is malformed, whatever it costs to find out', async (t) => {
  const fields = JSON.parse(file);
  const open = JSON.parse(plain);
  const rows: [string, string][] = [
    ['nothing', ''],
    ['no JSON', 'key'],
    ['null', 'null\n'],
    ['a list', '[]\n'],
    ['CRLF', file.replaceAll('\n', '\r\n')],
    ['no last newline', file.trimEnd()],
    ['another format', render({ ...fields, format: 'tonle-keys' })],
    ['another version', render({ ...fields, version: 2 })],
    ['an unknown field', render({ ...fields, extra: 1 })],
    ['a repeated field', file.replace('"name"', '"name": "x",\n  "name"')],
    ['an unknown encryption', render({ ...fields, encryption: 'rot13' })],
    ['a name of control characters', render({ ...fields, name: 'a\u0000' })],
    ['a name too long', render({ ...fields, name: 'a'.repeat(65) })],
    ['an unknown kind', render({ ...fields, kind: 'admin' })],
    ['a name that is a list', render({ ...fields, name: ['dara@aclb'] })],
    ['uppercase hex', render({ ...fields, nonce: 'AB'.repeat(24) })],
    ['a short ciphertext', render({ ...fields, ciphertext: 'ab'.repeat(47) })],
    ['no scrypt', render({ ...fields, scrypt: null })],
    ['4 GiB of memory', render({ ...fields, scrypt: { ...fields.scrypt, n: 2 ** 22 } })],
    ['a huge block', render({ ...fields, scrypt: { ...fields.scrypt, r: 2 ** 20 } })],
    ['for ever', render({ ...fields, scrypt: { ...fields.scrypt, p: 2 ** 20 } })],
    ['no cost', render({ ...fields, scrypt: { ...fields.scrypt, n: 2 } })],
    ['not a power of two', render({ ...fields, scrypt: { ...fields.scrypt, n: 3000 } })],
    ['a cost in text', render({ ...fields, scrypt: { ...fields.scrypt, n: '1024' } })],
    ['a megabyte', render({ ...fields, name: 'a'.repeat(1_000_000) })],
    ['a plain file without its warning', render({ ...open, warning: 'safe' })],
    ['a plain file with a short seed', render({ ...open, seed: 'ab'.repeat(31) })],
  ];
  for (const [what, text] of rows) t.throws(() => decodeKeyFile(text, password), { code: 'KEY_FILE_MALFORMED' }, what);
});

test('any text at all is refused with a code', async () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.json()),
      (text) => codeOf(() => decodeKeyFile(text, password)) === 'KEY_FILE_MALFORMED',
    ),
  );
});

test('a plain file with the seed of another key', async (t) => {
  const swapped = plain.replace(toHex(seed), toHex(seed.map((byte) => byte ^ 1)));
  t.throws(() => decodeKeyFile(swapped, null), { code: 'KEY_FILE_MISMATCH' });
});

test('a label that would not be read back is our mistake', async (t) => {
  for (const name of ['', 'a\n', 'd\u00e1ra', 'a'.repeat(65)]) {
    t.throws(() => encodeKeyFile(seed, { name, kind: 'wallet' }, null, random), { name: 'AssertionError' }, name);
  }
  for (const n of [2 ** 9, 2 ** 19, 3000, Number.NaN]) {
    t.throws(() => encodeKeyFile(seed, label, password, random, n), { name: 'AssertionError' }, `${n}`);
  }
  t.throws(() => encodeKeyFile(fromHex('ab'), label, null, random), { name: 'AssertionError' });
});

function render(fields: object): string {
  return `${JSON.stringify(fields, null, 2)}\n`;
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

/**
 * The text of a key file: one Ed25519 seed as JSON, encrypted with a password by scrypt (RFC 7914) and XChaCha20-Poly1305
 * (draft-irtf-cfrg-xchacha-03), which also authenticates everything else in the file. A file has one form: whoever changes
 * one byte of an encrypted one, be it a space, has a file that is refused.
 *
 * | field | meaning | validation |
 * |---|---|---|
 * | `format`, `version` | `tonle-key`, 1 | exactly these |
 * | `name` | what it is called: `dara@aclb` | 1 to 64 printable ASCII characters |
 * | `kind` | what it signs | one of `KEY_KINDS` |
 * | `publicKey` | of the seed | 64 lowercase hex digits; the seed must give it |
 * | `encryption` | `scrypt-xchacha20poly1305` or `none` | exactly these |
 * | `scrypt` | `n`, `r`, `p`, `salt` (16 bytes) | n a power of two from 2^10 to 2^18, r = 8, p = 1: at most 256 MiB |
 * | `nonce`, `ciphertext` | 24 bytes; seed and tag, 48 bytes | lowercase hex |
 * | `warning`, `seed` | in place of the three before, where `encryption` is `none` | 32 bytes of lowercase hex |
 */

import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { scrypt } from '@noble/hashes/scrypt.js';
import { fromHex, isHex, toHex } from '../codec/hex.ts';
import { assert, CodedError } from '../errors.ts';
import type { Random } from '../ports.ts';
import type { PublicKey } from '../types/index.ts';
import { publicKeyOf } from './ed25519.ts';

export const KEY_KINDS = ['wallet', 'officer', 'operator', 'validator', 'network'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

export interface KeyFileLabel {
  readonly name: string;
  readonly kind: KeyKind;
}

export interface KeyFile extends KeyFileLabel {
  readonly seed: Uint8Array;
  readonly publicKey: PublicKey;
  readonly encrypted: boolean;
}

/**
 * scrypt's N. The first choice of OWASP's Password Storage Cheat Sheet (N = 2^17, r = 8, p = 1): 128 MiB and about a second
 * here, once a command.
 */
const DEFAULT_N = 2 ** 17;
const MIN_N = 2 ** 10;
const MAX_N = 2 ** 18;
const WARNING = 'development only: this key is not encrypted';

/**
 * The text of a key file for the 32-byte seed. A null password leaves it unencrypted, for development networks.
 *
 * @param n scrypt's N; tests take less.
 * @throws CodedError KEY_FILE_PASSWORD_NEEDED for an empty password.
 */
export function encodeKeyFile(
  seed: Uint8Array,
  label: KeyFileLabel,
  password: string | null,
  random: Random,
  n: number = DEFAULT_N,
): string {
  assert(isLabel(label), 'a key file has a printable name of 1 to 64 characters and a known kind');
  assert(isCost(n), 'scrypt is asked for a cost that would be accepted on reading');
  const publicKey = publicKeyOf(seed);
  if (password === null) return renderPlain({ ...label, publicKey, seed: toHex(seed) });
  if (password === '') throw passwordNeeded();
  const header = { ...label, publicKey, n, salt: toHex(random.bytes(16)), nonce: toHex(random.bytes(24)) };
  const ciphertext = cipherOf(header, password).encrypt(seed);
  return renderEncrypted(header, toHex(ciphertext));
}

/**
 * Reads a key file. The password of an unencrypted one is not looked at.
 *
 * @throws CodedError KEY_FILE_MALFORMED, KEY_FILE_PASSWORD_NEEDED (null or empty), KEY_FILE_PASSWORD (wrong password or
 *   damaged file), KEY_FILE_MISMATCH (the seed has another public key).
 */
export function decodeKeyFile(text: string, password: string | null): KeyFile {
  const fields = parse(text);
  const { name, kind, publicKey } = fields;
  const seed = 'seed' in fields ? fromHex(fields.seed, 32) : decrypt(fields, password);
  if (publicKeyOf(seed) !== publicKey) {
    throw new CodedError('KEY_FILE_MISMATCH', 'The key file names a public key that its secret key does not have.');
  }
  return { seed, publicKey, name, kind, encrypted: !('seed' in fields) };
}

interface PlainFields extends KeyFileLabel {
  readonly publicKey: PublicKey;
  readonly seed: string;
}

/** What is authenticated beside the ciphertext. */
interface EncryptedHeader extends KeyFileLabel {
  readonly publicKey: PublicKey;
  readonly n: number;
  readonly salt: string;
  readonly nonce: string;
}

interface EncryptedFields extends EncryptedHeader {
  readonly ciphertext: string;
}

function renderPlain({ name, kind, publicKey, seed }: PlainFields): string {
  return render({ ...start({ name, kind, publicKey }), encryption: 'none', warning: WARNING, seed });
}

function renderEncrypted(header: EncryptedHeader, ciphertext: string): string {
  const { n, salt, nonce } = header;
  const encryption = 'scrypt-xchacha20poly1305';
  return render({ ...start(header), encryption, scrypt: { n, r: 8, p: 1, salt }, nonce, ciphertext });
}

function start({ name, kind, publicKey }: KeyFileLabel & { readonly publicKey: PublicKey }): object {
  return { format: 'tonle-key', version: 1, name, kind, publicKey };
}

function render(fields: object): string {
  return `${JSON.stringify(fields, null, 2)}\n`;
}

/** The fields of a file that, rendered again, gives the same text: so an unknown, missing or repeated field is refused. */
function parse(text: string): PlainFields | EncryptedFields {
  const file = record(text.length <= 4096 ? parseJson(text) : null);
  const { name, kind, publicKey, encryption } = file;
  const label = { name, kind, publicKey };
  const fields =
    encryption === 'none'
      ? { ...label, seed: file['seed'] }
      : { ...label, ...costOf(file['scrypt']), nonce: file['nonce'], ciphertext: file['ciphertext'] };
  if (isPlain(fields) && renderPlain(fields) === text) return fields;
  if (isEncrypted(fields) && renderEncrypted(fields, fields.ciphertext) === text) return fields;
  throw new CodedError('KEY_FILE_MALFORMED', 'This is not a Tonle key file, or it was edited; restore it from a copy.');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function costOf(value: unknown): { n: unknown; salt: unknown } {
  const { n, salt } = record(value);
  return { n, salt };
}

function isLabel({ name, kind }: Record<keyof KeyFileLabel, unknown>): boolean {
  return typeof name === 'string' && /^[\x20-\x7e]{1,64}$/.test(name) && KEY_KINDS.some((known) => known === kind);
}

function isPlain(fields: object): fields is PlainFields {
  const { name, kind, publicKey, seed } = record(fields);
  return isLabel({ name, kind }) && isHexText(publicKey, 32) && isHexText(seed, 32);
}

function isEncrypted(fields: object): fields is EncryptedFields {
  const { name, kind, publicKey, n, salt, nonce, ciphertext } = record(fields);
  const lengths = isHexText(publicKey, 32) && isHexText(salt, 16) && isHexText(nonce, 24) && isHexText(ciphertext, 48);
  return isLabel({ name, kind }) && lengths && isCost(n);
}

function isHexText(value: unknown, bytes: number): boolean {
  return typeof value === 'string' && isHex(value, bytes);
}

function isCost(n: unknown): boolean {
  return typeof n === 'number' && n >= MIN_N && n <= MAX_N && Number.isInteger(Math.log2(n));
}

function decrypt(fields: EncryptedFields, password: string | null): Uint8Array {
  if (password === null || password === '') throw passwordNeeded();
  const cipher = cipherOf(fields, password);
  try {
    return cipher.decrypt(fromHex(fields.ciphertext));
  } catch (cause) {
    throw new CodedError('KEY_FILE_PASSWORD', 'The password is wrong, or the key file is damaged.', { cause });
  }
}

/** One password has several forms in Unicode, and keyboards differ: NFC, as RFC 8265 section 4.2 asks. */
function cipherOf(header: EncryptedHeader, password: string): ReturnType<typeof xchacha20poly1305> {
  const key = scrypt(password.normalize('NFC'), fromHex(header.salt), { N: header.n, r: 8, p: 1, dkLen: 32 });
  return xchacha20poly1305(key, fromHex(header.nonce), new TextEncoder().encode(renderEncrypted(header, '')));
}

function passwordNeeded(): CodedError {
  return new CodedError(
    'KEY_FILE_PASSWORD_NEEDED',
    'This key file is encrypted: a password is needed, and not an empty one.',
  );
}

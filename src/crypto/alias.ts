/**
 * The only way from a phone number to what the ledger stores for it. The secret, shared by the members, keeps an outsider
 * from trying out all numbers; a member can, which an oblivious PRF would end (RFC 9497), and would replace this function only.
 */
import { createHmac } from 'node:crypto';
import { assert } from '../errors.ts';
import type { AliasKey } from '../types/index.ts';
import { tagged } from './hash.ts';

/** HMAC-SHA-256 (RFC 2104) of a phone number, with a domain tag. */
export function aliasKey(secret: Uint8Array, e164: string): AliasKey {
  assert(secret.length >= 32, 'the alias secret has at least 32 bytes');
  assert(isE164(e164), 'an alias is derived from a canonical E.164 number');
  return createHmac('sha256', secret)
    .update(tagged('aliasKey', Buffer.from(e164, 'ascii')))
    .digest('hex') as AliasKey;
}

/** Whether the text has the one form in which a number is hashed: `+` and 8 to 15 digits, the first not 0 (ITU-T E.164). */
export function isE164(text: string): boolean {
  return /^\+[1-9][0-9]{7,14}$/.test(text);
}

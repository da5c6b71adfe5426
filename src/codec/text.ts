/** The text forms of ids, one rule each: what a person types, a URL carries and a tuple stores is the same string. */

import { CodedError } from '../errors.ts';
import type { AccountId, CurrencyCode, Hash, Nonce, ParticipantId, PublicKey, TierName } from '../types/index.ts';
import { isHex } from './hex.ts';
import { MAX_ACCOUNT_ID_CHARS, MAX_PARTICIPANT_ID_CHARS, MAX_TIER_NAME_CHARS } from './limits.ts';

/** The account that a participant's money with the central bank stands on: `settlement@aclb`. */
const SETTLEMENT_NAME = 'settlement';

const PARTICIPANT = new RegExp(`^[a-z][a-z0-9]{1,${MAX_PARTICIPANT_ID_CHARS - 1}}$`);
const ACCOUNT = new RegExp(`^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?@[a-z][a-z0-9]{1,${MAX_PARTICIPANT_ID_CHARS - 1}}$`);
const CURRENCY = /^[A-Z]{3}$/;
const TIER = new RegExp(`^[a-z][a-z0-9]{1,${MAX_TIER_NAME_CHARS - 1}}$`);

/** @returns what is wrong with a participant id, or null. */
export function participantIdProblem(text: string): string | null {
  return PARTICIPANT.test(text) ? null : `expected 2 to ${MAX_PARTICIPANT_ID_CHARS} of a-z and 0-9, a letter first`;
}

/** @returns what is wrong with an account id, or null. */
export function accountIdProblem(text: string): string | null {
  if (text.length > MAX_ACCOUNT_ID_CHARS) return `an account id has at most ${MAX_ACCOUNT_ID_CHARS} characters`;
  return ACCOUNT.test(text) ? null : 'expected name@participant in lower case, like dara@aclb';
}

/** @returns what is wrong with a currency code, or null. */
export function currencyProblem(text: string): string | null {
  return CURRENCY.test(text) ? null : 'expected an ISO 4217 code of three capital letters, like KHR';
}

/** @returns what is wrong with the name of a tier, or null. */
export function tierProblem(text: string): string | null {
  return TIER.test(text) ? null : `expected 2 to ${MAX_TIER_NAME_CHARS} of a-z and 0-9, a letter first`;
}

/** @throws CodedError `ACCOUNT_MALFORMED`. */
export const parseAccountId = parser<AccountId>('ACCOUNT_MALFORMED', 'account', accountIdProblem);
/** @throws CodedError `PARTICIPANT_MALFORMED`. */
export const parseParticipantId = parser<ParticipantId>('PARTICIPANT_MALFORMED', 'participant', participantIdProblem);
/** @throws CodedError `CURRENCY_MALFORMED`. */
export const parseCurrency = parser<CurrencyCode>('CURRENCY_MALFORMED', 'currency', currencyProblem);
/** @throws CodedError `TIER_MALFORMED`. */
export const parseTier = parser<TierName>('TIER_MALFORMED', 'tier', tierProblem);
/** A digest: of a transaction, a block, a batch. @throws CodedError `HASH_MALFORMED`. */
export const parseHash = parser<Hash>('HASH_MALFORMED', 'hash', hexProblem(32));
/** @throws CodedError `KEY_MALFORMED`. */
export const parsePublicKey = parser<PublicKey>('KEY_MALFORMED', 'public key', hexProblem(32));
/** @throws CodedError `NONCE_MALFORMED`. */
export const parseNonce = parser<Nonce>('NONCE_MALFORMED', 'nonce', hexProblem(16));

/** The institution an account belongs to: `aclb` of `dara@aclb`. */
export function participantOf(account: AccountId): ParticipantId {
  return account.slice(account.indexOf('@') + 1) as ParticipantId;
}

/** `settlement@aclb` of `aclb`. */
export function settlementAccount(participant: ParticipantId): AccountId {
  return `${SETTLEMENT_NAME}@${participant}` as AccountId;
}

/** Whether the account is a participant's own with the central bank. */
export function isSettlement(account: AccountId): boolean {
  return account.startsWith(`${SETTLEMENT_NAME}@`);
}

function hexProblem(bytes: number): (text: string) => string | null {
  return (text) => (isHex(text, bytes) ? null : `expected ${bytes * 2} lowercase hexadecimal digits`);
}

function parser<T extends string>(
  code: string,
  what: string,
  problem: (text: string) => string | null,
): (text: string) => T {
  return (value) => {
    const found = problem(value);
    if (found !== null) throw new CodedError(code, `${what} ${JSON.stringify(value.slice(0, 80))}: ${found}`);
    return value as T;
  };
}

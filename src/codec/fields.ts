/** Schemas of the values that messages are made of. */
import type {
  AccountId,
  AliasKey,
  Amount,
  BatchDigest,
  BlockHash,
  ChainId,
  CurrencyCode,
  Hash,
  Nonce,
  ParticipantId,
  PublicKey,
  TierName,
  TransactionId,
} from '../types/index.ts';
import * as limits from './limits.ts';
import { bigUint, byteString, field, hexBytes, integer, record, recurring, text } from './schema.ts';
import { accountIdProblem, currencyProblem, participantIdProblem, tierProblem } from './text.ts';

export const hash = hexBytes<Hash>('Hash', 32);
export const transactionId = hexBytes<TransactionId>('TransactionId', 32);
export const batchDigest = hexBytes<BatchDigest>('BatchDigest', 32);
export const blockHash = hexBytes<BlockHash>('BlockHash', 32);
export const chainId = recurring(hexBytes<ChainId>('ChainId', 32));
export const aliasKey = hexBytes<AliasKey>('AliasKey', 32);
export const publicKey = hexBytes<PublicKey>('PublicKey', 32);
export const nonce = hexBytes<Nonce>('Nonce', 16);
export const signature = byteString(64, 64);

export const participantId = text<ParticipantId>(
  'ParticipantId',
  limits.MAX_PARTICIPANT_ID_CHARS,
  participantIdProblem,
);
export const accountId = text<AccountId>('AccountId', limits.MAX_ACCOUNT_ID_CHARS, accountIdProblem);
export const currencyCode = recurring(text<CurrencyCode>('CurrencyCode', 3, currencyProblem));
export const tierName = recurring(text<TierName>('TierName', limits.MAX_TIER_NAME_CHARS, tierProblem));
/** A name for people: printable, on one line. */
export const displayName = text<string>('Name', limits.MAX_NAME_BYTES, (value) =>
  value.length > 0 && !/\p{Cc}/u.test(value) ? null : 'expected a printable name',
);
export const memo = text<string>('Memo', limits.MAX_MEMO_BYTES, (value) =>
  /\p{Cc}/u.test(value) ? 'control characters are not allowed' : null,
);

export const height = integer(0, limits.MAX_SAFE);
export const round = integer(0, limits.MAX_ROUND);
export const timeMs = integer(0, limits.MAX_SAFE);
export const validatorIndex = integer(0, limits.MAX_VALIDATORS - 1);
export const minorUnits = bigUint(limits.MAX_MINOR);

/** Zero can be written, so that the ledger can refuse it by its own code. */
export const amount = record<Amount>('Amount', {
  currency: field(currencyCode, 'ISO 4217 code'),
  minor: field(minorUnits, 'minor units; the ledger refuses 0'),
});

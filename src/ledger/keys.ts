/** Every kind of entry that the ledger's state has, and how its key is spelled. Keys are ASCII and sort by plain comparison. */
import type { AccountId, AliasKey, CurrencyCode, Evidence, StateKey, TransactionId } from '../types/index.ts';

/** Prefix, codec and meaning of each kind: the state table of ARCHITECTURE.md. */
export const STATE_KINDS = [
  { prefix: 'account/', rest: '<account>', value: 'AccountRecord', meaning: 'an open account and its key' },
  { prefix: 'alias/', rest: '<alias key>', value: 'AliasRecord', meaning: 'where payments to a phone number go' },
  { prefix: 'balance/', rest: '<account>/<currency>', value: 'BalanceRecord', meaning: 'money; absent is zero' },
  {
    prefix: 'evidence/',
    rest: '<height>/<validator>',
    value: 'EvidenceRecord',
    meaning: 'a proved equivocation',
  },
  {
    prefix: 'seen/',
    rest: '<second>/<transaction>',
    value: 'SeenRecord',
    meaning: 'replay memory, forgotten by the second',
  },
  {
    prefix: 'spent/',
    rest: '<account>/<currency>',
    value: 'SpentRecord',
    meaning: 'paid out on the last such day, by an account with a tier',
  },
  { prefix: 'supply/', rest: '<currency>', value: 'SupplyRecord', meaning: 'ever issued and redeemed' },
] as const;

/**
 * Replay memory is kept and forgotten in buckets of this many milliseconds of validity: of so few that forgetting one is no more
 * work than a block is.
 */
const SEEN_BUCKET_MS = 1_000;

export const accountKey = (account: AccountId) => `account/${account}` as StateKey;
export const aliasStateKey = (alias: AliasKey) => `alias/${alias}` as StateKey;
export const balanceKey = (account: AccountId, currency: CurrencyCode) => `balance/${account}/${currency}` as StateKey;
export const spentKey = (account: AccountId, currency: CurrencyCode) => `spent/${account}/${currency}` as StateKey;
export const supplyKey = (currency: CurrencyCode) => `supply/${currency}` as StateKey;

/** One a validator and height: that it lied there is one offence, however often it did, and one proof of it is enough. */
export const evidenceKey = ({ first: { height, validator } }: Evidence) =>
  `evidence/${digits(height)}/${validator}` as StateKey;

/** Lies in the bucket of its last valid moment, so that the whole bucket can be forgotten when that has passed. */
export const seenKey = (validUntilMs: number, id: TransactionId) => `${seenBucket(validUntilMs)}/${id}` as StateKey;

/** First key of the bucket that holds transactions valid until `timeMs`: everything below it has expired by then. */
export const seenBucket = (timeMs: number) => `seen/${digits(Math.floor(timeMs / SEEN_BUCKET_MS))}` as StateKey;

/** Fixed width, so that text order is number order. */
function digits(value: number): string {
  return String(value).padStart(16, '0');
}

/** Every kind of entry that the ledger's state has, and how its key is spelled. Keys are ASCII and sort by plain comparison. */
import type { AccountId, AliasKey, CurrencyCode, Evidence, StateKey, TransactionId } from '../types/index.ts';

/** Prefix, codec and meaning of each kind: the state table of ARCHITECTURE.md. */
export const STATE_KINDS = [
  { prefix: 'account/', rest: '<account>', value: 'AccountRecord', meaning: 'an open account, its key and its money' },
  { prefix: 'alias/', rest: '<alias key>', value: 'AliasRecord', meaning: 'where payments to a phone number go' },
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
  { prefix: 'supply/', rest: '<currency>', value: 'SupplyRecord', meaning: 'ever issued and redeemed' },
] as const;

/**
 * Replay memory is kept and forgotten in buckets of this many milliseconds of validity: of so few that forgetting one is no more
 * work than a block is.
 */
const SEEN_BUCKET_MS = 1_000;

/** What all keys of the replay memory begin with; they grow with time. */
export const SEEN_PREFIX = 'seen/';

export function accountKey(account: AccountId): StateKey {
  const known = spelledAccounts.get(account);
  if (known !== undefined) return known;
  if (spelledAccounts.size === MAX_SPELLED_ACCOUNTS) spelledAccounts.clear();
  const key = `account/${account}` as StateKey;
  spelledAccounts.set(account, key);
  return key;
}

export const aliasStateKey = (alias: AliasKey) => `alias/${alias}` as StateKey;
export const supplyKey = (currency: CurrencyCode) => `supply/${currency}` as StateKey;

/** One a validator and height: that it lied there is one offence, however often it did, and one proof of it is enough. */
export const evidenceKey = ({ first: { height, validator } }: Evidence) =>
  `evidence/${digits(height)}/${validator}` as StateKey;

/** Lies in the bucket of its last valid moment, so that the whole bucket can be forgotten when that has passed. */
export function seenKey(validUntilMs: number, id: TransactionId): StateKey {
  const known = spelledSeen.get(id);
  if (known !== undefined && known.validUntilMs === validUntilMs) return known.key;
  if (spelledSeen.size === MAX_SPELLED_SEEN) spelledSeen.clear();
  const key = `${seenBucket(validUntilMs)}/${id}` as StateKey;
  spelledSeen.set(id, { validUntilMs, key });
  return key;
}

/** First key of the bucket that holds transactions valid until `timeMs`: everything below it has expired by then. */
export function seenBucket(timeMs: number): StateKey {
  const second = Math.floor(timeMs / SEEN_BUCKET_MS);
  // Payments that come together are valid as long, most of them.
  if (lastBucket.second !== second) lastBucket = { second, key: (SEEN_PREFIX + digits(second)) as StateKey };
  return lastBucket.key;
}

/** Fixed width, so that text order is number order. */
function digits(value: number): string {
  return String(value).padStart(16, '0');
}

/**
 * Keys are asked for some times a payment: when it comes in, when a block runs it and when it is kept. A text that was just put
 * together has to be joined and hashed anew at each look-up: the same text again is found at once.
 */

/** The accounts of some large blocks: where there are more, few come again soon, and what is kept has to be found among them. */
const MAX_SPELLED_ACCOUNTS = 8_192;
const spelledAccounts = new Map<AccountId, StateKey>();

let lastBucket = { second: Number.NaN, key: '' as StateKey };

/** The transactions of some blocks. */
const MAX_SPELLED_SEEN = 8_192;
const spelledSeen = new Map<TransactionId, { readonly validUntilMs: number; readonly key: StateKey }>();

/**
 * Branded identifiers. Inside the program every digest and key is a lowercase hex string: it compares with `===`, keys a
 * Map, and cannot be changed behind a reader's back. Bytes exist only in `codec/` and `crypto/`, where the brands are made.
 */

declare const brand: unique symbol;
/** Names add up, so that a `BlockHash` is also a `Hash`. */
type Brand<T, Name extends string> = T & { readonly [brand]: { readonly [N in Name]: true } };

/** A SHA-256 digest: 64 lowercase hex digits. */
export type Hash = Brand<string, 'Hash'>;
/** Digest of a transaction's body; signatures are not part of it, so re-signing cannot make a second payment. */
export type TransactionId = Hash & Brand<string, 'TransactionId'>;
/** Digest of a batch's canonical bytes. */
export type BatchDigest = Hash & Brand<string, 'BatchDigest'>;
/** Digest of a header's canonical bytes. */
export type BlockHash = Hash & Brand<string, 'BlockHash'>;
/** Digest of the genesis: two networks that differ in one rule are two chains. */
export type ChainId = Hash & Brand<string, 'ChainId'>;
/** Keyed digest of an E.164 number, see `aliasKey`: the ledger never sees the number. */
export type AliasKey = Hash & Brand<string, 'AliasKey'>;
/** Ed25519 public key: 64 lowercase hex digits (RFC 8032 section 5.1.5). */
export type PublicKey = Brand<string, 'PublicKey'>;
/** A client's own reference, which makes two otherwise equal transactions distinct: 32 lowercase hex digits. */
export type Nonce = Brand<string, 'Nonce'>;
/** A member institution: 2 to 12 of `a-z0-9`, starting with a letter (`aclb`). */
export type ParticipantId = Brand<string, 'ParticipantId'>;
/** `name@participant`, as Bakong writes it (`dara@aclb`). */
export type AccountId = Brand<string, 'AccountId'>;
/** ISO 4217 alphabetic code (`KHR`, `USD`). */
export type CurrencyCode = Brand<string, 'CurrencyCode'>;
/** What a bank knows of a customer, in one word of the genesis (`basic`, `full`); it bounds what goes out in a day. */
export type TierName = Brand<string, 'TierName'>;
/** Key of one entry of the ledger's state; `ledger/keys.ts` lists them all. */
export type StateKey = Brand<string, 'StateKey'>;

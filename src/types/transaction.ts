import type { AccountId, AliasKey, ChainId, Nonce, PublicKey, TierName, TransactionId } from './ids.ts';
import type { Amount } from './money.ts';

/** Opens a wallet account at a bank. Signed by the bank (its operator key). */
export interface OpenAccount {
  readonly type: 'openAccount';
  readonly account: AccountId;
  /** The key that will sign for the account. */
  readonly publicKey: PublicKey;
  /** One of the genesis, which bounds what goes out in a day; null where the genesis has none. */
  readonly tier: TierName | null;
}

/** Gives an account another tier. Signed by its bank. */
export interface SetTier {
  readonly type: 'setTier';
  readonly account: AccountId;
  readonly tier: TierName;
}

/**
 * Binds a phone number's alias to an account. Signed by the account's key and, as attestation of the number, by its bank. A
 * number that is bound to another account goes over to one that has claimed it, once the claim is due.
 */
export interface RegisterAlias {
  readonly type: 'registerAlias';
  readonly aliasKey: AliasKey;
  readonly account: AccountId;
}

/** Frees an alias. Signed by the key of the account it is bound to. */
export interface ReleaseAlias {
  readonly type: 'releaseAlias';
  readonly aliasKey: AliasKey;
  readonly account: AccountId;
}

/**
 * Announces that a bound number is to go over to another account, for whoever lost the key of the old one. Nothing moves
 * until the delay of the genesis has passed, in which the holder or its bank may object. Signed by the claiming account's
 * key and, as attestation of the number, by its bank.
 */
export interface ClaimAlias {
  readonly type: 'claimAlias';
  readonly aliasKey: AliasKey;
  /** Where the number is to go. */
  readonly account: AccountId;
}

/**
 * Ends a claim. Signed by the holder's key or by its bank: a lost phone has no key, and a bank that claims falsely is not
 * asked.
 */
export interface RejectClaim {
  readonly type: 'rejectClaim';
  readonly aliasKey: AliasKey;
  /** Where the number is, and stays. */
  readonly account: AccountId;
}

/** Creates money in a participant's settlement account. Signed by a quorum of the central bank's officers. */
export interface Issue {
  readonly type: 'issue';
  readonly to: AccountId;
  readonly amount: Amount;
}

/** Destroys money of a settlement account. Signed by its participant and a quorum of the central bank's officers. */
export interface Redeem {
  readonly type: 'redeem';
  readonly from: AccountId;
  readonly amount: Amount;
}

/** The alias a payer resolved, and the epoch it then had: a rebind in between fails the payment instead of redirecting it. */
export interface AliasReference {
  readonly aliasKey: AliasKey;
  readonly epoch: number;
}

/** Moves money. Signed by the key of `from`. */
export interface Transfer {
  readonly type: 'transfer';
  readonly from: AccountId;
  readonly to: AccountId;
  readonly amount: Amount;
  /** How `to` was found, or null where the payer named the account. */
  readonly alias: AliasReference | null;
  /** A few words to the payee, public to every participant; up to 64 bytes of UTF-8. */
  readonly memo: string;
}

export type Command =
  | OpenAccount
  | RegisterAlias
  | ReleaseAlias
  | Issue
  | Redeem
  | Transfer
  | ClaimAlias
  | RejectClaim
  | SetTier;

/** What a transaction's signatures cover. Its commands take effect all or none. */
export interface TransactionBody {
  readonly version: 1;
  readonly chainId: ChainId;
  /** Last block time, in ms since 1970, at which this may take effect; at most `maxValidityMs` of the genesis ahead. */
  readonly validUntilMs: number;
  readonly nonce: Nonce;
  readonly commands: readonly Command[];
}

export interface TransactionSignature {
  readonly publicKey: PublicKey;
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array;
}

/** A body and its signatures, one a key, in ascending order of the key. */
export interface Transaction {
  readonly body: TransactionBody;
  readonly signatures: readonly TransactionSignature[];
}

/** What the network says of a transaction that is on the chain. */
export interface Receipt {
  readonly version: 1;
  readonly transactionId: TransactionId;
  readonly height: number;
  /** Place among the block's transactions, from 0. */
  readonly index: number;
  /** A code of `status.ts`; 0 is success. */
  readonly status: number;
  /** The command that was refused, or null where none was. */
  readonly failedCommand: number | null;
}

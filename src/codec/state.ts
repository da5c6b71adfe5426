/** Values of the ledger's state, under the keys of `ledger/keys.ts`. */
import type {
  AccountId,
  BlockWrites,
  CurrencyCode,
  Hash,
  PublicKey,
  StateKey,
  StateWrite,
  TierName,
} from '../types/index.ts';
import * as f from './fields.ts';
import {
  MAX_CHUNK_ENTRIES,
  MAX_CURRENCIES,
  MAX_SAFE,
  MAX_SNAPSHOT_CHUNKS,
  MAX_STATE_KEY_CHARS,
  MAX_STATE_VALUE_BYTES,
} from './limits.ts';
import { byteString, exactly, field, integer, list, nullable, record, refine, text } from './schema.ts';
import { strictlyAscending } from './transaction.ts';

/** What an account paid out on one day; that of another day counts for nothing, so an account has one a currency. */
export interface SpentRecord {
  /** Days since 1970, as the genesis begins them. */
  readonly day: number;
  readonly minor: bigint;
}

/** An account's money of one currency. */
export interface Holding {
  readonly currency: CurrencyCode;
  readonly minor: bigint;
  /** Null before an account with a tier has paid. */
  readonly spent: SpentRecord | null;
}

/** All that there is of an account, so that a payment reads and writes two entries. */
export interface AccountRecord {
  readonly publicKey: PublicKey;
  readonly openedAtHeight: number;
  /** Null for settlement accounts, and where the genesis has no tiers. */
  readonly tier: TierName | null;
  /** Ascending by currency; one that is not there is none. */
  readonly holdings: readonly Holding[];
}

/** An announcement that a phone number is to go over to another account. */
export interface AliasClaim {
  readonly account: AccountId;
  /** From this block time on `account` may register the number. */
  readonly dueMs: number;
}

/** A released alias keeps its epoch, so that the next binding has a higher one. */
export interface AliasRecord {
  readonly account: AccountId | null;
  readonly epoch: number;
  /** The last claim that was neither rejected nor carried out; it may have lapsed. */
  readonly claim: AliasClaim | null;
}

export interface SupplyRecord {
  readonly issuedMinor: bigint;
  readonly redeemedMinor: bigint;
}

/** The block in which something was first seen. */
export interface HeightRecord {
  readonly height: number;
}

export const spentRecord = record<SpentRecord>('SpentRecord', {
  day: field(integer(0, MAX_SAFE), 'days since 1970, as the genesis begins them'),
  minor: field(f.minorUnits, 'paid out on that day'),
});
export const holding = record<Holding>('Holding', {
  currency: field(f.currencyCode, 'of the network'),
  minor: field(f.minorUnits, 'the balance'),
  spent: field(nullable(spentRecord), 'paid out on the last day that it did; null where that is not counted'),
});
const currencyOf = ({ currency }: Holding) => currency;
export const accountRecord = record<AccountRecord>('AccountRecord', {
  publicKey: field(f.publicKey, 'signs for the account'),
  openedAtHeight: field(f.height, '0 for the accounts of the genesis'),
  tier: field(nullable(f.tierName), 'bounds what goes out in a day; null of settlement accounts'),
  holdings: field(
    refine(list(holding, 0, MAX_CURRENCIES), (held) =>
      strictlyAscending(held, currencyOf) ? null : 'expected each currency once, ascending',
    ),
    'ascending by currency',
  ),
});
export const aliasClaim = record<AliasClaim>('AliasClaim', {
  account: field(f.accountId, 'where the number is to go'),
  dueMs: field(f.timeMs, 'block time from which on it may'),
});
export const aliasRecord = record<AliasRecord>('AliasRecord', {
  account: field(nullable(f.accountId), 'where payments go; null when released'),
  epoch: field(integer(1, MAX_SAFE), 'rises by one at each binding'),
  claim: field(nullable(aliasClaim), 'who wants it; it may have lapsed'),
});
export const supplyRecord = record<SupplyRecord>('SupplyRecord', {
  issuedMinor: field(f.minorUnits, 'ever issued'),
  redeemedMinor: field(f.minorUnits, 'ever redeemed'),
});
export const seenRecord = record<HeightRecord>('SeenRecord', {
  height: field(f.height, 'block that holds the transaction'),
});
export const evidenceRecord = record<HeightRecord>('EvidenceRecord', {
  height: field(f.height, 'first block that holds the evidence'),
});

const stateKey = text<StateKey>('StateKey', MAX_STATE_KEY_CHARS);

/** A changed entry. */
export const stateWrite = record<StateWrite>('StateWrite', {
  key: field(stateKey, 'see the state table'),
  value: field(nullable(byteString(0, MAX_STATE_VALUE_BYTES)), 'null deletes'),
});
/** Changed entries that share a Merkle leaf of the writes root: a leaf each would be most of the hashing of a block. */
export const MAX_LEAF_WRITES = 64;
export const leafWrites = list(stateWrite, 1, MAX_LEAF_WRITES);
export const forgetRange = record<NonNullable<BlockWrites['forget']>>('ForgetRange', {
  from: field(stateKey, 'first key forgotten'),
  to: field(stateKey, 'end, not forgotten'),
});

/** An entry of a whole state. */
export interface StateEntry {
  readonly key: StateKey;
  readonly value: Uint8Array;
}

export const stateEntry = record<StateEntry>('StateEntry', {
  key: field(stateKey, 'see the state table'),
  value: field(byteString(0, MAX_STATE_VALUE_BYTES), 'as the ledger encodes it'),
});

/** Entries of a snapshot that stand side by side, ascending by key: a leaf of the checkpoint root's tree. All chunks but the last are full. */
export const stateChunk = list(stateEntry, 1, MAX_CHUNK_ENTRIES);

/** What a snapshot consists of: true where its chunk digests fold to the checkpoint root of the block that vouches for it. */
export interface SnapshotManifest {
  readonly version: 1;
  readonly height: number;
  readonly entries: number;
  readonly chunkDigests: readonly Hash[];
}

export const snapshotManifest = record<SnapshotManifest>('SnapshotManifest', {
  version: field(exactly(1), 'format'),
  height: field(integer(1, MAX_SAFE), 'the state is that after this block'),
  entries: field(integer(1, MAX_SNAPSHOT_CHUNKS * MAX_CHUNK_ENTRIES), 'in all chunks'),
  chunkDigests: field(list(f.hash, 1, MAX_SNAPSHOT_CHUNKS), 'of the canonical bytes of each chunk, in order'),
});

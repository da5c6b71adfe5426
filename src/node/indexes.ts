/** What can be looked up by key besides the state: written with each block, rebuilt from the log. */
import { fromHex } from '../codec/hex.ts';
import { blockReceipts, type IndexedReceipt } from '../codec/index-rows.ts';
import { PLACE_KEY_BYTES, PLACE_RECORD_BYTES, writePlace } from '../codec/places.ts';
import { encode } from '../codec/schema.ts';
import { hashHex, hashLatin1 } from '../crypto/hash.ts';
import { assert } from '../errors.ts';
import type { IdentifiedTransaction } from '../ledger/ledger.ts';
import { type Reference, referenceOf } from '../mempool/transaction-pool.ts';
import type { IndexWrite, IndexWrites } from '../ports.ts';
import type { AccountId, BlockHash, Command, Place, Receipt, TransactionId } from '../types/index.ts';

/** Every index that has a row a block: the index table of ARCHITECTURE.md. What can be read from the record itself is not in them. */
export const INDEX_KINDS = [
  { prefix: 'block/', rest: '<hash>', value: 'height in decimal', meaning: 'a block by its hash' },
  { prefix: 'receipts/', rest: '<height>', value: 'IndexedReceipt[]', meaning: 'receipts of a block, in order' },
] as const;

/**
 * What the index of places has of a payment, four records of it: keys of 24 bytes, which nobody can make two of by trying. Whoever
 * finds a transaction by one compares what it was looking for.
 */
export const PLACE_KINDS = [
  { key: 'the first 24 bytes of its id', meaning: 'where a transaction took part' },
  {
    key: '24 bytes of `clientReference` of the key that signed first, with the nonce',
    meaning: "who used a client's reference",
  },
  { key: '24 bytes of `accountHistory` of an account', meaning: 'what touched the account; one for each that it did' },
] as const;

const HEX_DIGITS = 2 * PLACE_KEY_BYTES;

export const blockIndexKey = (hash: BlockHash) => `block/${hash}`;
export const receiptsIndexKey = (height: number) => `receipts/${String(height).padStart(16, '0')}`;

export const transactionPlaceKey = (id: TransactionId) => fromHex(id.slice(0, HEX_DIGITS), PLACE_KEY_BYTES);
/** @param reference a client's: the key that signed first, and the nonce. */
export const referencePlaceKey = (reference: Reference) => fromHex(digitsOfReference(reference), PLACE_KEY_BYTES);
export const accountPlaceKey = (account: AccountId) => fromHex(digitsOfAccount(account), PLACE_KEY_BYTES);

/** Hashed, as nonces may be counted up or chosen, and the index is fast where keys differ in their first bytes. */
function digitsOfReference({ publicKey, nonce }: Reference): string {
  return hashLatin1('clientReference', publicKey, '/', nonce).slice(0, HEX_DIGITS);
}

/** Those of busy accounts are asked for all the time. */
const MAX_KNOWN_ACCOUNTS = 8_192;
const digitsOfAccounts = new Map<AccountId, string>();

function digitsOfAccount(account: AccountId): string {
  const known = digitsOfAccounts.get(account);
  if (known !== undefined) return known;
  if (digitsOfAccounts.size === MAX_KNOWN_ACCOUNTS) digitsOfAccounts.clear();
  const digits = hashHex('accountHistory', new TextEncoder().encode(account)).slice(0, HEX_DIGITS);
  digitsOfAccounts.set(account, digits);
  return digits;
}

/** What a block was made of, for its index. */
export interface IndexedBlock {
  readonly hash: BlockHash;
  readonly height: number;
  readonly receipts: readonly Receipt[];
  /** One for each receipt. */
  readonly transactions: readonly IdentifiedTransaction[];
  /** Of each of those among all transactions of the block's batches. */
  readonly positions: readonly number[];
}

/** Of a block without transactions that has no hash, as the genesis is. */
export const NO_INDEX: IndexWrites = { rows: [], places: new Uint8Array() };

/** All that one block adds to the indexes. */
export function indexOf(block: IndexedBlock): IndexWrites {
  const { hash, height, receipts, positions } = block;
  const indexed = receipts.map(({ status, failedCommand }, index): IndexedReceipt => {
    return { status, failedCommand, position: positions[index] ?? index };
  });
  const rows: IndexWrite[] = [
    { key: blockIndexKey(hash), value: new TextEncoder().encode(String(height)) },
    { key: receiptsIndexKey(height), value: encode(blockReceipts, indexed) },
  ];
  return { rows, places: placesOf(block) };
}

function placesOf({ height, receipts, transactions }: IndexedBlock): Uint8Array {
  const touched = transactions.map(({ transaction }) => accountsTouched(transaction.body.commands));
  const records = touched.reduce((sum, accounts) => sum + 2 + accounts.length, 0);
  const places = Buffer.alloc(records * PLACE_RECORD_BYTES);
  let at = 0;
  const add = (digits: string, place: Place) => {
    places.write(digits, at, PLACE_KEY_BYTES, 'hex');
    writePlace(places, at, place);
    at += PLACE_RECORD_BYTES;
  };
  for (let index = 0; index < transactions.length; index++) {
    const { id, transaction } = transactions[index] as IdentifiedTransaction;
    assert(receipts[index]?.transactionId === id, 'a receipt has its transaction');
    const place = { height, index };
    add(id, place);
    add(digitsOfReference(referenceOf(transaction)), place);
    for (const account of touched[index] ?? []) add(digitsOfAccount(account), place);
  }
  return places;
}

/** Each once. */
function accountsTouched(commands: readonly Command[]): readonly AccountId[] {
  const [only] = commands;
  // Payer and payee are two accounts.
  if (commands.length === 1 && only !== undefined) return accountsOf(only);
  return [...new Set(commands.flatMap(accountsOf))];
}

/** Accounts in whose history a command stands. */
export function accountsOf(command: Command): AccountId[] {
  switch (command.type) {
    case 'openAccount':
    case 'registerAlias':
    case 'releaseAlias':
    case 'claimAlias':
    case 'rejectClaim':
    case 'setTier':
      return [command.account];
    case 'issue':
      return [command.to];
    case 'redeem':
      return [command.from];
    case 'transfer':
      return command.from === command.to ? [command.from] : [command.from, command.to];
  }
}

/** What can be looked up by key besides the state: written with each block, rebuilt from the log. */

import { fromHex } from '../codec/hex.ts';
import { blockReceipts, type IndexedReceipt, type Place, place } from '../codec/index-rows.ts';
import { encode } from '../codec/schema.ts';
import { assert } from '../errors.ts';
import type { IdentifiedTransaction } from '../ledger/ledger.ts';
import { referenceOf } from '../mempool/transaction-pool.ts';
import type { IndexWrite } from '../ports.ts';
import type { AccountId, BlockHash, Command, Receipt, TransactionId } from '../types/index.ts';

/**
 * Every index: the index table of ARCHITECTURE.md. A payment is in four rows, whose cost goes by their bytes: so their names are
 * short, and digests are cut to what nobody can make two of by trying. Whoever finds a transaction by its row compares its id.
 */
export const INDEX_KINDS = [
  { prefix: 'block/', rest: '<hash>', value: 'height in decimal', meaning: 'a block by its hash' },
  {
    prefix: 'h/',
    rest: '<account>/<height><index>',
    value: 'empty',
    meaning: 'what touched an account; 11 and 3 digits of base 36',
  },
  { prefix: 'receipts/', rest: '<height>', value: 'IndexedReceipt[]', meaning: 'receipts of a block, in order' },
  {
    prefix: 'r/',
    rest: '<20 digits of the key>/<nonce>',
    value: 'transaction id',
    meaning: "a client's reference, used once",
  },
  {
    prefix: 't/',
    rest: '<40 digits of the id>',
    value: 'Place',
    meaning: 'where in the record a transaction took part',
  },
] as const;

const KEY_DIGITS = 64;
const KEY_DIGITS_OF_REFERENCE = 20;
const ID_DIGITS = 40;
const HEIGHT_DIGITS = 11;
const INDEX_DIGITS = 3;
/** No block has as many transactions. */
export const LAST_INDEX = 36 ** INDEX_DIGITS - 1;

export const transactionIndexKey = (id: TransactionId) => `t/${id.slice(0, ID_DIGITS)}`;
/** @param reference as `referenceOf` spells it: the key, then the nonce. */
export const referenceIndexKey = (reference: string) =>
  `r/${reference.slice(0, KEY_DIGITS_OF_REFERENCE)}${reference.slice(KEY_DIGITS)}`;
export const blockIndexKey = (hash: BlockHash) => `block/${hash}`;
export const receiptsIndexKey = (height: number) => `receipts/${String(height).padStart(16, '0')}`;
export const historyIndexKey = (account: AccountId, height: number, index: number) =>
  historyOf(account) + placeDigits(height, index);
/** What all keys of an account's history begin with. */
export const historyOf = (account: AccountId) => `h/${account}/`;

/** What `historyIndexKey` was given. */
export function placeOfHistoryKey(key: string): Place {
  const at = key.length - INDEX_DIGITS;
  const height = Number.parseInt(key.slice(at - HEIGHT_DIGITS, at), 36);
  const index = Number.parseInt(key.slice(at), 36);
  assert(Number.isSafeInteger(height) && Number.isSafeInteger(index), `${key} is the key of a history row`);
  return { height, index };
}

/** Keys from the first, included, to the second, excluded, are all keys with the prefix. */
export function prefixRange(prefix: string): { from: string; to: string } {
  return { from: prefix, to: `${prefix}\uffff` };
}

/** What a block was made of, for its index rows. */
export interface IndexedBlock {
  readonly hash: BlockHash;
  readonly height: number;
  readonly receipts: readonly Receipt[];
  /** One for each receipt. */
  readonly transactions: readonly IdentifiedTransaction[];
  /** Of each of those among all transactions of the block's batches. */
  readonly positions: readonly number[];
}

/** All index rows of one block. They are many: what can be read from the record itself is not in them. */
export function indexRows({ hash, height, receipts, transactions, positions }: IndexedBlock): IndexWrite[] {
  const indexed = receipts.map(({ transactionId, status, failedCommand }, index): IndexedReceipt => {
    return { transactionId, status, failedCommand, position: positions[index] ?? index };
  });
  const rows: IndexWrite[] = [
    { key: blockIndexKey(hash), value: new TextEncoder().encode(String(height)) },
    { key: receiptsIndexKey(height), value: encode(blockReceipts, indexed) },
  ];
  for (const [index, { transactionId: id }] of receipts.entries()) {
    const found = transactions[index];
    assert(found?.id === id, 'a receipt has its transaction');
    const { transaction } = found;
    rows.push(
      { key: transactionIndexKey(id), value: encode(place, { height, index }) },
      { key: referenceIndexKey(referenceOf(transaction)), value: fromHex(id, 32) },
    );
    const end = placeDigits(height, index);
    for (const account of new Set(transaction.body.commands.flatMap(accountsOf))) {
      rows.push({ key: historyOf(account) + end, value: NOTHING });
    }
  }
  return rows;
}

const NOTHING = new Uint8Array();

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
      return [command.from, command.to];
  }
}

/** Fixed width, so that text order is that of the heights, then of the indexes. */
function placeDigits(height: number, index: number): string {
  return height.toString(36).padStart(HEIGHT_DIGITS, '0') + index.toString(36).padStart(INDEX_DIGITS, '0');
}

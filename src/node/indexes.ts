/** What can be looked up by key besides the state: written with each block, rebuilt from the log. */

import { fromHex } from '../codec/hex.ts';
import { blockReceipts, type IndexedReceipt, type Place, place } from '../codec/index-rows.ts';
import { encode } from '../codec/schema.ts';
import { assert } from '../errors.ts';
import type { IdentifiedTransaction } from '../ledger/ledger.ts';
import { referenceOf } from '../mempool/transaction-pool.ts';
import type { IndexWrite } from '../ports.ts';
import type { AccountId, BlockHash, Command, Receipt, TransactionId } from '../types/index.ts';

/** Every index: the index table of ARCHITECTURE.md. */
export const INDEX_KINDS = [
  { prefix: 'block/', rest: '<hash>', value: 'height in decimal', meaning: 'a block by its hash' },
  {
    prefix: 'history/',
    rest: '<account>/<height>/<index>',
    value: 'empty',
    meaning: 'what touched an account',
  },
  { prefix: 'receipts/', rest: '<height>', value: 'IndexedReceipt[]', meaning: 'receipts of a block, in order' },
  { prefix: 'reference/', rest: '<key>/<nonce>', value: 'transaction id', meaning: "a client's reference, used once" },
  { prefix: 'transaction/', rest: '<id>', value: 'Place', meaning: 'where in the record a transaction took part' },
] as const;

export const transactionIndexKey = (id: TransactionId) => `transaction/${id}`;
export const referenceIndexKey = (reference: string) => `reference/${reference}`;
export const blockIndexKey = (hash: BlockHash) => `block/${hash}`;
export const receiptsIndexKey = (height: number) => `receipts/${digits(height, 16)}`;
export const historyIndexKey = (account: AccountId, height: number, index: number) =>
  `history/${account}/${placeDigits(height, index)}`;

/** What `historyIndexKey` was given. */
export function placeOfHistoryKey(key: string): Place {
  const [height, index] = key.split('/').slice(-2).map(Number);
  assert(Number.isSafeInteger(height) && Number.isSafeInteger(index), `${key} is the key of a history row`);
  return { height: height ?? 0, index: index ?? 0 };
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
      rows.push({ key: `history/${account}/${end}`, value: NOTHING });
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

function placeDigits(height: number, index: number): string {
  return `${digits(height, 16)}/${digits(index, 6)}`;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

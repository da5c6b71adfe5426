/** What can be looked up by key besides the state: written with each block, rebuilt from the log. */

import { fromHex } from '../codec/hex.ts';
import { indexedTransaction } from '../codec/index-rows.ts';
import { encode } from '../codec/schema.ts';
import { receipt as receiptSchema } from '../codec/transaction.ts';
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
    value: 'transaction id',
    meaning: 'what touched an account',
  },
  { prefix: 'receipt/', rest: '<height>/<index>', value: 'Receipt', meaning: 'receipts of a block, in order' },
  { prefix: 'reference/', rest: '<key>/<nonce>', value: 'transaction id', meaning: "a client's reference, used once" },
  {
    prefix: 'transaction/',
    rest: '<id>',
    value: 'IndexedTransaction',
    meaning: 'a transaction and where it took part',
  },
] as const;

export const transactionIndexKey = (id: TransactionId) => `transaction/${id}`;
export const referenceIndexKey = (reference: string) => `reference/${reference}`;
export const blockIndexKey = (hash: BlockHash) => `block/${hash}`;
export const receiptIndexKey = (height: number, index: number) => `receipt/${digits(height, 16)}/${digits(index, 6)}`;
export const historyIndexKey = (account: AccountId, height: number, index: number) =>
  `history/${account}/${digits(height, 16)}/${digits(index, 6)}`;

/** Keys from the first, included, to the second, excluded, are all keys with the prefix. */
export function prefixRange(prefix: string): { from: string; to: string } {
  return { from: prefix, to: `${prefix}\uffff` };
}

/** All index rows of one block. */
export function indexRows(
  hash: BlockHash,
  height: number,
  timeMs: number,
  receipts: readonly Receipt[],
  transactions: ReadonlyMap<TransactionId, IdentifiedTransaction>,
): IndexWrite[] {
  const text = new TextEncoder();
  const rows: IndexWrite[] = [{ key: blockIndexKey(hash), value: text.encode(String(height)) }];
  for (const receipt of receipts) {
    const { index, status, transactionId: id } = receipt;
    const found = transactions.get(id);
    if (found === undefined) continue;
    const { transaction } = found;
    const idBytes = fromHex(id, 32);
    rows.push(
      { key: receiptIndexKey(height, index), value: encode(receiptSchema, receipt) },
      {
        key: transactionIndexKey(id),
        value: encode(indexedTransaction, { height, index, timeMs, status, transaction }),
      },
      { key: referenceIndexKey(referenceOf(transaction)), value: idBytes },
    );
    const accounts = new Set(transaction.body.commands.flatMap(accountsOf));
    for (const account of accounts) rows.push({ key: historyIndexKey(account, height, index), value: idBytes });
  }
  return rows;
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
      return [command.from, command.to];
  }
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

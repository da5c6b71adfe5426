/** Everything that convinces somebody who has only the genesis that a transaction is final, and how it ended. */
import type { CommitCertificate, Hash, Header, Receipt, Transaction } from '../types/index.ts';
import { header } from './block.ts';
import * as f from './fields.ts';
import { MAX_BATCH_TRANSACTIONS, MAX_BLOCK_BATCHES, MAX_PROOF_PATH } from './limits.ts';
import { exactly, field, integer, list, record } from './schema.ts';
import { receipt, transaction } from './transaction.ts';
import { commitCertificate } from './vote.ts';

export interface ReceiptProof {
  readonly version: 1;
  readonly transaction: Transaction;
  readonly receipt: Receipt;
  /** Number of receipts in the block. */
  readonly receipts: number;
  /** Siblings from the receipt's leaf up to the header's `receiptsRoot`. */
  readonly path: readonly Hash[];
  readonly header: Header;
  readonly certificate: CommitCertificate;
}

export const receiptProof = record<ReceiptProof>('ReceiptProof', {
  version: field(exactly(1), 'format'),
  transaction: field(transaction, 'as it was submitted'),
  receipt: field(receipt, 'how it ended'),
  receipts: field(integer(1, MAX_BLOCK_BATCHES * MAX_BATCH_TRANSACTIONS), 'number of receipts in the block'),
  path: field(list(f.hash, 0, MAX_PROOF_PATH), "siblings up to the header's receiptsRoot"),
  header: field(header, 'of the block'),
  certificate: field(commitCertificate, 'of the header'),
});

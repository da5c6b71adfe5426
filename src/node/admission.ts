/** What comes in from outside becomes known here: decoded within its limits, identified, its signatures checked. */
import { batch as batchSchema } from '../codec/block.ts';
import { MAX_BATCH_BYTES } from '../codec/limits.ts';
import { CodecError, decodeMarked, encode } from '../codec/schema.ts';
import { batchDigestOfBytes, transactionId, transactionIdsOf, transactionsSigningBytes } from '../crypto/ids.ts';
import { assert, CodedError } from '../errors.ts';
import type { IdentifiedTransaction } from '../ledger/ledger.ts';
import type { KnownBatch } from '../mempool/batch-pool.ts';
import type { SignatureCheck, Verifier } from '../ports.ts';
import type { Batch, ChainId, Transaction, TransactionId } from '../types/index.ts';

export const WRONG_SIGNATURE = 'a transaction with a wrong signature';

/** Decodes a batch, whose signatures nobody has checked yet. @returns `problem`: why no honest participant would send it. */
export function readBatch(
  chainId: ChainId,
  bytes: Uint8Array,
): { readonly known: KnownBatch } | { readonly problem: string } {
  let known: KnownBatch;
  try {
    const { value: batch, marks } = decodeMarked(batchSchema, bytes, MAX_BATCH_BYTES);
    known = knownBatch(batch, bytes, transactionIdsOf(bytes, marks));
  } catch (error) {
    if (error instanceof CodecError) return { problem: error.message };
    throw error;
  }
  if (known.batch.chainId !== chainId) return { problem: 'a batch of another chain' };
  const isForeign = known.transactions.some(({ transaction }) => transaction.body.chainId !== chainId);
  return isForeign ? { problem: 'a transaction of another chain' } : { known };
}

/** Whether every signature of the transactions verifies, or `postponed` where the verifier has too much to do, or has ended. */
export async function areSigned(
  transactions: readonly IdentifiedTransaction[],
  verifier: Verifier,
): Promise<boolean | 'postponed'> {
  try {
    return (await verifier.verifyAll(signatureChecks(transactions))).every((valid) => valid);
  } catch (error) {
    // What a peer sends must not be able to end this node; whoever needs the batch asks for it again.
    if (error instanceof CodedError) return 'postponed';
    throw error;
  }
}

/** A batch with its digest and the ids of its transactions. */
export function knowBatch(batch: Batch): KnownBatch {
  const ids = batch.transactions.map(({ body }) => transactionId(body));
  return knownBatch(batch, encode(batchSchema, batch), ids);
}

/** The same for whom bytes and ids are at hand. @param bytes canonical bytes of the batch. @param ids of its transactions, in order. */
export function knownBatch(batch: Batch, bytes: Uint8Array, ids: readonly TransactionId[]): KnownBatch {
  batchSchema.remember(batch, bytes);
  const transactions = batch.transactions.map((transaction, i): IdentifiedTransaction => {
    const id = ids[i];
    assert(id !== undefined, 'each transaction of a batch has its id');
    return { id, transaction };
  });
  return { digest: batchDigestOfBytes(bytes), batch, bytes, transactions };
}

export function identify(transaction: Transaction): IdentifiedTransaction {
  return { id: transactionId(transaction.body), transaction };
}

/** What verifies all signatures of the transactions, in order. */
export function signatureChecks(transactions: readonly IdentifiedTransaction[]): SignatureCheck[] {
  const messages = transactionsSigningBytes(transactions.map(({ id }) => id));
  const checks: SignatureCheck[] = [];
  for (let i = 0; i < transactions.length; i++) {
    const message = messages[i] as Uint8Array;
    for (const { publicKey, signature } of transactions[i]?.transaction.signatures ?? []) {
      checks.push({ publicKey, message, signature });
    }
  }
  return checks;
}

/** What comes in from outside becomes known here: decoded within its limits, identified, its signatures checked. */
import { batch as batchSchema } from '../codec/block.ts';
import { MAX_BATCH_BYTES } from '../codec/limits.ts';
import { CodecError, decode, encode } from '../codec/schema.ts';
import { batchDigestOfBytes, transactionId, transactionSigningBytes } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import type { IdentifiedTransaction } from '../ledger/ledger.ts';
import type { KnownBatch } from '../mempool/batch-pool.ts';
import type { SignatureCheck, Verifier } from '../ports.ts';
import type { Batch, ChainId, Transaction } from '../types/index.ts';

export const WRONG_SIGNATURE = 'a transaction with a wrong signature';

/** Decodes a batch, whose signatures nobody has checked yet. @returns `problem`: why no honest participant would send it. */
export function readBatch(
  chainId: ChainId,
  bytes: Uint8Array,
): { readonly known: KnownBatch } | { readonly problem: string } {
  let known: KnownBatch;
  try {
    known = knowBatch(decode(batchSchema, bytes, MAX_BATCH_BYTES), bytes);
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
    return (await verifier.verifyAll(transactions.flatMap(signatureChecks))).every((valid) => valid);
  } catch (error) {
    // What a peer sends must not be able to end this node; whoever needs the batch asks for it again.
    if (error instanceof CodedError) return 'postponed';
    throw error;
  }
}

/** A batch with its digest and the ids of its transactions. @param bytes its canonical bytes, where they are at hand. */
export function knowBatch(batch: Batch, bytes: Uint8Array = encode(batchSchema, batch)): KnownBatch {
  batchSchema.remember(batch, bytes);
  return { digest: batchDigestOfBytes(bytes), batch, bytes, transactions: batch.transactions.map(identify) };
}

export function identify(transaction: Transaction): IdentifiedTransaction {
  return { id: transactionId(transaction.body), transaction };
}

/** What verifies all signatures of a transaction. */
export function signatureChecks({ id, transaction }: IdentifiedTransaction): SignatureCheck[] {
  const message = transactionSigningBytes(id);
  return transaction.signatures.map(({ publicKey, signature }) => ({ publicKey, message, signature }));
}

/**
 * Receipts that convince without a network: made by a node, checked by anyone who has the genesis. A proof has no byte
 * that can be changed without one of the checks failing: every signature in it must verify, also beyond a quorum.
 */

import { fromHex, toHex } from '../codec/hex.ts';
import { MAX_PROOF_BYTES } from '../codec/limits.ts';
import { type ReceiptProof, receiptProof } from '../codec/proof.ts';
import { decode, encode } from '../codec/schema.ts';
import { certificateChecks } from '../crypto/certificate.ts';
import {
  blockHash,
  chainIdOf,
  receiptLeaf,
  transactionId,
  transactionSigningBytes,
  validatorsOf,
} from '../crypto/ids.ts';
import { merklePath, merkleRootFromPath } from '../crypto/merkle.ts';
import { assert, CodedError } from '../errors.ts';
import type { Verifier } from '../ports.ts';
import type { CommittedBlock, Genesis, Receipt, Transaction } from '../types/index.ts';

/** @param receipts all of the block, in order. @param index of the one to prove. */
export function proveReceipt(
  { block: { header }, certificate }: CommittedBlock,
  receipts: readonly Receipt[],
  index: number,
  transaction: Transaction,
): ReceiptProof {
  const receipt = receipts[index];
  assert(receipt !== undefined, 'a proof is of a receipt that exists');
  const path = merklePath(receipts.map(receiptLeaf), index);
  return { version: 1, transaction, receipt, receipts: receipts.length, path, header, certificate };
}

/** @returns the first thing that is wrong with a proof, in words, or null where it convinces. */
export function proofProblem(genesis: Genesis, proof: ReceiptProof, verifier: Verifier): string | null {
  const { transaction, receipt, receipts, path, header, certificate } = proof;
  const chainId = chainIdOf(genesis);
  const validators = validatorsOf(genesis);
  if (header.chainId !== chainId) return 'the receipt is of another network than this genesis';
  if (certificate.height !== header.height || certificate.blockHash !== blockHash(header)) {
    return 'the certificate is of another block';
  }
  const checks = certificateChecks(chainId, validators, certificate);
  if (checks === null) return 'the certificate has too few signatures, or one twice';
  if (!checks.every((check) => verifier.verify(check))) return 'a signature of the certificate does not verify';
  const root = merkleRootFromPath(receiptLeaf(receipt), receipt.index, receipts, path);
  if (root !== header.receiptsRoot || receipt.height !== header.height) return 'the receipt is not in that block';
  const id = transactionId(transaction.body);
  if (id !== receipt.transactionId) return 'the receipt is of another transaction';
  const message = transactionSigningBytes(id);
  const signed = transaction.signatures.every((entry) => verifier.verify({ ...entry, message }));
  return signed ? null : 'a signature of the transaction does not verify';
}

/** A proof as text to be kept or sent: one line of JSON with the canonical bytes in hex. */
export function proofText(proof: ReceiptProof): string {
  return `${JSON.stringify({ format: 'tonle-receipt', version: 1, proof: toHex(encode(receiptProof, proof)) })}\n`;
}

/** @throws CodedError `RECEIPT_MALFORMED` for anything but exactly what `proofText` writes. */
export function parseProofText(text: string): ReceiptProof {
  const malformed = (why: string, cause?: unknown) =>
    new CodedError('RECEIPT_MALFORMED', `not a receipt: ${why}`, { cause });
  if (text.length > 2 * MAX_PROOF_BYTES + 256) throw malformed('too long');
  const hex = /"proof":"([0-9a-f]*)"/.exec(text)?.[1];
  if (hex === undefined || hex.length % 2 !== 0) throw malformed('it holds no proof');
  let proof: ReceiptProof;
  try {
    proof = decode(receiptProof, fromHex(hex), MAX_PROOF_BYTES);
  } catch (cause) {
    throw malformed('its bytes do not decode', cause);
  }
  if (proofText(proof) !== text) throw malformed('something was added to it or changed');
  return proof;
}

/** How a transaction gets its signatures: by one key after the other, in any order, each over the same id. */
import type { Signer } from '../ports.ts';
import type { Transaction, TransactionBody, TransactionSignature } from '../types/index.ts';
import { transactionId, transactionSigningBytes } from './ids.ts';

/** Signs a body with all keys at hand. At least one. */
export function signTransaction(body: TransactionBody, signers: readonly Signer[]): Transaction {
  const message = transactionSigningBytes(transactionId(body));
  const signatures = signers.map((signer) => ({ publicKey: signer.publicKey, signature: signer.sign(message) }));
  return { body, signatures: inOrder(signatures) };
}

/** Adds a signature to a transaction; one that is there already stays. */
export function cosign({ body, signatures }: Transaction, signer: Signer): Transaction {
  if (signatures.some((entry) => entry.publicKey === signer.publicKey)) return { body, signatures };
  return { body, signatures: inOrder([...signatures, ...signTransaction(body, [signer]).signatures]) };
}

function inOrder(signatures: readonly TransactionSignature[]): TransactionSignature[] {
  return [...signatures].sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
}

/** Signatures by the library that this process uses, and digests. */
import { transactionBody } from '../../../src/codec/transaction.ts';
import { verifyEd25519 } from '../../../src/crypto/ed25519.ts';
import { hashDigest, hashEncoded } from '../../../src/crypto/hash.ts';
import { transactionSigningBytes } from '../../../src/crypto/ids.ts';
import { merkleRoot } from '../../../src/crypto/merkle.ts';
import { signatureLibrary } from '../../../src/crypto/signature-library.ts';
import { assert } from '../../../src/errors.ts';
import { pure } from '../group.ts';
import { Town } from '../town.ts';

export const cryptoGroup = pure('crypto', () => {
  const town = new Town();
  const signer = town.network.signer('wallet/w0');
  const payments = town.payments(1_000);
  const leaves = payments.map(({ id }) => hashDigest('digestLeaf', id));
  const checks = payments.flatMap(({ id, transaction: { signatures } }) => {
    return signatures.map(({ publicKey, signature }) => ({
      message: transactionSigningBytes(id),
      publicKey,
      signature,
    }));
  });
  const [first] = payments;
  assert(first !== undefined, 'there are payments');
  const message = transactionSigningBytes(first.id);
  let next = 0;
  return [
    { name: `sign a transaction's id (${signatureLibrary.name})`, run: () => signer.sign(message) },
    {
      name: `verify a transaction's signature (${signatureLibrary.name})`,
      run: () => {
        const check = checks[next++ % checks.length];
        assert(check !== undefined && verifyEd25519(check.publicKey, check.message, check.signature), 'it is good');
      },
    },
    {
      name: 'hash a transfer: encode it and make its id',
      run: () => hashEncoded('transaction', transactionBody, first.transaction.body),
    },
    { name: 'Merkle root of 1,000 leaves', run: () => merkleRoot(leaves) },
  ];
});

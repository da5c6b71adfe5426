/**
 * A thread of `measureVerifications`: signs a set of transactions' ids by as many wallets, says that it is ready, and checks
 * them over and over for as long as it is told, as the nodes' threads do.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { fromHex, toHex } from '../../src/codec/hex.ts';
import { verifyEd25519Bytes } from '../../src/crypto/ed25519.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { transactionSigningBytes } from '../../src/crypto/ids.ts';
import { openssl, type SignatureLibrary, signatureLibrary } from '../../src/crypto/signature-library.ts';
import type { TransactionId } from '../../src/types/index.ts';

export interface VerifyTask {
  readonly thread: number;
  readonly library: SignatureLibrary['name'];
}

export interface VerifyFor {
  readonly milliseconds: number;
}

export interface Verified {
  readonly checked: number;
  /** Good signatures that were found bad. */
  readonly wrong: number;
  readonly milliseconds: number;
}

interface Check {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

const WALLETS = 1_024;
/** Checks between two looks at the clock: about 3 ms. */
const AT_A_TIME = 64;

const { thread, library: name }: VerifyTask = workerData;
const library = name === 'OpenSSL' ? openssl : signatureLibrary;
const checks = Array.from({ length: WALLETS }, (_, wallet) => signed(thread, wallet));
// Compiles the code, and lets a library that keeps keys have them.
countWrong(0, WALLETS);
parentPort?.once('message', (order: VerifyFor) => parentPort?.postMessage(verifyFor(order)));
parentPort?.postMessage('ready');

function verifyFor({ milliseconds }: VerifyFor): Verified {
  const start = performance.now();
  let [checked, wrong, spent] = [0, 0, 0];
  while (spent < milliseconds) {
    wrong += countWrong(checked % WALLETS, AT_A_TIME);
    checked += AT_A_TIME;
    spent = performance.now() - start;
  }
  return { checked, wrong, milliseconds: spent };
}

function countWrong(first: number, count: number): number {
  let wrong = 0;
  for (const { publicKey, message, signature } of checks.slice(first, first + count)) {
    if (!verifyEd25519Bytes(publicKey, message, signature, library)) wrong += 1;
  }
  return wrong;
}

/** What the network signs of a transaction, by a wallet's own key. */
function signed(thread: number, wallet: number): Check {
  const seed = sha256(new TextEncoder().encode(`limit ${thread} ${wallet}`));
  const message = transactionSigningBytes(toHex(sha256(seed)) as TransactionId);
  const { publicKey, sign } = library.createSigner(seed);
  return { publicKey: fromHex(publicKey), message, signature: sign(message) };
}

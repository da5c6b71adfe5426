/** A thread of `signPayments`: makes and signs one piece of a plan a message. */
import { parentPort } from 'node:worker_threads';
import { encodeFrame } from '../../src/codec/frames.ts';
import { fromHex } from '../../src/codec/hex.ts';
import { encode } from '../../src/codec/schema.ts';
import { transaction as transactionSchema } from '../../src/codec/transaction.ts';
import { createSigner } from '../../src/crypto/ed25519.ts';
import { transactionId } from '../../src/crypto/ids.ts';
import { LruMap } from '../../src/crypto/lru.ts';
import { signTransaction } from '../../src/crypto/sign.ts';
import type { Signer } from '../../src/ports.ts';
import type { CurrencyCode, Nonce, TransactionBody } from '../../src/types/index.ts';
import { accountAt, accountSecret, bankOf } from '../network/people.ts';
import { type PlannedPayment, paymentsOf } from './plan.ts';
import type { SignAnswer, SignRequest } from './sign.ts';

const KHR = 'KHR' as CurrencyCode;
/** Making a key takes about as long as signing with it. */
const signers = new LruMap<number, Signer>(65_536);

parentPort?.on('message', (request: SignRequest) => {
  const answer = signPiece(request);
  const buffers = [answer.frames.buffer, answer.ends.buffer, answer.ids.buffer, answer.banks.buffer];
  parentPort?.postMessage(answer, buffers as ArrayBuffer[]);
});

function signPiece({ plan, piece, validUntilMs }: SignRequest): SignAnswer {
  const people = { seed: plan.seed, accounts: plan.accounts, banks: plan.banks };
  const payments = paymentsOf(plan, piece);
  const ends = new Uint32Array(payments.length);
  const ids = new Uint8Array(payments.length * 32);
  const banks = new Uint8Array(payments.length);
  const frames: Uint8Array[] = [];
  let end = 0;
  for (const [i, { from, to, minor, nonce }] of payments.entries()) {
    const body: TransactionBody = {
      version: 1,
      chainId: plan.chainId,
      validUntilMs,
      nonce: nonce as Nonce,
      commands: [
        {
          type: 'transfer',
          from: accountAt(people, from),
          to: accountAt(people, to),
          amount: { currency: KHR, minor },
          alias: null,
          memo: '',
        },
      ],
    };
    const frame = encodeFrame(encode(transactionSchema, signTransaction(body, [signerOf(plan.seed, from)])));
    frames.push(frame);
    end += frame.length;
    ends[i] = end;
    ids.set(fromHex(transactionId(body), 32), i * 32);
    banks[i] = bankOf(plan.banks.length, from);
  }
  const joined = new Uint8Array(end);
  let at = 0;
  for (const frame of frames) {
    joined.set(frame, at);
    at += frame.length;
  }
  return { piece, frames: joined, ends, ids, banks };
}

function signerOf(seed: number, account: PlannedPayment['from']): Signer {
  const known = signers.get(account);
  if (known !== undefined) return known;
  const signer = createSigner(accountSecret(seed, account));
  signers.set(account, signer);
  return signer;
}

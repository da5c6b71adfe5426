/** What identifies, commits to and is signed of each message: the one place where canonical bytes become digests. */
import { batch, header } from '../codec/block.ts';
import { genesis } from '../codec/genesis.ts';
import { fromHex } from '../codec/hex.ts';
import { encode } from '../codec/schema.ts';
import { receipt, transactionBody } from '../codec/transaction.ts';
import { evidence, type StatementPreimage, statementPreimage, validatorSet } from '../codec/vote.ts';
import type {
  Batch,
  BatchDigest,
  BlockHash,
  ChainId,
  Evidence,
  Genesis,
  Hash,
  Header,
  Receipt,
  Statement,
  TransactionBody,
  TransactionId,
  ValidatorSet,
} from '../types/index.ts';
import { hashDigest, hashDigests, hashEncoded, hashHex, hashSpans, tagged, taggedDigests } from './hash.ts';
import { merkleRoot, merkleRootOf } from './merkle.ts';

/** Remembered as long as the header lives: the same one is asked about along its whole way. */
const blockHashes = new WeakMap<Header, BlockHash>();

/** Made where a transaction comes in, and goes with it from there: a weak map of thousands costs the collector more than it saves. */
export function transactionId(body: TransactionBody): TransactionId {
  return hashEncoded('transaction', transactionBody, body) as TransactionId;
}

/** The ids of transactions that were just decoded. @param marks where their bodies lie in the bytes: start and end of each, in turn. */
export function transactionIdsOf(bytes: Uint8Array, marks: readonly number[]): TransactionId[] {
  return hashSpans('transaction', bytes, marks) as TransactionId[];
}

/** What a wallet's key signs: its tag and the transaction's id, which covers the whole body. */
export function transactionSigningBytes(id: TransactionId): Uint8Array {
  return tagged('transactionSignature', fromHex(id, 32));
}

/** The same of many, in order, side by side in one buffer. */
export function transactionsSigningBytes(ids: readonly TransactionId[]): Uint8Array[] {
  return taggedDigests('transactionSignature', ids);
}

/** What a validator's key signs. All validators sign the same bytes for the same value, so the last ones are kept; only read them. */
export function statementSigningBytes(chainId: ChainId, statement: Statement): Uint8Array {
  const known = lastSigned.find(({ preimage }) => isPreimageOf(preimage, chainId, statement));
  if (known !== undefined) return known.bytes;
  const { step, height, round, blockHash, validRound } = statement;
  const preimage: StatementPreimage = { version: 1, chainId, step, height, round, blockHash, validRound };
  const bytes = tagged('statement', encode(statementPreimage, preimage));
  lastSigned = [{ preimage, bytes }, ...lastSigned.slice(0, KEPT_STATEMENTS - 1)];
  return bytes;
}

function isPreimageOf(preimage: StatementPreimage, chainId: ChainId, statement: Statement): boolean {
  return (
    preimage.step === statement.step &&
    preimage.height === statement.height &&
    preimage.round === statement.round &&
    preimage.blockHash === statement.blockHash &&
    preimage.validRound === statement.validRound &&
    preimage.chainId === chainId
  );
}

/** Proposal, prevotes and precommits of a height overlap, and with nil votes there are five values. */
const KEPT_STATEMENTS = 6;
let lastSigned: readonly { readonly preimage: StatementPreimage; readonly bytes: Uint8Array }[] = [];

export function batchDigest(value: Batch): BatchDigest {
  return batchDigestOfBytes(encode(batch, value));
}

/** @param bytes canonical bytes of a batch. */
export function batchDigestOfBytes(bytes: Uint8Array): BatchDigest {
  return hashHex('batch', bytes) as BatchDigest;
}

export function blockHash(value: Header): BlockHash {
  const known = blockHashes.get(value);
  if (known !== undefined) return known;
  const digest = hashEncoded('header', header, value) as BlockHash;
  blockHashes.set(value, digest);
  return digest;
}

export function chainIdOf(value: Genesis): ChainId {
  return hashEncoded('genesis', genesis, value) as ChainId;
}

export function validatorSetHash(validators: ValidatorSet): Hash {
  return hashEncoded('validatorSet', validatorSet, validators);
}

/** Validators of a network, in the order of its genesis. */
export function validatorsOf({ participants }: Genesis): ValidatorSet {
  return participants.map(({ id, validatorKey }) => ({ participant: id, publicKey: validatorKey }));
}

/** Merkle root over digests that stand for themselves: batches. */
export function digestsRoot(digests: readonly Hash[]): Hash {
  return merkleRoot(digests.map((digest) => hashDigest('digestLeaf', digest)));
}

/** Transactions that share a Merkle leaf. */
const LEAF_TRANSACTIONS = 64;

/** Merkle root over the transactions that took part in a block, in order. What proves one of them is its receipt. */
export function transactionsRoot(ids: readonly TransactionId[]): Hash {
  const leaves: Hash[] = [];
  for (let at = 0; at < ids.length; at += LEAF_TRANSACTIONS) {
    leaves.push(hashDigests('transactionsLeaf', ids.slice(at, at + LEAF_TRANSACTIONS)));
  }
  return merkleRootOf(ids.length, leaves);
}

export function evidenceRoot(values: readonly Evidence[]): Hash {
  return merkleRoot(values.map((value) => hashEncoded('evidence', evidence, value)));
}

export function receiptLeaf(value: Receipt): Hash {
  return hashEncoded('receiptLeaf', receipt, value);
}

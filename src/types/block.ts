import type { BatchDigest, BlockHash, ChainId, Hash, ParticipantId, StateKey } from './ids.ts';
import type { Transaction } from './transaction.ts';
import type { CommitCertificate, Evidence, SignedStatement } from './vote.ts';

/** Transactions that one participant gathered and spreads as one message. */
export interface Batch {
  readonly version: 1;
  readonly chainId: ChainId;
  readonly author: ParticipantId;
  readonly transactions: readonly Transaction[];
}

/** What validators agree on. Its roots commit to the results, so one certified header proves a receipt. */
export interface Header {
  readonly version: 1;
  readonly chainId: ChainId;
  readonly height: number;
  /** The proposer's clock in ms since 1970, strictly above the parent's. */
  readonly timeMs: number;
  /** Who made this block; in a later round another may propose it again. */
  readonly proposer: ParticipantId;
  /** Hash of the block before; of the genesis (its chain id) at height 1. */
  readonly parentHash: Hash;
  readonly validatorSetHash: Hash;
  /** Merkle root of the batch digests, in order. */
  readonly batchesRoot: Hash;
  /** Merkle root of the evidence, in order. */
  readonly evidenceRoot: Hash;
  /** Merkle root of the ids of the transactions that took part, in order. */
  readonly transactionsRoot: Hash;
  /** Merkle root of the receipts, in the same order. */
  readonly receiptsRoot: Hash;
  /** Merkle root of every state entry this block writes, in key order. */
  readonly writesRoot: Hash;
  /**
   * In block c + 1 + floor(interval / 2), c a multiple of `checkpointInterval`: Merkle root of the whole state after block c. Null in
   * all others.
   */
  readonly checkpointRoot: Hash | null;
}

/** A header and what it names: batches stay apart, so that what is gossiped is small. */
export interface Block {
  readonly header: Header;
  readonly batches: readonly BatchDigest[];
  readonly evidence: readonly Evidence[];
}

/** A signed statement of step `propose`, with the block it names. */
export interface Proposal {
  readonly statement: SignedStatement & { readonly step: 'propose'; readonly blockHash: BlockHash };
  readonly block: Block;
}

/** A block as the record keeps it: agreed, certified, and whole. */
export interface CommittedBlock {
  readonly block: Block;
  readonly certificate: CommitCertificate;
  readonly batches: readonly Batch[];
}

/** One changed entry of the state; null deletes it. */
export interface StateWrite {
  readonly key: StateKey;
  readonly value: Uint8Array | null;
}

/** All that a block changes: the writes, in ascending key order, and the replay memory it forgets. */
export interface BlockWrites {
  readonly entries: readonly StateWrite[];
  /** Every state key from `from` (included) to `to` (excluded) is deleted; null where nothing expires. */
  readonly forget: { readonly from: StateKey; readonly to: StateKey } | null;
}

/** A block's place in the chain, enough to build on it. */
export interface ChainTip {
  readonly height: number;
  readonly hash: BlockHash | ChainId;
  readonly timeMs: number;
}

/** Where a transaction took part. */
export interface Place {
  readonly height: number;
  /** Of its receipt among those of the block. */
  readonly index: number;
}

/** Batches, headers, blocks and the record of a height: what peers exchange and the block log keeps. */
import type { Batch, Block, CommitCertificate, CommittedBlock, Header } from '../types/index.ts';
import * as f from './fields.ts';
import { MAX_BATCH_TRANSACTIONS, MAX_BLOCK_BATCHES, MAX_BLOCK_EVIDENCE, MAX_SAFE } from './limits.ts';
import { exactly, field, integer, list, nullable, record, remembering, unread } from './schema.ts';
import { transaction } from './transaction.ts';
import { commitCertificate, evidence } from './vote.ts';

/** Written by its author, with each lock on a block that names it, and with that block: its bytes are worth remembering. */
export const batch = remembering(
  record<Batch>('Batch', {
    version: field(exactly(1), 'format'),
    chainId: field(f.chainId, 'digest of the genesis'),
    author: field(f.participantId, 'who gathered it'),
    transactions: field(list(transaction, 1, MAX_BATCH_TRANSACTIONS), 'in the order they take effect'),
  }),
);

export const header = record<Header>('Header', {
  version: field(exactly(1), 'format and rule set'),
  chainId: field(f.chainId, 'digest of the genesis'),
  height: field(integer(1, MAX_SAFE), 'parent + 1'),
  timeMs: field(f.timeMs, "the proposer's clock, above the parent's time"),
  proposer: field(f.participantId, 'who made the block'),
  parentHash: field(f.hash, 'block before; the chain id at height 1'),
  validatorSetHash: field(f.hash, 'who may certify it'),
  batchesRoot: field(f.hash, 'Merkle root of the batch digests'),
  evidenceRoot: field(f.hash, 'Merkle root of the evidence'),
  transactionsRoot: field(f.hash, 'Merkle root of the ids of the transactions that took part, 64 a leaf'),
  receiptsRoot: field(f.hash, 'Merkle root of their receipts'),
  writesRoot: field(f.hash, 'Merkle root of every state entry written, 64 a leaf'),
  checkpointRoot: field(
    nullable(f.hash),
    'root of the whole state half a checkpoint interval ago, every so many heights',
  ),
});

export const block = record<Block>('Block', {
  header: field(header, 'what is voted on'),
  batches: field(list(f.batchDigest, 0, MAX_BLOCK_BATCHES), 'digests, in order'),
  evidence: field(list(evidence, 0, MAX_BLOCK_EVIDENCE), 'proofs of equivocation'),
});

export const committedBlock = record<CommittedBlock>('CommittedBlock', {
  block: field(block, 'the block'),
  certificate: field(commitCertificate, 'why it is final'),
  batches: field(list(batch, 0, MAX_BLOCK_BATCHES), 'the batches it names, in order'),
});

/** A block of the record whose batches nobody has to read: they are known by the digests of their bytes. */
export interface SealedBlock {
  readonly block: Block;
  readonly certificate: CommitCertificate;
  /** Canonical bytes of each. */
  readonly batches: readonly Uint8Array[];
}

/** The bytes of a `committedBlock`. */
export const sealedBlock = record<SealedBlock>('CommittedBlock', {
  block: field(block, 'the block'),
  certificate: field(commitCertificate, 'why it is final'),
  batches: field(list(unread(batch), 0, MAX_BLOCK_BATCHES), 'the batches it names, in order'),
});

/** What a node tells whoever listens: logs, metrics and event streams are made of it, outside. */
import { assert } from '../errors.ts';
import type {
  BatchDigest,
  BlockHash,
  CommittedBlock,
  Evidence,
  ParticipantId,
  Receipt,
  Transaction,
  TransactionId,
  ValidatorSet,
} from '../types/index.ts';
import type { IndexedTransaction } from './contents.ts';
import type { Execution } from './execution.ts';

interface CommittedTransaction {
  readonly receipt: Receipt;
  readonly transaction: Transaction;
}

export type NodeEvent =
  /** A batch of transactions that were handed in here is on its way to every peer. */
  | {
      readonly type: 'batched';
      readonly digest: BatchDigest;
      readonly transactions: readonly { readonly id: TransactionId }[];
    }
  /** A batch of another participant is here, and every signature in it holds. */
  | { readonly type: 'batchHeld'; readonly digest: BatchDigest; readonly author: ParticipantId }
  /** A proposal of this node's height, its own or a peer's, once: signed by the round's proposer, not yet judged. */
  | {
      readonly type: 'proposal';
      readonly height: number;
      readonly round: number;
      readonly blockHash: BlockHash;
      readonly proposer: ParticipantId;
      readonly batches: readonly BatchDigest[];
    }
  /** This node's vote is on its way to every peer. Null votes for no block. */
  | {
      readonly type: 'voted';
      readonly step: 'prevote' | 'precommit';
      readonly height: number;
      readonly round: number;
      readonly blockHash: BlockHash | null;
    }
  | {
      readonly type: 'committed';
      readonly committed: CommittedBlock;
      readonly blockHash: BlockHash;
      readonly transactions: readonly CommittedTransaction[];
      /** Whose precommits the certificate holds. */
      readonly signers: readonly ParticipantId[];
      /** Against whom the block holds evidence. */
      readonly accused: readonly ParticipantId[];
      /** By this node's vote, or caught up from a peer. */
      readonly via: 'consensus' | 'sync';
    }
  | { readonly type: 'expired'; readonly ids: readonly TransactionId[] }
  | { readonly type: 'round'; readonly height: number; readonly round: number; readonly proposer: ParticipantId }
  | { readonly type: 'evidence'; readonly evidence: Evidence; readonly participant: ParticipantId }
  | { readonly type: 'blockRefused'; readonly height: number; readonly blockHash: BlockHash; readonly reason: string }
  | { readonly type: 'signatureRefused'; readonly height: number; readonly round: number }
  | { readonly type: 'peer'; readonly peer: ParticipantId; readonly connected: boolean }
  | { readonly type: 'peerRefused'; readonly peer: ParticipantId; readonly reason: string }
  /** A snapshot is being fetched, and blocks before it will not be here. */
  | { readonly type: 'joining'; readonly peer: ParticipantId; readonly height: number; readonly chunks: number }
  /** The chain begins at a snapshot of this height now. */
  | { readonly type: 'joined'; readonly height: number }
  /** The proof of the state that the start began has ended. `by` is the snapshot that proved it; null where none was usable. */
  | { readonly type: 'stateProved'; readonly height: number; readonly by: number | null; readonly tookMs: number }
  | { readonly type: 'syncing'; readonly peer: ParticipantId; readonly from: number; readonly to: number };

/** What a node tells of a block that has just become part of its chain. */
export function committedEvent(
  committed: CommittedBlock,
  { result, transactions }: Execution,
  validators: ValidatorSet,
  via: 'consensus' | 'sync',
): NodeEvent {
  const { block, certificate } = committed;
  return {
    type: 'committed',
    committed,
    blockHash: certificate.blockHash,
    transactions: result.receipts.map((receipt, at) => {
      const found = transactions[at];
      assert(found !== undefined, 'a receipt has its transaction');
      return { receipt, transaction: found.transaction };
    }),
    signers: certificate.signatures.map(({ validator }) => participantAt(validators, validator)),
    accused: block.evidence.map(({ first }) => participantAt(validators, first.validator)),
    via,
  };
}

/** @param index of what was checked, so that there is one. */
export function participantAt(validators: ValidatorSet, index: number): ParticipantId {
  const validator = validators[index];
  assert(validator !== undefined, 'what was checked names validators');
  return validator.participant;
}

export type NodeListener = (event: NodeEvent) => void;

/** Where a transaction stands, as far as this node can know. */
export type TransactionStanding =
  | { readonly state: 'final'; readonly receipt: Receipt; readonly indexed: IndexedTransaction }
  | { readonly state: 'pending' }
  | { readonly state: 'expired' }
  | { readonly state: 'unknown' };

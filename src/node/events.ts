/** What a node tells whoever listens: logs, metrics and event streams are made of it, outside. */
import type { IndexedTransaction } from '../codec/index-rows.ts';
import type {
  BlockHash,
  CommittedBlock,
  Evidence,
  ParticipantId,
  Receipt,
  Transaction,
  TransactionId,
} from '../types/index.ts';

interface CommittedTransaction {
  readonly receipt: Receipt;
  readonly transaction: Transaction;
}

export type NodeEvent =
  | {
      readonly type: 'committed';
      readonly committed: CommittedBlock;
      readonly blockHash: BlockHash;
      readonly transactions: readonly CommittedTransaction[];
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
  | { readonly type: 'syncing'; readonly peer: ParticipantId; readonly from: number; readonly to: number };

export type NodeListener = (event: NodeEvent) => void;

/** Where a transaction stands, as far as this node can know. */
export type TransactionStanding =
  | { readonly state: 'final'; readonly receipt: Receipt; readonly indexed: IndexedTransaction }
  | { readonly state: 'pending' }
  | { readonly state: 'expired' }
  | { readonly state: 'unknown' };

/** What peers say to each other beyond batches: gossip, and the questions of `node/peers.ts` with their answers. */
import type { BatchDigest, BlockHash, Evidence, Proposal, Vote } from '../types/index.ts';
import { block } from './block.ts';
import * as f from './fields.ts';
import {
  MAX_BLOCK_BATCHES,
  MAX_ROUND_MESSAGES,
  MAX_ROUND_PROPOSALS,
  MAX_SAFE,
  MAX_SNAPSHOT_CHUNKS,
  MAX_SYNC_BLOCKS,
} from './limits.ts';
import { exactly, field, integer, list, nullable, record, refine, type Schema } from './schema.ts';
import { evidence, signedStatement, vote } from './vote.ts';

export const proposal: Schema<Proposal> = record<Proposal>('Proposal', {
  statement: field(
    refine(signedStatement as Schema<Proposal['statement']>, (value) =>
      value.step === 'propose' ? null : 'expected a proposal',
    ),
    'what the proposer signed',
  ),
  block: field(block, 'the block it names'),
});

/** «This is where I am»: sent after each commit and now and then, so that whoever lags finds out. */
export interface Announcement {
  readonly version: 1;
  readonly height: number;
  readonly blockHash: BlockHash | null;
}

export const announcement = record<Announcement>('Announcement', {
  version: field(exactly(1), 'format'),
  height: field(f.height, 'last committed height'),
  blockHash: field(nullable(f.blockHash), 'its block; null at height 0'),
});

/** A proof of equivocation on its way to whoever did not hear both statements: said when it is found, and again until the chain has it. */
export interface EvidenceMessage {
  readonly height: number;
  readonly evidence: Evidence;
}

export const evidenceMessage = record<EvidenceMessage>('EvidenceMessage', {
  height: field(
    f.height,
    'last committed height of who says it, so that gossip takes it for news when it is said again',
  ),
  evidence: field(evidence, 'two statements that contradict each other'),
});

/** Question `batches`: answered by the canonical bytes of each that is known, one frame each. */
export const batchesQuestion: Schema<readonly BatchDigest[]> = list(f.batchDigest, 1, MAX_BLOCK_BATCHES);

/**
 * Question `blocks`: answered by committed blocks from that height on, one frame each. A record that begins later is answered
 * for by its first block alone, which shows where it begins.
 */
export interface BlocksQuestion {
  readonly from: number;
  readonly count: number;
}

export const blocksQuestion = record<BlocksQuestion>('BlocksQuestion', {
  from: field(integer(1, MAX_SAFE), 'first height'),
  count: field(integer(1, MAX_SYNC_BLOCKS), 'at most so many'),
});

/** Question `manifest`: answered by the SnapshotManifest of the newest certified snapshot, or by nothing. */
export interface ManifestQuestion {
  readonly above: number;
}

export const manifestQuestion = record<ManifestQuestion>('ManifestQuestion', {
  above: field(f.height, 'snapshots of this height and below are of no use to the asker'),
});

/** Question `chunk`: answered by one chunk of a snapshot, or by nothing where it is not there any more. */
export interface ChunkQuestion {
  readonly height: number;
  readonly index: number;
}

export const chunkQuestion = record<ChunkQuestion>('ChunkQuestion', {
  height: field(integer(1, MAX_SAFE), 'of the snapshot'),
  index: field(integer(0, MAX_SNAPSHOT_CHUNKS - 1), '0 for the first chunk'),
});

/** Question `round`, and its answer: all that one side knows of a height, so that lost gossip is made good. */
export interface RoundMessages {
  readonly height: number;
  readonly proposals: readonly Proposal[];
  readonly votes: readonly Vote[];
}

export const roundMessages = record<RoundMessages>('RoundMessages', {
  height: field(integer(1, MAX_SAFE), 'the height the sender works on'),
  proposals: field(list(proposal, 0, MAX_ROUND_PROPOSALS), 'of the rounds that still matter'),
  votes: field(list(vote, 0, MAX_ROUND_MESSAGES), 'of the rounds that still matter'),
});

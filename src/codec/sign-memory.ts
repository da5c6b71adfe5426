/** What must outlive a crash: all that a key said in its latest round, and the block it is locked on. */
import type { Batch, Block, BlockHash, SignedStatement, Vote } from '../types/index.ts';
import { batch, block } from './block.ts';
import * as f from './fields.ts';
import { MAX_BLOCK_BATCHES, MAX_VALIDATORS } from './limits.ts';
import { exactly, field, list, nullable, record } from './schema.ts';
import { signedStatement, vote } from './vote.ts';

export interface LockRecord {
  readonly round: number;
  readonly blockHash: BlockHash;
  readonly block: Block;
  /** The polka it rests on. */
  readonly prevotes: readonly Vote[];
  /** Whole, because a network that restarts locked on a block nobody can execute would never move again. */
  readonly batches: readonly Batch[];
}

export interface SignMemory {
  readonly version: 1;
  /** Of the height and round of the last one, in the order they were signed; at most one a step. */
  readonly said: readonly SignedStatement[];
  readonly lock: LockRecord | null;
}

export const signMemory = record<SignMemory>('SignMemory', {
  version: field(exactly(1), 'format'),
  said: field(list(signedStatement, 1, 3), 'statements of the latest round'),
  lock: field(
    nullable(
      record<LockRecord>('LockRecord', {
        round: field(f.round, 'lockedRound'),
        blockHash: field(f.blockHash, 'lockedValue'),
        block: field(block, 'the block'),
        prevotes: field(list(vote, 1, MAX_VALIDATORS), 'the polka it rests on'),
        batches: field(list(batch, 0, MAX_BLOCK_BATCHES), 'its batches, in order'),
      }),
    ),
    'lockedValue and lockedRound at this height',
  ),
});

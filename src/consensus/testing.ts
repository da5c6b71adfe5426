/** Made-up blocks, statements and configurations for the tests of this folder. A block's name serves as its hash. */
import type { Block, BlockHash, ChainId, Hash, ParticipantId, Proposal, Statement, Vote } from '../types/index.ts';
import { proposerIndex } from './quorum.ts';
import type { ConsensusConfig } from './state.ts';

const NO_SIGNATURE = new Uint8Array(64);

export function testConfig(validators: number, self: number | null): ConsensusConfig {
  return { validators, self, timeouts: { proposeMs: 1000, prevoteMs: 500, precommitMs: 300, stepMs: 100 } };
}

export function testHash(name: string): BlockHash {
  return name as BlockHash;
}

/** A block that is told from others by its name only. */
export function testBlock(height: number, name: string): Block {
  const root = name as Hash;
  return {
    header: {
      version: 1,
      chainId: 'chain' as ChainId,
      height,
      timeMs: height,
      proposer: 'nbc' as ParticipantId,
      parentHash: root,
      validatorSetHash: root,
      batchesRoot: root,
      evidenceRoot: root,
      transactionsRoot: root,
      receiptsRoot: root,
      writesRoot: root,
      checkpointRoot: null,
    },
    batches: [],
    evidence: [],
  };
}

/** A vote for the block of that name, or for nil where it is null. */
export function testVote(
  place: Pick<Vote, 'step' | 'height' | 'round' | 'validator'>,
  name: string | null,
  signature = NO_SIGNATURE,
): Vote {
  return { ...place, blockHash: name === null ? null : testHash(name), validRound: null, signature };
}

/** What the proposer of (height, round), in a set of `validators`, proposes. */
export function testProposal(
  { validators, height, round }: { validators: number; height: number; round: number },
  name: string,
  validRound: number | null = null,
  validator = proposerIndex(height, round, validators),
): Proposal {
  return {
    statement: {
      step: 'propose',
      height,
      round,
      blockHash: testHash(name),
      validRound,
      validator,
      signature: NO_SIGNATURE,
    },
    block: testBlock(height, name),
  };
}

/** What a node makes of a `sign` effect. */
export function signed(statement: Statement, block: Block | null): Vote | Proposal {
  const signature = NO_SIGNATURE;
  const { step, blockHash } = statement;
  if (step !== 'propose') return { ...statement, step, validRound: null, signature };
  if (block === null || blockHash === null) throw new Error('a proposal names a block');
  return { statement: { ...statement, step, blockHash, signature }, block };
}

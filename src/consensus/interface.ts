/**
 * All that enters the consensus core and all that leaves it. The core decides; the node signs, stores, sends, executes
 * and waits. Every effect that asks a question (`getValue`, `validate`, `sign`, `scheduleTimeout`) is answered by an input.
 */
import type { Block, BlockHash, CommitCertificate, Evidence, Proposal, Statement, Step, Vote } from '../types/index.ts';
import type { ConsensusState, Polka } from './state.ts';

export type Input =
  /** There is something to put in a block. */
  | { readonly type: 'start' }
  /** A proposal whose signature and block hash were checked; our own come back this way too. */
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  /** Answers `validate`. */
  | { readonly type: 'validity'; readonly blockHash: BlockHash; readonly valid: boolean }
  /** A vote whose signature was checked; our own come back this way too. */
  | { readonly type: 'vote'; readonly vote: Vote }
  /** Answers `scheduleTimeout`. */
  | { readonly type: 'timeout'; readonly step: Step; readonly height: number; readonly round: number }
  /** Answers `getValue`; whoever makes a block vouches for it, so it is not validated again. */
  | {
      readonly type: 'value';
      readonly height: number;
      readonly round: number;
      readonly block: Block;
      readonly blockHash: BlockHash;
    }
  /** Nobody needs to wait for this round's proposer. */
  | { readonly type: 'proposerUnreachable'; readonly height: number; readonly round: number };

/** Make a new block: the paper's getValue(). */
export interface GetValueEffect {
  readonly type: 'getValue';
  readonly height: number;
  readonly round: number;
}

/**
 * Sign and say this to everyone, ourselves included. Before the signature leaves the node, the statement and `lock` must
 * be on disk: together they are the `Memory` that `resumeHeight` asks for.
 */
export interface SignEffect {
  readonly type: 'sign';
  readonly statement: Statement;
  /** The proposed block; null with a vote. */
  readonly block: Block | null;
  readonly lock: Polka | null;
}

/** Ask whether a block may be decided: the paper's valid(v). */
export interface ValidateEffect {
  readonly type: 'validate';
  readonly round: number;
  readonly block: Block;
  readonly blockHash: BlockHash;
}

export interface ScheduleTimeoutEffect {
  readonly type: 'scheduleTimeout';
  readonly step: Step;
  readonly height: number;
  readonly round: number;
  readonly durationMs: number;
}

/** The height is over. */
export interface CommitEffect {
  readonly type: 'commit';
  readonly block: Block;
  readonly blockHash: BlockHash;
  readonly certificate: CommitCertificate;
}

/** A validator contradicted itself. Told once a (validator, round, step) while the round is remembered. */
export interface EvidenceEffect {
  readonly type: 'evidence';
  readonly evidence: Evidence;
}

/** A round began. A node that cannot reach `proposer` says so at once with `proposerUnreachable`. */
export interface NewRoundEffect {
  readonly type: 'newRound';
  readonly height: number;
  readonly round: number;
  readonly proposer: number;
}

export type Effect =
  | GetValueEffect
  | SignEffect
  | ValidateEffect
  | ScheduleTimeoutEffect
  | CommitEffect
  | EvidenceEffect
  | NewRoundEffect;

/** The state after an input, and what to do about it, in order. */
export interface Outcome {
  readonly state: ConsensusState;
  readonly effects: readonly Effect[];
}

/** An outcome without effects. */
export function quiet(state: ConsensusState): Outcome {
  return { state, effects: [] };
}

/** One after the other. */
export function then(outcome: Outcome, next: (state: ConsensusState) => Outcome): Outcome {
  const after = next(outcome.state);
  return { state: after.state, effects: [...outcome.effects, ...after.effects] };
}

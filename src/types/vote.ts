import type { BlockHash, ParticipantId, PublicKey } from './ids.ts';

/** The three things a validator says in a round (arXiv:1807.04938, Algorithm 1: PROPOSAL, PREVOTE, PRECOMMIT). */
export type Step = 'propose' | 'prevote' | 'precommit';

/**
 * What a validator signs. Proposals and votes share one form, so that a key which said two things at one
 * (height, round, step) is convicted by two statements and nothing else.
 */
export interface Statement {
  readonly step: Step;
  readonly height: number;
  readonly round: number;
  /** Null is a vote for no block; a proposal always names one. */
  readonly blockHash: BlockHash | null;
  /** Of a proposal: the round of the polka it relies on, or null (the paper's -1). Null in every vote. */
  readonly validRound: number | null;
  /** Index in the height's validator set. */
  readonly validator: number;
}

export interface SignedStatement extends Statement {
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array;
}

export interface Vote extends SignedStatement {
  readonly step: 'prevote' | 'precommit';
  readonly validRound: null;
}

/** Two statements of one validator, height, round and step for different values, the smaller value first. */
export interface Evidence {
  readonly first: SignedStatement;
  readonly second: SignedStatement;
}

/** Proof that a block is final: precommits for it from more than two thirds of the validators. */
export interface CommitCertificate {
  readonly height: number;
  readonly round: number;
  readonly blockHash: BlockHash;
  /** One a validator, in ascending order of the index. */
  readonly signatures: readonly { readonly validator: number; readonly signature: Uint8Array }[];
}

export interface Validator {
  readonly participant: ParticipantId;
  /** The key that signs statements. */
  readonly publicKey: PublicKey;
}

/** Validators of equal power; the order gives the indexes. */
export type ValidatorSet = readonly Validator[];

/**
 * What a validator knows during one height: the variables of Algorithm 1 (arXiv:1807.04938, lines 1-9) and its message
 * log, as plain immutable data. Where the paper writes -1 or nil there is null; a locked value and its round are one thing.
 */
import { assert } from '../errors.ts';
import type { Block, BlockHash, CommitCertificate, Proposal, SignedStatement, Step, Vote } from '../types/index.ts';

/** How long each step waits in round 0, and what every further round adds to it. */
export interface Timeouts {
  readonly proposeMs: number;
  readonly prevoteMs: number;
  readonly precommitMs: number;
  readonly stepMs: number;
}

export interface ConsensusConfig {
  /** Size of the height's validator set. */
  readonly validators: number;
  /** Our index in it, or null for an observer, which follows everything and signs nothing. */
  readonly self: number | null;
  readonly timeouts: Timeouts;
}

/** A place in a height. Places are ordered by round, then propose < prevote < precommit. */
export interface Position {
  readonly round: number;
  readonly step: Step;
}

/** A block and the quorum of prevotes it got in one round: what a validator locks on, and can prove to the others. */
export interface Polka {
  readonly round: number;
  readonly blockHash: BlockHash;
  readonly block: Block;
  /** Exactly a quorum, in ascending order of the validator. */
  readonly prevotes: readonly Vote[];
}

/** What the sign-state kept of a height: it must outlive a crash, or a validator could contradict itself. */
export interface Memory {
  /** The last round and step signed in this height. */
  readonly round: number;
  readonly step: Step;
  /** `lock` of the last `sign` effect, as it was. */
  readonly lock: Polka | null;
  /** What we signed in this height: at least the last statement. More of them only helps the others on. */
  readonly said: readonly SignedStatement[];
}

/** The paper's valid(v), asked once a block. */
export type Verdict = 'asked' | 'valid' | 'invalid';

export interface KnownBlock {
  readonly block: Block;
  readonly verdict: Verdict;
}

/** What was received of one round. Bounds: see `log.ts`. */
export interface RoundLog {
  /** Of the round's proposer; more than one only from a proposer that equivocates. */
  readonly proposals: readonly Proposal[];
  /** One a validator and value, in order of arrival. */
  readonly prevotes: readonly Vote[];
  readonly precommits: readonly Vote[];
}

/** What the paper does «for the first time» in a round (lines 34, 36, 47), and has been done in this one. */
export interface Once {
  readonly prevoteTimeout: boolean;
  readonly polka: boolean;
  readonly precommitTimeout: boolean;
}

export interface ConsensusState {
  readonly config: ConsensusConfig;
  /** h_p, line 2. */
  readonly height: number;
  /** False while the height waits for something to put in a block. */
  readonly started: boolean;
  /** round_p, line 3. */
  readonly round: number;
  /** step_p, line 4. */
  readonly step: Step;
  /** decision_p[h_p], line 5. Not null: the height is over. */
  readonly decision: CommitCertificate | null;
  /** lockedValue_p and lockedRound_p, lines 6-7. */
  readonly locked: Polka | null;
  /** validValue_p and validRound_p, lines 8-9. */
  readonly valid: Polka | null;
  readonly once: Once;
  /** The last place we signed at: nothing at or before it is signed again. */
  readonly signed: Position | null;
  /** We heard ourselves say what we do not remember, so we say nothing more in this height. */
  readonly silent: boolean;
  /** The furthest place every validator is known to have spoken at. */
  readonly reached: ReadonlyMap<number, Position>;
  readonly rounds: ReadonlyMap<number, RoundLog>;
  readonly blocks: ReadonlyMap<BlockHash, KnownBlock>;
}

export const NOTHING_YET: Once = { prevoteTimeout: false, polka: false, precommitTimeout: false };

/** Lines 1-9: a height in which nothing was signed yet. It is idle until there is work, or another validator has some. */
export function startHeight(config: ConsensusConfig, height: number): ConsensusState {
  const { validators, self } = config;
  assert(Number.isSafeInteger(validators) && validators > 0, 'a validator set has at least one member');
  assert(self === null || isIndex(self, validators), 'our index lies within the validator set');
  assert(Number.isSafeInteger(height) && height > 0, 'heights count from 1');
  return {
    config,
    height,
    started: false,
    round: 0,
    step: 'propose',
    decision: null,
    locked: null,
    valid: null,
    once: NOTHING_YET,
    signed: null,
    silent: false,
    reached: new Map(),
    rounds: new Map(),
    blocks: new Map(),
  };
}

/** True where `index` names a member of a set of `validators`. */
export function isIndex(index: number, validators: number): boolean {
  return Number.isSafeInteger(index) && index >= 0 && index < validators;
}

const ORDER: Readonly<Record<Step, number>> = { propose: 0, prevote: 1, precommit: 2 };

/** True where `a` comes after `b`; everything comes after null. */
export function isAfter(a: Position, b: Position | null): boolean {
  if (b === null) return true;
  return a.round === b.round ? ORDER[a.step] > ORDER[b.step] : a.round > b.round;
}

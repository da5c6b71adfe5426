/**
 * The message log: what is kept of the proposals and votes of a height, and what can be counted in it.
 *
 * The paper keeps every message; this log is bounded, and forgetting costs time only, never safety, because every rule
 * waits for messages to be present, none for them to be absent.
 *
 * | kept | bound | why nothing waits for ever |
 * |---|---|---|
 * | rounds | `ROUNDS_BEHIND` before ours, `ROUNDS_AHEAD` after it, and the rounds of the polkas in use | peers send again what concerns their round and ours (`messages`) |
 * | proposals | two a round, and any whose block f+1 validators voted for | see `keepProposal` |
 * | votes | two a (validator, round, step), and any more for nil or for a block we hold | see `keepVote` |
 * | `reached` | one position a validator, of whatever round | carries lines 34, 47 and 55 when the votes themselves were dropped |
 */
import type { Block, BlockHash, Proposal, SignedStatement, Step, Vote } from '../types/index.ts';
import type { Outcome } from './interface.ts';
import { quiet } from './interface.ts';
import { evidenceOf } from './proofs.ts';
import { maxFaulty, proposerIndex } from './quorum.ts';
import type { ConsensusState, KnownBlock, Position, RoundLog, Verdict } from './state.ts';
import { isAfter, isIndex } from './state.ts';

/** Past rounds whose votes may still decide (line 49). A decision older than that arrives as a certified block. */
export const ROUNDS_BEHIND = 8;
/**
 * Future rounds that are kept. More than f validators ahead take us along (line 55), so when the dust has settled these
 * hold votes of at most f validators, and only what overtook slower messages on the way is worth keeping.
 */
const ROUNDS_AHEAD = 4;

const EMPTY: RoundLog = { proposals: [], prevotes: [], precommits: [] };

/** True for a vote that this height's rules may count; anything else is noise, whoever signed it. */
export function isVoteOf(state: ConsensusState, vote: Vote): boolean {
  return (vote.step === 'prevote' || vote.step === 'precommit') && vote.validRound === null && isPlaced(state, vote);
}

/** True for a proposal by the proposer of its round which relies on an earlier round, if on any. */
export function isProposalOf(state: ConsensusState, { statement }: Proposal): boolean {
  const { round, validRound, validator } = statement;
  return (
    statement.step === 'propose' &&
    statement.blockHash !== null &&
    isPlaced(state, statement) &&
    validator === proposerIndex(state.height, round, state.config.validators) &&
    (validRound === null || (Number.isSafeInteger(validRound) && validRound >= 0 && validRound < round))
  );
}

function isPlaced(state: ConsensusState, { height, round, validator }: SignedStatement): boolean {
  return (
    height === state.height && Number.isSafeInteger(round) && round >= 0 && isIndex(validator, state.config.validators)
  );
}

/**
 * Keeps a vote, and tells of the second one that contradicts an earlier one.
 *
 * A liar's votes count for each value it voted for, as in the paper: two quorums for different values still share an
 * honest validator. They must all be available, because another validator may need this very vote to complete a polka
 * that it can then prove to us; so beyond the first two, votes for nil and for blocks we hold are kept as well.
 */
export function keepVote(state: ConsensusState, vote: Vote): Outcome {
  const heard = hear(state, vote);
  if (!isOfInterest(heard, vote.round)) return quiet(heard);
  const log = roundLog(heard, vote.round);
  const votes = votesOf(log, vote.step);
  const earlier = votes.filter((other) => other.validator === vote.validator);
  if (earlier.some((other) => other.blockHash === vote.blockHash)) return quiet(heard);
  const isNamed = vote.blockHash === null || heard.blocks.has(vote.blockHash);
  if (earlier.length >= 2 && !isNamed) return quiet(heard);

  const key = vote.step === 'prevote' ? 'prevotes' : 'precommits';
  return told(withRound(heard, vote.round, { ...log, [key]: [...votes, vote] }), earlier, vote);
}

/**
 * Keeps a proposal, asks for its block's validity if nobody did, and tells of the one that contradicts an earlier one.
 *
 * A liar may show us two blocks and the others a third. That one is kept as soon as f+1 votes of one kind say that some
 * honest validator took it: an honest one votes once a step, so that bounds these too.
 */
export function keepProposal(state: ConsensusState, proposal: Proposal): Outcome {
  const { statement, block } = proposal;
  const heard = hear(state, statement);
  if (!isOfInterest(heard, statement.round)) return quiet(heard);
  const log = roundLog(heard, statement.round);
  const earlier = log.proposals.map((other) => other.statement);
  const isKnown = earlier.some((other) => other.blockHash === statement.blockHash);
  const vouched = [log.prevotes, log.precommits].some(
    (votes) => countFor(votes, statement.blockHash) > maxFaulty(state.config.validators),
  );
  if (isKnown || (earlier.length >= 2 && !vouched)) return quiet(heard);

  const kept = withRound(heard, statement.round, { ...log, proposals: [...log.proposals, proposal] });
  const { state: next, effects } = told(kept, earlier, statement);
  const { blockHash, round } = statement;
  if (next.blocks.has(blockHash)) return { state: next, effects };
  return {
    state: learn(next, blockHash, block, 'asked'),
    effects: [...effects, { type: 'validate', round, block, blockHash }],
  };
}

/** Remembers a block and what is known of its validity. A verdict that was reached stands. */
export function learn(state: ConsensusState, blockHash: BlockHash, block: Block, verdict: Verdict): ConsensusState {
  const known = state.blocks.get(blockHash);
  if (known !== undefined && known.verdict !== 'asked') return state;
  const next: KnownBlock = { block, verdict };
  return { ...state, blocks: new Map(state.blocks).set(blockHash, next) };
}

/** Drops what no rule of the present round, and no peer that lags a little, needs any more. */
export function forget(state: ConsensusState): ConsensusState {
  const rounds = new Map([...state.rounds].filter(([round]) => isOfInterest(state, round)));
  const named = new Set([state.locked?.blockHash, state.valid?.blockHash]);
  for (const log of rounds.values()) for (const { statement } of log.proposals) named.add(statement.blockHash);
  const blocks = new Map([...state.blocks].filter(([blockHash]) => named.has(blockHash)));
  return { ...state, rounds, blocks };
}

/** Rounds whose polkas are in use: of our lock, of our valid value, of what is proposed now (line 28). */
function pinnedRounds(state: ConsensusState): readonly number[] {
  const proposed = roundLog(state, state.round).proposals.map(({ statement }) => statement.validRound);
  return [state.locked?.round, state.valid?.round, ...proposed].filter((round) => typeof round === 'number');
}

export function roundLog(state: ConsensusState, round: number): RoundLog {
  return state.rounds.get(round) ?? EMPTY;
}

/** The votes among `votes` for one value, null being nil. */
export function votesFor(votes: readonly Vote[], blockHash: BlockHash | null): readonly Vote[] {
  return votes.filter((vote) => vote.blockHash === blockHash);
}

/** How many votes among `votes` are for one value, null being nil. */
export function countFor(votes: readonly Vote[], blockHash: BlockHash | null): number {
  let count = 0;
  for (const vote of votes) if (vote.blockHash === blockHash) count += 1;
  return count;
}

/** How many validators have spoken at `position` or later. */
export function countReached(state: ConsensusState, position: Position): number {
  let count = 0;
  for (const place of state.reached.values()) if (!isAfter(position, place)) count += 1;
  return count;
}

/** The last round that f+1 validators, so at least one honest one, have reached; -1 where so many have not spoken. */
export function roundReachedByHonest(state: ConsensusState): number {
  const rounds: number[] = [];
  let isLevel = true;
  for (const { round } of state.reached.values()) {
    rounds.push(round);
    isLevel &&= round === rounds[0];
  }
  // Asked after every input, and nearly always all are in the same round.
  if (!isLevel) rounds.sort((a, b) => b - a);
  return rounds[maxFaulty(state.config.validators)] ?? -1;
}

/** Notes how far a validator is; and where it is ourselves, that we said something which our memory does not hold. */
function hear(state: ConsensusState, { validator, round, step }: SignedStatement): ConsensusState {
  const position: Position = { round, step };
  const silent = state.silent || (validator === state.config.self && isAfter(position, state.signed));
  const furthest = state.reached.get(validator) ?? null;
  const reached = isAfter(position, furthest) ? new Map(state.reached).set(validator, position) : state.reached;
  return silent === state.silent && reached === state.reached ? state : { ...state, silent, reached };
}

function isOfInterest(state: ConsensusState, round: number): boolean {
  const ahead = round - state.round;
  return (ahead >= -ROUNDS_BEHIND && ahead <= ROUNDS_AHEAD) || pinnedRounds(state).includes(round);
}

function votesOf(log: RoundLog, step: Step): readonly Vote[] {
  return step === 'prevote' ? log.prevotes : log.precommits;
}

function withRound(state: ConsensusState, round: number, log: RoundLog): ConsensusState {
  return { ...state, rounds: new Map(state.rounds).set(round, log) };
}

/** Evidence at the second statement, not again at the third. */
function told(state: ConsensusState, earlier: readonly SignedStatement[], statement: SignedStatement): Outcome {
  const [first] = earlier;
  if (first === undefined || earlier.length > 1) return quiet(state);
  return { state, effects: [{ type: 'evidence', evidence: evidenceOf(first, statement) }] };
}

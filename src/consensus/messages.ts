/**
 * What to tell a peer that lags in a height. Gossip loses messages and peers forget them; whoever repeats these from time
 * to time gives the paper what it assumes, that what one honest validator received, every other one receives at last.
 *
 * | sent | at most | brings a peer |
 * |---|---|---|
 * | the present round's proposals, and its votes | 2, 2n | into our round (line 55) and through it |
 * | precommits of the round before | n | out of that round (line 47) |
 * | our valid value's proposal and its polka | 1, n | to accept it from us or whoever proposes it (line 28) |
 * | the polka that the present proposal relies on | n | to prevote it (line 28) |
 * | of a decided height: the proposal and its precommits, nothing else | 1, n | to the decision (line 49) |
 *
 * The valid value is the lock, or newer than it: a peer that has its polka needs none for the lock.
 * A liar's several votes at one place could fill any bound, so one vote a validator is sent, the one for the value with
 * the most votes there; where a quorum has formed, that is the value with the quorum. Honest votes are never left out.
 */
import type { BlockHash, Proposal, Vote } from '../types/index.ts';
import { roundLog, votesFor } from './log.ts';
import type { ConsensusState } from './state.ts';

export interface Messages {
  readonly proposals: readonly Proposal[];
  readonly votes: readonly Vote[];
}

/** A block in a round: what a polka or a decision is about. */
interface Place {
  readonly round: number;
  readonly blockHash: BlockHash;
}

/**
 * The proposals and votes of `height` that matter now: at most three proposals and 5n votes. In an order that lets a
 * peer use all of them in one go. Nothing of a height that is not the state's own, or in which nothing happened yet.
 */
export function messages(state: ConsensusState, height: number): Messages {
  if (height !== state.height || !state.started) return { proposals: [], votes: [] };
  const { round, decision, valid } = state;
  if (decision !== null) {
    const { precommits } = roundLog(state, decision.round);
    return { proposals: proposalsAt(state, decision), votes: votesFor(precommits, decision.blockHash) };
  }
  const present = roundLog(state, round);
  const ours = valid === null ? [] : [valid];
  const votes = [
    ...oneEach(present.prevotes),
    ...oneEach(present.precommits),
    ...oneEach(roundLog(state, round - 1).precommits),
    ...[...ours, ...reliedOn(present.proposals[0])].flatMap((place) => prevotesAt(state, place)),
  ];
  const proposals = [...present.proposals.slice(0, 2), ...ours.flatMap((polka) => proposalsAt(state, polka))];
  return { proposals: [...new Set(proposals)], votes: [...new Set(votes)] };
}

function reliedOn(proposal: Proposal | undefined): readonly Place[] {
  if (proposal === undefined || proposal.statement.validRound === null) return [];
  return [{ round: proposal.statement.validRound, blockHash: proposal.statement.blockHash }];
}

function proposalsAt(state: ConsensusState, { round, blockHash }: Place): readonly Proposal[] {
  return roundLog(state, round).proposals.filter(({ statement }) => statement.blockHash === blockHash);
}

function prevotesAt(state: ConsensusState, { round, blockHash }: Place): readonly Vote[] {
  return votesFor(roundLog(state, round).prevotes, blockHash);
}

/** One vote of each validator: of several, the one for the value with the most votes. */
function oneEach(votes: readonly Vote[]): readonly Vote[] {
  const chosen = new Map<number, Vote>();
  for (const vote of votes) {
    const other = chosen.get(vote.validator);
    const isBetter = other === undefined || support(votes, vote) > support(votes, other);
    if (isBetter) chosen.set(vote.validator, vote);
  }
  return [...chosen.values()];
}

function support(votes: readonly Vote[], { blockHash }: Vote): number {
  return votesFor(votes, blockHash).length;
}

/**
 * What to tell a peer that lags in a height. Gossip loses messages and peers forget them; whoever repeats these from time
 * to time gives the paper what it assumes, that what one honest validator received, every other one receives at last.
 */
import type { Proposal, Vote } from '../types/index.ts';
import { pinnedRounds, roundLog } from './log.ts';
import type { ConsensusState } from './state.ts';

export interface Messages {
  readonly proposals: readonly Proposal[];
  readonly votes: readonly Vote[];
}

/**
 * The proposals and votes of `height` that matter now, oldest round first: of the present round; of the one before, which
 * brings a peer into ours; of the rounds whose polka our lock, our valid value or the present proposal rests on. Of a
 * decided height, those of the round that decided. At most six rounds, so some 12 proposals and 12n votes among honest
 * validators. Nothing of a height that is not the state's own.
 */
export function messages(state: ConsensusState, height: number): Messages {
  if (height !== state.height || !state.started) return { proposals: [], votes: [] };
  const { round, decision } = state;
  const wanted = decision === null ? [...pinnedRounds(state), round - 1, round] : [decision.round];
  const logs = [...new Set(wanted)].sort((a, b) => a - b).map((each) => roundLog(state, each));
  return {
    proposals: logs.flatMap((log) => log.proposals),
    votes: logs.flatMap((log) => [...log.prevotes, ...log.precommits]),
  };
}

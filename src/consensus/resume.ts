/**
 * Takes a height up again after a crash. The one law: whatever was signed before is never contradicted.
 *
 * | last signed in round r | resumes at | and goes on by |
 * |---|---|---|
 * | proposal | propose of r, nothing more to propose in r | the others' copies of our proposal, or timeoutPropose (scheduled again) |
 * | prevote | prevote of r | the round's prevotes, or timeoutPrevote once a quorum is here or further (line 34) |
 * | precommit | precommit of r | the round's precommits, or timeoutPrecommit, likewise (line 47) |
 *
 * Rounds and steps only rise from there, and `signed` refuses what does not, so no place is signed twice. The lock comes
 * back as it was signed with, so lines 23 and 29 bind as before. The valid value restarts from the lock; a newer one is
 * lost, which can cost a round but never safety, as no vote depends on it. The lock comes with its polka: if everyone
 * crashed, nobody else may have those prevotes any more, and without them a locked block could never be proposed again
 * (line 28). That the others' messages are gone is made good by `messages` of those who have them, and by deviation 7 of
 * `tendermint.ts` where nobody does: our last statement alone tells the others how far we were.
 */
import { assert } from '../errors.ts';
import type { SignedStatement, Vote } from '../types/index.ts';
import type { Effect, Outcome } from './interface.ts';
import { quiet, then } from './interface.ts';
import { isVoteOf, keepVote, learn } from './log.ts';
import { proposerIndex, quorum } from './quorum.ts';
import type { ConsensusConfig, ConsensusState, Memory } from './state.ts';
import { isAfter, startHeight } from './state.ts';
import { settle, timeoutOf } from './tendermint.ts';

/**
 * The state of a height in which something was signed before, and what to do first.
 * @throws AssertionError where the memory contradicts itself: nothing may be signed on a guess.
 */
export function resumeHeight(config: ConsensusConfig, height: number, memory: Memory): Outcome {
  const { round, step, lock } = memory;
  check(config, height, memory);
  const state: ConsensusState = {
    ...startHeight(config, height),
    started: true,
    round,
    step,
    locked: lock,
    valid: lock,
    signed: { round, step },
  };
  const proposer = proposerIndex(height, round, config.validators);
  const effects: Effect[] = [{ type: 'newRound', height, round, proposer }];
  if (step === 'propose') effects.push(timeoutOf(state, 'propose'));
  const resumed = then({ state, effects }, askForLock);
  const votes = [...(lock?.prevotes ?? []), ...memory.said.filter(isVote)];
  return settle(votes.reduce((outcome, vote) => then(outcome, (next) => keepVote(next, vote)), resumed));
}

/** The locked block is validated again: the node must hold all it names before that block can be committed. */
function askForLock(state: ConsensusState): Outcome {
  if (state.locked === null) return quiet(state);
  const { round, block, blockHash } = state.locked;
  return {
    state: learn(state, blockHash, block, 'asked'),
    effects: [{ type: 'validate', round, block, blockHash }],
  };
}

function isVote(statement: SignedStatement): statement is Vote {
  return statement.step !== 'propose';
}

function check(config: ConsensusConfig, height: number, { round, step, lock, said }: Memory): void {
  const last = { round, step };
  assert(config.self !== null, 'an observer has signed nothing');
  assert(Number.isSafeInteger(round) && round >= 0, 'a signed round is a number from 0');
  for (const statement of said) {
    assert(statement.height === height && statement.validator === config.self, 'what was said is ours, of this height');
    assert(!isAfter(statement, last), 'nothing was said after the last statement');
  }
  if (lock === null) return;
  const state = startHeight(config, height);
  const isLock = (vote: Vote) =>
    isVoteOf(state, vote) && vote.step === 'prevote' && vote.round === lock.round && vote.blockHash === lock.blockHash;
  assert(!isAfter({ round: lock.round, step: 'precommit' }, last), 'a lock is signed with a precommit');
  const voters = new Set(lock.prevotes.filter(isLock).map((vote) => vote.validator));
  assert(voters.size >= quorum(config.validators), 'a lock comes with the polka that made it');
}

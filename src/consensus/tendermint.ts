/**
 * Tendermint as data: Algorithm 1 of «The latest gossip on BFT consensus» (arXiv:1807.04938), one height at a time.
 * `step` takes a state and one input and gives the next state and the effects to perform; it does nothing itself.
 * n validators of equal power, at most f = maxFaulty(n) of them faulty; «quorum» is the paper's 2f+1. `id(v)` is the
 * block hash; vr is a proposal's valid round.
 *
 * | lines | input or condition | effect |
 * |---|---|---|
 * | 10 | `start`; or the height's first proposal or vote (deviation 1) | StartRound(0) |
 * | 11-21 | StartRound(r) | `newRound`, `scheduleTimeout` propose; the proposer: `sign` its valid value, else `getValue` |
 * | 18-19 | `value`, at propose, our turn | `sign` proposal |
 * | 22-27 | proposal with vr = -1, at propose | `sign` prevote: the block if valid and (not locked, or locked on it), else nil |
 * | 28-33 | proposal with 0 <= vr < round, quorum of prevotes for it in vr, at propose | `sign` prevote: the block if valid and (locked at vr or before, or locked on it), else nil |
 * | 34-35 | quorum has prevoted anything, at prevote, once | `scheduleTimeout` prevote |
 * | 36-43 | quorum of prevotes for a valid block, at prevote or later, once | valid value; at prevote also lock and `sign` precommit of the block |
 * | 44-46 | quorum of prevotes for nil, at prevote | `sign` precommit nil |
 * | 47-48 | quorum has precommitted anything, once | `scheduleTimeout` precommit |
 * | 49-54 | quorum of precommits for a valid block in any round | `commit`; the state is final |
 * | 55-56 | f+1 validators have reached a later round | StartRound of it |
 * | 57-60 | `timeout` propose, at propose; or `proposerUnreachable` (deviation 2) | `sign` prevote nil |
 * | 61-64 | `timeout` prevote, at prevote | `sign` precommit nil |
 * | 65-67 | `timeout` precommit; or an empty round (deviation 3) | StartRound(round + 1) |
 *
 * Where we deviate from the paper, and why two honest validators still never decide differently. The paper's proof of
 * Agreement stands on three things: two quorums share an honest validator; an honest one prevotes and precommits at most
 * once a round; and once locked it prevotes another block only upon a later polka. No deviation touches them.
 *
 * 1. **Idle start.** Round 0 begins when there is work here or anywhere: with `start` or somebody's first message. Timing.
 * 2. **Unreachable proposer.** `proposerUnreachable` does at once what OnTimeoutPropose does later. Timing: a proposal
 *    that is already here is not abandoned, and whoever is wrong about a proposer prevotes nil, which is always allowed.
 * 3. **Empty rounds end at once.** After a quorum of nil prevotes and one of nil precommits no block can have a polka in
 *    the round, nor be decided in it: nobody can have locked, and timeoutPrecommit has nothing to wait for. A quorum of
 *    nil precommits alone is not enough: it is as safe, but leaving then can miss a polka that another validator locked
 *    on, round after round (tendermint/tendermint issue 1690). Only in the first n rounds, one turn for each proposer: a
 *    height where all of them failed proceeds at the paper's pace instead of spinning.
 * 4. **Validity takes time.** Lines 22, 28, 36 and 49 wait for `validity`. A rule that fires later is a slower validator.
 * 5. **Values are block hashes.** Lines 36 and 49 take the block from any proposal of the height, or from the lock: the
 *    hash names its content, and the votes counted are those of the paper. Which round's proposal carried it is of no account.
 * 6. **Bounded memory.** See `log.ts`: dropping a message is a message lost, which the paper's safety never minds, and what
 *    matters is sent again (`messages`).
 * 7. **Reached, not received.** Lines 34, 47 and 55 count validators known to have spoken at a place *or later*, where the
 *    paper counts messages of that very place. They only start timers and rounds, never a vote for a block. It keeps us
 *    moving when messages were dropped (6) or forgotten in a crash: the honest validator furthest behind always sees a
 *    quorum at its place or later. As in the paper, f liars alone start nothing; with others' help they can start a timer
 *    about a message delay early, which timeouts outgrow.
 * 8. **The proposer's timer.** The proposer too schedules timeoutPropose (line 21), for its block takes time to make.
 * 9. **Two proposals.** Of a proposer that equivocates only the first proposal is prevoted, where the paper would take
 *    either; each of them can be locked on or decided, as the votes have it.
 * 10. **Never twice.** Nothing is signed at or before the last place signed, which outlives a crash (`resumeHeight`). A
 *    validator that hears itself say what it does not remember lost its memory, and with it perhaps a lock: it keeps
 *    silent for the rest of the height. Silence is a crashed validator, one of the f.
 */
import { assert } from '../errors.ts';
import type { Block, BlockHash, Step } from '../types/index.ts';
import type { Input, Outcome, ScheduleTimeoutEffect } from './interface.ts';
import { quiet, then } from './interface.ts';
import {
  countFor,
  countReached,
  forget,
  isProposalOf,
  isVoteOf,
  keepProposal,
  keepVote,
  learn,
  roundLog,
  roundReachedByHonest,
  votesFor,
} from './log.ts';
import { certificateOf, inOrder } from './proofs.ts';
import { proposerIndex, quorum } from './quorum.ts';
import type { ConsensusState, Polka } from './state.ts';
import { isAfter, NOTHING_YET } from './state.ts';

/**
 * One step of the algorithm: takes the input in, then applies every rule it enables.
 * Deterministic and free of side effects; inputs that are malformed, of another height or out of date change nothing.
 */
export function step(state: ConsensusState, input: Input): Outcome {
  return state.decision === null ? settle(receive(state, input)) : quiet(state);
}

/** Applies the rules until none is enabled, so that the order in which messages came does not matter. */
export function settle(outcome: Outcome): Outcome {
  let settled = outcome;
  for (let next = firstEnabled(settled.state); next !== null; next = firstEnabled(settled.state)) {
    const enabled = next;
    settled = then(settled, () => enabled);
  }
  return settled;
}

function receive(state: ConsensusState, input: Input): Outcome {
  switch (input.type) {
    case 'start': // line 10
      return wake(state);
    case 'proposal':
      return isProposalOf(state, input.proposal)
        ? then(wake(state), (awake) => keepProposal(awake, input.proposal))
        : quiet(state);
    case 'vote':
      return isVoteOf(state, input.vote) ? then(wake(state), (awake) => keepVote(awake, input.vote)) : quiet(state);
    case 'validity':
      return onValidity(state, input.blockHash, input.valid);
    case 'value': // line 18, answered
      return isNow(state, input) ? onValue(state, input.block, input.blockHash) : quiet(state);
    case 'proposerUnreachable': // deviation 2
      return isNow(state, input) && roundLog(state, state.round).proposals.length === 0
        ? onTimeoutPropose(state)
        : quiet(state);
    case 'timeout':
      return isNow(state, input) ? onTimeout(state, input.step) : quiet(state);
  }
}

// ---------------------------------------------------------------- lines 10-21, 57-67: start, rounds, timeouts

/** Line 10, and deviation 1. */
function wake(state: ConsensusState): Outcome {
  return state.started ? quiet(state) : startRound({ ...state, started: true }, 0);
}

/** Lines 11-21. */
function startRound(state: ConsensusState, round: number): Outcome {
  const { config, height, valid } = state;
  const next = forget({ ...state, round, step: 'propose', once: NOTHING_YET });
  const proposer = proposerIndex(height, round, config.validators);
  const begun: Outcome = {
    state: next,
    effects: [{ type: 'newRound', height, round, proposer }, timeoutOf(next, 'propose')],
  };
  if (proposer !== config.self) return begun;
  if (valid !== null) return then(begun, (s) => propose(s, valid.block, valid.blockHash, valid.round)); // line 16
  return then(begun, (s) => ({ state: s, effects: [{ type: 'getValue', height, round }] })); // line 18
}

/** Lines 18-19. */
function onValue(state: ConsensusState, block: Block, blockHash: BlockHash): Outcome {
  const proposer = proposerIndex(state.height, state.round, state.config.validators);
  if (state.step !== 'propose' || proposer !== state.config.self || state.valid !== null) return quiet(state);
  return propose(learn(state, blockHash, block, 'valid'), block, blockHash, null);
}

/** The `valid(v)` of lines 23, 29, 36 and 50, answered (deviation 4). */
function onValidity(state: ConsensusState, blockHash: BlockHash, valid: boolean): Outcome {
  const known = state.blocks.get(blockHash);
  return quiet(known === undefined ? state : learn(state, blockHash, known.block, valid ? 'valid' : 'invalid'));
}

function onTimeout(state: ConsensusState, timedOut: Step): Outcome {
  switch (timedOut) {
    case 'propose':
      return onTimeoutPropose(state);
    case 'prevote': // lines 61-64
      return state.step === 'prevote' ? precommit(state, null) : quiet(state);
    case 'precommit': // lines 65-67
      return startRound(state, state.round + 1);
  }
}

/** Lines 57-60. */
function onTimeoutPropose(state: ConsensusState): Outcome {
  return state.step === 'propose' ? prevote(state, null) : quiet(state);
}

// ---------------------------------------------------------------- lines 22-56: the rules

/** What a rule does about a state, or null where it does not apply. Each changes what enabled it. */
type Rule = (state: ConsensusState) => Outcome | null;

/** The paper leaves open which of several enabled rules comes first. Here an end of waiting precedes a timer for it. */
const RULES: readonly Rule[] = [
  decide, // lines 49-54
  skipRounds, // lines 55-56
  prevoteFresh, // lines 22-27
  prevoteAgain, // lines 28-33
  acceptPolka, // lines 36-43
  precommitNil, // lines 44-46
  leaveEmptyRound, // deviation 3
  waitForPrevotes, // lines 34-35
  waitForPrecommits, // lines 47-48
];

function firstEnabled(state: ConsensusState): Outcome | null {
  if (!state.started || state.decision !== null) return null;
  for (const rule of RULES) {
    const outcome = rule(state);
    if (outcome !== null) return outcome;
  }
  return null;
}

/** Lines 22-27. */
function prevoteFresh(state: ConsensusState): Outcome | null {
  const [proposal] = roundLog(state, state.round).proposals;
  if (state.step !== 'propose' || proposal === undefined || proposal.statement.validRound !== null) return null;
  const { blockHash } = proposal.statement;
  return prevoteIf(state, blockHash, state.locked === null || state.locked.blockHash === blockHash); // line 23
}

/** Lines 28-33. */
function prevoteAgain(state: ConsensusState): Outcome | null {
  const [proposal] = roundLog(state, state.round).proposals;
  if (state.step !== 'propose' || proposal === undefined || proposal.statement.validRound === null) return null;
  const { blockHash, validRound } = proposal.statement;
  if (!isQuorum(state, countFor(roundLog(state, validRound).prevotes, blockHash))) return null;
  const { locked } = state;
  return prevoteIf(state, blockHash, locked === null || locked.round <= validRound || locked.blockHash === blockHash); // line 29
}

/** Lines 23-27 and 29-33: validity is asked of the node, but a block that the lock forbids gets nil without it. */
function prevoteIf(state: ConsensusState, blockHash: BlockHash, lockAllows: boolean): Outcome | null {
  if (!lockAllows) return prevote(state, null);
  const verdict = state.blocks.get(blockHash)?.verdict;
  assert(verdict !== undefined, 'the block of a kept proposal is kept');
  if (verdict === 'asked') return null;
  return prevote(state, verdict === 'valid' ? blockHash : null);
}

/** Lines 34-35. */
function waitForPrevotes(state: ConsensusState): Outcome | null {
  const { round, once } = state;
  if (state.step !== 'prevote' || once.prevoteTimeout) return null;
  if (!isQuorum(state, countReached(state, { round, step: 'prevote' }))) return null;
  return { state: { ...state, once: { ...once, prevoteTimeout: true } }, effects: [timeoutOf(state, 'prevote')] };
}

/** Lines 36-43. */
function acceptPolka(state: ConsensusState): Outcome | null {
  if (state.step === 'propose' || state.once.polka) return null;
  const polka = findPolka(state);
  if (polka === null) return null;
  const next: ConsensusState = { ...state, once: { ...state.once, polka: true }, valid: polka }; // lines 42-43
  return state.step === 'prevote' ? precommit({ ...next, locked: polka }, polka.blockHash) : quiet(next); // lines 37-41
}

/** Lines 44-46. */
function precommitNil(state: ConsensusState): Outcome | null {
  if (state.step !== 'prevote') return null;
  const forNil = countFor(roundLog(state, state.round).prevotes, null);
  return isQuorum(state, forNil) ? precommit(state, null) : null;
}

/** Lines 47-48. */
function waitForPrecommits(state: ConsensusState): Outcome | null {
  const { round, once } = state;
  if (once.precommitTimeout || !isQuorum(state, countReached(state, { round, step: 'precommit' }))) return null;
  return { state: { ...state, once: { ...once, precommitTimeout: true } }, effects: [timeoutOf(state, 'precommit')] };
}

/** Deviation 3: what line 67 would do after timeoutPrecommit. */
function leaveEmptyRound(state: ConsensusState): Outcome | null {
  const { round, config } = state;
  const { prevotes, precommits } = roundLog(state, round);
  const isEmpty = isQuorum(state, countFor(prevotes, null)) && isQuorum(state, countFor(precommits, null));
  return isEmpty && round < config.validators ? startRound(state, round + 1) : null;
}

/** Lines 49-54; line 52, the next height, is the node's. */
function decide(state: ConsensusState): Outcome | null {
  for (const [round, { precommits }] of state.rounds) {
    for (const [blockHash, { block, verdict }] of state.blocks) {
      if (verdict !== 'valid' || !isQuorum(state, countFor(precommits, blockHash))) continue;
      const certificate = certificateOf(state.height, round, blockHash, votesFor(precommits, blockHash));
      return {
        state: { ...state, decision: certificate }, // line 51
        effects: [{ type: 'commit', block, blockHash, certificate }],
      };
    }
  }
  return null;
}

/** Lines 55-56. */
function skipRounds(state: ConsensusState): Outcome | null {
  const round = roundReachedByHonest(state);
  return round > state.round ? startRound(state, round) : null;
}

// ---------------------------------------------------------------- broadcasts and small helpers

/** Line 19. */
function propose(state: ConsensusState, block: Block, blockHash: BlockHash, validRound: number | null): Outcome {
  return say(state, 'propose', blockHash, validRound, block);
}

/** Lines 24, 26, 30, 32, 59 with 27, 33, 60. */
function prevote(state: ConsensusState, blockHash: BlockHash | null): Outcome {
  return say({ ...state, step: 'prevote' }, 'prevote', blockHash, null, null);
}

/** Lines 40, 45, 63 with 41, 46, 64. */
function precommit(state: ConsensusState, blockHash: BlockHash | null): Outcome {
  return say({ ...state, step: 'precommit' }, 'precommit', blockHash, null, null);
}

/** The paper's broadcast, with deviation 10: at most one statement a place, and none by whoever may have forgotten one. */
function say(
  state: ConsensusState,
  at: Step,
  blockHash: BlockHash | null,
  validRound: number | null,
  block: Block | null,
): Outcome {
  const { height, round, locked, signed, silent } = state;
  const validator = state.config.self;
  const position = { round, step: at };
  if (validator === null || silent || !isAfter(position, signed)) return quiet(state);
  const statement = { step: at, height, round, blockHash, validRound, validator };
  return { state: { ...state, signed: position }, effects: [{ type: 'sign', statement, block, lock: locked }] };
}

/** The valid block for which a quorum prevoted in the present round, if there is one. There cannot be two. */
function findPolka(state: ConsensusState): Polka | null {
  const { round } = state;
  for (const [blockHash, { block, verdict }] of state.blocks) {
    const { prevotes: all } = roundLog(state, round);
    if (verdict !== 'valid' || !isQuorum(state, countFor(all, blockHash))) continue;
    const prevotes = votesFor(all, blockHash);
    return { round, blockHash, block, prevotes: inOrder(prevotes).slice(0, quorum(state.config.validators)) };
  }
  return null;
}

function isQuorum(state: ConsensusState, count: number): boolean {
  return count >= quorum(state.config.validators);
}

/** True where an answer or a timer belongs to the present height and round (lines 58, 62, 66). */
function isNow(state: ConsensusState, { height, round }: { readonly height: number; readonly round: number }): boolean {
  return state.started && height === state.height && round === state.round;
}

/** Timeouts grow by `stepMs` a round, so that at last they outlast any delay that has a bound. */
export function timeoutOf({ config, height, round }: ConsensusState, step: Step): ScheduleTimeoutEffect {
  const { timeouts } = config;
  const durationMs = timeouts[`${step}Ms`] + round * timeouts.stepMs;
  return { type: 'scheduleTimeout', step, height, round, durationMs };
}

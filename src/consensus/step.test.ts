/**
 * Algorithm 1, line by line, as tables that can be checked by hand against the paper. Each row is one input and all the
 * effects it must have. Four validators, height 4: the proposer of round r is r mod 4. We are validator 3 unless a table
 * says otherwise; a quorum is 3, f is 1. Timeouts: propose 1000, prevote 500, precommit 300 ms, and 100 more a round.
 *
 *   start | value 0 A | unreachable 0 | timeout prevote 0      the number is the round
 *   propose 1 A | propose 1 A vr=0 | propose 1 A by 2          by its proposer, unless `by` says who
 *   prevote 0 A: 0 1 3 | precommit 0 nil: 2                     one vote from each validator after the colon
 *   valid A | invalid A
 */
import { isDeepStrictEqual } from 'node:util';
import { test } from 'tap';
import type { Step, Vote } from '../types/index.ts';
import type { Effect, Input } from './interface.ts';
import { messages } from './messages.ts';
import { resumeHeight } from './resume.ts';
import type { ConsensusState, Memory, Polka } from './state.ts';
import { startHeight } from './state.ts';
import { step } from './tendermint.ts';
import { testBlock, testConfig, testHash, testProposal, testVote } from './testing.ts';

const HEIGHT = 4;
const VALIDATORS = 4;

type Row = readonly [input: string, ...effects: string[]];

interface Table {
  readonly name: string;
  readonly self?: number | null;
  /** Resumes from this instead of starting anew; the effects of that stand in `resumed`. */
  readonly memory?: Memory;
  readonly resumed?: readonly string[];
  readonly rows: readonly Row[];
}

// ---------------------------------------------------------------- the notation

function parse(text: string): readonly Input[] {
  const [head = '', voters = ''] = text.split(': ');
  const [word = '', ...rest] = head.split(' ');
  const [first = '', second = ''] = rest;
  const round = Number(first);
  switch (word) {
    case 'start':
      return [{ type: 'start' }];
    case 'value':
      return [{ type: 'value', height: HEIGHT, round, block: testBlock(HEIGHT, second), blockHash: testHash(second) }];
    case 'unreachable':
      return [{ type: 'proposerUnreachable', height: HEIGHT, round }];
    case 'timeout':
      return [{ type: 'timeout', step: first as Step, height: HEIGHT, round: Number(second) }];
    case 'valid':
    case 'invalid':
      return [{ type: 'validity', blockHash: testHash(first), valid: word === 'valid' }];
    case 'propose': {
      const validRound = rest.find((part) => part.startsWith('vr='))?.slice(3);
      const by = rest.indexOf('by');
      const place = { validators: VALIDATORS, height: HEIGHT, round };
      const author = by < 0 ? undefined : Number(rest[by + 1]);
      const proposal = testProposal(place, second, validRound === undefined ? null : Number(validRound), author);
      return [{ type: 'proposal', proposal }];
    }
    case 'prevote':
    case 'precommit':
      return voters.split(' ').map((validator) => ({
        type: 'vote',
        vote: testVote(
          { step: word, height: HEIGHT, round, validator: Number(validator) },
          second === 'nil' ? null : second,
        ),
      }));
    default:
      throw new Error(`no such input: ${text}`);
  }
}

function print(effect: Effect): string {
  switch (effect.type) {
    case 'newRound':
      return `newRound ${effect.round} by ${effect.proposer}`;
    case 'getValue':
      return `getValue ${effect.round}`;
    case 'scheduleTimeout':
      return `timer ${effect.step} ${effect.round} ${effect.durationMs}ms`;
    case 'validate':
      return `validate ${effect.blockHash}`;
    case 'commit': {
      const { round, signatures } = effect.certificate;
      return `commit ${effect.blockHash} of ${round} by ${signatures.map((one) => one.validator).join(' ')}`;
    }
    case 'evidence': {
      const { first, second } = effect.evidence;
      const { validator, round } = first;
      return `evidence ${validator} ${first.step} ${round} ${first.blockHash ?? 'nil'}/${second.blockHash}`;
    }
    case 'sign': {
      const { statement, lock } = effect;
      const { round, blockHash, validRound } = statement;
      const said = `sign ${statement.step} ${round} ${blockHash ?? 'nil'}`;
      const relying = validRound === null ? '' : ` vr=${validRound}`;
      return `${said}${relying}${lock === null ? '' : ` lock ${lock.blockHash}@${lock.round}`}`;
    }
  }
}

/** Makes any change to a state throw, so that a step which changes its input fails. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value;
  if (value instanceof Map) {
    for (const entry of value.values()) freeze(entry);
    const refuse = () => {
      throw new Error('a state was changed');
    };
    Object.assign(value, { set: refuse, delete: refuse, clear: refuse });
  }
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}

/** Takes one line of input; every step is taken twice from the frozen state and must come out the same. */
function take(from: ConsensusState, text: string): { state: ConsensusState; effects: string[] } {
  let state = from;
  const effects: string[] = [];
  for (const input of parse(text)) {
    freeze(state);
    freeze(input);
    const outcome = step(state, input);
    const again = step(state, input);
    if (!isDeepStrictEqual(plain(outcome), plain(again))) throw new Error(`${text}: two outcomes of one step`);
    state = outcome.state;
    effects.push(...outcome.effects.map(print));
  }
  return { state, effects };
}

/** Functions that `freeze` put on a Map do not count in a comparison. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return [...value].map(([key, entry]) => [key, plain(entry)]);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.entries(value).map(([key, entry]) => [key, plain(entry)]);
}

function after(self: number | null, ...inputs: readonly string[]): ConsensusState {
  return inputs.reduce((state, text) => take(state, text).state, startHeight(testConfig(VALIDATORS, self), HEIGHT));
}

function check(tables: readonly Table[]): void {
  for (const table of tables) {
    test(table.name, async (t) => {
      const config = testConfig(VALIDATORS, table.self === undefined ? 3 : table.self);
      let state = startHeight(config, HEIGHT);
      if (table.memory !== undefined) {
        const outcome = resumeHeight(config, HEIGHT, table.memory);
        t.same(outcome.effects.map(print), table.resumed, 'resume');
        state = outcome.state;
      }
      for (const [text, ...expected] of table.rows) {
        const taken = take(state, text);
        t.same(taken.effects, expected, text);
        state = taken.state;
      }
    });
  }
}

const vote = (step: Vote['step'], round: number, validator: number, name: string | null) =>
  testVote({ step, height: HEIGHT, round, validator }, name);

function polka(round: number, name: string, voters: readonly number[] = [0, 1, 3]): Polka {
  const prevotes = voters.map((validator) => vote('prevote', round, validator, name));
  return { round, blockHash: testHash(name), block: testBlock(HEIGHT, name), prevotes };
}

// Beginnings that many tables share. Each brings validator 3 to a place of round 0 or 1.
const BEGUN: Row = ['start', 'newRound 0 by 0', 'timer propose 0 1000ms'];
const PREVOTED_A: readonly Row[] = [BEGUN, ['propose 0 A', 'validate A'], ['valid A', 'sign prevote 0 A']];
const LOCKED_A: readonly Row[] = [
  ...PREVOTED_A,
  ['prevote 0 A: 3 0'],
  ['prevote 0 A: 1', 'sign precommit 0 A lock A@0'],
  ['precommit 0 A: 3'],
];
const ROUND_1_LOCKED_A: readonly Row[] = [
  ...LOCKED_A,
  ['precommit 0 nil: 0 1', 'timer precommit 0 300ms'],
  ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms'],
];
const ROUND_1_FREE: readonly Row[] = [
  BEGUN,
  ['timeout propose 0', 'sign prevote 0 nil'],
  ['prevote 0 nil: 3 0 1', 'sign precommit 0 nil'],
  ['precommit 0 nil: 3 0'],
  ['precommit 0 nil: 1', 'newRound 1 by 1', 'timer propose 1 1100ms'],
];

// ---------------------------------------------------------------- lines 10-21: start and proposing

check([
  {
    name: 'line 10: the height is idle until start, and starts once',
    rows: [BEGUN, ['start']],
  },
  {
    name: 'deviation 1: a proposal starts the height',
    rows: [['propose 0 A', 'newRound 0 by 0', 'timer propose 0 1000ms', 'validate A']],
  },
  {
    name: 'deviation 1: a vote starts the height',
    rows: [['precommit 2 nil: 1', 'newRound 0 by 0', 'timer propose 0 1000ms']],
  },
  {
    name: 'an idle height answers to nothing else',
    self: 0,
    rows: [['timeout propose 0'], ['timeout precommit 0'], ['unreachable 0'], ['value 0 A'], ['valid A']],
  },
  {
    name: 'lines 14, 18, 19: the proposer asks for a value, proposes it once, and prevotes it without asking again',
    self: 0,
    rows: [
      ['start', 'newRound 0 by 0', 'timer propose 0 1000ms', 'getValue 0'],
      ['value 0 A', 'sign propose 0 A'],
      ['value 0 B'],
      ['propose 0 A', 'sign prevote 0 A'],
      ['prevote 0 A: 0'],
    ],
  },
  {
    name: 'line 18: a value that comes after the propose step is not proposed',
    self: 0,
    rows: [
      ['start', 'newRound 0 by 0', 'timer propose 0 1000ms', 'getValue 0'],
      ['timeout propose 0', 'sign prevote 0 nil'],
      ['value 0 A'],
    ],
  },
  {
    name: 'line 18: a value for a round whose proposer is another, or for another round, is not proposed',
    rows: [BEGUN, ['value 0 A'], ['value 3 A']],
  },
  {
    name: 'lines 15-16: a proposer with a valid value proposes that, with its round',
    self: 1,
    rows: [
      BEGUN,
      ['propose 0 A', 'validate A'],
      ['valid A', 'sign prevote 0 A'],
      ['prevote 0 A: 0 1 2', 'sign precommit 0 A lock A@0'],
      ['precommit 0 nil: 0 2'],
      ['precommit 0 A: 1', 'timer precommit 0 300ms'],
      ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms', 'sign propose 1 A vr=0 lock A@0'],
      ['value 1 B'],
      ['propose 1 A vr=0', 'sign prevote 1 A lock A@0'],
    ],
  },
]);

// ---------------------------------------------------------------- lines 22-33: prevoting

check([
  { name: 'lines 22-24: a valid fresh proposal is prevoted', rows: PREVOTED_A },
  {
    name: 'lines 23, 26: an invalid one gets nil',
    rows: [BEGUN, ['propose 0 A', 'validate A'], ['invalid A', 'sign prevote 0 nil']],
  },
  {
    name: 'line 22: after the propose step a proposal is not prevoted any more',
    rows: [BEGUN, ['timeout propose 0', 'sign prevote 0 nil'], ['propose 0 A', 'validate A'], ['valid A']],
  },
  {
    name: 'line 22: a proposal by someone else than the proposer does not exist',
    rows: [BEGUN, ['propose 0 A by 1'], ['valid A']],
  },
  {
    name: 'lines 22, 28: a valid round that is not before the round is refused',
    rows: [BEGUN, ['propose 0 A vr=0'], ['propose 0 A vr=3'], ['propose 0 A vr=-1'], ['propose 0 A vr=0.5']],
  },
  {
    name: 'deviation 4: a proposal whose validity comes after timeoutPropose was too late',
    rows: [BEGUN, ['propose 0 A', 'validate A'], ['timeout propose 0', 'sign prevote 0 nil'], ['valid A']],
  },
  {
    name: 'deviation 4: a proposal of a later round is validated at once and prevoted in its turn',
    rows: [
      BEGUN,
      ['propose 1 B', 'validate B'],
      ['valid B'],
      ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms', 'sign prevote 1 B'],
    ],
  },
  {
    name: 'line 23: a locked validator prevotes nil on another fresh proposal, whatever its validity',
    rows: [...ROUND_1_LOCKED_A, ['propose 1 B', 'validate B', 'sign prevote 1 nil lock A@0'], ['valid B']],
  },
  {
    name: 'line 23: and prevotes the locked block when that is proposed afresh; it is validated once',
    rows: [...ROUND_1_LOCKED_A, ['propose 1 A', 'sign prevote 1 A lock A@0']],
  },
  {
    name: 'lines 28-30: a proposal with a valid round waits for its polka, which may come late',
    rows: [
      ...ROUND_1_FREE,
      ['propose 1 A vr=0', 'validate A'],
      ['valid A'],
      ['prevote 0 A: 0 1', 'evidence 0 prevote 0 nil/A', 'evidence 1 prevote 0 nil/A'],
      ['prevote 0 A: 2', 'sign prevote 1 A'],
    ],
  },
  {
    name: 'lines 28-30: polka first, then proposal, then validity',
    rows: [
      BEGUN,
      ['prevote 0 A: 0 1 2'],
      ['timeout propose 0', 'sign prevote 0 nil', 'timer prevote 0 500ms'],
      ['prevote 0 nil: 3'],
      ['timeout prevote 0', 'sign precommit 0 nil'],
      ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms'],
      ['propose 1 A vr=0', 'validate A'],
      ['valid A', 'sign prevote 1 A'],
    ],
  },
  {
    name: 'lines 29, 32: an invalid block gets nil in spite of its polka',
    rows: [
      BEGUN,
      ['prevote 0 A: 0 1 2'],
      ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms'],
      ['propose 1 A vr=0', 'validate A'],
      ['invalid A', 'sign prevote 1 nil'],
    ],
  },
  {
    name: 'line 29: a lock gives way to a polka of its round or later',
    rows: [
      ...ROUND_1_LOCKED_A,
      ['prevote 1 B: 0 1 2'],
      ['timeout precommit 1', 'newRound 2 by 2', 'timer propose 2 1200ms'],
      ['propose 2 B vr=1', 'validate B'],
      ['valid B', 'sign prevote 2 B lock A@0'],
    ],
  },
  {
    name: 'line 29: of its very round too, as the paper has it, though only more than f liars can make one',
    rows: [
      ...ROUND_1_LOCKED_A,
      ['prevote 0 B: 2'],
      ['prevote 0 B: 0 1', 'evidence 0 prevote 0 A/B', 'evidence 1 prevote 0 A/B'],
      ['propose 1 B vr=0', 'validate B'],
      ['valid B', 'sign prevote 1 B lock A@0'],
    ],
  },
  {
    name: 'line 29: but not to an older one',
    rows: [
      BEGUN,
      ['prevote 0 B: 0 1 2'],
      ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms'],
      ['propose 1 A', 'validate A'],
      ['valid A', 'sign prevote 1 A'],
      ['prevote 1 A: 3 1 2', 'sign precommit 1 A lock A@1'],
      ['timeout precommit 1', 'newRound 2 by 2', 'timer propose 2 1200ms'],
      ['propose 2 B vr=0', 'validate B', 'sign prevote 2 nil lock A@1'],
    ],
  },
  {
    name: 'line 29: the locked block itself needs a polka, of any round',
    rows: [
      ...ROUND_1_LOCKED_A,
      ['timeout precommit 1', 'newRound 2 by 2', 'timer propose 2 1200ms'],
      ['propose 2 A vr=1'],
      ['prevote 1 A: 0 1'],
      ['prevote 1 A: 2', 'sign prevote 2 A lock A@0'],
    ],
  },
]);

// ---------------------------------------------------------------- lines 34-48: polkas and precommits

check([
  {
    name: 'lines 34-35: any quorum of prevotes starts timeoutPrevote, once',
    rows: [
      ...PREVOTED_A,
      ['prevote 0 A: 3'],
      ['prevote 0 nil: 0'],
      ['prevote 0 B: 1', 'timer prevote 0 500ms'],
      ['prevote 0 nil: 2'],
    ],
  },
  {
    name: 'line 34: not in the propose step, but as soon as it is left',
    rows: [
      BEGUN,
      ['prevote 0 nil: 0 1'],
      ['prevote 0 A: 2'],
      ['timeout propose 0', 'sign prevote 0 nil', 'timer prevote 0 500ms'],
    ],
  },
  {
    name: 'line 34, deviation 7: whoever spoke later has passed its prevote, heard or not',
    rows: [...PREVOTED_A, ['prevote 0 A: 3'], ['precommit 0 nil: 1'], ['prevote 2 nil: 2', 'timer prevote 0 500ms']],
  },
  { name: 'lines 36-41: a polka locks and precommits', rows: LOCKED_A },
  {
    name: 'line 36: whatever the order: polka, proposal, validity',
    rows: [
      BEGUN,
      ['prevote 0 A: 0 1 2'],
      ['propose 0 A', 'validate A'],
      ['valid A', 'sign prevote 0 A', 'sign precommit 0 A lock A@0'],
    ],
  },
  {
    name: 'line 36: a polka for an invalid block locks nobody',
    rows: [
      BEGUN,
      ['propose 0 A', 'validate A'],
      ['invalid A', 'sign prevote 0 nil'],
      ['prevote 0 A: 0 1 2', 'timer prevote 0 500ms'],
      ['timeout prevote 0', 'sign precommit 0 nil'],
    ],
  },
  {
    name: 'lines 36, 42-43: a polka after the precommit makes the block valid, not locked: we propose it in our round',
    self: 1,
    rows: [
      BEGUN,
      ['propose 0 A', 'validate A'],
      ['valid A', 'sign prevote 0 A'],
      ['prevote 0 A: 1 0'],
      ['prevote 0 nil: 2', 'timer prevote 0 500ms'],
      ['timeout prevote 0', 'sign precommit 0 nil'],
      ['prevote 0 A: 3'],
      ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms', 'sign propose 1 A vr=0'],
    ],
  },
  {
    name: 'line 36: a polka of a past round changes nothing',
    self: 1,
    rows: [
      BEGUN,
      ['propose 0 A', 'validate A'],
      ['valid A', 'sign prevote 0 A'],
      ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms', 'getValue 1'],
      ['prevote 0 A: 0 2 3'],
      ['value 1 B', 'sign propose 1 B'],
    ],
  },
  {
    name: 'lines 38-39: a later polka moves the lock',
    rows: [
      ...ROUND_1_LOCKED_A,
      ['propose 1 B', 'validate B', 'sign prevote 1 nil lock A@0'],
      ['valid B'],
      ['prevote 1 B: 0 1 2', 'sign precommit 1 B lock B@1'],
    ],
  },
  {
    name: 'lines 44-46: a quorum for nil precommits nil at once',
    rows: [
      ...PREVOTED_A,
      ['prevote 0 A: 3'],
      ['prevote 0 nil: 0'],
      ['prevote 0 nil: 1', 'timer prevote 0 500ms'],
      ['prevote 0 nil: 2', 'sign precommit 0 nil'],
    ],
  },
  {
    name: 'line 44: nil does not unlock',
    rows: [
      ...ROUND_1_LOCKED_A,
      ['timeout propose 1', 'sign prevote 1 nil lock A@0'],
      ['prevote 1 nil: 3 0 1', 'sign precommit 1 nil lock A@0'],
    ],
  },
  {
    name: 'lines 47-48: any quorum of precommits starts timeoutPrecommit, in any step, once',
    rows: [
      BEGUN,
      ['precommit 0 nil: 0 1'],
      ['precommit 0 A: 2', 'timer precommit 0 300ms'],
      ['precommit 0 A: 1', 'evidence 1 precommit 0 nil/A'],
    ],
  },
  {
    name: 'deviation 3: an empty round ends at once; nil precommits alone are not enough',
    rows: [
      BEGUN,
      ['precommit 0 nil: 0 1 2', 'timer precommit 0 300ms'],
      ['timeout propose 0', 'sign prevote 0 nil', 'timer prevote 0 500ms'],
      ['prevote 0 nil: 3 0'],
      ['prevote 0 nil: 1', 'sign precommit 0 nil', 'newRound 1 by 1', 'timer propose 1 1100ms'],
    ],
  },
  {
    name: 'deviation 3: after n rounds the paper’s pace',
    rows: [
      BEGUN,
      ['prevote 4 nil: 0'],
      ['prevote 4 nil: 1', 'newRound 4 by 0', 'timer propose 4 1400ms'],
      ['timeout propose 4', 'sign prevote 4 nil'],
      ['prevote 4 nil: 3', 'sign precommit 4 nil'],
      ['precommit 4 nil: 3 0'],
      ['precommit 4 nil: 1', 'timer precommit 4 700ms'],
      ['timeout precommit 4', 'newRound 5 by 1', 'timer propose 5 1500ms'],
    ],
  },
]);

// ---------------------------------------------------------------- lines 49-67: decisions, rounds, timeouts

check([
  {
    name: 'lines 49-51: a quorum of precommits decides; after that nothing happens',
    rows: [
      ...LOCKED_A,
      ['precommit 0 A: 2'],
      ['precommit 0 A: 0', 'commit A of 0 by 0 2 3'],
      ['precommit 0 A: 1'],
      ['timeout precommit 0'],
      ['prevote 1 nil: 0 1 2'],
      ['precommit 0 B: 1'],
    ],
  },
  {
    name: 'line 49: precommits, then proposal, then validity, in the propose step',
    rows: [
      BEGUN,
      ['precommit 0 A: 0 1 2', 'timer precommit 0 300ms'],
      ['propose 0 A', 'validate A'],
      ['valid A', 'commit A of 0 by 0 1 2'],
    ],
  },
  {
    name: 'line 49: in any round: the last precommit of a past one decides',
    rows: [
      ...ROUND_1_LOCKED_A,
      ['precommit 0 A: 0', 'evidence 0 precommit 0 nil/A'],
      ['precommit 0 A: 2', 'commit A of 0 by 0 2 3'],
    ],
  },
  {
    name: 'line 49, deviation 5: the block may have come with another round’s proposal',
    rows: [...ROUND_1_LOCKED_A, ['precommit 1 A: 0 1'], ['precommit 1 A: 2', 'commit A of 1 by 0 1 2']],
  },
  {
    name: 'line 50: an invalid block is not decided',
    rows: [
      BEGUN,
      ['propose 0 A', 'validate A'],
      ['invalid A', 'sign prevote 0 nil'],
      ['precommit 0 A: 0 1 2', 'timer prevote 0 500ms', 'timer precommit 0 300ms'],
    ],
  },
  {
    name: 'lines 55-56: f+1 validators in a later round take us there',
    rows: [
      BEGUN,
      ['prevote 2 nil: 1'],
      ['precommit 2 A: 1'],
      ['prevote 2 A: 2', 'newRound 2 by 2', 'timer propose 2 1200ms'],
    ],
  },
  {
    name: 'line 55: a proposal counts too; so does our own turn',
    rows: [
      BEGUN,
      ['prevote 3 nil: 0'],
      ['propose 2 A', 'validate A', 'newRound 2 by 2', 'timer propose 2 1200ms'],
      ['prevote 3 nil: 1', 'newRound 3 by 3', 'timer propose 3 1300ms', 'getValue 3'],
    ],
  },
  {
    name: 'line 55, deviation 7: into the last round that f+1 have reached',
    rows: [BEGUN, ['prevote 9 nil: 1'], ['prevote 5 nil: 2', 'newRound 5 by 1', 'timer propose 5 1500ms']],
  },
  {
    name: 'line 55: one validator far ahead takes nobody along, however often it speaks',
    rows: [BEGUN, ['prevote 2 nil: 1'], ['prevote 9007199254740991 nil: 1'], ['precommit 7 A: 1']],
  },
  {
    name: 'lines 57-60: timeoutPropose prevotes nil, in its own round and step only',
    rows: [BEGUN, ['timeout propose 1'], ['timeout propose 0', 'sign prevote 0 nil'], ['timeout propose 0']],
  },
  {
    name: 'deviation 2: an unreachable proposer gets nil at once',
    rows: [BEGUN, ['unreachable 1'], ['unreachable 0', 'sign prevote 0 nil'], ['unreachable 0']],
  },
  {
    name: 'deviation 2: but not when its proposal is here',
    rows: [BEGUN, ['propose 0 A', 'validate A'], ['unreachable 0'], ['valid A', 'sign prevote 0 A']],
  },
  {
    name: 'lines 61-64: timeoutPrevote precommits nil, in its own round and step only',
    rows: [
      BEGUN,
      ['timeout prevote 0'],
      ['timeout propose 0', 'sign prevote 0 nil'],
      ['timeout prevote 1'],
      ['timeout prevote 0', 'sign precommit 0 nil'],
      ['timeout prevote 0'],
    ],
  },
  {
    name: 'lines 65-67: timeoutPrecommit starts the next round, in any step of its own round',
    rows: [
      BEGUN,
      ['timeout precommit 1'],
      ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms'],
      ['timeout precommit 0'],
    ],
  },
]);

// ---------------------------------------------------------------- liars, strangers and bounds

check([
  {
    name: 'deviation 9: two proposals: evidence once; the first is prevoted, either can be locked on and decided',
    rows: [
      BEGUN,
      ['propose 0 B', 'validate B'],
      ['propose 0 A', 'evidence 0 propose 0 A/B', 'validate A'],
      ['propose 0 C'],
      ['valid A'],
      ['valid B', 'sign prevote 0 B'],
      ['prevote 0 B: 3'],
      ['prevote 0 A: 0 1', 'timer prevote 0 500ms'],
      ['prevote 0 A: 2', 'sign precommit 0 A lock A@0'],
      ['precommit 0 A: 3 1 2', 'commit A of 0 by 1 2 3'],
    ],
  },
  {
    name: 'deviation 9: of three, the third is kept once f+1 prevoted it',
    rows: [
      BEGUN,
      ['propose 0 A', 'validate A'],
      ['propose 0 B', 'evidence 0 propose 0 A/B', 'validate B'],
      ['prevote 0 C: 1'],
      ['propose 0 C'],
      ['prevote 0 C: 2'],
      ['propose 0 C', 'validate C'],
      ['valid C'],
      ['precommit 0 C: 0 1'],
      ['precommit 0 C: 2', 'commit C of 0 by 0 1 2'],
    ],
  },
  {
    name: 'deviation 9: precommits vouch for a third block as prevotes do',
    rows: [
      BEGUN,
      ['propose 0 A', 'validate A'],
      ['propose 0 B', 'evidence 0 propose 0 A/B', 'validate B'],
      ['precommit 0 C: 1 2'],
      ['propose 0 C', 'validate C'],
      ['valid C'],
      ['precommit 0 C: 0', 'commit C of 0 by 0 1 2'],
    ],
  },
  {
    name: 'the same block proposed twice in a round is one proposal',
    rows: [BEGUN, ['propose 1 A', 'validate A'], ['propose 1 A vr=0'], ['propose 1 A']],
  },
  {
    name: 'two votes: evidence once, and each counts for its value',
    rows: [
      ...PREVOTED_A,
      ['prevote 0 B: 0'],
      ['prevote 0 A: 0', 'evidence 0 prevote 0 A/B'],
      ['prevote 0 A: 0'],
      ['prevote 0 C: 0'],
      ['prevote 0 A: 3 1', 'sign precommit 0 A lock A@0'],
    ],
  },
  {
    name: 'a third vote still counts where it names a block we hold or nil',
    rows: [
      ...PREVOTED_A,
      ['prevote 0 B: 0'],
      ['prevote 0 C: 0', 'evidence 0 prevote 0 B/C'],
      ['prevote 0 A: 0 3'],
      ['prevote 0 A: 1', 'sign precommit 0 A lock A@0'],
      ['precommit 0 A: 3'],
      ['precommit 0 B: 0'],
      ['precommit 0 C: 0', 'evidence 0 precommit 0 B/C'],
      ['precommit 0 D: 0'],
      ['precommit 0 A: 0'],
      ['precommit 0 A: 2', 'commit A of 0 by 0 2 3'],
    ],
  },
  {
    name: 'deviation 6: votes of rounds out of reach are not kept, so they decide nothing',
    rows: [
      BEGUN,
      ['propose 0 A', 'validate A'],
      ['valid A', 'sign prevote 0 A'],
      ['precommit 9 A: 0'],
      ['precommit 9 A: 1', 'newRound 9 by 1', 'timer propose 9 1900ms'],
      ['precommit 9 A: 2', 'timer precommit 9 1200ms'],
      ['propose 0 A'],
      ['propose 5 A', 'validate A'],
      ['valid A'],
      ['precommit 9 A: 0'],
      ['precommit 9 A: 1', 'commit A of 9 by 0 1 2'],
    ],
  },
  {
    name: 'deviation 10: a validator that hears what it does not remember says nothing more, but follows',
    rows: [
      BEGUN,
      ['prevote 0 B: 3'],
      ['propose 0 A', 'validate A'],
      ['valid A'],
      ['prevote 0 A: 0 1 2', 'timer prevote 0 500ms'],
      ['timeout precommit 0', 'newRound 1 by 1', 'timer propose 1 1100ms'],
      ['timeout propose 1'],
      ['precommit 0 A: 0 1 2', 'commit A of 0 by 0 1 2'],
    ],
  },
  {
    name: 'an observer signs nothing and decides with the others',
    self: null,
    rows: [
      BEGUN,
      ['propose 0 A', 'validate A'],
      ['valid A'],
      ['prevote 0 A: 0 1 2'],
      ['precommit 0 A: 0 1 2', 'commit A of 0 by 0 1 2'],
    ],
  },
]);

test('votes and proposals that make no sense change nothing', async (t) => {
  const idle = startHeight(testConfig(VALIDATORS, 3), HEIGHT);
  const good = vote('prevote', 0, 1, 'A');
  const proposal = testProposal({ validators: VALIDATORS, height: HEIGHT, round: 0 }, 'A');
  const votes: readonly (readonly [string, object])[] = [
    ['another height', { height: 5 }],
    ['a negative round', { round: -1 }],
    ['a round between two', { round: 0.5 }],
    ['no number for a round', { round: Number.NaN }],
    ['a round beyond counting', { round: 2 ** 53 }],
    ['a negative validator', { validator: -1 }],
    ['a validator that does not exist', { validator: 4 }],
    ['half a validator', { validator: 1.5 }],
    ['a valid round in a vote', { validRound: 0 }],
    ['a proposal sent as a vote', { step: 'propose' }],
  ];
  for (const [name, change] of votes) {
    const outcome = step(idle, { type: 'vote', vote: { ...good, ...change } as Vote });
    t.same(outcome, { state: idle, effects: [] }, `vote: ${name}`);
  }
  const proposals: readonly (readonly [string, object])[] = [
    ...votes.slice(0, 8),
    ['not the proposer', { validator: 1 }],
    ['no block', { blockHash: null }],
    ['a vote sent as a proposal', { step: 'prevote' }],
    ['a valid round of no earlier round', { validRound: 0 }],
  ];
  for (const [name, change] of proposals) {
    const statement = { ...proposal.statement, ...change } as typeof proposal.statement;
    const outcome = step(idle, { type: 'proposal', proposal: { ...proposal, statement } });
    t.same(outcome, { state: idle, effects: [] }, `proposal: ${name}`);
  }
});

test('timers, values and reports of another height change nothing', async (t) => {
  const state = after(0, 'start');
  const at = { height: HEIGHT + 1, round: 0 };
  const value = { block: testBlock(HEIGHT, 'A'), blockHash: testHash('A') };
  const inputs: readonly Input[] = [
    { type: 'timeout', step: 'propose', ...at },
    { type: 'proposerUnreachable', ...at },
    { type: 'value', ...at, ...value },
  ];
  for (const input of inputs) t.same(step(state, input), { state, effects: [] }, input.type);
});

test('memory stays bounded whatever a liar sends', async (t) => {
  let state = after(3, 'start', 'propose 0 A', 'valid A');
  for (let index = 0; index < 400; index++) {
    const name = `liar${index}`;
    state = take(state, `prevote ${index % 40} ${name}: 1`).state;
    state = take(state, `precommit ${index % 40} ${name}: 1`).state;
    state = take(state, `propose ${1 + 4 * (index % 10)} ${name}`).state;
  }
  t.equal(state.round, 0);
  const logs = [...state.rounds.values()];
  t.ok(logs.length <= 5, `${logs.length} rounds`);
  t.ok(
    logs.every((log) => log.prevotes.length <= 2 + 3 && log.precommits.length <= 2 + 3 && log.proposals.length <= 2),
  );
  t.ok(state.blocks.size <= 3, `${state.blocks.size} blocks`);
  for (let round = 1; round < 60; round++) {
    state = take(state, `timeout precommit ${round - 1}`).state;
    state = take(state, `prevote ${round} nil: 0 2`).state;
  }
  t.ok(state.rounds.size <= 14, `${state.rounds.size} rounds after 60`);
  t.ok(state.blocks.size <= 28, `${state.blocks.size} blocks after 60`);
});

// ---------------------------------------------------------------- after a crash

const NOTHING_SAID = { lock: null, said: [] } as const;

check([
  {
    name: 'resume after the proposal: no second one; timeoutPropose runs again',
    self: 0,
    memory: { round: 0, step: 'propose', ...NOTHING_SAID },
    resumed: ['newRound 0 by 0', 'timer propose 0 1000ms'],
    rows: [['start'], ['value 0 B'], ['timeout propose 0', 'sign prevote 0 nil']],
  },
  {
    name: 'resume after the proposal: others have kept it for us',
    self: 0,
    memory: { round: 0, step: 'propose', ...NOTHING_SAID },
    resumed: ['newRound 0 by 0', 'timer propose 0 1000ms'],
    rows: [
      ['propose 0 A', 'validate A'],
      ['valid A', 'sign prevote 0 A'],
    ],
  },
  {
    name: 'resume after the prevote: no second one; a polka still locks',
    memory: { round: 0, step: 'prevote', lock: null, said: [vote('prevote', 0, 3, 'A')] },
    resumed: ['newRound 0 by 0'],
    rows: [
      ['timeout propose 0'],
      ['propose 0 B', 'validate B'],
      ['valid B'],
      ['propose 0 A', 'evidence 0 propose 0 A/B', 'validate A'],
      ['valid A'],
      ['prevote 0 A: 0 1', 'sign precommit 0 A lock A@0'],
    ],
  },
  {
    name: 'resume after the prevote: the timer waits for a quorum here or further',
    memory: { round: 2, step: 'prevote', lock: null, said: [vote('prevote', 2, 3, null)] },
    resumed: ['newRound 2 by 2'],
    rows: [
      ['prevote 2 A: 0'],
      ['precommit 2 nil: 1', 'timer prevote 2 700ms'],
      ['timeout prevote 2', 'sign precommit 2 nil'],
    ],
  },
  {
    name: 'resume after the precommit: no second one; on through timeoutPrecommit',
    memory: { round: 1, step: 'precommit', lock: null, said: [vote('precommit', 1, 3, null)] },
    resumed: ['newRound 1 by 1'],
    rows: [
      ['prevote 1 nil: 3 0 1'],
      ['timeout prevote 1'],
      ['precommit 1 nil: 0'],
      ['prevote 2 nil: 1', 'timer precommit 1 400ms'],
      ['timeout precommit 1', 'newRound 2 by 2', 'timer propose 2 1200ms'],
      ['timeout propose 2', 'sign prevote 2 nil'],
    ],
  },
  {
    name: 'resume with a lock: it binds, it is proposed again with its polka, and it is validated again',
    memory: { round: 1, step: 'precommit', lock: polka(1, 'A'), said: [vote('precommit', 1, 3, 'A')] },
    resumed: ['newRound 1 by 1', 'validate A'],
    rows: [
      ['valid A'],
      ['timeout precommit 1', 'newRound 2 by 2', 'timer propose 2 1200ms'],
      ['propose 2 B', 'validate B', 'sign prevote 2 nil lock A@1'],
      ['prevote 2 nil: 3'],
      ['timeout prevote 2', 'sign precommit 2 nil lock A@1'],
      ['timeout precommit 2', 'newRound 3 by 3', 'timer propose 3 1300ms', 'sign propose 3 A vr=1 lock A@1'],
      ['propose 3 A vr=1', 'sign prevote 3 A lock A@1'],
    ],
  },
  {
    name: 'resume with a lock of an earlier round, and decide on it without its proposal',
    memory: { round: 2, step: 'prevote', lock: polka(0, 'A'), said: [vote('prevote', 2, 3, null)] },
    resumed: ['newRound 2 by 2', 'validate A'],
    rows: [['precommit 0 A: 0 1'], ['precommit 0 A: 2'], ['valid A', 'commit A of 0 by 0 1 2']],
  },
  {
    name: 'resume: a round that a later statement of ours closed stays closed, and hearing ourselves is no surprise',
    memory: { round: 2, step: 'prevote', lock: null, said: [vote('prevote', 2, 3, 'A')] },
    resumed: ['newRound 2 by 2'],
    rows: [
      ['prevote 1 B: 3'],
      ['propose 1 B', 'validate B'],
      ['valid B'],
      ['prevote 2 A: 3'],
      ['timeout prevote 2', 'sign precommit 2 nil'],
    ],
  },
]);

test('a memory that contradicts itself is refused', async (t) => {
  const config = testConfig(VALIDATORS, 3);
  const said = [vote('prevote', 1, 3, null)];
  const memory: Memory = { round: 1, step: 'prevote', lock: null, said };
  const broken: readonly (readonly [string, Memory])[] = [
    ['a round below 0', { ...memory, round: -1, said: [] }],
    ['a later statement', { ...memory, said: [vote('precommit', 1, 3, null)] }],
    ['a statement of another', { ...memory, said: [vote('prevote', 1, 2, null)] }],
    ['a statement of another height', { ...memory, said: [{ ...vote('prevote', 1, 3, null), height: 5 }] }],
    ['a lock later than its precommit', { ...memory, lock: polka(1, 'A') }],
    ['a lock without its polka', { ...memory, lock: polka(0, 'A', [0, 1]) }],
    ['a polka of one validator', { ...memory, lock: polka(0, 'A', [1, 1, 1]) }],
    ['a polka of strangers', { ...memory, lock: polka(0, 'A', [1, 2, 7]) }],
    ['a polka for another block', { ...memory, lock: { ...polka(0, 'A'), blockHash: testHash('B') } }],
  ];
  t.doesNotThrow(() => resumeHeight(config, HEIGHT, memory));
  for (const [name, wrong] of broken) {
    t.throws(() => resumeHeight(config, HEIGHT, wrong), { name: 'AssertionError' }, name);
  }
  t.throws(() => resumeHeight(testConfig(VALIDATORS, null), HEIGHT, memory), { name: 'AssertionError' }, 'observer');
});

test('a configuration that makes no sense is refused', async (t) => {
  for (const [validators, self] of [
    [0, null],
    [4, 4],
    [4, -1],
    [2.5, 0],
  ] as const) {
    t.throws(() => startHeight(testConfig(validators, self), HEIGHT), { name: 'AssertionError' });
  }
  t.throws(() => startHeight(testConfig(4, 0), 0), { name: 'AssertionError' });
});

// ---------------------------------------------------------------- what a lagging peer is told

function told(state: ConsensusState): readonly string[] {
  const { proposals, votes } = messages(state, HEIGHT);
  return [
    ...proposals.map(({ statement }) => `propose ${statement.round} ${statement.blockHash}`),
    ...votes.map((one) => `${one.step} ${one.round} ${one.blockHash ?? 'nil'}: ${one.validator}`),
  ];
}

test('messages: the present round, the one before, and every polka in use', async (t) => {
  const idle = startHeight(testConfig(VALIDATORS, 3), HEIGHT);
  const locked = ROUND_1_LOCKED_A.map(([text]) => text);
  const late = ['start', 'timeout propose 0', 'timeout prevote 0', 'propose 0 A', 'valid A', 'prevote 0 A: 0 1 2'];
  const polkaOfA = ['prevote 0 A: 3', 'prevote 0 A: 0', 'prevote 0 A: 1'];
  const precommits = ['precommit 0 A: 3', 'precommit 0 nil: 0', 'precommit 0 nil: 1'];
  const rows: readonly (readonly [string, ConsensusState, readonly string[]])[] = [
    ['an idle height has none', idle, []],
    ['what brings a peer into our round', after(3, ...locked), ['propose 0 A', ...precommits, ...polkaOfA]],
    [
      'the lock stays, the rounds between are over',
      after(3, ...locked, 'prevote 1 nil: 0', 'timeout precommit 1', 'timeout precommit 2', 'prevote 3 nil: 1'),
      ['propose 0 A', 'prevote 3 nil: 1', ...polkaOfA],
    ],
    [
      'what the present proposal relies on',
      after(3, 'prevote 0 A: 0 1 2', 'timeout precommit 0', 'timeout precommit 1', 'propose 2 A vr=0'),
      ['propose 2 A', 'prevote 0 A: 0', 'prevote 0 A: 1', 'prevote 0 A: 2'],
    ],
    [
      'a valid value that is not locked',
      after(3, ...late, 'timeout precommit 0', 'timeout precommit 1'),
      ['propose 0 A', 'prevote 0 A: 0', 'prevote 0 A: 1', 'prevote 0 A: 2'],
    ],
    [
      'of a liar the vote for the value that most voted for',
      after(3, 'start', 'propose 0 A', 'prevote 0 B: 0', 'prevote 0 A: 0 1', 'prevote 0 nil: 0'),
      ['propose 0 A', 'prevote 0 A: 0', 'prevote 0 A: 1'],
    ],
  ];
  for (const [name, state, expected] of rows) t.same(told(state), expected, name);
  t.same(messages(after(3, ...locked), HEIGHT + 1), { proposals: [], votes: [] }, 'another height');
});

test('messages: of a decided height, what decided it', async (t) => {
  const inputs = [...ROUND_1_LOCKED_A.map(([text]) => text), 'prevote 1 nil: 0', 'precommit 0 A: 0 2'];
  const state = after(3, ...inputs);
  t.equal(state.decision?.round, 0);
  t.same(told(state), ['propose 0 A', 'precommit 0 A: 3', 'precommit 0 A: 0', 'precommit 0 A: 2']);
  const fresh = startHeight(testConfig(VALIDATORS, 2), HEIGHT);
  const { proposals, votes } = messages(state, HEIGHT);
  const heard: readonly Input[] = [
    ...proposals.map((proposal): Input => ({ type: 'proposal', proposal })),
    { type: 'validity', blockHash: testHash('A'), valid: true },
    ...votes.filter((one) => one.validator !== 2).map((one): Input => ({ type: 'vote', vote: one })),
  ];
  t.equal(heard.reduce((next, input) => step(next, input).state, fresh).decision, null, 'two precommits are too few');
  const all = [...heard, ...votes.map((one): Input => ({ type: 'vote', vote: one }))];
  t.equal(all.reduce((next, input) => step(next, input).state, fresh).decision?.blockHash, 'A');
});

/**
 * The core against its Quint specification: every input of every recorded trace is fed to `step` (a crash to
 * `resumeHeight`), and the effects and the state must be those of the specification. Then the same replay is turned on
 * altered traces and on cores that are broken on purpose, which it must find out.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { test } from 'tap';
import type { Step } from '../../types/index.ts';
import type { Effect, Input, Outcome, SignEffect } from '../interface.ts';
import { quiet, then } from '../interface.ts';
import { resumeHeight } from '../resume.ts';
import type { ConsensusState, Memory, Polka } from '../state.ts';
import { startHeight } from '../state.ts';
import { step } from '../tendermint.ts';
import { signed, testBlock, testConfig, testHash, testProposal, testVote } from '../testing.ts';
import type { Note, Trace, TraceLine, TracePolka } from './testing.ts';
import { expectation, parseTraces, printTraces } from './testing.ts';

const HEIGHT = 4;
const VALIDATORS = 4;
const NIL = 0;
const NO_POLKA: TracePolka = { round: -1, value: -1, voters: [] };

const text = gunzipSync(readFileSync(new URL('traces.txt.gz', import.meta.url))).toString();
const traces = parseTraces(text);
const lines = traces.flatMap((trace) => trace.lines);

// ---------------------------------------------------------------- the replay

type Core = (state: ConsensusState, input: Input) => Outcome;
type Resume = typeof resumeHeight;

interface Validator {
  state: ConsensusState;
  memory: Memory | null;
}

/** Where core and specification first differ, as a sentence; null where they agree to the end. */
function difference({ name, lines }: Trace, core: Core = step, resume: Resume = resumeHeight): string | null {
  const amnesiac = / amnesiac (\d)/.exec(name)?.[1];
  const validators = new Map<number, Validator>();
  for (const [index, { validator, input, expected }] of lines.entries()) {
    const before = validators.get(validator) ?? newborn(validator);
    const forgets = String(validator) === amnesiac;
    const { after, effects } =
      input.kind === 'crash' ? crash(validator, before, forgets, resume) : feed(before, input, core);
    validators.set(validator, after);
    const actual = expectation(effects.map(noteOf), observe(after));
    if (actual !== expected) {
      return `trace ${name}, line ${index + 1}, validator ${validator}, ${JSON.stringify(input)}: core ${actual}, specification ${expected}`;
    }
  }
  return null;
}

function newborn(index: number): Validator {
  return { state: startHeight(testConfig(VALIDATORS, index), HEIGHT), memory: null };
}

function feed({ state, memory }: Validator, input: Note, core: Core) {
  const outcome = core(state, inputOf(input));
  return { after: { state: outcome.state, memory: remembered(memory, outcome.effects) }, effects: outcome.effects };
}

function crash(index: number, { memory }: Validator, forgets: boolean, resume: Resume) {
  if (memory === null || forgets) return { after: newborn(index), effects: [] };
  const { state, effects } = resume(testConfig(VALIDATORS, index), HEIGHT, memory);
  return { after: { state, memory: remembered(memory, effects) }, effects };
}

/** What the node has on disk when these effects are done. */
function remembered(memory: Memory | null, effects: readonly Effect[]): Memory | null {
  const signs = effects.filter((effect): effect is SignEffect => effect.type === 'sign');
  return signs.reduce((earlier, { statement, block, lock }): Memory => {
    const message = signed(statement, block);
    const said = 'statement' in message ? message.statement : message;
    return { round: statement.round, step: statement.step, lock, said: [...(earlier?.said ?? []), said] };
  }, memory as Memory);
}

function hashOf(value: number) {
  return testHash(String(value));
}

function inputOf({ kind, step: at, round, value, vr, src }: Note): Input {
  const name = String(value);
  switch (kind) {
    case 'start':
      return { type: 'start' };
    case 'proposal': {
      const place = { validators: VALIDATORS, height: HEIGHT, round };
      return { type: 'proposal', proposal: testProposal(place, name, vr < 0 ? null : vr, src) };
    }
    case 'vote': {
      const place = { step: at as 'prevote' | 'precommit', height: HEIGHT, round, validator: src };
      return { type: 'vote', vote: testVote(place, value === NIL ? null : name) };
    }
    case 'validity':
      return { type: 'validity', blockHash: hashOf(value), valid: vr === 1 };
    case 'value':
      return { type: 'value', height: HEIGHT, round, block: testBlock(HEIGHT, name), blockHash: hashOf(value) };
    case 'timeout':
      return { type: 'timeout', step: at as Step, height: HEIGHT, round };
    case 'unreachable':
      return { type: 'proposerUnreachable', height: HEIGHT, round };
    default:
      throw new Error(`no such input: ${kind}`);
  }
}

/** An effect in the specification's words. */
function noteOf(effect: Effect): Note {
  const none = { step: '', round: 0, value: 0, vr: 0, src: 0 };
  switch (effect.type) {
    case 'newRound':
      return { ...none, kind: 'newRound', round: effect.round, src: effect.proposer };
    case 'scheduleTimeout':
      return { ...none, kind: 'timer', step: effect.step, round: effect.round };
    case 'getValue':
      return { ...none, kind: 'getValue', round: effect.round };
    case 'validate':
      return { ...none, kind: 'validate', round: effect.round, value: Number(effect.blockHash) };
    case 'commit':
      return { ...none, kind: 'commit', value: Number(effect.blockHash) };
    case 'evidence': {
      const { step: at, round, validator } = effect.evidence.first;
      return { ...none, kind: 'evidence', step: at, round, src: validator };
    }
    case 'sign': {
      const { step: at, round, blockHash, validRound, validator } = effect.statement;
      return { kind: 'sign', step: at, round, value: Number(blockHash ?? NIL), vr: validRound ?? -1, src: validator };
    }
  }
}

function observe({ state, memory }: Validator) {
  const { round, step: at, decision, started, silent } = state;
  return {
    round,
    step: at,
    locked: polkaOf(state.locked),
    valid: polkaOf(state.valid),
    decision: decision === null ? -1 : Number(decision.blockHash),
    place: state.signed ?? { round: -1, step: '' },
    kept: polkaOf(memory?.lock ?? null),
    started,
    silent,
  };
}

function polkaOf(polka: Polka | null): TracePolka {
  if (polka === null) return NO_POLKA;
  const { round, blockHash, prevotes } = polka;
  return { round, value: Number(blockHash), voters: prevotes.map((vote) => vote.validator) };
}

// ---------------------------------------------------------------- core and specification

test(`${traces.length} traces, ${lines.length} inputs: the core does what the specification says`, async (t) => {
  t.ok(traces.length > 0);
  for (const trace of traces) t.equal(difference(trace), null, `trace ${trace.name}`);
  t.equal(printTraces(traces), text, 'nothing in the file went unread');
});

test('the traces come by every kind of input, effect and turn of events', async (t) => {
  const all = (part: (line: TraceLine) => boolean) => lines.filter(part).length;
  for (const kind of ['start', 'proposal', 'vote', 'validity', 'value', 'timeout', 'unreachable', 'crash']) {
    t.ok(all(({ input }) => input.kind === kind) > 0, `input: ${kind}`);
  }
  for (const kind of ['newRound', 'timer', 'getValue', 'validate', 'sign', 'commit', 'evidence']) {
    t.ok(all(({ expected }) => expected.includes(`${kind} `)) > 0, `effect: ${kind}`);
  }
  const turns: Readonly<Record<string, RegExp>> = {
    'a block is precommitted': /sign precommit \d [1-9]/,
    'nil is precommitted upon prevotes': /^\d vote prevote .*sign precommit \d 0/,
    'a valid value is proposed again': /sign propose \d \d+ \d/,
    'a valid value that is not locked': /\| \d \w+ none \d/,
    'a newer valid value than the lock': /\| \d \w+ \d+@(\d)\S* \d+@(?!\1)/,
    'a decision in a later round than the first': / commit - .*\| [1-9] /,
    'an empty round ends at once':
      /^\d vote precommit (?:0 0 .*newRound - 1|1 0 .*newRound - 2|2 0 .*newRound - 3|3 0 .*newRound - 4) /,
    'a round is skipped': /^\d vote prevote .*\| newRound - [1-9]/,
    'a validator is silent': / 1 1$/,
    'a lock outlives a crash': /^\d crash .*\| \d \w+ \d+@/,
    'an invalid block is known for one': /^\d validity - \d+ 9 0/,
  };
  for (const [turn, pattern] of Object.entries(turns)) {
    const found = text.split('\n').filter((line) => pattern.test(line)).length;
    t.ok(found > 0, `${turn}: ${found}`);
  }
  t.ok(traces.some(hasNewLock), 'a lock gives way to another');
  t.ok(traces.some(hasUnlock), 'a locked validator prevotes another block upon a newer polka');
});

/** Some validator locks on one block and later on another. */
function hasNewLock(trace: Trace): boolean {
  const locks = trace.lines.flatMap(({ validator, expected }) => {
    const value = /\| \d \w+ (\d+)@/.exec(expected)?.[1];
    return value === undefined ? [] : [{ validator, value }];
  });
  return locks.some((one) => locks.some((other) => other.validator === one.validator && other.value !== one.value));
}

/** Some validator prevotes another block than it is locked on (lines 28-30). */
function hasUnlock(trace: Trace): boolean {
  return trace.lines.some(({ expected }) => {
    const [, prevoted, locked] = /sign prevote \d ([1-9]\d*) .*\| \d \w+ (\d+)@/.exec(expected) ?? [];
    return prevoted !== locked;
  });
}

// ---------------------------------------------------------------- what the replay finds

test('an altered trace is caught', async (t) => {
  const alter = (change: (line: TraceLine) => TraceLine | null) => {
    let altered = 0;
    let caught = 0;
    for (const trace of traces) {
      const index = trace.lines.findIndex((line) => change(line) !== null);
      const line = trace.lines[index];
      if (line === undefined) continue;
      altered += 1;
      const other = [...trace.lines.slice(0, index), change(line) ?? line, ...trace.lines.slice(index + 1)];
      if (difference({ ...trace, lines: other }) !== null) caught += 1;
    }
    return { altered, caught };
  };
  const replaced = (pattern: RegExp, by: string) =>
    alter((line) => {
      const expected = line.expected.replace(pattern, by);
      return expected === line.expected ? null : { ...line, expected };
    });
  for (const { altered, caught } of [
    replaced(/sign precommit (\d) [1-9]\d*/, 'sign precommit $1 0'),
    replaced(/(\| \d \w+) \d+@\S+/, '$1 none'),
    replaced(/timer prevote/, 'timer precommit'),
    replaced(/commit - 0 (\d+)/, 'commit - 0 1$1'),
  ]) {
    t.ok(altered > 0);
    t.equal(caught, altered, `an expectation is changed: ${altered} traces`);
  }
  const asked = alter((line) => {
    const isProposal = line.input.kind === 'proposal' && line.expected.startsWith('validate');
    return isProposal ? { ...line, input: { ...line.input, value: line.input.value + 1 } } : null;
  });
  t.ok(asked.altered > 0);
  t.equal(asked.caught, asked.altered, `another block is proposed: ${asked.altered} traces`);
  const missing = traces.filter((trace) => {
    const index = trace.lines.findIndex(({ input, expected }) => input.kind === 'vote' && expected.startsWith('sign'));
    return index >= 0 && difference({ ...trace, lines: trace.lines.filter((_, at) => at !== index) }) === null;
  });
  // The same vote may come again, and the rest of a trace be of others; that is rare.
  t.ok(missing.length < traces.length / 4, `a vote that mattered is left out: unnoticed in ${missing.length} traces`);
});

test('a core that is broken is found out', async (t) => {
  const lockless: Core = (state, input) => {
    const outcome = step(state, input);
    return outcome.state.round === state.round ? outcome : { ...outcome, state: { ...outcome.state, locked: null } };
  };
  const cores: Readonly<Record<string, Core>> = {
    'keeps no lock over rounds': lockless,
    'waits for every proposer': (state, input) =>
      input.type === 'proposerUnreachable' ? quiet(state) : step(state, input),
    'sleeps until it has work itself': (state, input) =>
      state.started || input.type === 'start' ? step(state, input) : quiet(state),
    'takes every block for valid': (state, input) =>
      step(state, input.type === 'validity' ? { ...input, valid: true } : input),
    'hears no votes of past rounds': (state, input) =>
      input.type === 'vote' && input.vote.round < state.round ? quiet(state) : step(state, input),
    'counts a nil vote as no vote': (state, input) =>
      input.type === 'vote' && input.vote.blockHash === null ? quiet(state) : step(state, input),
    'hears itself at once': (state, input) => {
      const outcome = step(state, input);
      return outcome.effects.reduce((so, effect) => {
        if (effect.type !== 'sign' || effect.statement.step === 'propose') return so;
        const vote = signed(effect.statement, null);
        return 'statement' in vote ? so : then(so, (s) => step(s, { type: 'vote', vote }));
      }, outcome);
    },
    'waits for no timer of prevotes': (state, input) =>
      input.type === 'timeout' && input.step === 'prevote' ? quiet(state) : step(state, input),
    'may sign a place again': (state, input) => step({ ...state, signed: null }, input),
  };
  for (const [name, core] of Object.entries(cores)) {
    const found = traces.filter((trace) => difference(trace, core) !== null).length;
    t.ok(found > 0, `${name}: ${found} traces`);
  }
  const resumes: Readonly<Record<string, Resume>> = {
    'forgets its lock in a crash': (config, height, memory) => resumeHeight(config, height, { ...memory, lock: null }),
    'starts anew after a crash': (config, height) => quiet(startHeight(config, height)),
  };
  for (const [name, resume] of Object.entries(resumes)) {
    const found = traces.filter((trace) => difference(trace, step, resume) !== null).length;
    t.ok(found > 0, `${name}: ${found} traces`);
  }
});

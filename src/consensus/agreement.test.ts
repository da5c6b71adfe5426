/**
 * Whole networks of cores under a random scheduler: messages delayed, reordered, duplicated and lost, timers that fire at
 * any time, crashes between any two effects, reports of unreachable proposers, and up to f liars that say whatever may
 * hurt. After every effect the invariants hold; once the network heals, everyone decides. Then the same tests are turned
 * on networks that are broken on purpose, which must be found out.
 */
import fc from 'fast-check';
import { test } from 'tap';
import type { BlockHash, Evidence, Proposal, Statement, Step, Vote } from '../types/index.ts';
import type { CommitEffect, Effect, Input, SignEffect } from './interface.ts';
import { ROUNDS_BEHIND } from './log.ts';
import { messages } from './messages.ts';
import { maxFaulty, proposerIndex, quorum } from './quorum.ts';
import { resumeHeight } from './resume.ts';
import type { ConsensusState, Memory } from './state.ts';
import { isAfter, startHeight } from './state.ts';
import { step } from './tendermint.ts';
import { signed, testBlock, testConfig, testHash, testProposal, testVote } from './testing.ts';

const HEIGHT = 5;

/** What a restarted node remembers. Everything but `all` is a fault that must show. */
type Recall = 'all' | 'nothing' | 'no lock';

interface Plan {
  readonly seed: number;
  readonly validators: number;
  readonly liars: number;
  /** Random events before the network heals. */
  readonly events: number;
  readonly crashes?: boolean;
  readonly recall?: Recall;
  /** And everything under way is lost, so that only what was signed, and the locks, are left of the height. */
  readonly everyoneCrashesBeforeHealing?: boolean;
  /** The liars go on lying in the healed network. */
  readonly liarsNeverStop?: boolean;
}

class Violation extends Error {}

/** The network's one source of chance (mulberry32), so that a seed replays a run. */
function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Timer {
  readonly input: Input;
  readonly dueMs: number;
}

interface Node {
  readonly index: number;
  core: ConsensusState;
  memory: Memory | null;
  timers: Timer[];
  /** Answers of the node to its own core: they are lost in a crash, and nowhere else. */
  answers: Input[];
  /** As the block log has it. */
  decided: CommitEffect | null;
}

interface Letter {
  readonly to: number;
  readonly input: Input;
}

function stepOf({ input }: Letter): Step | null {
  if (input.type === 'proposal') return 'propose';
  return input.type === 'vote' ? input.vote.step : null;
}

type Event = 'deliver' | 'duplicate' | 'lose' | 'answer' | 'timeout' | 'repeat' | 'start' | 'crash' | 'lie';

/** How many lots each kind of event has among all. Every run gives each kind between an eighth and all of these. */
const LOTS: Readonly<Record<Event, number>> = {
  deliver: 120,
  duplicate: 6,
  lose: 12,
  answer: 60,
  timeout: 20,
  repeat: 3,
  start: 6,
  crash: 3,
  lie: 40,
};

class Network {
  readonly plan: Plan;
  readonly nodes: Node[];
  readonly liars: readonly number[];
  readonly random: () => number;
  readonly lots: readonly Event[];
  readonly disorder: number;
  readonly clogging: number;
  held: ReadonlySet<string> = new Set();
  letters: Letter[] = [];
  nowMs = 0;
  blocks = 0;
  isHealed = false;
  /** Everything anyone ever signed: the invariants see what no single node sees. */
  readonly statements: Statement[] = [];

  constructor(plan: Plan) {
    this.plan = plan;
    this.random = chance(plan.seed);
    this.disorder = 1 + this.below(60);
    this.clogging = this.random() / 2;
    this.lots = (Object.keys(LOTS) as Event[]).flatMap((kind) => {
      const share = [1, 1 / 3, 1 / 8][this.below(3)] ?? 1;
      return new Array<Event>(Math.ceil(LOTS[kind] * share)).fill(kind);
    });
    const first = this.below(plan.validators);
    this.liars = Array.from({ length: plan.liars }, (_, index) => (first + index * 2) % plan.validators);
    this.nodes = Array.from({ length: plan.validators }, (_, index) => index)
      .filter((index) => !this.liars.includes(index))
      .map((index) => ({
        index,
        core: startHeight(testConfig(plan.validators, index), HEIGHT),
        memory: null,
        timers: [],
        answers: [],
        decided: null,
      }));
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }

  // -------------------------------------------------------------- a node around its core

  feed(node: Node, input: Input): void {
    if (node.decided !== null && node.core.decision === null) return; // its block log was ahead of its core
    const outcome = step(node.core, input);
    node.core = outcome.state;
    this.perform(node, outcome.effects);
  }

  perform(node: Node, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (!this.isHealed && this.plan.crashes && this.random() < 0.02) {
        this.crash(node);
        return;
      }
      this.performOne(node, effect);
    }
  }

  performOne(node: Node, effect: Effect): void {
    switch (effect.type) {
      case 'getValue': {
        this.blocks += 1;
        const { height, round } = effect;
        const name = `v${node.index}.${this.blocks}`;
        node.answers.push({ type: 'value', height, round, block: testBlock(height, name), blockHash: testHash(name) });
        return;
      }
      case 'validate':
        node.answers.push({
          type: 'validity',
          blockHash: effect.blockHash,
          valid: !effect.blockHash.startsWith('bad'),
        });
        return;
      case 'scheduleTimeout': {
        const { step: timedOut, height, round, durationMs } = effect;
        const input: Input = { type: 'timeout', step: timedOut, height, round };
        node.timers.push({ input, dueMs: this.nowMs + durationMs });
        return;
      }
      case 'newRound':
        if (!this.isHealed && this.random() < 0.1) {
          node.answers.push({ type: 'proposerUnreachable', height: effect.height, round: effect.round });
        }
        return;
      case 'sign':
        this.sign(node, effect);
        return;
      case 'commit':
        this.commit(node, effect);
        return;
      case 'evidence':
        this.accuse(effect.evidence);
    }
  }

  crash(node: Node): void {
    if (!this.plan.crashes) return;
    const { validators, recall = 'all' } = this.plan;
    const config = testConfig(validators, node.index);
    node.timers = [];
    node.answers = [];
    // A decision is in the block log before anyone hears of it; such a node does not take the height up again.
    if (node.decided !== null) return;
    if (node.memory === null || recall === 'nothing') {
      node.core = startHeight(config, HEIGHT);
      return;
    }
    const memory = recall === 'no lock' ? { ...node.memory, lock: null } : node.memory;
    const { state, effects } = resumeHeight(config, HEIGHT, memory);
    node.core = state;
    for (const effect of effects) this.performOne(node, effect);
  }

  // -------------------------------------------------------------- invariants

  sign(node: Node, { statement, block, lock }: SignEffect): void {
    const { round, step: at, blockHash, validator } = statement;
    const place = `${validator} ${at} ${round}`;
    const before = this.statements.some(
      (other) => other.validator === validator && other.round === round && other.step === at,
    );
    if (before) throw new Violation(`signed twice: ${place}`);
    if (at === 'prevote' && blockHash !== null) this.checkLock(statement, blockHash);
    this.statements.push(statement);
    const message = signed(statement, block);
    const vote = 'statement' in message ? message.statement : message;
    node.memory = { round, step: at, lock, said: [...(node.memory?.said ?? []).slice(-2), vote] };
    node.answers.push(this.inputOf(message));
    for (const { index } of this.nodes) if (index !== node.index) this.post(index, message);
  }

  /** Locked on v, a validator prevotes v or nil, unless there was a newer polka for the other block. */
  checkLock({ validator, round }: Statement, blockHash: BlockHash): void {
    const [locked] = this.statements
      .filter((one) => one.validator === validator && one.step === 'precommit' && one.blockHash !== null)
      .sort((a, b) => b.round - a.round);
    if (locked === undefined || locked.blockHash === blockHash) return;
    for (let newer = locked.round + 1; newer < round; newer++) {
      if (this.voters('prevote', newer, blockHash).size >= quorum(this.plan.validators)) return;
    }
    throw new Violation(`${validator} broke its lock in round ${round}`);
  }

  voters(at: Step, round: number, blockHash: BlockHash | null): ReadonlySet<number> {
    const votes = this.statements.filter((one) => one.step === at && one.round === round);
    return new Set(votes.filter((one) => one.blockHash === blockHash).map((one) => one.validator));
  }

  commit(node: Node, effect: CommitEffect): void {
    const { block, blockHash, certificate } = effect;
    if (node.decided !== null) throw new Violation(`${node.index} decided twice`);
    node.decided = effect;
    const decisions = new Set(this.nodes.flatMap((other) => other.decided?.blockHash ?? []));
    if (decisions.size > 1) throw new Violation(`fork: ${[...decisions].join(' and ')}`);
    if (block.header.writesRoot !== (blockHash as string)) throw new Violation('the block is not the one it names');
    if (blockHash.startsWith('bad')) throw new Violation('an invalid block was decided');
    const signers = certificate.signatures.map((one) => one.validator);
    const real = this.voters('precommit', certificate.round, blockHash);
    const isSorted = signers.every((validator, index) => index === 0 || validator > (signers[index - 1] ?? -1));
    if (!isSorted || signers.length < quorum(this.plan.validators) || !signers.every((one) => real.has(one))) {
      throw new Violation(`a certificate by ${signers.join(' ')}`);
    }
  }

  accuse({ first, second }: Evidence): void {
    if (first.validator !== second.validator || first.blockHash === second.blockHash) {
      throw new Violation('evidence of nothing');
    }
    if (!this.liars.includes(first.validator)) throw new Violation(`${first.validator} was framed`);
  }

  // -------------------------------------------------------------- the world

  inputOf(message: Vote | Proposal): Input {
    return 'statement' in message ? { type: 'proposal', proposal: message } : { type: 'vote', vote: message };
  }

  post(to: number, message: Vote | Proposal): void {
    this.letters.push({ to, input: this.inputOf(message) });
  }

  repeat(from: Node, to: Node): void {
    const { proposals, votes } = messages(from.core, HEIGHT);
    if (proposals.length > 3 || votes.length > 5 * this.plan.validators) throw new Violation('too many messages');
    for (const message of [...proposals, ...votes]) this.post(to.index, message);
    if (from.decided !== null && to.decided === null && !this.canShow(from.decided, proposals, to)) {
      this.commit(to, from.decided);
    }
  }

  /**
   * False where a decision reaches a peer as a block of the log only: the block came back with a lock after a crash, so
   * that its proposal is lost, or the peer is too many rounds ahead.
   */
  canShow(decided: CommitEffect, proposals: readonly Proposal[], to: Node): boolean {
    const hasProposal = proposals.some(({ statement }) => statement.blockHash === decided.blockHash);
    return hasProposal && to.core.round - decided.certificate.round <= ROUNDS_BEHIND;
  }

  deliver(letter: Letter | undefined): void {
    const node = this.nodes.find(({ index }) => index === letter?.to);
    if (letter !== undefined && node !== undefined) this.feed(node, letter.input);
  }

  /** One of the oldest letters; how far they overtake each other differs from run to run. */
  takeLetter(): Letter | undefined {
    const ready = this.letters.filter((letter) => !this.held.has(`${letter.to} ${stepOf(letter)}`));
    const letter = this.pick(ready.slice(0, this.disorder));
    this.letters = this.letters.filter((other) => other !== letter);
    return letter;
  }

  /** Draws anew which nodes do not get which kind of message for a while: that is what makes some lock and others not. */
  clog(): void {
    const kinds = this.nodes.flatMap(({ index }) => ['propose', 'prevote', 'precommit'].map((at) => `${index} ${at}`));
    this.held = new Set(kinds.filter(() => this.random() < this.clogging));
  }

  /** Liars propose two things at once, back everything that is proposed, and lie about rounds; each to some only. */
  lie(): void {
    const validator = this.pick(this.liars);
    if (validator === undefined) return;
    const height = HEIGHT;
    const { validators } = this.plan;
    const present = Math.max(...this.nodes.map((node) => node.core.round));
    const round = this.random() < 0.6 ? present : Math.max(0, present + 1 - this.below(4));
    const isProposer = proposerIndex(height, round, validators) === validator;
    if (isProposer && this.random() < 0.5) {
      const fresh = `${this.random() < 0.1 ? 'bad' : 'x'}${this.blocks++}`;
      const validRound = round > 0 && this.random() < 0.3 ? this.below(round) : null;
      this.whisper(
        testProposal({ validators, height, round }, this.random() < 0.5 ? fresh : this.nameIn(round), validRound),
      );
      return;
    }
    const value = this.random() < 0.1 ? null : this.nameIn(round);
    const steps = (['prevote', 'precommit'] as const).filter(() => this.random() < 0.8);
    for (const at of steps) this.whisper(testVote({ step: at, height, round, validator }, value));
  }

  lieSome(): void {
    for (let lies = this.below(8 * this.liars.length); lies > 0; lies--) this.lie();
  }

  whisper(message: Vote | Proposal): void {
    this.statements.push('statement' in message ? message.statement : message);
    for (const { index } of this.nodes) if (this.random() < 0.6) this.post(index, message);
  }

  /** A block proposed in the round; any other block if there is none, or now and then. */
  nameIn(round: number): string {
    const proposed = this.statements.flatMap((one) => (one.step === 'propose' && one.blockHash ? [one] : []));
    const here = this.random() < 0.8 ? proposed.filter((one) => one.round === round) : [];
    return this.pick(here.length > 0 ? here : proposed)?.blockHash ?? 'A';
  }

  randomEvent(): void {
    const node = this.pick(this.nodes);
    const peer = this.pick(this.nodes);
    if (node === undefined || peer === undefined) return;
    if (this.random() < 0.02) this.clog();
    const events: Readonly<Record<Event, () => void>> = {
      deliver: () => this.deliver(this.takeLetter()),
      duplicate: () => this.deliver(this.pick(this.letters)),
      lose: () => this.takeLetter(),
      answer: () => this.answer(node),
      timeout: () => this.fire(node, this.pick(node.timers)),
      repeat: () => this.repeat(node, peer),
      start: () => this.feed(node, { type: 'start' }),
      crash: () => this.crash(node),
      lie: () => this.lie(),
    };
    events[this.pick(this.lots) ?? 'deliver']();
  }

  answer(node: Node): void {
    const input = node.answers.splice(this.below(node.answers.length), 1)[0];
    if (input !== undefined) this.feed(node, input);
  }

  fire(node: Node, timer: Timer | undefined): void {
    if (timer === undefined) return;
    node.timers = node.timers.filter((other) => other !== timer);
    this.feed(node, timer.input);
  }

  // -------------------------------------------------------------- the run

  run(): void {
    if (this.random() < 0.5) {
      for (let event = 0; event < this.plan.events; event++) this.randomEvent();
    } else {
      for (const node of this.nodes) this.feed(node, { type: 'start' });
      for (let round = 0; round < this.plan.events / 80; round++) {
        for (const kind of ['propose', 'prevote', 'precommit'] as const) this.sweep(kind);
      }
    }
  }

  /** Everyone gets its own random part of what was said at a step, then its timer: some see a polka, others do not. */
  sweep(kind: Step): void {
    this.lieSome();
    const letters = this.letters;
    this.letters = letters.filter((letter) => stepOf(letter) !== kind);
    for (const letter of letters.filter((each) => stepOf(each) === kind)) {
      const dice = this.random();
      if (dice < 0.7) this.deliver(letter);
      else if (dice < 0.9) this.letters.push(letter);
    }
    for (const node of this.nodes) while (node.answers.length > 0) this.answer(node);
    for (const node of this.nodes) {
      for (const timer of node.timers.filter(({ input }) => input.type === 'timeout' && input.step === kind)) {
        if (this.random() < 0.9) this.fire(node, timer);
      }
      if (this.random() < 0.01) this.crash(node);
    }
    for (const node of this.nodes) while (node.answers.length > 0) this.answer(node);
  }

  /** Everything sent arrives before the next timer fires; peers repeat themselves; nobody crashes any more. */
  heal(): number {
    const before = Math.max(...this.nodes.map((node) => node.core.round));
    if (this.plan.everyoneCrashesBeforeHealing) {
      this.letters = [];
      for (const node of this.nodes) this.crash(node);
    }
    this.isHealed = true;
    for (const node of this.nodes) this.feed(node, { type: 'start' });
    for (let timers = 0; this.nodes.some((node) => node.decided === null); timers++) {
      if (timers > 1000) throw new Violation('no decision');
      this.settle();
      for (const to of this.nodes) if (to.decided === null) for (const from of this.nodes) this.repeat(from, to);
      this.settle();
      if (this.plan.liarsNeverStop) this.lieSome();
      this.fireNext();
    }
    return Math.max(...this.nodes.map((node) => node.core.round)) - before;
  }

  settle(): void {
    for (let busy = true; busy; ) {
      const letters = this.letters;
      this.letters = [];
      for (const letter of letters) this.deliver(letter);
      const waiting = this.nodes.filter((node) => node.answers.length > 0);
      for (const node of waiting) this.answer(node);
      busy = letters.length > 0 || waiting.length > 0;
    }
  }

  fireNext(): void {
    const all = this.nodes.flatMap((node) => node.timers.map((timer) => ({ node, timer })));
    const [next] = all.sort((a, b) => a.timer.dueMs - b.timer.dueMs);
    if (next === undefined) return;
    this.nowMs = Math.max(this.nowMs, next.timer.dueMs);
    this.fire(next.node, next.timer);
  }
}

function runs(plan: Omit<Plan, 'seed'>): (seed: number) => void {
  return (seed) => {
    const network = new Network({ ...plan, seed });
    network.run();
    const rounds = network.heal();
    // A stale timer can spoil the present round and the next; after that every proposer has a turn, and one succeeds.
    if (rounds > plan.validators + 2) throw new Violation(`${rounds} rounds after healing`);
  };
}

const HONEST_NETWORKS: readonly (readonly [string, number, Omit<Plan, 'seed'>])[] = [
  ['one validator', 20, { validators: 1, liars: 0, events: 60, crashes: true }],
  ['three validators, no fault to spare', 40, { validators: 3, liars: 0, events: 400, crashes: true }],
  ['four, all honest', 60, { validators: 4, liars: 0, events: 800, crashes: true }],
  ['four, one liar', 150, { validators: 4, liars: 1, events: 800 }],
  ['four, one liar, crashes', 150, { validators: 4, liars: 1, events: 800, crashes: true }],
  [
    'four, one liar that never stops',
    100,
    { validators: 4, liars: 1, events: 800, crashes: true, liarsNeverStop: true },
  ],
  [
    'four, one liar, all crash at once',
    100,
    { validators: 4, liars: 1, events: 800, crashes: true, everyoneCrashesBeforeHealing: true },
  ],
  ['seven, two liars', 30, { validators: 7, liars: 2, events: 1200 }],
  [
    'seven, two liars, all crash at once',
    30,
    { validators: 7, liars: 2, events: 1200, crashes: true, everyoneCrashesBeforeHealing: true },
  ],
];

for (const [name, numRuns, plan] of HONEST_NETWORKS) {
  test(`agreement, and a decision after healing: ${name}`, async (t) => {
    t.ok(plan.liars <= maxFaulty(plan.validators));
    fc.assert(fc.property(fc.integer(), runs(plan)), { numRuns, endOnFailure: true });
    t.pass();
  });
}

/** The first violation that a broken network shows in some seeds, by its first words. */
function firstViolation(plan: Omit<Plan, 'seed'>, seeds: number, kind: RegExp): string | null {
  for (let seed = 0; seed < seeds; seed++) {
    try {
      new Network({ ...plan, seed }).run();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      if (kind.test(error.message)) return error.message;
    }
  }
  return null;
}

test('the tests find a fork where more than f lie', async (t) => {
  const plan = { validators: 4, liars: 2, events: 800 };
  t.match(firstViolation(plan, 400, /^fork/), /^fork/);
});

test('the tests find a second signature where a node forgets what it signed', async (t) => {
  const plan: Omit<Plan, 'seed'> = { validators: 4, liars: 1, events: 500, crashes: true, recall: 'nothing' };
  t.match(firstViolation(plan, 100, /^signed twice/), /^signed twice/);
});

test('the tests find a broken lock where a node forgets its lock', async (t) => {
  const plan: Omit<Plan, 'seed'> = { validators: 4, liars: 1, events: 800, crashes: true, recall: 'no lock' };
  t.match(firstViolation(plan, 400, /broke its lock/), /broke its lock/);
});

test('isAfter orders places by round, then step', async (t) => {
  const places = [0, 1, 2].flatMap((round) =>
    (['propose', 'prevote', 'precommit'] as const).map((at) => ({ round, step: at })),
  );
  for (const [i, a] of places.entries()) {
    t.ok(isAfter(a, null));
    for (const [j, b] of places.entries()) t.equal(isAfter(a, b), i > j);
  }
});

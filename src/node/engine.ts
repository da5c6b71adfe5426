/**
 * Runs the consensus core: gives it inputs, performs its effects, and begins the next height after each block. Everything
 * here runs in the inbox.
 */

import type { RoundMessages } from '../codec/messages.ts';
import {
  type CommitEffect,
  type ConsensusConfig,
  type ConsensusState,
  type Effect,
  type Input,
  messages,
  resumeHeight,
  type SignEffect,
  startHeight,
  step,
  type ValidateEffect,
} from '../consensus/index.ts';
import { assert } from '../errors.ts';
import type { KnownBatch } from '../mempool/batch-pool.ts';
import type {
  Block,
  BlockHash,
  CommittedBlock,
  ParticipantId,
  Proposal,
  SignedStatement,
  Vote,
} from '../types/index.ts';
import { knowBatch } from './admission.ts';
import type { Builder } from './builder.ts';
import type { Context } from './context.ts';
import { EarlyMessages } from './early.ts';
import { committedEvent } from './events.ts';
import type { EvidencePool } from './evidence.ts';
import type { Execution } from './execution.ts';
import type { SignGuard } from './sign-guard.ts';
import { Speakers } from './speakers.ts';
import type { Spread } from './spread.ts';
import { Voice, type VoiceParts } from './voice.ts';

export interface EngineParts {
  readonly context: Context;
  readonly builder: Builder;
  readonly guard: SignGuard;
  readonly evidence: EvidencePool;
  readonly maySpeak: VoiceParts['maySpeak'];
  readonly decidedElsewhere: VoiceParts['decidedElsewhere'];
  /** Batches that it fetches come back through `batchArrived`. */
  readonly spread: Pick<Spread, 'fetch' | 'blockLikely'>;
}

export class Engine {
  readonly #parts: EngineParts;
  readonly #config: ConsensusConfig;
  readonly #executions = new Map<BlockHash, Execution>();
  /** Blocks whose validity waits for batches. */
  readonly #waiting = new Map<BlockHash, ValidateEffect>();
  #timers: (() => void)[] = [];
  readonly #early: EarlyMessages;
  readonly #voice: Voice;
  /** Who of the validators keeps up. */
  readonly speakers: Speakers;
  #state: ConsensusState;
  #heartbeatDue = false;
  /** The last block is too young for the next one: this node does not begin it, but joins where others do. */
  #isResting = false;
  /** What the key was locked on when it resumed: a quorum found that block timely, whatever this clock says by now. */
  #resumedLock: BlockHash | null = null;
  /** Checked messages that the core has not seen. */
  #heard: (Proposal | Vote)[] = [];
  /** What this node has just locked on: it will probably be final. */
  #likely: { readonly block: Block; readonly blockHash: BlockHash } | null = null;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { chain, self, timings } = parts.context;
    const index = chain.validators.findIndex((validator) => validator.participant === self);
    this.#config = { validators: chain.validators.length, self: index < 0 ? null : index, timeouts: timings.timeouts };
    this.#early = new EarlyMessages(this.#config.validators);
    this.#voice = new Voice(parts);
    this.speakers = new Speakers(parts.context);
    this.#state = startHeight(this.#config, chain.tip.height + 1);
  }

  /** Height and round that are being worked on; `idle` until there is something to agree on. */
  get position(): { readonly height: number; readonly round: number; readonly step: string } {
    const { height, round, step: current, started } = this.#state;
    return { height, round, step: started ? current : 'idle' };
  }

  /** How much it keeps of what validators said: whatever they send, this stays small. */
  get held() {
    const { rounds, blocks } = this.#state;
    const logs = [...rounds.values()];
    return {
      early: this.#early.size,
      rounds: rounds.size,
      proposals: logs.reduce((sum, log) => sum + log.proposals.length, 0),
      votes: logs.reduce((sum, log) => sum + log.prevotes.length + log.precommits.length, 0),
      blocks: blocks.size,
      waiting: this.#waiting.size,
      evidence: this.#parts.evidence.size,
      timers: this.#timers.length,
    };
  }

  /** Takes up the height where this key left it. */
  async begin(): Promise<void> {
    const { memory } = this.#parts.guard;
    const height = this.#parts.context.chain.tip.height + 1;
    const last = memory?.said.at(-1);
    if (memory === null || last === undefined || last.height !== height) return this.overtaken();
    for (const batch of memory.lock?.batches ?? []) this.#parts.context.batches.add(knowBatch(batch), true);
    const { said, lock } = memory;
    this.#resumedLock = lock?.blockHash ?? null;
    const { state, effects } = resumeHeight(this.#config, height, { round: last.round, step: last.step, lock, said });
    this.#state = state;
    await this.#feedAll(await this.#performAll(effects));
  }

  async feed(input: Input): Promise<void> {
    await this.#feedAll([input]);
  }

  /**
   * Gives the core these inputs, then whatever comes of them or is heard meanwhile, until there is nothing left. Only then is
   * what was signed written and sent, a prevote with the precommit that it led to: one sync, and one message a peer.
   */
  async #feedAll(first: readonly Input[]): Promise<void> {
    let inputs = [...first, ...this.#takeHeard()];
    for (let next = inputs.shift(); next !== undefined; next = inputs.shift()) {
      const { state, effects } = step(this.#state, next);
      this.#state = state;
      if (next.type === 'proposal') this.#tellOf(next.proposal);
      if (effects.length > 0) inputs = [...inputs, ...(await this.#performAll(effects))];
      inputs.push(...this.#takeHeard());
    }
    await this.#voice.send();
    await this.#prepareNext();
  }

  /** Once of each proposal: the core keeps it the first time. */
  #tellOf(proposal: Proposal): void {
    const { height, round, blockHash } = proposal.statement;
    if (this.#state.rounds.get(round)?.proposals.includes(proposal) !== true) return;
    const { batches } = proposal.block;
    const proposer = this.#proposer(round);
    this.#parts.context.emit({ type: 'proposal', height, round, blockHash, proposer, batches });
  }

  /**
   * A checked proposal or vote of the present height or the next one. What is being done sees it as soon as it has a moment; at
   * the latest a task of its own does.
   */
  async hear(message: Proposal | Vote): Promise<void> {
    this.#heard.push(message);
    await this.#parts.context.inbox.post(() => this.#feedAll([]));
  }

  /** What was heard since, for the core. */
  #takeHeard(): Input[] {
    if (this.#heard.length === 0) return [];
    const heard = this.#heard;
    this.#heard = [];
    return heard.flatMap((message) => this.#inputsOf(message));
  }

  #inputsOf(message: Proposal | Vote): Input[] {
    const input: Input = 'block' in message ? { type: 'proposal', proposal: message } : { type: 'vote', vote: message };
    const statement = 'block' in message ? message.statement : message;
    const { height, round, validator } = statement;
    if (validator === this.#config.self) this.#parts.guard.heard(statement);
    if (height === this.#state.height + 1) this.#early.keep(validator, input);
    if (height !== this.#state.height) return [];
    return this.#meansNoProposal(statement) ? [input, { type: 'proposerUnreachable', height, round }] : [input];
  }

  /**
   * Whoever proposes prevotes its proposal. A prevote for nothing says that there is none, or none any more: it went with a
   * process that was killed, and nobody needs to wait for it.
   */
  #meansNoProposal(statement: SignedStatement): boolean {
    const { step: said, round, validator } = statement;
    const { participant } = this.#parts.context.chain.validators[validator] ?? {};
    return said === 'prevote' && statement.blockHash === null && participant === this.#proposer(round);
  }

  /** There may be something to put in a block, or a block may have waited for this batch. */
  async batchArrived(): Promise<void> {
    for (const effect of [...this.#waiting.values()]) await this.#feedAll(await this.#validate(effect));
    await this.startIfWork();
  }

  async startIfWork(): Promise<void> {
    await this.#feedAll(this.#startInputs());
  }

  async heartbeat(): Promise<void> {
    this.#heartbeatDue = true;
    await this.startIfWork();
  }

  /** The proposer of the round may have gone: nobody needs to wait for it. */
  async peerLost(peer: ParticipantId): Promise<void> {
    const { height, round } = this.#state;
    if (this.#proposer(round) === peer) await this.feed({ type: 'proposerUnreachable', height, round });
  }

  /**
   * A peer has told all that it has of its height. Where it is the proposer of this round, has voted in it and has no proposal,
   * the proposal went with the process that made it, and nobody needs to wait for another one.
   */
  async heardAll(peer: ParticipantId, { height, proposals, votes }: RoundMessages): Promise<void> {
    const { round } = this.#state;
    if (height !== this.#state.height || this.#proposer(round) !== peer) return;
    const index = this.#parts.context.chain.validators.findIndex(({ participant }) => participant === peer);
    const hasVoted = votes.some((vote) => vote.validator === index && vote.round === round);
    const hasProposal = proposals.some(({ statement }) => statement.round === round);
    if (hasVoted && !hasProposal) await this.feed({ type: 'proposerUnreachable', height, round });
  }

  /** The key may speak from now on: says what had to wait. */
  async speak(): Promise<void> {
    for (const effect of this.#voice.takeUnsaid()) {
      if (effect.statement.height === this.#state.height) await this.#feedAll(this.#sign(effect));
    }
  }

  /** All that a peer at this height may lack. */
  messages(): RoundMessages {
    return { height: this.#state.height, ...messages(this.#state, this.#state.height) };
  }

  /** The chain has grown by a certified block from a peer. */
  async overtaken(): Promise<void> {
    await this.#feedAll(this.#enter(this.#parts.context.chain.tip.height + 1));
  }

  stop(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
  }

  async #performAll(effects: readonly Effect[]): Promise<Input[]> {
    const answers: Input[] = [];
    for (const effect of effects) answers.push(...(await this.#answer(effect)));
    return answers;
  }

  #answer(effect: Effect): Promise<Input[]> | Input[] {
    const { context } = this.#parts;
    switch (effect.type) {
      case 'getValue':
        return this.#build(effect.height, effect.round);
      case 'sign':
        return this.#sign(effect);
      case 'validate':
        return this.#validate(effect);
      case 'commit':
        return this.#commit(effect);
      case 'scheduleTimeout': {
        const { step: timed, height, round, durationMs } = effect;
        this.#after(durationMs, () => this.feed({ type: 'timeout', step: timed, height, round }));
        return [];
      }
      case 'newRound': {
        const { height, round } = effect;
        context.emit({ type: 'round', height, round, proposer: this.#proposer(round) });
        return this.speakers.mayPropose(height, round) ? [] : [{ type: 'proposerUnreachable', height, round }];
      }
      case 'evidence':
        this.#parts.evidence.found(effect.evidence);
        return [];
    }
  }

  async #build(height: number, round: number): Promise<Input[]> {
    const { builder, context, evidence } = this.#parts;
    await this.#voice.send();
    const built = await builder.build(context.clock.now(), evidence.upTo(height));
    this.#executions.set(built.blockHash, built.execution);
    return [{ type: 'value', height, round, block: built.block, blockHash: built.blockHash }];
  }

  #sign(effect: SignEffect): Input[] {
    const { statement, lock } = effect;
    const said = this.#voice.sign(effect, lock === null ? null : { ...lock, batches: this.#batchesOf(lock.block) });
    if (said === null) return [];
    if ('block' in said) return [{ type: 'proposal', proposal: said }];
    if (lock !== null && lock.blockHash === statement.blockHash) {
      this.#likely = lock;
      this.#parts.spread.blockLikely();
    }
    return [{ type: 'vote', vote: said }];
  }

  /** While the others' precommits are on their way. Where blocks come at a distance, what is prepared is old by then. */
  async #prepareNext(): Promise<void> {
    if (this.#likely === null) return;
    const { builder, context } = this.#parts;
    const { block, blockHash } = this.#likely;
    this.#likely = null;
    const execution = this.#executions.get(blockHash);
    if (execution === undefined || context.timings.blockIntervalMs > 0) return;
    await builder.prepare(block, blockHash, execution, context.clock.now());
  }

  async #validate(effect: ValidateEffect): Promise<Input[]> {
    const { builder, context, spread } = this.#parts;
    const { block, blockHash } = effect;
    await this.#voice.send();
    const nowMs = blockHash === this.#resumedLock ? Number.MAX_SAFE_INTEGER : context.clock.now();
    const judgement = await builder.judge(block, nowMs);
    if (judgement.verdict === 'early') {
      this.#after(judgement.byMs, () => this.#validateAgain(effect));
      return [];
    }
    if (judgement.verdict === 'missing') {
      if (!this.#waiting.has(blockHash)) spread.fetch(judgement.digests, block.header.proposer);
      this.#waiting.set(blockHash, effect);
      return [];
    }
    this.#waiting.delete(blockHash);
    const valid = judgement.verdict === 'valid';
    if (judgement.verdict === 'valid') this.#executions.set(blockHash, judgement.execution);
    else context.emit({ type: 'blockRefused', height: block.header.height, blockHash, reason: judgement.reason });
    return [{ type: 'validity', blockHash, valid }];
  }

  async #validateAgain(effect: ValidateEffect): Promise<void> {
    if (effect.block.header.height === this.#state.height) await this.#feedAll(await this.#validate(effect));
  }

  /** Does something later in this height. */
  #after(delayMs: number, act: () => Promise<void>): void {
    const { clock, inbox } = this.#parts.context;
    this.#timers.push(clock.schedule(delayMs, () => void inbox.post(act)));
  }

  async #commit({ block, blockHash, certificate }: CommitEffect): Promise<Input[]> {
    const { chain, batches: pool } = this.#parts.context;
    await this.#voice.send();
    const batches = this.#batchesOf(block);
    const known = block.batches.map((digest) => pool.get(digest)).filter((entry) => entry !== undefined);
    const execution =
      this.#executions.get(blockHash) ?? (await chain.execute(block.header.timeMs, known, block.evidence));
    const committed: CommittedBlock = { block, certificate, batches };
    await chain.commit(committed, execution);
    this.committed(committed, execution, 'consensus');
    return this.#enter(chain.tip.height + 1);
  }

  /** Tells of a block that has just become part of the chain, and clears the pools of what it holds. */
  committed(committed: CommittedBlock, execution: Execution, via: 'consensus' | 'sync'): void {
    const { context } = this.#parts;
    const { block } = committed;
    const { timeMs } = block.header;
    context.batches.commit(
      block.batches,
      execution.result.receipts.map(({ transactionId }) => transactionId),
    );
    this.#parts.evidence.committed(block);
    for (const { transactionId } of execution.result.receipts) context.transactions.settle(transactionId);
    context.batches.expire(timeMs);
    const expired = context.transactions.expire(timeMs).map((entry) => entry.id);
    this.#heartbeatDue = false;

    context.emit(committedEvent(committed, execution, context.chain.validators, via));
    if (expired.length > 0) context.emit({ type: 'expired', ids: expired });
  }

  /** Begins a height. @returns what is known of it already. */
  #enter(height: number): Input[] {
    this.stop();
    this.#executions.clear();
    this.#waiting.clear();
    this.#voice.takeUnsaid();
    this.#likely = null;
    this.#state = startHeight(this.#config, height);
    this.#rest();
    return [...this.#early.take(), ...this.#startInputs()];
  }

  #rest(): void {
    const { blockIntervalMs } = this.#parts.context.timings;
    this.#isResting = blockIntervalMs > 0;
    if (!this.#isResting) return;
    this.#after(blockIntervalMs, () => {
      this.#isResting = false;
      return this.startIfWork();
    });
  }

  #startInputs(): Input[] {
    if (this.#isResting) return [];
    const { context, evidence } = this.#parts;
    const hasWork = context.batches.hasWork || evidence.size > 0 || this.#heartbeatDue;
    return hasWork ? [{ type: 'start' }] : [];
  }

  #batchesOf(block: Block) {
    return block.batches.map((digest) => {
      const known: KnownBatch | undefined = this.#parts.context.batches.get(digest);
      assert(known !== undefined, 'the batches of a valid block are known');
      return known.batch;
    });
  }

  #proposer(round: number): ParticipantId {
    return this.speakers.proposer(this.#state.height, round);
  }
}

/** What keys sign: honest ones one value a place; of those that sign two, the proof comes onto the chain, and of nobody else. */
import { proposal, roundMessages } from '../../codec/messages.ts';
import { CodecError, decode } from '../../codec/schema.ts';
import { vote } from '../../codec/vote.ts';
import { evidenceKey } from '../../ledger/keys.ts';
import type { BlockHash, Evidence, ParticipantId, SignedStatement, ValidatorSet } from '../../types/index.ts';
import type { MessageKind } from '../world/network.ts';
import { Locks } from './locks.ts';
import type { Fail } from './violation.ts';

const MAX_BYTES = 1 << 24;
/** Blocks within which evidence stands on the chain, in a healed network, however many banks there are. */
const EVIDENCE_HEIGHTS = 6;

/** Evidence that some honest nodes have and the chain has not. */
interface OpenCase {
  readonly key: string;
  /** Height that the chain had when the network was healed, or when it became known after that. */
  sinceHeight: number;
  readonly by: Set<ParticipantId>;
}

export class SignatureChecks {
  /** Second values that were signed by keys whose machine lost its memory before, by what took it. */
  readonly signedAfter = new Map<string, number>();
  /** Offences that stand on the chain. */
  readonly onChain = new Set<string>();
  readonly #validators: ValidatorSet;
  readonly #honest: ReadonlySet<ParticipantId>;
  readonly #fail: Fail;
  readonly #locks: Locks;
  readonly #said = new Map<string, string>();
  readonly #made = new Set<BlockHash>();
  readonly #forgot = new Map<ParticipantId, string>();
  readonly #open = new Map<string, OpenCase>();
  #isHealed = false;
  #lastSent: Uint8Array | null = null;

  constructor(validators: ValidatorSet, honest: ReadonlySet<ParticipantId>, fail: Fail) {
    this.#validators = validators;
    this.#honest = honest;
    this.#fail = fail;
    this.#locks = new Locks(validators.length);
  }

  /** A machine may not know what its key signed. */
  forgot(id: ParticipantId, why: string): void {
    this.#forgot.set(id, why);
  }

  sent(from: ParticipantId, kind: MessageKind, bytes: Uint8Array): void {
    if (bytes === this.#lastSent) return;
    this.#lastSent = bytes;
    try {
      for (const statement of statementsIn(kind, bytes)) this.#note(from, statement);
    } catch (error) {
      // A liar may send what does not decode.
      if (this.#honest.has(from) || !(error instanceof CodecError)) throw error;
    }
  }

  /** A node has two statements that contradict each other. */
  heard(id: ParticipantId, evidence: Evidence, height: number): void {
    this.#checkInnocent(evidence);
    const key = evidenceKey(evidence);
    if (this.onChain.has(key)) return;
    const open = this.#open.get(key) ?? { key, sinceHeight: height, by: new Set() };
    this.#open.set(key, open);
    open.by.add(id);
  }

  /** Evidence that waits for a block is in memory only. */
  crashed(id: ParticipantId): void {
    for (const [key, { by }] of this.#open) if (by.delete(id) && by.size === 0) this.#open.delete(key);
  }

  /** A block has become part of the chain. */
  block(evidence: readonly Evidence[], height: number): void {
    for (const each of evidence) {
      this.#checkInnocent(each);
      this.onChain.add(evidenceKey(each));
      this.#open.delete(evidenceKey(each));
    }
    if (!this.#isHealed) return;
    for (const { key, sinceHeight, by } of this.#open.values()) {
      if (height >= sinceHeight + EVIDENCE_HEIGHTS) {
        this.#fail('evidence', `${[...by]} know of ${key} since block ${sinceHeight}, block ${height} is without it`);
      }
    }
  }

  healed(height: number): void {
    this.#isHealed = true;
    for (const open of this.#open.values()) open.sinceHeight = height;
  }

  /** Whether there is evidence that still has to come onto the chain. */
  get isWaiting(): boolean {
    return this.#open.size > 0;
  }

  /** Whether an honest node made this block and proposed it itself, whoever else did. */
  wasMade(hash: BlockHash): boolean {
    return this.#made.has(hash);
  }

  #checkInnocent({ first: { validator, height, round, step } }: Evidence): void {
    const accused = this.#validators[validator]?.participant;
    if (accused === undefined || !this.#honest.has(accused) || this.#forgot.has(accused)) return;
    this.#fail('framed', `there is evidence against ${accused}, who is honest, for ${height}/${round}/${step}`);
  }

  /** A statement in what `from` sends: of an honest validator, only its own says something about it. */
  #note(from: ParticipantId, statement: SignedStatement): void {
    const { validator, height, round, step, blockHash, validRound } = statement;
    const speaker = this.#validators[validator]?.participant;
    const isHonest = speaker !== undefined && this.#honest.has(speaker);
    if (isHonest && speaker !== from) return;
    const broken = this.#locks.note(statement, isHonest && !this.#forgot.has(from));
    if (broken !== null) this.#fail(broken.checker, broken.what);
    if (!isHonest) return;
    if (step === 'propose' && validRound === null && blockHash !== null) this.#made.add(blockHash);
    const place = `${validator}/${height}/${round}/${step}`;
    const value = `${blockHash}/${validRound}`;
    const before = this.#said.get(place) ?? value;
    this.#said.set(place, before);
    if (before === value) return;
    const why = this.#forgot.get(from);
    if (why === undefined) {
      this.#fail('double-sign', `${from} signs ${value} at ${height}/${round}/${step}, before it was ${before}`);
    } else this.signedAfter.set(why, (this.signedAfter.get(why) ?? 0) + 1);
  }
}

/** All that was signed in a message. */
export function statementsIn(kind: MessageKind, bytes: Uint8Array): readonly SignedStatement[] {
  switch (kind) {
    case 'votes':
      return [decode(vote, bytes, MAX_BYTES)];
    case 'proposals':
      return [decode(proposal, bytes, MAX_BYTES).statement];
    case 'round': {
      const { votes, proposals } = decode(roundMessages, bytes, MAX_BYTES);
      return [...votes, ...proposals.map(({ statement }) => statement)];
    }
    default:
      return [];
  }
}

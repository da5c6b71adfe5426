/**
 * What must hold, checked at every message an honest node sends, every block it commits, every boot and every ban. The first
 * that does not hold ends the run. Each has a name, by which tests and reports call it:
 *
 * | name | holds |
 * |---|---|
 * | agreement | honest nodes have the same block, so the same writes root, at every height |
 * | certificate | a committed block has signatures of more than two thirds, each verified here again |
 * | order | a node commits height after height |
 * | double-sign | no honest key signs two values for one height, round and step, across restarts |
 * | receipts | receipts are those of the model, on every node, and never change |
 * | balances | after every block, on every node, balances are those of the model and not negative |
 * | conservation | per currency and block, all balances add up to what was issued less what was redeemed |
 * | durability | what a node told as final is there after its crash |
 * | honest-ban | honest nodes do not ban each other |
 * | node-ended | an honest node ends by itself only where its disk refused something |
 * | handler | no message makes a handler throw |
 * | submission | a submission is refused by a code or taken |
 * | liveness | healed, the network commits a new payment on every honest node within a bounded time |
 * | acknowledged | every payment that a bank called final is final, with that receipt, on every honest node |
 */
import { MAX_STATE_VALUE_BYTES } from '../codec/limits.ts';
import { proposal, roundMessages } from '../codec/messages.ts';
import { decode } from '../codec/schema.ts';
import { balanceRecord } from '../codec/state.ts';
import { settlementAccount } from '../codec/text.ts';
import { vote } from '../codec/vote.ts';
import { chainIdOf, statementSigningBytes, transactionId, validatorsOf } from '../crypto/ids.ts';
import type { Chain } from '../node/chain.ts';
import type { NodeEvent } from '../node/events.ts';
import type {
  BlockHash,
  ChainId,
  CommittedBlock,
  ParticipantId,
  Receipt,
  SignedStatement,
  TransactionId,
  ValidatorSet,
} from '../types/index.ts';
import type { Machine } from './machine.ts';
import type { Membership } from './members.ts';
import { type Expected, Model } from './model.ts';
import type { Ban, MessageKind, Wiretap } from './network.ts';

const MAX_BYTES = 1 << 24;

export interface Violation {
  readonly checker: string;
  readonly what: string;
}

/** A height as the first honest node to commit it had it, and what the model says of it. */
interface Agreed {
  readonly hash: BlockHash;
  readonly expected: Expected;
}

export type Committed = Extract<NodeEvent, { type: 'committed' }>;

export class Checkers implements Pick<Wiretap, 'sent' | 'banned'> {
  readonly model: Model;
  violation: Violation | null = null;
  /** Values that a wiped key signed although it had signed others there before. */
  signedAfterWipe = 0;
  readonly #members: Membership;
  readonly #chainId: ChainId;
  readonly #validators: ValidatorSet;
  readonly #honest: ReadonlySet<ParticipantId>;
  readonly #agreed: Agreed[] = [];
  readonly #receipts = new Map<TransactionId, string>();
  readonly #said = new Map<string, string>();
  /** Height of the last block that each node committed or told. */
  readonly #told = new Map<ParticipantId, number>();
  readonly #wiped = new Set<ParticipantId>();
  #lastSent: Uint8Array | null = null;

  constructor(members: Membership, honest: ReadonlySet<ParticipantId>) {
    this.#members = members;
    this.#honest = honest;
    this.#chainId = chainIdOf(members.genesis);
    this.#validators = validatorsOf(members.genesis);
    this.model = new Model(members.genesis.participants.map(({ id }) => settlementAccount(id)));
  }

  /** Blocks that some honest node has. */
  get height(): number {
    return this.#agreed.length;
  }

  fail(checker: string, what: string): void {
    this.violation ??= { checker, what };
  }

  /** An honest node has committed a block. */
  committed({ id, state }: Machine, { committed, blockHash, transactions }: Committed): void {
    const { height } = committed.block.header;
    if (height !== (this.#told.get(id) ?? 0) + 1) this.fail('order', `${id} commits ${height}`);
    this.#told.set(id, height);
    const agreed = this.#block(id, committed, blockHash);
    if (agreed === null) return;
    const receipts = transactions.map(({ receipt }) => receipt);
    this.#checkReceipts(id, height, receipts, agreed.expected);
    if (state.tip?.height !== height) this.fail('balances', `${id} tells block ${height} before its state has it`);
    for (const [name, minor] of agreed.expected.balances) {
      const found = storedBalance(state.entries.get(`balance/${name}`));
      if (found !== minor || found < 0n)
        this.fail('balances', `${id}, block ${height}: ${name} ${found}, not ${minor}`);
    }
  }

  /** An honest node has opened its chain after a start. */
  async booted(id: ParticipantId, chain: Chain): Promise<void> {
    const { height } = chain.tip;
    const told = this.#told.get(id) ?? 0;
    if (height < told && !this.#wiped.has(id)) this.fail('durability', `${id} told block ${told}, now has ${height}`);
    this.#told.set(id, height);
    for (let at = 1; at <= height; at++) {
      const committed = at > this.height || at === height ? await chain.read(at) : null;
      if (committed !== null) this.#block(id, committed, committed.certificate.blockHash);
    }
  }

  wiped(id: ParticipantId): void {
    this.#wiped.add(id);
  }

  sent(from: ParticipantId, kind: MessageKind, bytes: Uint8Array): void {
    if (!this.#honest.has(from) || bytes === this.#lastSent) return;
    this.#lastSent = bytes;
    if (kind === 'votes') this.#note(from, decode(vote, bytes, MAX_BYTES));
    else if (kind === 'proposals') this.#note(from, decode(proposal, bytes, MAX_BYTES).statement);
    else if (kind === 'round') {
      const { votes, proposals } = decode(roundMessages, bytes, MAX_BYTES);
      for (const statement of votes) this.#note(from, statement);
      for (const { statement } of proposals) this.#note(from, statement);
    }
  }

  banned({ by, peer, reason }: Ban): void {
    if (this.#honest.has(by) && this.#honest.has(peer)) this.fail('honest-ban', `${by} bans ${peer}: ${reason}`);
  }

  ended(machine: Machine, error: unknown): void {
    if (!machine.diskFailed) this.fail('node-ended', `${machine.id}: ${String(error)}`);
  }

  /** All balances of an honest node against the model's, once it has every block. */
  wholeState({ id, state }: Machine): void {
    if (state.tip?.height !== this.height) return;
    const found = new Map<string, bigint>();
    for (const [key, value] of state.entries.range('balance/', 'balance0')) {
      found.set(key.slice('balance/'.length), storedBalance(value));
    }
    for (const name of new Set([...found.keys(), ...this.model.balances.keys()])) {
      const [has, should] = [found.get(name) ?? 0n, this.model.balances.get(name) ?? 0n];
      if (has !== should) this.fail('balances', `${id}, in the end: ${name} ${has}, not ${should}`);
    }
  }

  /** What the network says of a transaction, or null: `height/index/status`. */
  receiptOf(id: TransactionId): string | null {
    return this.#receipts.get(id) ?? null;
  }

  /** Checks a block against its certificate and what other honest nodes have there. */
  #block(id: ParticipantId, committed: CommittedBlock, hash: BlockHash): Agreed | null {
    const { height } = committed.block.header;
    this.#checkCertificate(id, committed);
    const known = this.#agreed[height - 1];
    if (known !== undefined) {
      if (known.hash !== hash) this.fail('agreement', `${id} has ${hash} at ${height}, others have ${known.hash}`);
      return known;
    }
    if (height !== this.height + 1) this.fail('order', `${id} has block ${height}, nobody has ${this.height + 1}`);
    const expected = this.model.run(committed, ({ body }) => transactionId(body));
    const problem = this.model.problem();
    if (problem !== null) this.fail('conservation', `block ${height}: ${problem}`);
    const agreed = { hash, expected };
    this.#agreed.push(agreed);
    return agreed;
  }

  #checkCertificate(id: ParticipantId, { certificate, block }: CommittedBlock): void {
    const { height, round, blockHash, signatures } = certificate;
    const signers = new Set<number>();
    for (const { validator, signature } of signatures) {
      const publicKey = this.#validators[validator]?.publicKey;
      const statement = { step: 'precommit', height, round, blockHash, validRound: null, validator } as const;
      const message = statementSigningBytes(this.#chainId, statement);
      if (publicKey !== undefined && this.#members.verifier.verify({ publicKey, message, signature })) {
        signers.add(validator);
      }
    }
    if (height !== block.header.height || 3 * signers.size <= 2 * this.#validators.length) {
      this.fail('certificate', `${id} has block ${block.header.height} with ${signers.size} true signatures`);
    }
  }

  #checkReceipts(id: ParticipantId, height: number, receipts: readonly Receipt[], { receipts: due }: Expected): void {
    const found = receipts.map((receipt) => `${receipt.transactionId} ${receipt.status}`);
    const expected = due.map((receipt) => `${receipt.transactionId} ${receipt.status}`);
    const odd = [...expected.keys(), ...found.keys()].find((i) => found[i] !== expected[i]);
    if (odd !== undefined) this.fail('receipts', `${id}, block ${height}: ${found[odd]}, not ${expected[odd]}`);
    for (const { transactionId: of, index, status } of receipts) {
      const text = `${height}/${index}/${status}`;
      const before = this.#receipts.get(of) ?? text;
      this.#receipts.set(of, before);
      if (before !== text) this.fail('receipts', `${id} has ${text} for ${of}, before it was ${before}`);
    }
  }

  /** A statement in what `from` sends; only its own say something about it. */
  #note(from: ParticipantId, { validator, height, round, step, blockHash, validRound }: SignedStatement): void {
    if (this.#validators[validator]?.participant !== from) return;
    const place = `${validator}/${height}/${round}/${step}`;
    const value = `${blockHash}/${validRound}`;
    const before = this.#said.get(place) ?? value;
    this.#said.set(place, before);
    if (before === value) return;
    if (this.#wiped.has(from)) this.signedAfterWipe += 1;
    else this.fail('double-sign', `${from} signs ${value} at ${height}/${round}/${step}, before it was ${before}`);
  }
}

function storedBalance(bytes: Uint8Array | undefined): bigint {
  return bytes === undefined ? 0n : decode(balanceRecord, bytes, MAX_STATE_VALUE_BYTES);
}

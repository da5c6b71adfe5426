/**
 * What must hold, checked at every message an honest node sends, every block it commits, every boot and every ban. The first
 * that does not hold ends the run. Each has a name, by which tests and reports call it:
 *
 * | name | holds |
 * |---|---|
 * | agreement | honest nodes have the same block, so the same writes root, at every height |
 * | certificate | a committed block has signatures of more than two thirds, each verified here again |
 * | order | a node commits height after height |
 * | invalid-block | no block that a liar made wrong on purpose is committed |
 * | time | a block is later than its parent, and not ahead of every honest clock by more than the skew that is allowed |
 * | double-sign | no honest key signs two values for one height, round and step, across restarts |
 * | polka, lock | honest validators vote as the paper bids them, see `locks.ts` |
 * | framed | no evidence, on the chain or off it, names a key that is honest |
 * | evidence | two contradicting statements that an honest node has stand on the chain, or two others of that validator and height, within 6 blocks, once it is healed |
 * | signatures | every signature of every transaction on the chain verifies |
 * | receipts | receipts are those of the model, on every node, and never change |
 * | replay | a transaction takes effect in one block at most, whoever was restored or wiped in between |
 * | balances | after every block, on every node, balances are those of the model and not negative |
 * | aliases | after every block, on every node, owners and epochs are those of the model |
 * | conservation | per currency and block, balances add up to what was issued less what was redeemed: in the model, in the writes of every block to every state database, and in each whole database at boot and in the end |
 * | state | in the end accounts, aliases and supply are those of the model, on every node |
 * | durability | what a node told as final is there after its crash |
 * | rebuild | a node makes its state anew only where the machine lost or damaged something, or the state is empty |
 * | honest-ban | honest nodes do not ban each other |
 * | node-ended | an honest node ends by itself only where its disk refused something or was damaged, and with a code |
 * | handler | no message makes a handler throw |
 * | submission | a submission is refused by a code or taken |
 * | liveness | healed, the network commits a new payment on every honest node within a bounded time: first without the plan's absent members, then with them |
 * | pools | what is final leaves every pool, and whatever was taken ends, see `aftermath.ts` |
 * | heartbeat | an idle network makes a block now and then |
 * | acknowledged | every payment that a bank called final is final, with that receipt, on every honest node |
 * | settled | every payment that a bank took ends final or expired there; where that bank forgot it in a crash, asking once more tells which |
 * | accountability | after a fork, what honest nodes hold names more than f validators |
 *
 * What a wiped disk, a restored backup or damage can make of a key: it may sign a second value, for it does not know of the
 * first, and nothing on that machine can. So those values are counted, not forbidden; such a machine is one of the f, and
 * its chain may be shorter than what it told before. Everything else holds for it as for all.
 */
import { maxFaulty } from '../../consensus/quorum.ts';
import {
  chainIdOf,
  statementSigningBytes,
  transactionId,
  transactionSigningBytes,
  validatorsOf,
} from '../../crypto/ids.ts';
import { AssertionError, CodedError } from '../../errors.ts';
import { EMPTY_STATE } from '../../node/boot.ts';
import type { Chain } from '../../node/chain.ts';
import type { NodeEvent } from '../../node/events.ts';
import type {
  BlockHash,
  ChainId,
  CommittedBlock,
  ParticipantId,
  Receipt,
  TransactionId,
  ValidatorSet,
} from '../../types/index.ts';
import type { Machine } from '../world/machine.ts';
import type { Membership } from '../world/members.ts';
import type { Ban, MessageKind, Wiretap } from '../world/network.ts';
import { MoneyChecks } from './check-money.ts';
import { SignatureChecks } from './check-signatures.ts';
import { type Expected, Model } from './model.ts';
import { Transcript } from './transcript.ts';
import type { Fail, Violation } from './violation.ts';

/** Two blocks of one height, each on an honest node: possible where more than f lie. */
export interface Fork {
  readonly height: number;
  /** Liars that two of their own statements convict. */
  readonly equivocators: number;
  /** Those whom only the transcript of several rounds convicts. */
  readonly turncoats: number;
}

/** A height as the first honest node to commit it had it, and what the model says of it. */
interface Agreed {
  readonly hash: BlockHash;
  readonly timeMs: number;
  readonly expected: Expected;
}

export type Committed = Extract<NodeEvent, { type: 'committed' }>;

export class Checkers implements Pick<Wiretap, 'sent' | 'banned'> {
  readonly model: Model;
  readonly money: MoneyChecks;
  readonly signatures: SignatureChecks;
  violation: Violation | null = null;
  fork: Fork | null = null;
  readonly #members: Membership;
  readonly #validators: ValidatorSet;
  readonly #chainId: ChainId;
  readonly #honest: ReadonlySet<ParticipantId>;
  readonly #latestMs: () => number;
  readonly #agreed: Agreed[] = [];
  readonly #receipts = new Map<TransactionId, string>();
  /** Height of the last block that each node committed or told. */
  readonly #told = new Map<ParticipantId, number>();
  /** Machines that lost something they had synced, by what took it. */
  readonly #lost = new Map<ParticipantId, string>();
  readonly #forged = new Map<BlockHash, string>();
  /** Kept where there are enough liars for a fork. */
  readonly #transcript: Transcript | null;

  /** @param latestMs the latest time that an honest clock has shown. */
  constructor(members: Membership, honest: ReadonlySet<ParticipantId>, latestMs: () => number) {
    this.#members = members;
    this.#honest = honest;
    this.#latestMs = latestMs;
    this.#chainId = chainIdOf(members.genesis);
    this.#validators = validatorsOf(members.genesis);
    this.model = new Model(members.genesis);
    const fail: Fail = (checker, what) => this.fail(checker, what);
    this.money = new MoneyChecks(this.model, fail);
    this.signatures = new SignatureChecks(this.#validators, honest, fail);
    const { length } = this.#validators;
    this.#transcript =
      length - honest.size > maxFaulty(length)
        ? new Transcript(this.#chainId, this.#validators, members.verifier)
        : null;
  }

  /** Blocks that some honest node has. */
  get height(): number {
    return this.#agreed.length;
  }

  /** Whether there is nothing more to see. */
  get isOver(): boolean {
    return this.violation !== null || this.fork !== null;
  }

  fail(checker: string, what: string): void {
    if (this.fork === null) this.violation ??= { checker, what };
  }

  /** A block that no honest node may commit. */
  forged(hash: BlockHash, wrong: string): void {
    this.#forged.set(hash, wrong);
  }

  /** What is wrong with such a block, or null where nothing is known against it. */
  wrongOf(hash: BlockHash): string | null {
    return this.#forged.get(hash) ?? null;
  }

  /** An honest node has committed a block. */
  committed(machine: Machine, { committed, blockHash, transactions }: Committed): void {
    const { id, state } = machine;
    const { height } = committed.block.header;
    if (height !== (this.#told.get(id) ?? 0) + 1) this.fail('order', `${id} commits ${height}`);
    this.#told.set(id, height);
    const agreed = this.#block(id, committed, blockHash);
    if (agreed === null) return;
    const receipts = transactions.map(({ receipt }) => receipt);
    this.#checkReceipts(id, height, receipts, agreed.expected);
    if (state.tip?.height !== height) this.fail('balances', `${id} tells block ${height} before its state has it`);
    this.money.block(machine, height, agreed.expected);
  }

  /** An honest node has opened its chain after a start. */
  async booted({ id, state }: Machine, chain: Chain): Promise<void> {
    const { height } = chain.tip;
    const told = this.#told.get(id) ?? 0;
    const hasLost = this.#lost.has(id);
    if (height < told && !hasLost) this.fail('durability', `${id} told block ${told}, now has ${height}`);
    const { rebuilt } = chain.bootReport;
    if (rebuilt !== null && rebuilt !== EMPTY_STATE && !hasLost) this.fail('rebuild', `${id} says: ${rebuilt}`);
    this.#told.set(id, height);
    this.money.sums(id, state);
    for (let at = 1; at <= height; at++) {
      const committed = hasLost || at > this.height || at === height ? await chain.read(at) : null;
      if (committed !== null) this.#block(id, committed, committed.certificate.blockHash);
    }
  }

  /** A machine lost what it had synced. @param why the fault's name. */
  lost(id: ParticipantId, why: string): void {
    this.#lost.set(id, why);
    this.signatures.forgot(id, why);
  }

  sent(from: ParticipantId, kind: MessageKind, bytes: Uint8Array): void {
    this.signatures.sent(from, kind, bytes);
    if (this.#honest.has(from)) this.#transcript?.hear(kind, bytes);
  }

  delivered(to: ParticipantId, kind: MessageKind, bytes: Uint8Array): void {
    if (this.#honest.has(to)) this.#transcript?.hear(kind, bytes);
  }

  banned({ by, peer, reason }: Ban): void {
    if (this.#honest.has(by) && this.#honest.has(peer)) this.fail('honest-ban', `${by} bans ${peer}: ${reason}`);
  }

  /** An honest node has ended by itself or did not boot. @param isDamaged its disk was damaged before. */
  ended(machine: Machine, error: unknown, isDamaged: boolean): void {
    if (machine.diskFailed) return;
    // A state that was altered below the database is found out by its results: the node must not go on with it.
    if (isDamaged && (error instanceof CodedError || error instanceof AssertionError)) return;
    this.fail('node-ended', `${machine.id}: ${String(error)}`);
  }

  /** In the end: what the pool of all that honest nodes know says of those who lied. */
  judge(): void {
    if (this.#transcript === null) return;
    const equivocators = this.#transcript.equivocators();
    const turncoats = this.fork === null ? new Set<ParticipantId>() : this.#transcript.turncoats(this.fork.height);
    const all = new Set([...equivocators, ...turncoats]);
    const framed = [...all].filter((id) => this.#honest.has(id));
    if (framed.length > 0) this.violation ??= { checker: 'framed', what: `${framed} did nothing wrong` };
    if (this.fork === null) return;
    this.fork = { ...this.fork, equivocators: equivocators.size, turncoats: all.size - equivocators.size };
    if (equivocators.size <= maxFaulty(this.#validators.length)) {
      const what = `a fork at ${this.fork.height}, and two statements for one place name only ${[...equivocators]}`;
      this.violation ??= { checker: 'accountability', what: `${what}; the transcript, ${[...turncoats]}` };
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
    this.#transcript?.certificate(committed.certificate);
    const known = this.#agreed[height - 1];
    if (known !== undefined) {
      if (known.hash !== hash) this.#forks(height, `${id} has ${hash} at ${height}, others have ${known.hash}`);
      return known;
    }
    this.#checkHeader(id, committed, hash);
    if (height !== this.height + 1) this.fail('order', `${id} has block ${height}, nobody has ${this.height + 1}`);
    this.#checkSignatures(committed);
    const expected = this.model.run(committed, ({ body }) => transactionId(body));
    const problem = this.model.problem();
    if (problem !== null) this.fail('conservation', `block ${height}: ${problem}`);
    const agreed = { hash, timeMs: committed.block.header.timeMs, expected };
    this.#agreed.push(agreed);
    // Nobody may be there to tell of it: a node that crashed after it wrote the block tells nothing of it any more.
    for (const [index, { transactionId: of, status }] of expected.receipts.entries()) {
      this.#settled(id, of, `${height}/${index}/${status}`);
    }
    this.signatures.block(committed.block.evidence, height);
    return agreed;
  }

  #forks(height: number, what: string): void {
    if (this.#transcript === null) this.fail('agreement', what);
    else this.fork ??= { height, equivocators: 0, turncoats: 0 };
  }

  #checkHeader(id: ParticipantId, { block: { header } }: CommittedBlock, hash: BlockHash): void {
    const { height, timeMs } = header;
    const wrong = this.#forged.get(hash);
    // Two make the same block in the same moment, all but the name: what a liar made in another's name may be that one's own.
    if (wrong !== undefined && !this.signatures.wasMade(hash))
      this.fail('invalid-block', `${id} commits block ${height} with ${wrong}`);
    const { timeMs: genesisMs, rules } = this.#members.genesis;
    const parentMs = this.#agreed.at(-1)?.timeMs ?? genesisMs;
    if (timeMs <= parentMs) this.fail('time', `block ${height} is of ${timeMs}, its parent of ${parentMs}`);
    const latestMs = this.#latestMs() + rules.maxClockSkewMs;
    if (timeMs > latestMs)
      this.fail('time', `block ${height} is of ${timeMs}; honest clocks allow ${latestMs} at most`);
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

  #checkSignatures({ block, batches }: CommittedBlock): void {
    for (const { body, signatures } of batches.flatMap((batch) => batch.transactions)) {
      const message = transactionSigningBytes(transactionId(body));
      const { verifier } = this.#members;
      if (signatures.every(({ publicKey, signature }) => verifier.verify({ publicKey, message, signature }))) continue;
      this.fail('signatures', `block ${block.header.height} has a transaction with a false signature`);
    }
  }

  #checkReceipts(id: ParticipantId, height: number, receipts: readonly Receipt[], { receipts: due }: Expected): void {
    const found = receipts.map((receipt) => `${receipt.index} ${receipt.transactionId} ${receipt.status}`);
    const expected = due.map((receipt, index) => `${index} ${receipt.transactionId} ${receipt.status}`);
    const odd = [...expected.keys(), ...found.keys()].find((i) => found[i] !== expected[i]);
    if (odd !== undefined) this.fail('receipts', `${id}, block ${height}: ${found[odd]}, not ${expected[odd]}`);
    for (const { transactionId: of, index, status } of receipts) this.#settled(id, of, `${height}/${index}/${status}`);
  }

  /** @param receipt `height/index/status`. */
  #settled(id: ParticipantId, of: TransactionId, receipt: string): void {
    const before = this.#receipts.get(of) ?? receipt;
    this.#receipts.set(of, before);
    if (before === receipt) return;
    const checker = before.split('/', 1)[0] === receipt.split('/', 1)[0] ? 'receipts' : 'replay';
    this.fail(checker, `${id} has ${receipt} for ${of}, before it was ${before}`);
  }
}

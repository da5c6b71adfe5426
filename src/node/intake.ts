/**
 * How transactions that are handed in here get into the pool. Whatever comes while others are looked at is looked at
 * together, in rounds: one lot of signatures, one reading of the state. So a payment alone
 * waits for nobody, and a thousand cost little more than their signatures.
 */
import { lend } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { check, type IdentifiedTransaction, touchedKeys } from '../ledger/ledger.ts';
import { statusCode } from '../ledger/status.ts';
import { referenceOf } from '../mempool/transaction-pool.ts';
import type { Transaction, TransactionId } from '../types/index.ts';
import { identify, signatureChecks } from './admission.ts';
import type { Context } from './context.ts';
import type { TransactionStanding } from './events.ts';
import { referencePlaceKey, transactionPlaceKey } from './indexes.ts';
import type { Queries } from './queries.ts';
import { Refusal } from './refusals.ts';

/** Whoever hands a transaction in. One of the two is called, once. */
export interface Applicant {
  readonly transaction: Transaction;
  /** Its id, where it is known already. */
  readonly id?: TransactionId;
  /** It is in the pool, or was final before. */
  admitted(id: TransactionId, standing: TransactionStanding): void;
  /** @param error Refusal with the first failing check, in the order of the statuses' codes; or why nobody can tell. */
  refused(error: unknown): void;
}

export interface IntakeParts {
  readonly context: Context;
  readonly queries: Queries;
  /** Whether more blocks follow, which may change what the state says. */
  readonly isBusy: () => boolean;
  /** Whether the state is one that others have left behind long ago, or may have. */
  readonly mayBeBehind: () => boolean;
  /** The pool has more. */
  readonly onAdded: () => void;
}

/** Enough for the cost of a look-up and of a trip to the threads to vanish, little enough to take some milliseconds. */
const MAX_ROUND = 256;
/** The signatures of one are checked in threads while the other is looked up. */
const MAX_ROUNDS = 2;
/** As many as a full pool holds: more would only wait to be refused by it. */
const MAX_WAITING = 4_096;
/**
 * Blocks that a transaction is held for before it is refused for what the state says: its money may be in the block that
 * is being agreed on, final already on the node where its sender saw it.
 */
const MAX_HELD_BLOCKS = 3;
/** Statuses below this one depend on the transaction and the genesis alone, or on time: no block changes them. */
const FIRST_STATUS_OF_STATE = 20;

/** A transaction on its way in. */
interface Case extends IdentifiedTransaction {
  readonly applicant: Applicant;
  isSigned: boolean;
  /** How many blocks it was held for. */
  blocks: number;
  isEnded: boolean;
}

export class Intake {
  readonly #parts: IntakeParts;
  #waiting: Case[] = [];
  #held: Case[] = [];
  #rounds = 0;
  #size = 0;
  /** Resolves when the round that began last has ended. */
  #last: Promise<void> = Promise.resolve();
  #cancelHold: (() => void) | null = null;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** How many transactions have no answer yet. */
  get size(): number {
    return this.#size;
  }

  take(applicants: readonly Applicant[]): void {
    for (const applicant of applicants) {
      const { transaction, id } = applicant;
      if (transaction.body.chainId !== this.#parts.context.chain.chainId) {
        applicant.refused(new Refusal('CHAIN_MISMATCH'));
      } else if (this.#size >= MAX_WAITING) applicant.refused(new Refusal('POOL_FULL'));
      else {
        this.#size += 1;
        const known = id === undefined ? identify(transaction) : { id, transaction };
        this.#waiting.push({ ...known, applicant, isSigned: false, blocks: 0, isEnded: false });
      }
    }
    this.#begin();
  }

  /** A block has come: what was held for it is looked at again. */
  committed(): void {
    this.#cancelHold?.();
    this.#cancelHold = null;
    if (this.#held.length === 0) return;
    this.#waiting = [...this.#held, ...this.#waiting];
    this.#held = [];
    this.#begin();
  }

  #begin(): void {
    while (this.#rounds < MAX_ROUNDS && this.#waiting.length > 0) {
      const round = this.#waiting.splice(0, MAX_ROUND);
      this.#rounds += 1;
      this.#last = this.#run(round, this.#last);
    }
  }

  async #run(round: readonly Case[], earlier: Promise<void>): Promise<void> {
    try {
      await this.#verify(this.#unknown(round.filter(({ isSigned }) => !isSigned)));
      // What came first is in the pool first.
      await earlier;
      await this.#judge(round.filter(({ isSigned, isEnded }) => isSigned && !isEnded));
    } catch (error) {
      for (const entry of round) this.#refuse(entry, error);
    }
    this.#rounds -= 1;
    this.#begin();
  }

  /** Answers for those that wait here already, and returns the others. */
  #unknown(cases: readonly Case[]): readonly Case[] {
    const { transactions } = this.#parts.context;
    return cases.filter((entry) => {
      const isKnown = transactions.has(entry.id);
      if (isKnown) this.#admit(entry, PENDING);
      return !isKnown;
    });
  }

  async #verify(cases: readonly Case[]): Promise<void> {
    if (cases.length === 0) return;
    this.#parts.context.chain.expect(cases);
    let verdicts: readonly boolean[];
    try {
      verdicts = await this.#parts.context.verifier.verifyAll(signatureChecks(cases));
    } catch (error) {
      for (const entry of cases) this.#refuse(entry, error);
      return;
    }
    let at = 0;
    for (const entry of cases) {
      const end = at + entry.transaction.signatures.length;
      let isSigned = true;
      for (; at < end; at += 1) isSigned &&= verdicts[at] === true;
      entry.isSigned = isSigned;
      if (!isSigned) this.#refuse(entry, new Refusal('SIGNATURE_INVALID'));
    }
  }

  /** Asks the ledger what would become of each. */
  async #judge(cases: readonly Case[]): Promise<void> {
    if (cases.length === 0) return;
    const { chain, clock } = this.#parts.context;
    const { height } = chain.tip;
    const references = cases.map(({ transaction }) => referencePlaceKey(referenceOf(transaction)));
    const [view, places] = await Promise.all([chain.load(touchedKeys(cases)), chain.store.lastPlaces(references)]);
    const users = await Promise.all(places.map((place) => place && this.#parts.queries.transactionAt(place)));
    const timeMs = Math.max(clock.now(), chain.tip.timeMs + 1);
    const nextHeight = chain.tip.height + 1;
    const taken: Case[] = [];
    /** What ran before, here or where this record does not reach, and what has expired, maybe after it ran. */
    const past: { readonly entry: Case; readonly refusal: Refusal }[] = [];
    for (const [at, entry] of cases.entries()) {
      const { status, failedCommand } = check(chain.rules, view, entry, timeMs, nextHeight);
      const user = users[at] ?? null;
      if (status === 'DUPLICATE') past.push({ entry, refusal: new Refusal('HISTORY_ELSEWHERE') });
      else if (status === 'EXPIRED') past.push({ entry, refusal: new Refusal('EXPIRED') });
      else if (status !== 'OK') this.#holdOrRefuse(entry, new Refusal(status, failedCommand), statusCode(status));
      else if (user !== null && user !== entry.id) this.#refuse(entry, new Refusal('REFERENCE_REUSED'));
      else if (this.#offer(entry)) taken.push(entry);
    }
    // A block may have brought some through another bank while they were being checked here: no later one would settle them.
    if (chain.tip.height !== height) await this.#settle(taken);
    if (taken.length > 0) this.#parts.onAdded();
    for (const entry of taken) this.#admit(entry, PENDING);
    for (const { entry, refusal } of past) await this.#findReceipt(entry, refusal);
  }

  /** @returns whether it is in the pool. */
  #offer(entry: Case): boolean {
    const { id, transaction } = entry;
    const bytes = lend(transactionSchema, transaction, ({ length }) => length);
    const offer = this.#parts.context.transactions.offer({ id, transaction, bytes });
    if (offer === 'full') this.#refuse(entry, new Refusal('POOL_FULL'));
    if (offer === 'referenceTaken') this.#refuse(entry, new Refusal('REFERENCE_REUSED'));
    return offer === 'added' || offer === 'known';
  }

  async #settle(cases: readonly Case[]): Promise<void> {
    const { chain, transactions } = this.#parts.context;
    const places = await chain.store.lastPlaces(cases.map(({ id }) => transactionPlaceKey(id)));
    for (const [at, entry] of cases.entries()) {
      if (places[at] === null) continue;
      transactions.settle(entry.id);
      this.#admit(entry, await this.#parts.queries.standing(entry.id));
    }
  }

  /** Answers with the receipt, where it is in this record. */
  async #findReceipt(entry: Case, otherwise: Refusal): Promise<void> {
    const standing = await this.#parts.queries.standing(entry.id);
    if (standing.state === 'final') this.#admit(entry, standing);
    else this.#refuse(entry, otherwise);
  }

  #holdOrRefuse(entry: Case, refusal: Refusal, status: number): void {
    const { isBusy, mayBeBehind, context } = this.#parts;
    if (status < FIRST_STATUS_OF_STATE) this.#refuse(entry, refusal);
    else if (entry.blocks < MAX_HELD_BLOCKS && isBusy()) {
      entry.blocks += 1;
      this.#held.push(entry);
      // Or when waiting any longer would only annoy.
      this.#cancelHold ??= context.clock.schedule(context.timings.stallMs, () => this.committed());
    } else this.#refuse(entry, mayBeBehind() ? new Refusal('CATCHING_UP') : refusal);
  }

  #admit(entry: Case, standing: TransactionStanding): void {
    if (this.#end(entry)) entry.applicant.admitted(entry.id, standing);
  }

  #refuse(entry: Case, error: unknown): void {
    if (this.#end(entry)) entry.applicant.refused(error);
  }

  #end(entry: Case): boolean {
    if (entry.isEnded) return false;
    entry.isEnded = true;
    this.#size -= 1;
    return true;
  }
}

const PENDING: TransactionStanding = { state: 'pending' };

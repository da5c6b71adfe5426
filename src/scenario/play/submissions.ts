/**
 * Hands transactions to banks and keeps the book of them: when, through whom, how each ended, and after how long. What is still
 * under way when its step goes on is followed until it has settled; of what nobody answered for, the chain itself tells.
 */
import { transactionId } from '../../crypto/ids.ts';
import { CodedError } from '../../errors.ts';
import { statusOf } from '../../ledger/status.ts';
import type { AccountId, Amount, ParticipantId, Receipt, Transaction } from '../../types/index.ts';
import type { Ending, Engine, JournalEntry } from '../engine.ts';
import type { PaymentRecord } from '../run.ts';

/** One movement of money that a transaction makes where it takes effect. */
export interface Move {
  readonly from: AccountId;
  readonly to: AccountId;
  readonly amount: Amount;
}

/** What the story says of a transaction. */
export interface Purpose {
  readonly step: string;
  readonly kind: PaymentRecord['kind'];
  /** For people: `dara pays sok 5,000 KHR`. */
  readonly title: string;
  readonly moves: readonly Move[];
  readonly memo: string;
}

/** A transaction in the book; it changes until it has settled. */
export interface Handed extends Purpose {
  /** Of the transaction; `none-3` where there is none. */
  readonly id: string;
  /** Null where it came to none: nobody has the number that was to be paid. */
  readonly transaction: Transaction | null;
  via: ParticipantId;
  /** In story time, and in the network's. */
  readonly submittedAtMs: number;
  readonly sinceMs: number;
  finalityMs: number | null;
  ending: Ending;
}

/** A payer who heard nothing hands the same transaction in again after so long. */
const RETRY_MS = 500;

export class Submissions {
  /** In the order of handing in. */
  readonly all: Handed[] = [];
  readonly #engine: Engine;
  readonly #following = new Set<Handed>();
  /** By id of the transaction. */
  readonly #onChain = new Map<string, Receipt>();
  #failure: { readonly error: unknown } | null = null;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A node has told something: what is in a block has a receipt, whoever heard of it. */
  heard(entry: JournalEntry): void {
    if (entry.type !== 'committed') return;
    const { height, transactions } = entry;
    for (const [index, { id, status }] of transactions.entries()) {
      if (!this.#onChain.has(id))
        this.#onChain.set(id, { version: 1, transactionId: id, height, index, status, failedCommand: null });
    }
  }

  /** What is known of these by now: where the bank said nothing final, what others have told of the chain. */
  updated(handed: readonly Handed[]): readonly Handed[] {
    return handed.map((each) => {
      const receipt = isSettled(each.ending) ? undefined : this.#onChain.get(each.id);
      return receipt === undefined ? each : { ...each, ending: endingOf(receipt) };
    });
  }

  /** How many are followed still. */
  get underWay(): number {
    return this.#following.size;
  }

  /** Resolves when it has ended for somebody who waits so long; `pending` is followed on. */
  async handIn(purpose: Purpose, transaction: Transaction, via: ParticipantId, patienceMs: number): Promise<Handed> {
    const handed = this.#enter(purpose, transaction, via);
    await this.#ask(handed, transaction, via, patienceMs);
    if (handed.ending.kind === 'pending') this.#follow(handed, transaction);
    return handed;
  }

  /** Something that came to no transaction. */
  failed(purpose: Purpose, via: ParticipantId, ending: Ending): Handed {
    const handed = this.#enter(purpose, null, via);
    handed.ending = ending;
    return handed;
  }

  /** The same for a payer who goes to one bank after the other until one says how it ended, or its validity has. */
  async insist(
    purpose: Purpose,
    transaction: Transaction,
    banks: readonly ParticipantId[],
    patienceMs: number,
  ): Promise<Handed> {
    const [first] = banks;
    if (first === undefined) throw new CodedError('SCENARIO_NO_BANK', 'there is no bank to hand it to');
    const handed = this.#enter(purpose, transaction, first);
    for (let i = 0; !isSettled(handed.ending); i += 1) {
      const bank = banks[i % banks.length] ?? first;
      await this.#ask(handed, transaction, bank, patienceMs);
      if (isSettled(handed.ending) || this.#engine.networkNow() > transaction.body.validUntilMs) break;
      if ((i + 1) % banks.length === 0) await this.#engine.sleep(RETRY_MS);
    }
    return handed;
  }

  /** Resolves when nothing is under way, or after so much time. @throws what following them threw. */
  async settle(withinMs: number): Promise<void> {
    const deadlineMs = this.#engine.networkNow() + withinMs;
    while (this.#following.size > 0 && this.#engine.networkNow() < deadlineMs) await this.#engine.sleep(RETRY_MS);
    if (this.#failure !== null) throw this.#failure.error;
  }

  #enter(purpose: Purpose, transaction: Transaction | null, via: ParticipantId): Handed {
    const id = transaction === null ? `none-${this.all.length}` : transactionId(transaction.body);
    const { step, kind, title, moves, memo } = purpose;
    const handed: Handed = {
      step,
      kind,
      title,
      moves,
      memo,
      id,
      transaction,
      via,
      submittedAtMs: this.#engine.now(),
      sinceMs: this.#engine.networkNow(),
      finalityMs: null,
      ending: { kind: 'pending' },
    };
    this.all.push(handed);
    return handed;
  }

  async #ask(handed: Handed, transaction: Transaction, bank: ParticipantId, patienceMs: number): Promise<void> {
    handed.via = bank;
    this.#end(handed, await this.#engine.bank(bank).submit(transaction, patienceMs));
  }

  #end(handed: Handed, ending: Ending): void {
    handed.ending = ending;
    if (ending.kind === 'final') handed.finalityMs = this.#engine.networkNow() - handed.sinceMs;
  }

  /** Until it has settled, its validity is over, or the bank is gone. */
  #follow(handed: Handed, transaction: Transaction): void {
    const { via } = handed;
    const leftMs = transaction.body.validUntilMs - this.#engine.networkNow() + RETRY_MS;
    this.#following.add(handed);
    this.#engine
      .bank(via)
      .submit(transaction, Math.max(RETRY_MS, leftMs))
      .then((ending) => {
        if (ending.kind !== 'unreachable') this.#end(handed, ending);
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#following.delete(handed));
  }
}

function endingOf(receipt: Receipt): Ending {
  if (receipt.status === 0) return { kind: 'final', receipt };
  const status = statusOf(receipt.status);
  const code = status?.name ?? String(receipt.status);
  return { kind: 'refused', code, message: status?.sentence ?? 'A later version knows why.', receipt };
}

function isSettled({ kind }: Ending): boolean {
  return kind === 'final' || kind === 'refused' || kind === 'expired';
}

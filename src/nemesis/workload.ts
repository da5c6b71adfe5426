/**
 * People who pay each other while the banks fail: by account and by phone number, through their own bank and others, now and
 * then more than they have. Who gets no answer asks again with the very same transaction through the next bank, until it is
 * known how it ended; whatever a bank says is told to the checker.
 */
import { type Client, createClient } from '../api/client.ts';
import { ApiError } from '../api/client-errors.ts';
import type { ReceiptJson } from '../api/types.ts';
import { wait } from '../cli/system.ts';
import { type Payee, readAmount, signPayment, type Terms } from '../cli/wallet.ts';
import type { Wallet } from '../cli/wallet-files.ts';
import { toHex } from '../codec/hex.ts';
import { transactionId } from '../crypto/ids.ts';
import type { Clock } from '../ports.ts';
import { Chance } from '../simulator/world/random.ts';
import type { Nonce, Transaction } from '../types/index.ts';
import type { Checker } from './checker.ts';
import type { Watched } from './witness.ts';

/** Somebody with money; `byPhone` is the same account, found by its number. */
export interface Person {
  readonly wallet: Wallet;
  readonly byPhone: Payee;
}

export interface WorkloadOptions {
  readonly seed: number;
  readonly people: readonly Person[];
  readonly banks: readonly Watched[];
  readonly terms: Terms;
  readonly checker: Checker;
  readonly clock: Clock;
}

export interface Tally {
  submitted: number;
  /** Final, and took effect. */
  acknowledged: number;
  /** By the ledger, or by a bank before it came there; by code. */
  readonly refused: Map<string, number>;
  /** Never took effect and never will, though no bank refused it. */
  expired: number;
  /** Without an answer at first; each is asked again. */
  unknown: number;
  /** Of those, how many learnt how they ended. */
  resolved: number;
  /** Without an end when the run ended. */
  unresolved: number;
  pending: number;
  /** Sent through two banks at the same moment. */
  twice: number;
}

const PAYERS = 6;
/** How long a payer waits for one bank before it tries the next. */
const WAIT_MS = 3_000;
/** Beyond the wait, for a bank that does not say anything at all. */
const GRACE_MS = 1_500;
/** Doubles each time, up to the longest. */
const RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;
/** Between two payments of one payer. */
const PACE_MS = [20, 300] as const;
/** Beyond the validity of a payment; after it nobody can still be without an answer. */
const GIVE_UP_MS = 90_000;

/** How one question ended. */
type Answer =
  | { readonly state: 'final'; readonly receipt: ReceiptJson }
  | { readonly state: 'refused'; readonly code: string }
  | { readonly state: 'expired' }
  | { readonly state: 'unknown' };

export class Workload {
  readonly tally: Tally = {
    submitted: 0,
    acknowledged: 0,
    refused: new Map(),
    expired: 0,
    unknown: 0,
    resolved: 0,
    unresolved: 0,
    pending: 0,
    twice: 0,
  };
  readonly #options: WorkloadOptions;
  readonly #clients: readonly Client[];
  readonly #stopped = new AbortController();
  #payers: Promise<unknown> = Promise.resolve();

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#clients = options.banks.map(({ apiUrl }) => createClient(apiUrl, { fetch: impatient }));
  }

  start(): void {
    this.#payers = Promise.all(Array.from({ length: PAYERS }, (_, i) => this.#pay(i)));
    // Whoever stops it hears of it.
    this.#payers.catch(() => undefined);
  }

  /** No new payments; resolves when it is known of each how it ended, or nobody can still tell. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#payers;
  }

  async #pay(number: number): Promise<void> {
    const { clock, seed } = this.#options;
    const chance = new Chance(seed, `payer ${number}`);
    while (!this.#stopped.signal.aborted) {
      await this.#payOnce(chance);
      await wait(clock, chance.between(...PACE_MS), this.#stopped.signal).catch(() => undefined);
    }
  }

  async #payOnce(chance: Chance): Promise<void> {
    const { people, terms } = this.#options;
    const [payer, payee] = chance.shuffled(people);
    if (payer === undefined || payee === undefined) return;
    const isTooMuch = chance.happens(0.03);
    const currency = chance.pick(['KHR', 'USD']);
    // Cents, not dollars: what a run of an hour pays stays within the tier's day.
    const unit = currency === 'USD' ? 0.01 : 1;
    const value = isTooMuch ? '99999999' : (chance.between(1, 20) * unit).toFixed(currency === 'USD' ? 2 : 0);
    const by: Payee = chance.happens(0.5) ? payee.byPhone : { ...payee.byPhone, alias: null, phone: null };
    const nonce = toHex(chance.bytes(16)) as Nonce;
    const payment = { payee: by, amount: readAmount(terms, value, currency), memo: '' };
    const transaction = signPayment(terms, payer.wallet, payment, { nonce, repeatable: false });
    this.tally.submitted += 1;
    this.tally.pending += 1;
    await this.#resolve(transaction, chance);
    this.tally.pending -= 1;
  }

  /** Asks bank after bank until it is known how it ended. */
  async #resolve(transaction: Transaction, chance: Chance): Promise<void> {
    const { clock } = this.#options;
    const id = transactionId(transaction.body);
    const first = chance.below(this.#clients.length);
    const giveUpAtMs = clock.now() + GIVE_UP_MS;
    const isTwice = chance.happens(0.1);
    if (isTwice) this.tally.twice += 1;
    let refusal: Answer | null = null;
    for (let attempt = 0; clock.now() < giveUpAtMs; attempt++) {
      const via =
        isTwice && attempt === 0
          ? [first, (first + 1) % this.#clients.length]
          : [(first + attempt) % this.#clients.length];
      const answers = await Promise.all(via.map((bank) => this.#ask(bank, transaction, id)));
      const known = answers.find(({ state }) => state === 'final' || state === 'expired') ?? answers[0];
      // Where a bank kept silent the payment may be on its way: that another one would refuse it now says nothing.
      const isOpen = attempt > 0 || answers.some(({ state }) => state === 'unknown');
      if (known !== undefined && known.state !== 'unknown' && !(known.state === 'refused' && isOpen)) {
        // One that every bank refused until it expired was refused.
        this.#count(known.state === 'expired' ? (refusal ?? known) : known, attempt);
        return;
      }
      if (known?.state === 'refused') refusal = known;
      if (attempt === 0) this.tally.unknown += 1;
      await wait(clock, Math.min(RETRY_MS * 2 ** Math.min(attempt, 10), LONGEST_RETRY_MS));
    }
    this.tally.unresolved += 1;
  }

  #count(answer: Answer, attempt: number): void {
    const { tally } = this;
    if (attempt > 0) tally.resolved += 1;
    switch (answer.state) {
      case 'final':
        if (answer.receipt.status.code === 0) tally.acknowledged += 1;
        else this.#refused(answer.receipt.status.name);
        return;
      case 'refused':
        this.#refused(answer.code);
        return;
      default:
        tally.expired += 1;
    }
  }

  #refused(code: string): void {
    this.tally.refused.set(code, (this.tally.refused.get(code) ?? 0) + 1);
  }

  async #ask(bank: number, transaction: Transaction, id: string): Promise<Answer> {
    const { checker, banks } = this.#options;
    const client = this.#clients[bank];
    const via = banks[bank]?.participant ?? '';
    if (client === undefined) return { state: 'unknown' };
    try {
      const { state, receipt } = await client.submit(transaction, { timeoutMs: WAIT_MS });
      if (state === 'final' && receipt !== null) {
        checker.acknowledged(receipt, via);
        return { state, receipt };
      }
      if (state === 'expired') checker.expired(id, via);
      return state === 'expired' ? { state } : { state: 'unknown' };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return this.#refusal(error, id, via);
    }
  }

  #refusal({ code, details, httpStatus }: ApiError, id: string, via: string): Answer {
    const { checker } = this.#options;
    const receipt = receiptIn(details);
    if (receipt !== null) {
      checker.acknowledged(receipt, via);
      return { state: 'final', receipt };
    }
    if (code === 'EXPIRED') {
      checker.expired(id, via);
      return { state: 'expired' };
    }
    const isTemporary = httpStatus === null || httpStatus >= 429;
    return isTemporary ? { state: 'unknown' } : { state: 'refused', code };
  }
}

/** A receipt of a refusal that stands on the chain. */
function receiptIn(details: ApiError['details']): ReceiptJson | null {
  const receipt = details?.['receipt'];
  return typeof receipt === 'object' && receipt !== null && 'transactionId' in receipt
    ? (receipt as ReceiptJson)
    : null;
}

/** A frozen bank is not waited for any longer than one that says that it does not know. */
const impatient: typeof fetch = (input, init) => {
  const limit = AbortSignal.timeout(WAIT_MS + GRACE_MS);
  const signal = init?.signal ? AbortSignal.any([init.signal, limit]) : limit;
  return fetch(input, { ...init, signal });
};

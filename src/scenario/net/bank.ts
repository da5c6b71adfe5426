/** A bank as its customers meet it over HTTP. */
import { createClient } from '../../api/client.ts';
import { ApiError } from '../../api/client-errors.ts';
import type { ReceiptJson } from '../../api/types.ts';
import { CodedError } from '../../errors.ts';
import type { Clock } from '../../ports.ts';
import type {
  AccountId,
  AliasKey,
  BlockHash,
  CurrencyCode,
  Hash,
  ParticipantId,
  Receipt,
  TierName,
  Transaction,
  TransactionId,
} from '../../types/index.ts';
import type { AccountView, Bank, Ending, Head, SupplyView } from '../engine.ts';
import type { Door } from './process-network.ts';
import type { StoryTime } from './time.ts';

/** How long a bank may take for what it need not wait for, before it counts as unreachable: two busy cores are slow. */
const ANSWER_MS = 4_000;
/** The longest wait that a node allows. */
const MAX_WAIT_MS = 60_000;

export interface BankParts {
  readonly id: ParticipantId;
  readonly door: Door;
  readonly clock: Clock;
  readonly time: StoryTime;
  /** Hears all that the node has told by now: whoever has an answer has what led to it. */
  readonly catchUp: () => Promise<void>;
}

type Client = ReturnType<typeof createClient>;

export class HttpBank implements Bank {
  readonly #parts: BankParts;
  readonly #client: Client;

  constructor(parts: BankParts) {
    const { url, token } = parts.door;
    this.#parts = parts;
    this.#client = createClient(url, { token, patienceMs: ANSWER_MS });
  }

  submit(transaction: Transaction, patienceMs: number): Promise<Ending> {
    return this.#awaiting(() => this.#submit(transaction, patienceMs));
  }

  async account(id: AccountId): Promise<AccountView | null> {
    const found = await this.#ask((client) => client.account(id, { limit: 1 }), 'ACCOUNT_NOT_FOUND');
    if (found === null) return null;
    const balances = found.balances.map(({ currency, minor }) => [currency as CurrencyCode, BigInt(minor)] as const);
    return { tier: found.tier as TierName | null, balances: new Map(balances) };
  }

  /** As the bank's own staff: customers of a story look up more numbers than one phone may. */
  async alias(key: AliasKey): Promise<{ readonly account: AccountId | null; readonly epoch: number } | null> {
    const found = await this.#ask((client) => client.operator.binding(key), 'ALIAS_NOT_FOUND');
    return found === null ? null : { account: found.account as AccountId | null, epoch: found.epoch };
  }

  async supply(currency: CurrencyCode): Promise<SupplyView> {
    const { supply } = await this.#ask((client) => client.supply({ audit: true }));
    const found = supply.find((entry) => entry.currency === currency);
    if (found?.balances === undefined) throw new CodedError('CURRENCY_UNKNOWN', `there is no ${currency} here`);
    const { issued, redeemed, balances } = found;
    return {
      issuedMinor: BigInt(issued.minor),
      redeemedMinor: BigInt(redeemed.minor),
      sumMinor: BigInt(balances.minor),
    };
  }

  async head(): Promise<Head> {
    const { height, blockHash, stateRoot } = await this.#ask((client) => client.state());
    return { height, hash: blockHash as BlockHash | null, stateRoot: stateRoot as Hash };
  }

  async #submit(transaction: Transaction, patienceMs: number): Promise<Ending> {
    const { clock } = this.#parts;
    const deadlineMs = clock.now() + patienceMs;
    let isTaken = false;
    for (;;) {
      const leftMs = Math.max(1, Math.round(deadlineMs - clock.now()));
      try {
        const { state, receipt } = await this.#client.submit(transaction, { timeoutMs: Math.min(leftMs, MAX_WAIT_MS) });
        if (state === 'final' && receipt !== null) return { kind: 'final', receipt: receiptOf(receipt) };
        if (state === 'expired') return { kind: 'expired' };
        if (state === 'unknown') return { kind: 'unreachable' };
        isTaken = true;
        if (clock.now() >= deadlineMs) return { kind: 'pending' };
      } catch (error) {
        return refusalOf(error, isTaken);
      }
    }
  }

  async #ask<T>(question: (client: Client) => Promise<T>): Promise<T>;
  async #ask<T>(question: (client: Client) => Promise<T>, codeOfNothing: string): Promise<T | null>;
  async #ask<T>(question: (client: Client) => Promise<T>, codeOfNothing?: string): Promise<T | null> {
    try {
      return await this.#awaiting(() => question(this.#client));
    } catch (error) {
      if (error instanceof CodedError && error.code === codeOfNothing) return null;
      throw isSilence(error)
        ? new CodedError('UNREACHABLE', `${this.#parts.id} does not answer`, { cause: error })
        : error;
    }
  }

  #awaiting<T>(ask: () => Promise<T>): Promise<T> {
    const { time, catchUp } = this.#parts;
    return time.awaiting(ask().finally(catchUp));
  }
}

/** @param isTaken an earlier answer said that it waits at the bank. @throws what is no word of the bank. */
function refusalOf(error: unknown, isTaken: boolean): Ending {
  if (isSilence(error)) return { kind: 'unreachable' };
  if (!(error instanceof ApiError)) throw error;
  const { code, message, details } = error;
  const receipt = (details?.['receipt'] ?? null) as ReceiptJson | null;
  // At the door it is refused like any other fault; what was taken in and ran out of time says whose it was.
  if (code === 'EXPIRED' && receipt === null && (isTaken || details?.['id'] !== undefined)) return { kind: 'expired' };
  return { kind: 'refused', code, message, receipt: receipt === null ? null : receiptOf(receipt) };
}

/** No answer, as against one that says no. */
function isSilence(error: unknown): boolean {
  return error instanceof CodedError && (error.code === 'NODE_UNREACHABLE' || error.code === 'NO_ANSWER');
}

function receiptOf({ transactionId, height, index, status, failedCommand }: ReceiptJson): Receipt {
  return {
    version: 1,
    transactionId: transactionId as TransactionId,
    height,
    index,
    status: status.code,
    failedCommand,
  };
}

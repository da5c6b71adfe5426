/** A bank as its customers meet it: its node, when there is one and it is awake. */
import { transactionId } from '../../crypto/ids.ts';
import { CodedError } from '../../errors.ts';
import { statusOf } from '../../ledger/status.ts';
import type { NodeEvent } from '../../node/events.ts';
import type { Node } from '../../node/node.ts';
import { Refusal } from '../../node/refusals.ts';
import type { VirtualClock } from '../../simulator/world/clock.ts';
import type { Machine } from '../../simulator/world/machine.ts';
import type { AccountId, AliasKey, CurrencyCode, Receipt, Transaction, TransactionId } from '../../types/index.ts';
import type { AccountView, Bank, Ending, Head, SupplyView } from '../engine.ts';
import type { Time } from './time.ts';

/** One waiting customer. */
interface Request {
  /** The bank has taken the transaction. */
  isTaken: boolean;
  readonly end: (ending: Ending) => void;
  readonly fail: (error: unknown) => void;
}

export class SimulatedBank implements Bank {
  readonly #machine: Machine;
  readonly #clock: VirtualClock;
  readonly #time: Time;
  readonly #waiting = new Map<TransactionId, Set<Request>>();

  constructor(machine: Machine, clock: VirtualClock, time: Time) {
    this.#machine = machine;
    this.#clock = clock;
    this.#time = time;
  }

  submit(transaction: Transaction, patienceMs: number): Promise<Ending> {
    return this.#time.awaiting(this.#submit(transaction, patienceMs));
  }

  async account(id: AccountId): Promise<AccountView | null> {
    const { queries } = this.#node();
    const found = await queries.account(id);
    return found === null ? null : { tier: found.tier, balances: await queries.balances(id) };
  }

  async alias(key: AliasKey): Promise<{ readonly account: AccountId | null; readonly epoch: number } | null> {
    const found = await this.#node().queries.alias(key);
    return found === null ? null : { account: found.account, epoch: found.epoch };
  }

  async supply(currency: CurrencyCode): Promise<SupplyView> {
    const { currencies } = await this.#node().queries.books();
    const found = currencies.get(currency);
    if (found === undefined) throw new CodedError('CURRENCY_UNKNOWN', `there is no ${currency} here`);
    return found;
  }

  async head(): Promise<Head> {
    return await this.#node().queries.head();
  }

  /** The bank's node has told something. */
  heard(event: NodeEvent): void {
    if (this.#waiting.size === 0) return;
    if (event.type === 'committed') {
      for (const { receipt } of event.transactions) this.#end(receipt.transactionId, () => endingOf(receipt));
    } else if (event.type === 'expired') for (const id of event.ids) this.#end(id, () => ({ kind: 'expired' }));
  }

  /** Its process is gone, and with it all that it was asked. */
  gone(): void {
    for (const id of [...this.#waiting.keys()]) this.#end(id, () => ({ kind: 'unreachable' }));
  }

  #submit(transaction: Transaction, patienceMs: number): Promise<Ending> {
    if (this.#machine.node === null) return Promise.resolve({ kind: 'unreachable' });
    const { promise, resolve, reject } = Promise.withResolvers<Ending>();
    const id = transactionId(transaction.body);
    const request: Request = { isTaken: false, end: resolve, fail: reject };
    // Before it is handed in: its block may be there before the bank has said that it took it.
    const requests = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, requests.add(request));
    const cancel = this.#clock.schedule(patienceMs, () => {
      this.#forget(id, request);
      resolve({ kind: request.isTaken && !this.#machine.isPaused ? 'pending' : 'unreachable' });
    });
    this.#machine.whenAwake(() => this.#handIn(transaction, id, request));
    return promise.finally(cancel);
  }

  #handIn(transaction: Transaction, id: TransactionId, request: Request): void {
    this.#machine.outside(
      this.#node().submit(transaction),
      ({ standing }) => {
        request.isTaken = true;
        if (standing.state === 'final') this.#end(id, () => endingOf(standing.receipt));
      },
      (error) => {
        this.#forget(id, request);
        if (!(error instanceof Refusal)) return request.fail(error);
        request.end({ kind: 'refused', code: error.code, message: error.message, receipt: null });
      },
    );
  }

  #end(id: TransactionId, ending: () => Ending): void {
    const requests = this.#waiting.get(id);
    if (requests === undefined) return;
    this.#waiting.delete(id);
    const end = ending();
    for (const request of requests) request.end(end);
  }

  #forget(id: TransactionId, request: Request): void {
    const requests = this.#waiting.get(id);
    if (requests?.delete(request) === true && requests.size === 0) this.#waiting.delete(id);
  }

  #node(): Node {
    const { node, isPaused, id } = this.#machine;
    if (node === null || isPaused) throw new CodedError('UNREACHABLE', `${id} does not answer`);
    return node;
  }
}

function endingOf(receipt: Receipt): Ending {
  if (receipt.status === 0) return { kind: 'final', receipt };
  const status = statusOf(receipt.status);
  const code = status?.name ?? String(receipt.status);
  return { kind: 'refused', code, message: status?.sentence ?? 'A later version knows why.', receipt };
}

/**
 * The wallets' side of a run: they hand requests to banks, try again elsewhere when they hear nothing, remember what they were
 * told, and in the end hold every bank to its word.
 */
import { CodedError } from '../../errors.ts';
import { Refusal } from '../../node/refusals.ts';
import type { ParticipantId, Transaction, TransactionId } from '../../types/index.ts';
import { findForgotten } from '../checks/acknowledged.ts';
import type { Checkers, Committed } from '../checks/checkers.ts';
import type { VirtualClock } from '../world/clock.ts';
import type { Machine } from '../world/machine.ts';
import type { Chance } from '../world/random.ts';
import type { Fraud } from './fraud.ts';
import type { Request, Workload } from './workload.ts';

/** Between two requests of the workload, at most. */
const PAUSE_MS = 60;
/** The same of those who cheat. */
const FRAUD_PAUSE_MS = 120;
/** A wallet that heard nothing for so long tries again elsewhere; so many times. */
const RETRY_MS = 2_500;
const MAX_RETRIES = 4;
/**
 * Whoever insists on one bank waits so long, again and again, for it to be there: a healed one boots within a turn, one that
 * then finds its disk damaged is there when it has a new one.
 */
const COUNTER_MS = 10;

export interface CustomersParts {
  readonly clock: VirtualClock;
  readonly workload: Workload;
  readonly fraud: Fraud;
  readonly ids: readonly ParticipantId[];
  readonly checkers: Checkers;
  readonly honest: readonly ParticipantId[];
  /** At most so many requests, retries not counted. */
  readonly maxRequests: number;
  readonly machine: (id: ParticipantId) => Machine;
  /** Whether what a bank reads from its disk may be damaged. */
  readonly isDamaged: (id: ParticipantId) => boolean;
}

/** A transaction that a bank said it would see to. */
interface Promised {
  readonly transaction: Transaction;
  /** The bank has restarted since: its pool was in memory. */
  forgotten: boolean;
}

export class Customers {
  readonly acknowledged = new Map<TransactionId, string>();
  /** How what was promised by a bank ended there. */
  readonly endings = new Map<string, number>();
  payments = 0;
  /** When the last transaction ends to be valid that a bank took. */
  lastValidMs = 0;
  readonly #parts: CustomersParts;
  /** Of each bank. */
  readonly asked = new Map<ParticipantId, Set<TransactionId>>();
  readonly #promised = new Map<ParticipantId, Map<TransactionId, Promised>>();
  /** What somebody insists on, of each bank whose process has it. */
  readonly #insisted = new Map<ParticipantId, Request>();
  #requests = 0;
  #isOpen = true;

  constructor(parts: CustomersParts) {
    this.#parts = parts;
  }

  /** Asks for something now and then, until it is stopped. */
  keepAsking(pace: Chance): void {
    const { workload, clock, maxRequests } = this.#parts;
    if (!this.#isOpen || this.#requests >= maxRequests) return;
    this.#requests += 1;
    const request = workload.next(clock.now());
    for (const bank of request.via) this.ask(request, bank);
    clock.schedule(pace.between(1, PAUSE_MS), () => this.keepAsking(pace));
  }

  /** People who have no right to what they ask for. */
  keepCheating(pace: Chance): void {
    const { fraud, clock, ids } = this.#parts;
    if (!this.#isOpen) return;
    this.ask({ ...fraud.next(clock.now()), via: [] }, pace.pick(ids), MAX_RETRIES);
    clock.schedule(pace.between(1, FRAUD_PAUSE_MS), () => this.keepCheating(pace));
  }

  stop(): void {
    this.#isOpen = false;
  }

  /** Hands a request to a bank, and to others later where nobody hears what became of it. */
  ask(request: Request, bank: ParticipantId, tries = 0): void {
    const { clock, machine: machineOf, workload } = this.#parts;
    const machine = machineOf(bank);
    const { id, transaction } = request;
    this.payments += 1;
    const { node } = machine;
    if (node !== null) {
      const asked = this.asked.get(bank) ?? new Set();
      this.asked.set(bank, asked.add(id));
      machine.outside(
        node.submit(transaction),
        ({ standing }) => {
          if (standing.state === 'pending') this.#promise(machine, request);
        },
        (error) => this.#refused(machine, id, error),
      );
    }
    clock.schedule(RETRY_MS, () => {
      if (!this.acknowledged.has(id) && tries < MAX_RETRIES) this.ask(request, workload.anotherBank(), tries + 1);
    });
  }

  /**
   * Hands a request to one bank as soon as that is there, and again only when its process has ended since, with all that it
   * had in memory: what a bank took and kept must become final without a reminder.
   */
  insist(request: Request, bank: ParticipantId): void {
    const { clock, machine } = this.#parts;
    const handIn = () => {
      if (machine(bank).node === null) {
        clock.schedule(COUNTER_MS, handIn);
        return;
      }
      this.#insisted.set(bank, request);
      this.ask(request, bank, Number.POSITIVE_INFINITY);
    };
    clock.schedule(COUNTER_MS, handIn);
  }

  /** What a bank tells its customers of a block. */
  heard(id: ParticipantId, { transactions }: Committed): void {
    const asked = this.asked.get(id);
    for (const { receipt } of transactions) {
      if (asked?.has(receipt.transactionId) !== true) continue;
      const text = `${receipt.height}/${receipt.index}/${receipt.status}`;
      const before = this.acknowledged.get(receipt.transactionId) ?? text;
      this.acknowledged.set(receipt.transactionId, before);
      if (before !== text) this.#parts.checkers.fail('acknowledged', `${id} says ${text}, before it was ${before}`);
    }
  }

  /** A bank's process is gone, and all that it had in memory. */
  crashed(id: ParticipantId): void {
    for (const promised of this.#promised.get(id)?.values() ?? []) promised.forgotten = true;
    const lost = this.#insisted.get(id);
    this.#insisted.delete(id);
    if (lost !== undefined && !this.acknowledged.has(lost.id)) this.insist(lost, id);
  }

  /** In the end: every honest bank has everything that any bank called final. */
  async checkAcknowledged(): Promise<void> {
    const { honest, checkers, machine } = this.#parts;
    for (const id of honest) {
      const problem = await findForgotten(machine(id), this.acknowledged);
      if (problem !== null) checkers.fail('acknowledged', problem);
    }
  }

  /** In the end, when nothing is valid any more that a bank took: it knows how each ended, or says so when asked again. */
  async checkSettled(): Promise<void> {
    for (const [bank, all] of this.#promised) {
      for (const [id, promised] of all) await this.#checkSettled(bank, id, promised);
    }
  }

  async #checkSettled(bank: ParticipantId, id: TransactionId, { transaction, forgotten }: Promised): Promise<void> {
    const { checkers, machine } = this.#parts;
    const { node, chain } = machine(bank);
    if (node === null || chain === null) return;
    const receipt = checkers.receiptOf(id);
    // A bank that came back through a snapshot does not know what was before it; others do.
    if (receipt !== null && Number(receipt.split('/', 1)[0]) < chain.knownFrom) return;
    let { state: ending }: { state: string } = await node.standing(id);
    if (ending === 'unknown' && forgotten) {
      const again = await node.submit(transaction).then(
        ({ standing }) => standing.state,
        (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
      );
      ending = again === 'EXPIRED' ? 'expired, known when asked again' : again;
    }
    const isOnChain = receipt !== null;
    if (isOnChain !== (ending === 'final') || !(isOnChain || ending.startsWith('expired'))) {
      const where = isOnChain ? `on the chain as ${receipt}` : 'not on the chain';
      checkers.fail('settled', `${bank} took ${id} and says it is ${ending}; it is ${where}`);
    }
    this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
  }

  #promise({ id: bank }: Machine, { id, transaction }: Request): void {
    if (!this.#parts.honest.includes(bank)) return;
    const all = this.#promised.get(bank) ?? new Map<TransactionId, Promised>();
    this.#promised.set(bank, all.set(id, { transaction, forgotten: false }));
    this.lastValidMs = Math.max(this.lastValidMs, transaction.body.validUntilMs);
  }

  #refused(machine: Machine, id: TransactionId, error: unknown): void {
    const { honest, checkers, isDamaged } = this.#parts;
    const isExcused = machine.diskFailed || isDamaged(machine.id);
    if (error instanceof Refusal || (error instanceof CodedError && isExcused)) return;
    if (honest.includes(machine.id)) checkers.fail('submission', `${machine.id}, ${id}: ${String(error)}`);
  }
}

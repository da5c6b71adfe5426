/**
 * Where transactions of all submission streams wait for their ends: one subscription to the node, and one map from ids to
 * whoever wants to know, however many payments are under way. What a full node has no room for queues here until it has.
 */
import { CodedError } from '../errors.ts';
import type { NodeEvent, TransactionStanding } from '../node/events.ts';
import type { Clock } from '../ports.ts';
import type { Receipt, Transaction, TransactionId } from '../types/index.ts';
import type { Metrics } from './metrics.ts';
import type { NodeFace } from './node-face.ts';

/** How a submission ended. `pending` is said by the stream, when it can wait no longer. */
export type SubmissionEnd =
  | { readonly state: 'final'; readonly receipt: Receipt }
  | { readonly state: 'expired' }
  | { readonly state: 'refused'; readonly error: unknown };

/** One frame of one stream, until it has its line. */
export interface Submission {
  /** Number of the frame in its request. */
  readonly n: number;
  readonly id: TransactionId;
  readonly transaction: Transaction;
  readonly startMs: number;
  readonly owner: SubmissionOwner;
}

export interface SubmissionOwner {
  ended(submission: Submission, end: SubmissionEnd): void;
  /** There is room again. */
  proceed(): void;
}

export interface DeskParts {
  readonly node: NodeFace;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Refusals of this moment, not of the payment: whoever waits a little is taken. */
const TEMPORARY: ReadonlySet<string> = new Set(['POOL_FULL', 'VERIFIER_BUSY']);
/** Room comes with blocks; this is for a verifier that was busy while none came. */
const RETRY_MS = 1_000;

export class SubmissionDesk {
  readonly #parts: DeskParts;
  /** Everything without its end. The same transaction may come several times; all of them are told. */
  readonly #unended = new Map<TransactionId, Submission[]>();
  readonly #owners = new Set<SubmissionOwner>();
  /** Not yet given to the node, which has no room: oldest first. */
  #queue: Submission[] = [];
  /** Given to the node, which has not answered yet. */
  #asked = 0;
  #cancelRetry: (() => void) | null = null;
  readonly #unsubscribe: () => void;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.node.subscribe((event) => this.#hear(event));
  }

  /** Whoever brings more now only makes the queue longer. */
  get isFull(): boolean {
    return this.#queue.length > 0;
  }

  join(owner: SubmissionOwner): void {
    this.#owners.add(owner);
  }

  /** @param unended what nobody wants to know the end of any more. */
  leave(owner: SubmissionOwner, unended: Iterable<Submission>): void {
    this.#owners.delete(owner);
    for (const submission of unended) this.#forget(submission);
    this.#queue = this.#queue.filter((submission) => submission.owner !== owner);
  }

  submit(submission: Submission): void {
    // Before the node is asked: a block may bring it before the node's answer is here.
    const others = this.#unended.get(submission.id);
    if (others === undefined) this.#unended.set(submission.id, [submission]);
    else others.push(submission);
    if (this.isFull || !this.#hasRoom) this.#wait(submission);
    else this.#ask(submission);
  }

  close(): void {
    this.#unsubscribe();
    this.#cancelRetry?.();
  }

  get #hasRoom(): boolean {
    return this.#parts.node.room > this.#asked;
  }

  #ask(submission: Submission): void {
    this.#asked += 1;
    this.#parts.node.submit(submission.transaction).then(
      ({ standing }) => {
        this.#asked -= 1;
        this.#answered(submission, standing);
      },
      (error: unknown) => {
        this.#asked -= 1;
        if (error instanceof CodedError && TEMPORARY.has(error.code)) this.#wait(submission);
        else this.#end(submission, { state: 'refused', error });
      },
    );
  }

  #answered(submission: Submission, standing: TransactionStanding): void {
    if (standing.state === 'final') this.#end(submission, standing);
    if (standing.state === 'expired') this.#end(submission, standing);
  }

  #wait(submission: Submission): void {
    if (!this.#has(submission)) return;
    this.#queue.push(submission);
    this.#cancelRetry ??= this.#parts.clock.schedule(RETRY_MS, () => {
      this.#cancelRetry = null;
      this.#askAgain();
    });
  }

  /** Gives the node what it has room for now. */
  #askAgain(): void {
    if (!this.isFull) return;
    const waited = this.#queue;
    this.#queue = [];
    let taken = 0;
    for (; taken < waited.length && this.#hasRoom; taken += 1) {
      const submission = waited[taken];
      if (submission !== undefined && this.#has(submission)) this.#ask(submission);
    }
    for (const submission of waited.slice(taken)) this.#wait(submission);
    if (!this.isFull) for (const owner of this.#owners) owner.proceed();
  }

  #hear(event: NodeEvent): void {
    if (event.type === 'committed') {
      for (const { receipt } of event.transactions) this.#endAll(receipt.transactionId, { state: 'final', receipt });
    } else if (event.type === 'expired') {
      for (const id of event.ids) this.#endAll(id, { state: 'expired' });
    } else return;
    this.#askAgain();
  }

  #endAll(id: TransactionId, end: SubmissionEnd): void {
    const submissions = this.#unended.get(id);
    if (submissions === undefined) return;
    this.#unended.delete(id);
    for (const submission of submissions) {
      if (end.state === 'final') this.#parts.metrics.final(submission.startMs);
      submission.owner.ended(submission, end);
    }
  }

  #end(submission: Submission, end: SubmissionEnd): void {
    if (this.#forget(submission)) submission.owner.ended(submission, end);
  }

  #has(submission: Submission): boolean {
    return this.#unended.get(submission.id)?.includes(submission) ?? false;
  }

  #forget(submission: Submission): boolean {
    const submissions = this.#unended.get(submission.id);
    const at = submissions?.indexOf(submission) ?? -1;
    if (submissions === undefined || at < 0) return false;
    submissions.splice(at, 1);
    if (submissions.length === 0) this.#unended.delete(submission.id);
    return true;
  }
}

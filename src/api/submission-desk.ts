/**
 * Where transactions of all submission streams wait for their ends: one subscription to the node, and one map from ids to
 * whoever wants to know, however many payments are under way. What a full node has no room for queues here until it has.
 */
import { CodedError } from '../errors.ts';
import type { NodeEvent, TransactionStanding } from '../node/events.ts';
import type { Applicant } from '../node/intake.ts';
import type { Clock } from '../ports.ts';
import type { Receipt, Transaction, TransactionId } from '../types/index.ts';
import type { Metrics } from './metrics.ts';
import type { NodeFace } from './node-face.ts';

/** How a submission ended. `pending` is said by the stream, when it can wait no longer. */
export type SubmissionEnd =
  | { readonly state: 'final'; readonly receipt: Receipt }
  | { readonly state: 'expired' }
  | { readonly state: 'refused'; readonly error: unknown };

export interface SubmissionOwner {
  /** Once for each of its submissions, in the order of their ends. */
  ended(submission: Submission, end: SubmissionEnd): void;
  /** Some have ended, or there is room again. */
  proceed(): void;
}

/** One frame of one stream, until it has its line. */
export class Submission implements Applicant {
  /** Number of the frame in its request. */
  readonly n: number;
  readonly id: TransactionId;
  readonly transaction: Transaction;
  readonly startMs: number;
  readonly owner: SubmissionOwner;
  readonly #desk: SubmissionDesk;
  /** Others of the same transaction, which have the same end. */
  older: Submission | null = null;
  newer: Submission | null = null;
  isEnded = false;

  constructor(desk: SubmissionDesk, fields: Pick<Submission, 'n' | 'id' | 'transaction' | 'startMs' | 'owner'>) {
    this.n = fields.n;
    this.id = fields.id;
    this.transaction = fields.transaction;
    this.startMs = fields.startMs;
    this.owner = fields.owner;
    this.#desk = desk;
  }

  admitted(_id: TransactionId, standing: TransactionStanding): void {
    if (standing.state === 'final' || standing.state === 'expired') this.#desk.end(this, standing);
  }

  refused(error: unknown): void {
    this.#desk.refused(this, error);
  }
}

interface DeskParts {
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
  /** The newest one of each transaction that has no end yet. */
  readonly #unended = new Map<TransactionId, Submission>();
  readonly #owners = new Set<SubmissionOwner>();
  /** Not yet given to the node, which has no room: oldest first. */
  #queue: Submission[] = [];
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
    this.#queue = this.#queue.filter(({ isEnded }) => !isEnded);
  }

  submit(submissions: readonly Submission[]): void {
    // Before the node is asked: a block may bring one before the node's answer is here.
    for (const submission of submissions) {
      const older = this.#unended.get(submission.id) ?? null;
      submission.older = older;
      if (older !== null) older.newer = submission;
      this.#unended.set(submission.id, submission);
    }
    const room = this.isFull ? 0 : this.#parts.node.room;
    if (room >= submissions.length) this.#parts.node.submitAll(submissions);
    else {
      this.#parts.node.submitAll(submissions.slice(0, room));
      this.#wait(submissions.slice(room));
    }
  }

  end(submission: Submission, end: SubmissionEnd): void {
    if (!this.#forget(submission)) return;
    submission.owner.ended(submission, end);
    submission.owner.proceed();
  }

  refused(submission: Submission, error: unknown): void {
    if (!(error instanceof CodedError) || !TEMPORARY.has(error.code)) this.end(submission, { state: 'refused', error });
    else if (!submission.isEnded) this.#wait([submission]);
  }

  close(): void {
    this.#unsubscribe();
    this.#cancelRetry?.();
  }

  #wait(submissions: readonly Submission[]): void {
    for (const submission of submissions) this.#queue.push(submission);
    this.#cancelRetry ??= this.#parts.clock.schedule(RETRY_MS, () => {
      this.#cancelRetry = null;
      this.#askAgain();
    });
  }

  /** Gives the node what it has room for now. */
  #askAgain(): void {
    if (!this.isFull) return;
    const waited = this.#queue;
    const { room } = this.#parts.node;
    this.#queue = [];
    this.#parts.node.submitAll(waited.slice(0, room));
    if (waited.length > room) this.#wait(waited.slice(room));
    if (!this.isFull) for (const owner of this.#owners) owner.proceed();
  }

  #hear(event: NodeEvent): void {
    const touched = new Set<SubmissionOwner>();
    if (event.type === 'committed') {
      for (const { receipt } of event.transactions) {
        this.#endAll(receipt.transactionId, receipt, touched);
      }
    } else if (event.type === 'expired') {
      for (const id of event.ids) this.#endAll(id, null, touched);
    } else return;
    this.#askAgain();
    for (const owner of touched) owner.proceed();
  }

  /** @param receipt null where it has expired. */
  #endAll(id: TransactionId, receipt: Receipt | null, touched: Set<SubmissionOwner>): void {
    // Most were submitted to other banks.
    let submission = this.#unended.get(id) ?? null;
    if (submission === null) return;
    const end: SubmissionEnd = receipt === null ? { state: 'expired' } : { state: 'final', receipt };
    this.#unended.delete(id);
    for (; submission !== null; submission = submission.older) {
      if (end.state === 'final') this.#parts.metrics.final(submission.startMs);
      submission.isEnded = true;
      submission.owner.ended(submission, end);
      touched.add(submission.owner);
    }
  }

  /** @returns whether it had no end yet. */
  #forget(submission: Submission): boolean {
    if (submission.isEnded) return false;
    submission.isEnded = true;
    const { id, older, newer } = submission;
    if (older !== null) older.newer = newer;
    if (newer !== null) newer.older = older;
    else if (older !== null) this.#unended.set(id, older);
    else this.#unended.delete(id);
    return true;
  }
}

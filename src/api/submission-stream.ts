/**
 * One request of many payments: frames in, a line of JSON for each out, both at the same time. It reads no faster than the
 * network and its reader take, so what one client can make a node hold is bounded by the limits here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FrameDecoder } from '../codec/frames.ts';
import { MAX_TRANSACTION_BYTES } from '../codec/limits.ts';
import { CodecError } from '../codec/schema.ts';
import { decodeTransaction } from '../codec/transaction.ts';
import { transactionIdsOf } from '../crypto/ids.ts';
import { assert } from '../errors.ts';
import type { Clock } from '../ports.ts';
import type { ApiLimits } from './context.ts';
import { fault } from './errors.ts';
import { statusCodeJson } from './present.ts';
import { Submission, type SubmissionDesk, type SubmissionEnd, type SubmissionOwner } from './submission-desk.ts';
import type { ErrorJson, SubmissionAnswer } from './types.ts';

export interface SubmissionStreamParts {
  readonly desk: SubmissionDesk;
  readonly clock: Clock;
  readonly limits: ApiLimits;
  /** The error as POST /transactions would answer it. */
  readonly present: (error: unknown) => ErrorJson['error'];
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

export class SubmissionStream implements SubmissionOwner {
  readonly #parts: SubmissionStreamParts;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #decoder = new FrameDecoder(MAX_TRANSACTION_BYTES);
  readonly #unended = new Set<Submission>();
  /** Frames that are here and over the limit of what may be in flight: of one chunk at most. */
  #frames: Uint8Array[] = [];
  #taken = 0;
  #lines = '';
  #isFlushDue = false;
  /** The reader has taken nothing yet of what it was sent last. */
  #cancelStall: (() => void) | null = null;
  /** No more frames are read; null while they are. */
  #last: { readonly error: unknown } | null = null;
  #lastHeardMs: number;
  #isOver = false;
  readonly #cancels: (() => void)[] = [];

  /** Begins to answer at once. */
  constructor(parts: SubmissionStreamParts, request: IncomingMessage, response: ServerResponse) {
    this.#parts = parts;
    this.#request = request;
    this.#response = response;
    this.#lastHeardMs = parts.clock.now();
    parts.desk.join(this);
    response.on('close', () => this.#closed());
    response.on('drain', () => this.#drained());
    // What is wrong with a connection shows in that it closes.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.on('data', (chunk: Uint8Array) => this.#read(chunk));
    request.on('end', () => this.#ended());
    this.#watchIdle();
    const onClosing = () => this.#giveUp();
    parts.closing.addEventListener('abort', onClosing);
    this.#cancels.push(() => parts.closing.removeEventListener('abort', onClosing));
    // The rest of a request that was refused is not read, so its connection cannot be used again.
    response.writeHead(200, {
      'content-type': 'application/x-ndjson',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    response.flushHeaders();
    if (parts.closing.aborted) this.#giveUp();
  }

  ended(submission: Submission, end: SubmissionEnd): void {
    if (!this.#unended.delete(submission)) return;
    this.#line(lineOf(submission, end, this.#parts.present));
  }

  #read(chunk: Uint8Array): void {
    if (this.#last !== null) return;
    this.#lastHeardMs = this.#parts.clock.now();
    try {
      this.#decoder.each(chunk, (frame) => {
        if (frame.length === 0) throw new CodecError('FRAME_INVALID', 'a frame of 0 bytes holds no transaction');
        this.#frames.push(frame);
      });
    } catch (error) {
      this.#stopReading(error);
    }
    this.proceed();
  }

  #ended(): void {
    const cut = () => new CodecError('FRAME_INVALID', 'the body ended inside a frame');
    this.#stopReading(this.#decoder.partial ? cut() : null);
    this.proceed();
  }

  /** @param error what the last line says, after those of what is under way. */
  #stopReading(error: unknown): void {
    if (this.#last !== null) return;
    this.#last = { error };
    this.#cancels.push(this.#parts.clock.schedule(this.#parts.limits.maxWaitMs, () => this.#giveUp()));
  }

  /** Takes frames while there is room, reads on or not, and ends when everything has its line. */
  proceed(): void {
    if (this.#isOver) return;
    const { desk } = this.#parts;
    if (this.#frames.length > 0 && !desk.isFull) this.#takeFrames();
    const isBehind =
      this.#frames.length > 0 || this.#unended.size >= this.#parts.limits.submissionsInFlight || desk.isFull;
    // After the last frame the rest is read and dropped: a reset connection would lose the lines.
    if (this.#last === null && (isBehind || this.#cancelStall !== null)) this.#request.pause();
    else this.#request.resume();
    if (this.#last !== null && this.#frames.length === 0 && this.#unended.size === 0) this.#end(this.#last.error);
  }

  #takeFrames(): void {
    const frames = this.#frames;
    const submissions: Submission[] = [];
    let taken = 0;
    while (taken < frames.length && this.#unended.size < this.#parts.limits.submissionsInFlight) {
      const submission = this.#submission(frames[taken] ?? EMPTY);
      taken += 1;
      if (submission === null) continue;
      this.#unended.add(submission);
      submissions.push(submission);
    }
    this.#frames = taken === frames.length ? [] : frames.slice(taken);
    if (submissions.length > 0) this.#parts.desk.submit(submissions);
  }

  /** @returns null for what is no transaction, which has its line then. */
  #submission(frame: Uint8Array): Submission | null {
    const n = this.#taken;
    this.#taken += 1;
    const { desk, present } = this.#parts;
    try {
      const { value: transaction, marks } = decodeTransaction(frame);
      const [id] = transactionIdsOf(frame, marks);
      assert(id !== undefined, 'a transaction has one body');
      return new Submission(desk, { n, id, transaction, startMs: this.#lastHeardMs, owner: this });
    } catch (error) {
      this.#line(json({ n, id: null, state: 'refused', error: present(error) }));
      return null;
    }
  }

  /** Nothing is known of the rest yet, and nobody waits for it any longer. */
  #giveUp(): void {
    if (this.#isOver) return;
    for (const { n, id } of this.#unended) this.#line(json({ n, id, state: 'pending' }));
    this.#end(this.#last?.error ?? null);
  }

  #end(error: unknown): void {
    if (this.#isOver) return;
    if (error !== null) this.#line(`${JSON.stringify({ error: this.#parts.present(error) } satisfies ErrorJson)}\n`);
    this.#leave();
    this.#request.resume();
    this.#response.end(this.#lines);
    this.#lines = '';
    this.#watchReader();
  }

  #closed(): void {
    this.#leave();
    this.#cancelStall?.();
  }

  #leave(): void {
    if (!this.#isOver) this.#parts.desk.leave(this, this.#unended);
    this.#isOver = true;
    this.#unended.clear();
    this.#frames = [];
    for (const cancel of this.#cancels.splice(0)) cancel();
  }

  /** Lines of one turn of the event loop leave together. */
  #line(text: string): void {
    this.#lines += text;
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushDue = false;
    if (this.#isOver || this.#lines === '') return;
    const isRead = this.#response.write(this.#lines);
    this.#lines = '';
    if (isRead) return;
    this.#watchReader();
    this.proceed();
  }

  /** Whoever takes nothing for too long is cut off. */
  #watchReader(): void {
    this.#cancelStall ??= this.#parts.clock.schedule(this.#parts.limits.stallMs, () => this.#response.destroy());
  }

  #drained(): void {
    if (this.#isOver) return;
    this.#cancelStall?.();
    this.#cancelStall = null;
    this.proceed();
  }

  /** A stream on which nothing comes and nothing is under way is a client that forgot it. */
  #watchIdle(): void {
    const { clock, limits } = this.#parts;
    const check = () => {
      // While it is not read from, its silence is not its own.
      const isBusy = this.#unended.size > 0 || this.#request.isPaused();
      const silentMs = isBusy ? 0 : clock.now() - this.#lastHeardMs;
      if (silentMs >= limits.submissionIdleMs) {
        this.#stopReading(fault('SUBMISSIONS_IDLE'));
        this.proceed();
      } else this.#cancels[0] = clock.schedule(limits.submissionIdleMs - silentMs, check);
    };
    this.#cancels[0] = clock.schedule(limits.submissionIdleMs, check);
  }
}

const EMPTY = new Uint8Array(0);

function lineOf({ n, id }: Submission, end: SubmissionEnd, present: SubmissionStreamParts['present']): string {
  switch (end.state) {
    case 'final': {
      const { height, index, status } = end.receipt;
      // By hand: this one is written thousands of times a second, and none of it needs escaping.
      return `{"n":${n},"id":"${id}","state":"final","height":${height},"index":${index},"status":"${statusCodeJson(status).name}"}\n`;
    }
    case 'expired':
      return json({ n, id, state: 'expired' });
    case 'refused':
      return json({ n, id, state: 'refused', error: present(end.error) });
  }
}

function json(answer: SubmissionAnswer): string {
  return `${JSON.stringify(answer)}\n`;
}

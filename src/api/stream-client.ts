/**
 * Submits many transactions over one request (`POST /api/v1/transactions/stream`) and hands over the answers as they come:
 * for programs that pay a lot. It keeps nothing of what was sent; whoever wants to send again after a break has to.
 */
import { type ClientRequest, type IncomingMessage, request as openRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { ApiError, connectionError, notANode, refusalOf } from './client-errors.ts';
import type { ErrorJson, SubmissionAnswer } from './types.ts';

export interface SubmissionHandlers {
  /** Answers, in the order of their ends; those of one block come together. */
  onAnswers(answers: readonly SubmissionAnswer[]): void;
  /** Once, after the last answer. @param error null where the node ended the answer in order, or `destroy` was called. */
  onEnd(error: ApiError | null): void;
  /** After `push` said false: the node takes more again. */
  onDrain?(): void;
}

export interface SubmissionSender {
  /**
   * @param frames one or more frames of `codec/frames.ts`, whole or not: only their order counts. They must not change any more.
   * @returns whether the node takes more at once; after false, wait for `onDrain`.
   */
  push(frames: Uint8Array): boolean;
  /** No more follows; the node ends the answer when everything has its line. */
  end(): void;
  /** Leaves at once. What was submitted goes on all the same. */
  destroy(): void;
}

/** A line is some hundred bytes: more is not one of ours. */
const MAX_LINE_CHARS = 64 * 1024;

/** @param apiUrl of a node: `http://127.0.0.1:7400`. */
export function openSubmissionStream(apiUrl: string, handlers: SubmissionHandlers): SubmissionSender {
  const sending = openRequest(new URL('/api/v1/transactions/stream', apiUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.tonle.transactions' },
    // A connection of its own: nobody waits behind it.
    agent: false,
  });
  let isOver = false;
  const finish = (error: ApiError | null) => {
    if (isOver) return;
    isOver = true;
    if (error !== null) sending.destroy();
    handlers.onEnd(error);
  };
  sending.on('error', (cause) => finish(connectionError(apiUrl, cause)));
  sending.on('drain', () => handlers.onDrain?.());
  sending.on('response', (response) => {
    if (response.statusCode === 200) readAnswers(apiUrl, response, handlers, finish);
    else readRefusal(apiUrl, response, finish);
  });
  // The head leaves at once: the answer's begin is the sign that the node takes payments.
  sending.flushHeaders();
  return {
    push: (frames) => !isOver && sending.write(frames),
    end: () => void sending.end(),
    destroy: () => destroy(sending, finish),
  };
}

function destroy(sending: ClientRequest, finish: (error: ApiError | null) => void): void {
  finish(null);
  sending.destroy();
}

function readAnswers(
  apiUrl: string,
  response: IncomingMessage,
  { onAnswers }: SubmissionHandlers,
  finish: (error: ApiError | null) => void,
): void {
  let rest = '';
  let failed: ApiError | null = null;
  response.setEncoding('utf8');
  response.on('data', (piece: string) => {
    const end = piece.lastIndexOf('\n');
    if (end < 0) rest += piece;
    else {
      const answers = parseLines(rest + piece.slice(0, end));
      rest = piece.slice(end + 1);
      if (answers === null) return finish(notANode(apiUrl, 200));
      const last = answers.at(-1);
      if (last !== undefined && !('n' in last)) {
        failed = new ApiError(last.error.code, last.error.message, { httpStatus: 200 });
        answers.pop();
      }
      if (answers.length > 0) onAnswers(answers as SubmissionAnswer[]);
    }
    if (rest.length > MAX_LINE_CHARS) finish(notANode(apiUrl, 200));
  });
  response.on('end', () => finish(failed));
  response.on('error', (cause) => finish(failed ?? connectionError(apiUrl, cause)));
}

/** One parse for all lines of a piece. @returns null for what is no JSON. */
function parseLines(lines: string): (SubmissionAnswer | ErrorJson)[] | null {
  try {
    return JSON.parse(`[${lines.replaceAll('\n', ',')}]`) as (SubmissionAnswer | ErrorJson)[];
  } catch {
    return null;
  }
}

function readRefusal(apiUrl: string, response: IncomingMessage, finish: (error: ApiError) => void): void {
  text(response).then(
    (body) => finish(refusalOf(apiUrl, response.statusCode ?? 0, body)),
    (cause: unknown) => finish(connectionError(apiUrl, cause)),
  );
}

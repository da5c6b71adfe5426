/** How a question to a node can fail, seen from the client. */
import { CodedError } from '../errors.ts';
import type { ErrorJson } from './types.ts';

/** The node said no, or there was no answer. */
export class ApiError extends CodedError {
  override readonly name = 'ApiError';
  /** Null where there was no answer. */
  readonly httpStatus: number | null;
  /** The field that the node's answer is about. */
  readonly field: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;

  constructor(code: string, message: string, more: ApiErrorDetails = {}) {
    super(code, message, { cause: more.cause });
    this.httpStatus = more.httpStatus ?? null;
    this.field = more.field ?? null;
    this.details = more.details ?? null;
  }
}

interface ApiErrorDetails {
  readonly httpStatus?: number;
  readonly field?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** Why a request did not come to an end: nobody listens there, or the answer never came. */
export function connectionError(baseUrl: string, cause: unknown): ApiError {
  if (neverConnected(cause)) {
    const message = `no node answers at ${baseUrl}; start it, or name another one`;
    return new ApiError('NODE_UNREACHABLE', message, { cause });
  }
  const message = `the node at ${baseUrl} did not answer; what was asked of it may have been done or not: ask again`;
  return new ApiError('NO_ANSWER', message, { cause });
}

/** @param text of an answer. @throws ApiError where it is a refusal, or no answer of a node. */
export function answerOf<T>(baseUrl: string, httpStatus: number, text: string): T {
  const answer = parseObject(text);
  if (answer === null || httpStatus >= 400) throw refusalOf(baseUrl, httpStatus, text);
  return answer as T;
}

/** What a failing answer says. */
export function refusalOf(baseUrl: string, httpStatus: number, text: string): ApiError {
  const answer = parseObject(text);
  if (answer === null || !('error' in answer)) return notANode(baseUrl, httpStatus);
  const { code, message, field, details } = (answer as ErrorJson).error;
  return new ApiError(code, message, { httpStatus, field, details });
}

/** Something answers there, but no node of ours. */
export function notANode(baseUrl: string, httpStatus: number): ApiError {
  const message = `what answers at ${baseUrl} is no Tonle node (HTTP ${httpStatus}); check the address`;
  return new ApiError('NOT_A_NODE', message, { httpStatus });
}

/** Codes that say that no connection came about, so nothing was sent. */
const NO_CONNECTION: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** `fetch` wraps what the socket said, and tries several addresses of one name. */
function neverConnected(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(neverConnected);
  if (!(error instanceof Error)) return false;
  if ('code' in error && NO_CONNECTION.has(error.code)) return true;
  return error.cause !== undefined && neverConnected(error.cause);
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

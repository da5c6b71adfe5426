/**
 * The one place where errors become answers: whatever a route throws, Fastify refuses or the HTTP parser chokes on leaves
 * as the same envelope. Bad input is said at level debug; what we did wrong gets an opaque id and one line at level error.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type {
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HTTPMethods,
} from 'fastify';
import { toHex } from '../codec/hex.ts';
import { CodedError } from '../errors.ts';
import { Refusal } from '../node/refusals.ts';
import type { Random } from '../ports.ts';
import { ERROR_STATUS, fault, isErrorCode, type OwnCode } from './errors.ts';
import { mayTakeLong } from './http.ts';
import type { ErrorJson } from './types.ts';

/** A full pool has room again with the next block, which takes less. */
const RETRY_AFTER_S = 1;

interface Answer {
  readonly status: number;
  readonly body: ErrorJson;
}

type Handler = (error: unknown, request: FastifyRequest, reply: FastifyReply) => void;

/** @param random makes the ids of unexpected errors. */
export function createErrorHandler(random: Random): Handler {
  return (error, request, reply) => {
    const expected = expectedAnswer(error);
    const route = routeOf(request);
    if (expected !== null) {
      request.log.debug({ route, code: expected.body.error.code }, 'api.refused');
      if (expected.body.error.code === 'POOL_FULL') void reply.header('retry-after', RETRY_AFTER_S);
      void reply.code(expected.status).send(expected.body);
      return;
    }
    void reply.code(500).send(failure(error, random, request.log, route));
  };
}

/** An error as it stands in an answer that has begun already. */
export function presentError(
  error: unknown,
  random: Random,
  log: FastifyBaseLogger,
  route: string,
): ErrorJson['error'] {
  return (expectedAnswer(error)?.body ?? failure(error, random, log, route)).error;
}

/** What we did wrong: said in the log, and under which id it stands there to the client. */
function failure(error: unknown, random: Random, log: FastifyBaseLogger, route: string): ErrorJson {
  const id = toHex(random.bytes(8));
  log.error({ err: error, id, route }, 'api.failed');
  const message = `Something failed inside the node; its log has it under ${id}.`;
  return { error: { code: 'INTERNAL', message, details: { id } } };
}

/** Answers 404 for an address, and 405 where only the method is wrong. Before any route is declared. */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const known: { readonly path: RegExp; readonly methods: readonly HTTPMethods[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const path = new RegExp(`^${url.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+')}$`);
    known.push({ path, methods: [method].flat() });
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.raw.url?.split('?', 1) ?? [];
    const allowed = known.filter((route) => route.path.test(path)).flatMap(({ methods }) => methods);
    if (allowed.length === 0) throw fault('ROUTE_NOT_FOUND');
    void reply.header('allow', allowed.join(', '));
    throw fault('METHOD_NOT_ALLOWED');
  });
}

/** For what is not even HTTP: no request exists yet. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && mayTakeLong(socket)) return;
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const { status, body } = faultAnswer(PARSER_CODES.get(error.code ?? '') ?? 'REQUEST_MALFORMED');
  const text = JSON.stringify(body);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8`;
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`);
}

const PARSER_CODES: ReadonlyMap<string, OwnCode> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 'REQUEST_TIMEOUT'],
  ['HPE_HEADER_OVERFLOW', 'HEADERS_TOO_LARGE'],
]);

/** The route's pattern, never the address: that may hold a phone number. */
export function routeOf(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url ?? '(unknown)'}`;
}

function expectedAnswer(error: unknown): Answer | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof CodedError) return codedAnswer(error);
  const { validation, code } = error as FastifyError;
  if (validation !== undefined) return validationAnswer(error as FastifyError);
  const own = FASTIFY_CODES.get(code);
  return own === undefined ? null : faultAnswer(own);
}

function codedAnswer(error: CodedError): Answer | null {
  if (!isErrorCode(error.code)) return null;
  const { field = null, httpStatus = null } = error as { field?: string | null; httpStatus?: number | null };
  const details = detailsOf(error);
  const body = {
    error: {
      code: error.code,
      message: error.message,
      ...(field === null || field === '' ? {} : { field }),
      ...(details === null ? {} : { details }),
    },
  };
  return { status: httpStatus ?? ERROR_STATUS[error.code], body };
}

function detailsOf(error: CodedError): Readonly<Record<string, unknown>> | null {
  if (error instanceof Refusal) return error.failedCommand === null ? null : { failedCommand: error.failedCommand };
  return (error as { details?: Readonly<Record<string, unknown>> | null }).details ?? null;
}

function faultAnswer(code: OwnCode): Answer {
  const { message } = fault(code);
  return { status: ERROR_STATUS[code], body: { error: { code, message } } };
}

const FASTIFY_CODES: ReadonlyMap<string, OwnCode> = new Map([
  ['FST_ERR_BAD_URL', 'URL_MALFORMED'],
  ['FST_ERR_MAX_PARAM_LENGTH', 'URL_TOO_LONG'],
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'BODY_TOO_LARGE'],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', 'BODY_MISSING'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'REQUEST_MALFORMED'],
  ['FST_ERR_CTP_INVALID_JSON_BODY', 'JSON_MALFORMED'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'MEDIA_TYPE_UNSUPPORTED'],
]);

/** The first thing that a schema finds wrong with a parameter. */
function validationAnswer({ validation = [] }: FastifyError): Answer {
  const [first] = validation;
  const { keyword = '', instancePath = '', params = {}, message = 'is not what is expected' } = first ?? {};
  const place = instancePath.slice(1).replaceAll('/', '.');
  const under = (name: unknown) => (place === '' ? String(name) : `${place}.${String(name)}`);
  if (keyword === 'additionalProperties') {
    const field = under(params['additionalProperty']).slice(0, 80);
    return parameterAnswer('FIELD_UNKNOWN', field, 'is not a parameter here');
  }
  if (keyword === 'required') return parameterAnswer('FIELD_MISSING', under(params['missingProperty']), 'is missing');
  const choices = Array.isArray(params['allowedValues']) ? `: ${params['allowedValues'].join(', ')}` : '';
  return parameterAnswer('FIELD_INVALID', place, `${message}${choices}`);
}

function parameterAnswer(code: 'FIELD_UNKNOWN' | 'FIELD_MISSING' | 'FIELD_INVALID', field: string, problem: string) {
  return { status: ERROR_STATUS[code], body: { error: { code, message: `${field}: ${problem}`, field } } };
}

/**
 * Every code that a client of the HTTP API can meet, and the HTTP status it comes with, in one table: statuses of the
 * ledger, refusals of the pool, malformed input, and the API's own. Whatever else is thrown is a failure of ours: 500.
 */
import { CodedError } from '../errors.ts';
import { type StatusName, statusNamed } from '../ledger/status.ts';
import type { PoolRefusal } from '../node/refusals.ts';

/** 403: not signed by whom it takes. 404: not there. 409: the state says otherwise. 422: understood, and not acceptable. */
const LEDGER = {
  CHAIN_MISMATCH: 422,
  SIGNATURE_INVALID: 403,
  EXPIRED: 422,
  VALIDITY_TOO_LONG: 422,
  DUPLICATE: 409,
  PARTICIPANT_UNKNOWN: 422,
  CURRENCY_UNKNOWN: 422,
  AMOUNT_ZERO: 422,
  AMOUNT_TOO_LARGE: 422,
  SAME_ACCOUNT: 422,
  ACCOUNT_RESERVED: 422,
  SETTLEMENT_ONLY: 422,
  KEY_WEAK: 422,
  TIER_UNKNOWN: 422,
  ACCOUNT_EXISTS: 409,
  ACCOUNT_NOT_FOUND: 404,
  PAYEE_NOT_FOUND: 404,
  ALIAS_TAKEN: 409,
  ALIAS_NOT_FOUND: 404,
  ALIAS_NOT_YOURS: 403,
  ALIAS_STALE: 409,
  ALIAS_YOURS: 409,
  CLAIM_OPEN: 409,
  CLAIM_NOT_FOUND: 404,
  ACCOUNT_SIGNATURE_MISSING: 403,
  BANK_SIGNATURE_MISSING: 403,
  OFFICER_QUORUM_MISSING: 403,
  HOLDER_SIGNATURE_MISSING: 403,
  CLAIM_NOT_DUE: 409,
  INSUFFICIENT_FUNDS: 422,
  SUPPLY_CAP: 422,
  DAILY_LIMIT: 422,
} as const satisfies Readonly<Record<Exclude<StatusName, 'OK'>, number>>;

const POOL = {
  CATCHING_UP: 503,
  HISTORY_ELSEWHERE: 409,
  POOL_FULL: 429,
  REFERENCE_REUSED: 409,
} as const satisfies Readonly<Record<PoolRefusal, number>>;

/** Of the codec and the verifier: thrown there, with a sentence of their own. */
const INPUT = {
  ACCOUNT_MALFORMED: 400,
  AMOUNT_MALFORMED: 400,
  AMOUNT_NEGATIVE: 422,
  AMOUNT_NOT_TEXT: 400,
  AMOUNT_OVERFLOW: 422,
  AMOUNT_TOO_PRECISE: 422,
  BYTES_MALFORMED: 400,
  BYTES_NOT_CANONICAL: 400,
  BYTES_TOO_LONG: 413,
  CURRENCY_MALFORMED: 400,
  FIELD_INVALID: 400,
  FIELD_MISSING: 400,
  FIELD_UNKNOWN: 400,
  FRAME_INVALID: 400,
  HASH_MALFORMED: 400,
  HEX_MALFORMED: 400,
  KEY_MALFORMED: 400,
  NONCE_MALFORMED: 400,
  PHONE_MALFORMED: 400,
  SIGNATURE_MALFORMED: 400,
  SIGNATURE_MISSING: 403,
  TIER_MALFORMED: 400,
  VERIFIER_BUSY: 503,
  VERIFIER_CLOSED: 503,
  VERSION_UNKNOWN: 400,
} as const satisfies Readonly<Record<string, number>>;

/** The API's own, with what they mean and what to do next. */
const OWN = {
  BODY_MISSING: [400, 'This request needs a body.'],
  BODY_TOO_LARGE: [
    413,
    'The body is longer than is accepted here; a transaction has at most 32 KiB of canonical bytes.',
  ],
  JSON_MALFORMED: [400, 'The body is not well-formed JSON.'],
  REQUEST_MALFORMED: [400, 'This is not a well-formed HTTP request.'],
  REQUEST_TIMEOUT: [408, 'The request did not come to an end in time; send it again.'],
  HEADERS_TOO_LARGE: [431, 'The headers of the request are longer than is accepted here.'],
  URL_TOO_LONG: [414, 'A part of the address is longer than any id, name or number that may stand there.'],
  URL_MALFORMED: [400, 'The address holds a percent sign that is not followed by two hexadecimal digits of UTF-8.'],
  TOKEN_MISSING: [401, "The operator API asks for the bank's token: send `Authorization: Bearer <token>`."],
  TOKEN_WRONG: [
    401,
    "That is not this bank's operator token; it stands in `operator-token` of the node's home folder.",
  ],
  ROUTE_NOT_FOUND: [404, 'There is nothing at this address; /openapi.json lists what there is.'],
  BLOCK_NOT_FOUND: [404, 'This node has no such block; the height under /api/v1/status is that of its last one.'],
  TRANSACTION_NOT_FOUND: [
    404,
    'This node knows no such transaction. It may wait at another one; submitting it again is safe, it takes effect once.',
  ],
  HISTORY_PRUNED: [
    404,
    "This node's record begins later, at a snapshot; ask another node. `details.knownFromHeight` is the first block here.",
  ],
  CUSTOMER_NOT_FOUND: [
    404,
    'This bank has no such customer; open the account through POST /operator/v1/accounts first.',
  ],
  METHOD_NOT_ALLOWED: [405, 'This address does not take that method; the header `Allow` lists those it takes.'],
  MEDIA_TYPE_UNSUPPORTED: [
    415,
    'Send application/json, or a transaction as application/cbor; a stream of them as application/vnd.tonle.transactions.',
  ],
  ACCOUNT_NOT_OURS: [422, 'The account is at another bank; only its own bank acts for it.'],
  ATTEST_UNEXPECTED: [422, 'Only a transaction with one registerAlias or one claimAlias and nothing else is attested.'],
  PHONE_MISMATCH: [422, 'The alias key of the transaction is not that of this phone number.'],
  RATE_LIMITED: [429, 'Too many requests from one client; try again after the seconds that `Retry-After` names.'],
  INTERNAL: [500, 'Something failed inside the node.'],
  NODE_BEHIND: [503, 'This node is catching up with the others.'],
  SUBMISSIONS_FULL: [
    503,
    'This node has as many submission streams open as it serves; one can carry all payments of a bank.',
  ],
  SUBMISSIONS_IDLE: [
    408,
    'Nothing came for too long and nothing was under way; open another stream when there is more.',
  ],
  STREAMS_FULL: [503, 'This node has as many event streams open as it serves; try again later, or another node.'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type OwnCode = keyof typeof OWN;
export type ErrorCode = keyof typeof LEDGER | PoolRefusal | keyof typeof INPUT | OwnCode;

const ownStatuses = Object.fromEntries(Object.entries(OWN).map(([code, [status]]) => [code, status]));

/** Code -> HTTP status: all that a client can be told. */
export const ERROR_STATUS = { ...LEDGER, ...POOL, ...INPUT, ...ownStatuses } as Readonly<Record<ErrorCode, number>>;

/** A refusal by the API itself, or with more to tell than a code and a sentence. */
export class ApiFault extends CodedError {
  override readonly name = 'ApiFault';
  readonly field: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
  /** Where not the code's usual one. */
  readonly httpStatus: number | null;

  constructor(code: ErrorCode, message: string, more: FaultDetails = {}) {
    super(code, message);
    this.field = more.field ?? null;
    this.details = more.details ?? null;
    this.httpStatus = more.httpStatus ?? null;
  }
}

interface FaultDetails {
  readonly field?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly httpStatus?: number;
}

/** A fault with the table's own sentence. */
export function fault(code: OwnCode, more: FaultDetails = {}): ApiFault {
  return new ApiFault(code, OWN[code][1], more);
}

/** A refusal by a status of the ledger, with its sentence. */
export function ledgerFault(name: Exclude<StatusName, 'OK'>, more: FaultDetails = {}): ApiFault {
  return new ApiFault(name, statusNamed(name).sentence, more);
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_STATUS, code);
}

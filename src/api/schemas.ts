/**
 * JSON Schemas of all that the API says: the components of /openapi.json, and what stands around them on each route.
 * Path and query parameters are judged by their schemas. Bodies are judged by `codec/json.ts`, whose codes are finer than
 * a schema's; theirs stand in the route's `documentedBody` and only document.
 */
import { STATUSES } from '../ledger/status.ts';
import { ERROR_STATUS, type ErrorCode } from './errors.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** An object with exactly these fields; those named in `optional` may be absent. */
export function object(properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, required, properties };
}

/** The component of that name. */
export function ref(name: keyof typeof COMPONENTS): JsonSchema {
  return { $ref: `${name}#` };
}

export function list(items: JsonSchema, description?: string): JsonSchema {
  return { type: 'array', items, ...(description === undefined ? {} : { description }) };
}

export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** An answer in JSON. */
export function answer(description: string, schema: JsonSchema): JsonSchema {
  return { description, content: { 'application/json': { schema } } };
}

/** A code and the HTTP status that it comes with on a route. */
export interface Failure {
  readonly code: ErrorCode;
  readonly status: number;
}

/** Failures with their usual statuses. */
export function failures(...codes: readonly ErrorCode[]): readonly Failure[] {
  return codes.map((code) => ({ code, status: ERROR_STATUS[code] }));
}

/** Failures that all come with one status. */
export function failuresAs(status: number, ...codes: readonly ErrorCode[]): readonly Failure[] {
  return codes.map((code) => ({ code, status }));
}

/** All answers of a route by HTTP status; each failing one lists the codes that may stand in it. */
export function responses(
  successes: Readonly<Record<number, JsonSchema>>,
  failed: readonly Failure[] = [],
): Readonly<Record<number, JsonSchema>> {
  const all = [...failed, ...failures('INTERNAL')];
  const statuses = [...new Set(all.map(({ status }) => status))];
  const codesOf = (at: number) => [...new Set(all.filter(({ status }) => status === at).map(({ code }) => code))];
  return { ...successes, ...Object.fromEntries(statuses.map((at) => [at, errorAnswer(codesOf(at).sort())])) };
}

/** What can be wrong with the parameters of any route that has some. */
export const PARAMETER_CODES = [
  'FIELD_INVALID',
  'FIELD_MISSING',
  'FIELD_UNKNOWN',
  'URL_MALFORMED',
  'URL_TOO_LONG',
] as const;

/** What can be wrong with any body. */
export const BODY_CODES = [
  'BODY_MISSING',
  'BODY_TOO_LARGE',
  'FIELD_INVALID',
  'FIELD_MISSING',
  'FIELD_UNKNOWN',
  'JSON_MALFORMED',
  'MEDIA_TYPE_UNSUPPORTED',
  'REQUEST_MALFORMED',
] as const;

export const AMOUNT_CODES = [
  'AMOUNT_MALFORMED',
  'AMOUNT_NEGATIVE',
  'AMOUNT_NOT_TEXT',
  'AMOUNT_OVERFLOW',
  'AMOUNT_TOO_PRECISE',
  'CURRENCY_MALFORMED',
  'CURRENCY_UNKNOWN',
] as const;

/** Every way in which a transaction that a client made can be malformed. */
export const TRANSACTION_CODES = [
  ...AMOUNT_CODES,
  'ACCOUNT_MALFORMED',
  'BYTES_MALFORMED',
  'BYTES_NOT_CANONICAL',
  'BYTES_TOO_LONG',
  'HASH_MALFORMED',
  'KEY_MALFORMED',
  'NONCE_MALFORMED',
  'SIGNATURE_MALFORMED',
  'SIGNATURE_MISSING',
  'TIER_MALFORMED',
  'VERSION_UNKNOWN',
] as const;

/** The statuses of the ledger that are refusals. */
export const REFUSALS = STATUSES.map(({ name }) => name).filter((name) => name !== 'OK');

/** How the node may refuse a transaction at the door. */
export const SUBMIT_CODES = [
  ...REFUSALS,
  'POOL_FULL',
  'CATCHING_UP',
  'HISTORY_ELSEWHERE',
  'REFERENCE_REUSED',
  'VERIFIER_BUSY',
  'VERIFIER_CLOSED',
] as const;

const HEX = (bytes: number): JsonSchema => ({ type: 'string', pattern: `^[0-9a-f]{${2 * bytes}}$` });
export const HASH = HEX(32);
export const KEY: JsonSchema = { ...HEX(32), description: 'Ed25519 public key' };
const SIGNATURE: JsonSchema = { ...HEX(64), description: 'Ed25519' };
export const HEIGHT: JsonSchema = { type: 'integer', minimum: 0 };
export const TIME_MS: JsonSchema = { type: 'integer', minimum: 0, description: 'Milliseconds since 1970' };
export const ACCOUNT: JsonSchema = { type: 'string', examples: ['dara@aclb'] };
const CURRENCY: JsonSchema = { type: 'string', pattern: '^[A-Z]{3}$', examples: ['KHR'] };
export const TEXT: JsonSchema = { type: 'string' };
export const TIER: JsonSchema = { type: 'string', examples: ['full'] };
const DECIMAL: JsonSchema = { type: 'string', pattern: '^-?(0|[1-9]\\d*)(\\.\\d+)?$', examples: ['5000'] };
const MONEY = { value: DECIMAL, minor: { ...DECIMAL, description: 'Minor units' } };

const status = object({ code: { type: 'integer' }, name: TEXT });

const command = (type: string, fields: Readonly<Record<string, JsonSchema>>) =>
  object({ type: { const: type }, ...fields });
const amount: JsonSchema = { $ref: 'Amount#' };
const aliasKey: JsonSchema = { ...HASH, description: 'Keyed digest of a phone number' };
const statementFields = {
  step: { enum: ['propose', 'prevote', 'precommit'] },
  height: HEIGHT,
  round: { type: 'integer', minimum: 0 },
  blockHash: orNull(HASH),
  validRound: orNull({ type: 'integer', minimum: 0 }),
  validator: { type: 'integer', minimum: 0 },
  signature: SIGNATURE,
};

export const COMPONENTS = {
  Amount: object({ currency: CURRENCY, value: { ...DECIMAL, description: 'Canonical decimal, as text' } }),
  Money: object(MONEY),
  Balance: object({ currency: CURRENCY, ...MONEY }),
  Command: {
    oneOf: [
      command('openAccount', { account: ACCOUNT, publicKey: KEY, tier: orNull(TIER) }),
      command('registerAlias', { aliasKey, account: ACCOUNT }),
      command('releaseAlias', { aliasKey, account: ACCOUNT }),
      command('issue', { to: ACCOUNT, amount }),
      command('redeem', { from: ACCOUNT, amount }),
      command('transfer', {
        from: ACCOUNT,
        to: ACCOUNT,
        amount,
        alias: orNull(object({ aliasKey, epoch: { type: 'integer', minimum: 1 } })),
        memo: TEXT,
      }),
      command('claimAlias', { aliasKey, account: ACCOUNT }),
      command('rejectClaim', { aliasKey, account: ACCOUNT }),
      command('setTier', { account: ACCOUNT, tier: TIER }),
    ],
  },
  Transaction: object({
    version: { const: 1 },
    chainId: HASH,
    validUntilMs: TIME_MS,
    nonce: HEX(16),
    commands: list({ $ref: 'Command#' }, 'Take effect all or none'),
    signatures: list(object({ publicKey: KEY, signature: SIGNATURE }), 'One a key, ascending by key'),
  }),
  Receipt: object({
    transactionId: HASH,
    height: HEIGHT,
    index: { type: 'integer', minimum: 0 },
    status,
    failedCommand: orNull({ type: 'integer', minimum: 0 }),
    message: TEXT,
  }),
  Entry: object({
    id: HASH,
    height: HEIGHT,
    index: { type: 'integer', minimum: 0 },
    timeMs: TIME_MS,
    status,
    commands: list({ $ref: 'Command#' }),
  }),
  TransactionState: object({
    id: HASH,
    state: { enum: ['final', 'pending', 'expired'] },
    receipt: orNull({ $ref: 'Receipt#' }),
    message: TEXT,
  }),
  Customer: object({ account: ACCOUNT, displayName: TEXT, phones: list(TEXT) }),
  Certificate: object({
    height: HEIGHT,
    round: { type: 'integer', minimum: 0 },
    blockHash: HASH,
    signatures: list(object({ validator: { type: 'integer', minimum: 0 }, signature: SIGNATURE })),
  }),
  Header: object({
    version: { const: 1 },
    chainId: HASH,
    height: HEIGHT,
    timeMs: TIME_MS,
    proposer: TEXT,
    parentHash: HASH,
    validatorSetHash: HASH,
    batchesRoot: HASH,
    evidenceRoot: HASH,
    transactionsRoot: HASH,
    receiptsRoot: HASH,
    writesRoot: HASH,
    checkpointRoot: orNull(HASH),
  }),
  Evidence: object({ first: object(statementFields), second: object(statementFields) }),
} satisfies Readonly<Record<string, JsonSchema>>;

function errorAnswer(codes: readonly ErrorCode[]): JsonSchema {
  const error = object(
    {
      code: { enum: codes },
      message: { ...TEXT, description: 'What is wrong and what to do next, for a person' },
      field: { ...TEXT, description: 'What it is about: `commands[0].amount.value`' },
      details: { type: 'object', additionalProperties: true },
    },
    ['field', 'details'],
  );
  return answer(codes.join(', '), object({ error }));
}

/**
 * A small client of the HTTP API, for the command line, scenarios and tests. It sends transactions as their canonical
 * bytes. A refusal is thrown as `ApiError` with the node's code; an answer that did not come is never called a failure.
 */
import { toHex } from '../codec/hex.ts';
import { encode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { transactionId } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import type { Transaction } from '../types/index.ts';
import { ApiError, answerOf, connectionError } from './client-errors.ts';
import { type EventOptions, readEvents } from './client-events.ts';
import type {
  AccountJson,
  ActionJson,
  AliasJson,
  AliasKeyJson,
  BindingJson,
  BlockJson,
  CustomersJson,
  EventJson,
  HealthJson,
  ParticipantsJson,
  StateJson,
  StatusJson,
  SupplyJson,
  TransactionDetailsJson,
  TransactionStateJson,
  UnsubmittedJson,
  ValidatorsJson,
} from './types.ts';

export type { EventOptions } from './client-events.ts';

export interface ClientOptions {
  /** Opens the operator API. */
  readonly token?: string;
  /** Instead of the built-in one. */
  readonly fetch?: typeof fetch;
  /** How long a node may take to answer, beyond what it was told to wait; 15 s where absent. */
  readonly patienceMs?: number;
}

export interface SubmitOptions {
  /** Whether to wait until the transaction is final; true unless told otherwise. */
  readonly wait?: boolean;
  /** How long the node waits; its own default where absent. */
  readonly timeoutMs?: number;
}

interface Page {
  readonly limit?: number;
  /** `next` of the page before. */
  readonly before?: string;
}

/** All methods throw `ApiError`: the node's own code, `NODE_UNREACHABLE`, `NO_ANSWER` or `NOT_A_NODE`. */
export interface Client {
  readonly baseUrl: string;
  status(): Promise<StatusJson>;
  health(): Promise<HealthJson>;
  participants(): Promise<ParticipantsJson>;
  validators(): Promise<ValidatorsJson>;
  supply(options?: { readonly audit?: boolean }): Promise<SupplyJson>;
  state(): Promise<StateJson>;
  account(id: string, page?: Page): Promise<AccountJson>;
  /** @param phone as the user wrote it. */
  alias(phone: string): Promise<AliasJson>;
  /**
   * @returns `final` with the receipt of success; `pending` where the wait ended first; `unknown` where no answer came.
   *   Neither of the last two is a failure: submitting the same transaction again is safe.
   */
  submit(transaction: Transaction, options?: SubmitOptions): Promise<TransactionStateJson>;
  transaction(id: string): Promise<TransactionDetailsJson>;
  block(height: number | 'latest', page?: { readonly from?: number; readonly limit?: number }): Promise<BlockJson>;
  /** Ends when the connection does; go on with `after` the height of the last block event. */
  events(options?: EventOptions): AsyncGenerator<EventJson, void, void>;
  readonly operator: OperatorClient;
}

/** What takes the bank's token. */
interface OperatorClient {
  openAccount(request: {
    readonly name: string;
    readonly publicKey: string;
    readonly displayName: string;
    /** Left out where the network has no tiers. */
    readonly tier?: string;
  }): Promise<ActionJson>;
  setTier(request: { readonly account: string; readonly tier: string }): Promise<TransactionStateJson>;
  customers(): Promise<CustomersJson>;
  /** @param phone as the user wrote it. */
  aliasKey(phone: string): Promise<AliasKeyJson>;
  /** What stands under an alias key, as often as the bank likes. */
  binding(aliasKey: string): Promise<BindingJson>;
  /** @param request.transaction one registerAlias or claimAlias, signed by the wallet. */
  attest(request: { readonly transaction: Transaction; readonly phone: string }): Promise<ActionJson>;
  /** @param request.account whose number it is. */
  rejectClaim(request: { readonly account: string; readonly phone: string }): Promise<TransactionStateJson>;
  fund(request: {
    readonly account: string;
    readonly amount: { readonly currency: string; readonly value: string };
    readonly nonce?: string;
  }): Promise<TransactionStateJson>;
  redeem(request: { readonly amount: { readonly currency: string; readonly value: string } }): Promise<UnsubmittedJson>;
}

/** How long a node may take beyond what it was told to wait, unless the caller says otherwise. */
const PATIENCE_MS = 15_000;
/** The longest wait that a node allows. */
const MAX_WAIT_MS = 60_000;

/** @param baseUrl of a node: `http://127.0.0.1:7400`. @throws CodedError `URL_INVALID`. */
export function createClient(baseUrl: string, options: ClientOptions = {}): Client {
  const ask = asker(baseUrl, options);
  const get = <T>(path: string, query: Query = {}) => ask<T>({ method: 'GET', path, query });
  return {
    baseUrl,
    status: () => get('/api/v1/status'),
    health: () => get('/healthz'),
    participants: () => get('/api/v1/participants'),
    validators: () => get('/api/v1/validators'),
    supply: ({ audit } = {}) => get('/api/v1/supply', { audit }),
    state: () => get('/api/v1/state'),
    account: (id, page = {}) => get(`/api/v1/accounts/${encodeURIComponent(id)}`, { ...page }),
    alias: (phone) => get(`/api/v1/aliases/${encodeURIComponent(phone)}`),
    submit: (transaction, submitOptions) => submit(ask, transaction, submitOptions),
    transaction: (id) => get(`/api/v1/transactions/${encodeURIComponent(id)}`),
    block: (height, page = {}) => get(`/api/v1/blocks/${height}`, { ...page }),
    events: (eventOptions) => readEvents(baseUrl, options.fetch ?? fetch, eventOptions ?? {}),
    operator: operatorClient(ask),
  };
}

function operatorClient(ask: Ask): OperatorClient {
  const post = <T>(path: string, body: unknown) =>
    ask<T>({ method: 'POST', path: `/operator/v1/${path}`, json: body, waitMs: MAX_WAIT_MS });
  return {
    openAccount: (request) => post('accounts', request),
    setTier: (request) => post('tier', request),
    customers: () => ask({ method: 'GET', path: '/operator/v1/accounts' }),
    aliasKey: (phone) => post('alias-key', { phone }),
    binding: (key) => ask({ method: 'GET', path: `/operator/v1/aliases/${encodeURIComponent(key)}` }),
    attest: ({ transaction, phone }) =>
      post('attest', { transaction: toHex(encode(transactionSchema, transaction)), phone }),
    rejectClaim: (request) => post('reject-claim', request),
    fund: (request) => post('fund', request),
    redeem: (request) => post('redeem', request),
  };
}

async function submit(
  ask: Ask,
  transaction: Transaction,
  { wait = true, timeoutMs }: SubmitOptions = {},
): Promise<TransactionStateJson> {
  const query = wait ? { wait: 'final', timeoutMs } : {};
  const waitMs = wait ? (timeoutMs ?? MAX_WAIT_MS) : 0;
  const bytes = encode(transactionSchema, transaction);
  try {
    return await ask({ method: 'POST', path: '/api/v1/transactions', query, bytes, waitMs });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'NO_ANSWER') throw error;
    const message = 'No answer came. It may have been taken or not: submit the same transaction again, it is safe.';
    return { id: transactionId(transaction.body), state: 'unknown', receipt: null, message };
  }
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Query;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  /** How long the node may wait itself before it answers. */
  readonly waitMs?: number;
}

type Ask = <T>(question: Question) => Promise<T>;

function asker(baseUrl: string, options: ClientOptions): Ask {
  if (!/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl)) {
    throw new CodedError(
      'URL_INVALID',
      `${JSON.stringify(baseUrl)} is no address; expected one like http://127.0.0.1:7400`,
    );
  }
  const { fetch: send = fetch, patienceMs = PATIENCE_MS } = options;
  return async <T>({ method, path, query = {}, json, bytes, waitMs = 0 }: Question): Promise<T> => {
    const url = new URL(path, baseUrl);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers: Record<string, string> = {};
    if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
    if (bytes !== undefined) headers['content-type'] = 'application/cbor';
    if (json !== undefined) headers['content-type'] = 'application/json';
    const body = bytes === undefined ? jsonText(json) : new Uint8Array(bytes);
    let response: Response;
    let text: string;
    try {
      response = await send(url, { method, headers, body, signal: AbortSignal.timeout(waitMs + patienceMs) });
      text = await response.text();
    } catch (cause) {
      throw connectionError(baseUrl, cause);
    }
    return answerOf<T>(baseUrl, response.status, text);
  };
}

function jsonText(json: unknown): string | null {
  return json === undefined ? null : JSON.stringify(json);
}

/**
 * A server for tests that asks questions of itself: every answer it gives is held against the schema that its route
 * declares, so /openapi.json is true of whatever a test provokes.
 */
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Clock, Customer, CustomerStore, Signer } from '../ports.ts';
import type { AccountId, Genesis } from '../types/index.ts';
import type { ApiOptions } from './context.ts';
import type { NodeFace } from './node-face.ts';
import { createApi } from './server.ts';
import type { ErrorJson } from './types.ts';

export interface TestAnswer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface TestApi {
  readonly app: FastifyInstance;
  /** Answers that are not as documented. */
  readonly undocumented: readonly string[];
  readonly customers: CustomerStore;
  get<T = ErrorJson>(url: string, headers?: Readonly<Record<string, string>>): Promise<TestAnswer<T>>;
  post<T = ErrorJson>(url: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer<T>>;
  send<T = ErrorJson>(request: InjectOptions): Promise<TestAnswer<T>>;
}

/** What a test has of a network of nodes: `Cluster` of `testing/`. */
export interface TestCluster {
  readonly network: { readonly genesis: Genesis; readonly signer: (name: string) => Signer };
  readonly clock: Clock;
  get(id: string): { readonly node: NodeFace };
  /** Lets virtual time pass until a promise settles. */
  during<T>(promise: Promise<T>): Promise<T>;
}

export const TEST_TOKEN = 'operator-token-of-a-test';
export const TEST_ALIAS_SECRET = new Uint8Array(32).fill(7);

/** The server of one bank of a cluster, with its operator API. */
export function testApi(cluster: TestCluster, bank: string, changes: Partial<ApiOptions> = {}): TestApi {
  let drawn = 0;
  const customers = memoryCustomers();
  const app = createApi({
    node: cluster.get(bank).node,
    genesis: cluster.network.genesis,
    aliasSecret: TEST_ALIAS_SECRET,
    clock: cluster.clock,
    // Never the same twice, and the same in every run.
    random: { bytes: (length) => new Uint8Array(length).fill(1, length - 2).with(0, ++drawn % 256) },
    log: false,
    version: '1.2.3',
    operator: { signer: cluster.network.signer(`operator/${bank}`), token: TEST_TOKEN, customers },
    ...changes,
  });
  const undocumented = checkAnswers(app);
  const send = async <T>(request: InjectOptions): Promise<TestAnswer<T>> => {
    const response = await cluster.during(app.inject(request).then((answer) => answer));
    const isJson = String(response.headers['content-type']).startsWith('application/json');
    const body = (isJson && response.body !== '' ? response.json() : response.body) as T;
    return { status: response.statusCode, body, headers: response.headers };
  };
  return { app, undocumented, customers, ...methods(send) };
}

type Send = <T>(request: InjectOptions) => Promise<TestAnswer<T>>;

function methods(send: Send): Pick<TestApi, 'get' | 'post' | 'send'> {
  const cbor = { 'content-type': 'application/cbor' };
  return {
    send,
    get: (url, headers = {}) => send({ method: 'GET', url, headers }),
    post: (url, body, headers = {}) =>
      body instanceof Uint8Array
        ? send({ method: 'POST', url, headers: { ...cbor, ...headers }, body: Buffer.from(body) })
        : send({ method: 'POST', url, headers, body: body as object }),
  };
}

/** `CustomerStore` in memory. */
function memoryCustomers(): CustomerStore {
  const all = new Map<AccountId, Customer>();
  const byAccount = (a: Customer, b: Customer) => (a.account < b.account ? -1 : 1);
  return {
    get: (account) => Promise.resolve(all.get(account) ?? null),
    put: (customer) => Promise.resolve(void all.set(customer.account, customer)),
    list: () => Promise.resolve([...all.values()].sort(byAccount)),
    close: () => Promise.resolve(),
  };
}

function checkAnswers(app: FastifyInstance): string[] {
  const undocumented: string[] = [];
  app.addHook('preSerialization', (request, reply, payload, done) => {
    const { url, schema } = request.routeOptions;
    if (url !== undefined) {
      const problem = problemOf(request, schemaOf(schema?.response, reply.statusCode), payload);
      if (problem !== null) undocumented.push(`${request.method} ${url} ${reply.statusCode}: ${problem}`);
    }
    done(null, payload);
  });
  return undocumented;
}

interface Compiler {
  compileValidationSchema(schema: object): { (value: unknown): boolean | Promise<unknown>; errors: unknown };
}

function problemOf(request: object, schema: object | null, payload: unknown): string | null {
  if (schema === null) return 'no such answer is documented';
  const validate = (request as Compiler).compileValidationSchema(schema);
  const plain: unknown = JSON.parse(JSON.stringify(payload));
  return validate(plain) === true ? null : `${JSON.stringify(validate.errors)} in ${JSON.stringify(plain)}`;
}

function schemaOf(responses: unknown, status: number): object | null {
  type Answers = Readonly<Record<number, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>>;
  return (responses as Answers | undefined)?.[status]?.content?.['application/json']?.schema ?? null;
}

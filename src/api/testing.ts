/**
 * A server for tests that asks questions of itself: every answer it gives is held against the schema that its route
 * declares, so /openapi.json is true of whatever a test provokes.
 */
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Customer, CustomerStore } from '../ports.ts';
import type { AccountId } from '../types/index.ts';
import type { ApiOptions } from './context.ts';
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
  get<T = ErrorJson>(url: string, headers?: Readonly<Record<string, string>>): Promise<TestAnswer<T>>;
  post<T = ErrorJson>(url: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer<T>>;
  send<T = ErrorJson>(request: InjectOptions): Promise<TestAnswer<T>>;
}

/** @param during lets virtual time pass until a promise settles. */
export function testApi(options: ApiOptions, during: <T>(promise: Promise<T>) => Promise<T>): TestApi {
  const app = createApi(options);
  const undocumented = checkAnswers(app);
  const send = async <T>(request: InjectOptions): Promise<TestAnswer<T>> => {
    const response = await during(app.inject(request) as Promise<Awaited<ReturnType<typeof app.inject>>>);
    const isJson = String(response.headers['content-type']).startsWith('application/json');
    const body = (isJson ? response.json() : response.body) as T;
    return { status: response.statusCode, body, headers: response.headers };
  };
  return {
    app,
    undocumented,
    send,
    get: (url, headers = {}) => send({ method: 'GET', url, headers }),
    post: (url, body, headers = {}) =>
      body instanceof Uint8Array
        ? send({
            method: 'POST',
            url,
            headers: { 'content-type': 'application/cbor', ...headers },
            body: Buffer.from(body),
          })
        : send({ method: 'POST', url, headers, body: body as object }),
  };
}

/** `CustomerStore` in memory. */
export function memoryCustomers(): CustomerStore & { readonly all: Map<AccountId, Customer> } {
  const all = new Map<AccountId, Customer>();
  const byAccount = (a: Customer, b: Customer) => (a.account < b.account ? -1 : 1);
  return {
    all,
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

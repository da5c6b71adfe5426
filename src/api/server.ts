/**
 * The HTTP API of a node: what wallets and integrators ask under /api/v1, what the bank's own staff does under
 * /operator/v1, and what machines read (/openapi.json, /healthz, /metrics). Every answer that is not a success has the one
 * envelope of `error-handler.ts`; every route declares its answers, and /openapi.json is made of those declarations.
 */
import { createRequire } from 'node:module';
import rateLimit from '@fastify/rate-limit';
import type * as Swagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { MAX_TRANSACTION_BYTES } from '../codec/limits.ts';
import { type Api, type ApiOptions, DEFAULT_LIMITS } from './context.ts';
import { answerBrokenRequest, answerUnknownRoutes, createErrorHandler, routeOf } from './error-handler.ts';
import { closeGracefully } from './graceful-close.ts';
import { createMetrics } from './metrics.ts';
import { operatorRoutes } from './operator/routes.ts';
import { parseQuery } from './query.ts';
import { accountRoutes } from './routes/accounts.ts';
import { aliasRoutes } from './routes/aliases.ts';
import { blockRoutes } from './routes/blocks.ts';
import { eventRoutes } from './routes/events.ts';
import { machineRoutes } from './routes/machines.ts';
import { participantRoutes } from './routes/participants.ts';
import { stateRoutes } from './routes/state.ts';
import { statusRoutes } from './routes/status.ts';
import { submissionRoutes } from './routes/submissions.ts';
import { supplyRoutes } from './routes/supply.ts';
import { transactionRoutes } from './routes/transactions.ts';
import { COMPONENTS, type JsonSchema } from './schemas.ts';
import { Submissions } from './submissions.ts';

const require = createRequire(import.meta.url);

/** Names and hexadecimal digits take two to four times the bytes of the canonical form. */
const MAX_BODY_BYTES = 4 * MAX_TRANSACTION_BYTES;
/** How long a client may take to send a request: a body is small, so more is malice or a dead link. */
const REQUEST_TIMEOUT_MS = 30_000;
/** A transaction id, or an account id with its `@` escaped, and some room. */
const MAX_PARAM_CHARS = 128;

/** @returns the server, not listening yet: the caller says where, and closes it before the node. */
export function createApi(options: ApiOptions): FastifyInstance {
  const { node, clock } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const metrics = createMetrics(node, clock);
  const submissions = new Submissions({ node, clock, metrics });
  const app = createServer(options);
  const closing = closeGracefully(app, clock);
  let described: ReturnType<Api['describe']> | null = null;
  const describe = () => {
    described ??= description(api);
    return described;
  };
  const api: Api = { ...options, limits, metrics, submissions, closing, describe };

  app.server.maxConnections = limits.connections;
  app.addHook('onClose', (_app, done) => {
    metrics.close();
    done();
  });
  answerUnknownRoutes(app);
  observeRequests(app, api);
  app.register(rateLimit, { global: false });
  declareRoutes(app, api);
  return app;
}

/** Declares the routes of one resource. */
type Routes = (app: FastifyInstance, api: Api) => void;

const LEDGER_ROUTES: readonly Routes[] = [
  statusRoutes,
  participantRoutes,
  supplyRoutes,
  stateRoutes,
  accountRoutes,
  aliasRoutes,
  transactionRoutes,
  submissionRoutes,
  blockRoutes,
  eventRoutes,
];

function declareRoutes(app: FastifyInstance, api: Api): void {
  for (const routes of LEDGER_ROUTES) register(app, '/api/v1', api, routes);
  register(app, '', api, machineRoutes);
  const { operator } = api;
  if (operator !== null) register(app, '/operator/v1', api, (scope) => operatorRoutes(scope, api, operator));
}

function createServer({ log, random }: ApiOptions): FastifyInstance {
  const handleError = createErrorHandler(random);
  const logger = log === false ? { logger: false } : { loggerInstance: log as FastifyBaseLogger };
  const app: FastifyInstance = Fastify({
    ...logger,
    // Its lines hold the whole address, and an address may hold a phone number: `observeRequests` writes its own.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    // Would run a stream's handler for a HEAD request.
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allowUnionTypes: true } },
    frameworkErrors: handleError,
    clientErrorHandler: answerBrokenRequest,
  });
  app.setErrorHandler(handleError);
  app.removeContentTypeParser('text/plain');
  // The schemas describe answers and tests hold them to it; generated serialisers would drop what they forgot in silence.
  app.setSerializerCompiler(() => JSON.stringify);
  for (const [name, schema] of Object.entries(COMPONENTS)) app.addSchema({ $id: name, ...schema });
  return app;
}

function observeRequests(app: FastifyInstance, { metrics }: Api): void {
  app.addHook('preValidation', (request, _reply, done) => {
    parseQuery(request.query, request.routeOptions.schema?.querystring);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode: status, elapsedTime } = reply;
    request.log.debug({ route: routeOf(request), status, ms: Math.round(elapsedTime) }, 'api.answered');
    const route = request.routeOptions.url ?? '(unknown)';
    if (!request.routeOptions.config.endless) {
      metrics.answered({ method: request.method, route, status }, elapsedTime / 1_000);
    }
    done();
  });
}

/**
 * What the routes declare, as OpenAPI: read from a server of the same routes that never listens, when somebody asks. What
 * reads it is a hundred modules that no payment needs.
 */
async function description(api: Api): Promise<object> {
  const { version, genesis, operator } = api;
  const { fastifySwagger } = require('@fastify/swagger') as typeof Swagger;
  const app = createServer(api);
  const tags = [
    { name: 'ledger', description: 'What is final, and how to add to it' },
    { name: 'machines', description: 'For monitors and tools' },
    ...(operator === null ? [] : [{ name: 'operator', description: "The bank's own work, behind its token" }]),
  ];
  const securitySchemes = { operatorToken: { type: 'http', scheme: 'bearer' } } as const;
  app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Tonle node of ${genesis.network}`, version, license: { name: 'Apache-2.0' } },
      tags,
      components: operator === null ? {} : { securitySchemes },
    },
    convertConstToEnum: false,
    transform: ({ schema, url, route }) => {
      const body = route.config?.documentedBody;
      return { schema: body === undefined ? schema : { ...schema, body }, url };
    },
    refResolver: { buildLocalReference: ({ $id }) => String($id) },
  });
  declareRoutes(app, api);
  await app.ready();
  return app.swagger();
}

function register(app: FastifyInstance, prefix: string, api: Api, routes: Routes): void {
  const plugin = (scope: FastifyInstance, _options: unknown, done: () => void) => {
    routes(scope, api);
    done();
  };
  app.register(plugin, { prefix });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer is a stream that ends when somebody leaves: how long it took says nothing. */
    readonly endless?: boolean;
    /** The schema of a body that no schema judges. */
    readonly documentedBody?: JsonSchema;
  }
}

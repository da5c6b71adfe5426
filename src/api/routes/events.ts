/** `GET events`: blocks and receipts as they become final, for whoever keeps listening. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { textField } from '../../codec/json.ts';
import { parseAccountId } from '../../codec/text.ts';
import { BlockFeed } from '../block-feed.ts';
import type { Api } from '../context.ts';
import { routeOf } from '../error-handler.ts';
import { fault } from '../errors.ts';
import { eventStream } from '../event-stream.ts';
import { goneSignal } from '../http.ts';
import { ACCOUNT, failures, PARAMETER_CODES, responses } from '../schemas.ts';

interface Route {
  Querystring: { account?: string };
  Headers: { 'last-event-id'?: string };
}

const schema = {
  tags: ['ledger'],
  summary: 'A stream of server-sent events: `receipt` of each transaction, then `block`',
  description:
    'The data of a `receipt` is an Entry as in the history of an account; that of a `block` is its height, hash, timeMs, ' +
    'proposer and number of transactions. A block carries its height as the id of the event: with Last-Event-ID the ' +
    'stream goes on after that block. Each event comes at least once. A reader that takes nothing for a while is cut off.',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { account: { ...ACCOUNT, description: 'Only receipts that touch this account' } },
  },
  headers: {
    type: 'object',
    properties: { 'last-event-id': { type: 'string', pattern: '^\\d{1,15}$', description: 'A height' } },
  },
  response: responses(
    {
      200: {
        description: 'The stream; it does not end by itself',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
    },
    failures(...PARAMETER_CODES, 'ACCOUNT_MALFORMED', 'HISTORY_PRUNED', 'STREAMS_FULL'),
  ),
};

export function eventRoutes(app: FastifyInstance, { node, genesis, clock, limits, metrics, closing }: Api): void {
  const feed = new BlockFeed(node, genesis.currencies);
  let open = 0;
  app.addHook('onClose', (_app, done) => {
    feed.close();
    done();
  });

  app.get<Route>('/events', { schema, config: { endless: true } }, (request, reply) => {
    const { account: text } = request.query;
    const account = text === undefined ? null : textField(text, 'account', parseAccountId);
    const last = request.headers['last-event-id'];
    if (open >= limits.eventStreams) throw fault('STREAMS_FULL');
    const from = last === undefined ? feed.tip + 1 : Number(last) + 1;
    const { first } = feed;
    if (from < first) throw fault('HISTORY_PRUNED', { details: { knownFromHeight: first } });
    open += 1;
    metrics.streamOpened();
    reply.raw.once('close', () => {
      open -= 1;
      metrics.streamClosed();
    });
    const events = eventStream({
      feed,
      clock,
      from,
      account,
      heartbeatMs: limits.heartbeatMs,
      stallMs: limits.stallMs,
      end: goneSignal(reply, closing),
      onStall: () => reply.raw.destroy(),
    });
    // No proxy may gather events before it passes them on.
    void reply.header('content-type', 'text/event-stream').header('cache-control', 'no-store');
    void reply.header('x-accel-buffering', 'no');
    const stream = Readable.from(events, { objectMode: false });
    stream.on('error', (err) => request.log.error({ err, route: routeOf(request) }, 'api.failed'));
    return reply.send(stream);
  });
}

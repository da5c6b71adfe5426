/** `POST transactions/stream`: many transactions over one request, each answered as soon as it has ended. */
import type { FastifyInstance } from 'fastify';
import type { Api } from '../context.ts';
import { presentError, routeOf } from '../error-handler.ts';
import { fault } from '../errors.ts';
import { takesLong } from '../http.ts';
import { failures, responses } from '../schemas.ts';
import { SubmissionDesk } from '../submission-desk.ts';
import { SubmissionStream } from '../submission-stream.ts';

const TRANSACTIONS = 'application/vnd.tonle.transactions';

const schema = {
  tags: ['ledger'],
  summary: 'Submit transactions as they come; each is answered by a line of JSON as soon as it has ended',
  description:
    'The body is a sequence of frames, as long as the client likes: a length in 4 bytes, big-endian, and as many ' +
    'canonical bytes of one transaction. The answer begins at once and has one line for each frame, in the order of ' +
    'their ends: `n` counts the frames from 0, `state` is `final` (with `height`, `index` and the name of the status), ' +
    '`expired`, `refused` (with an `error` as POST /transactions gives it), or `pending` where the wait ended first: ' +
    'nothing has failed, and a frame without a line was not taken; submit both again, it is safe. It ends when the body ' +
    'has ended and every frame has its line. Where the body is not what it should be the last line is ' +
    '`{"error": {"code", "message"}}`: FRAME_INVALID, SUBMISSIONS_IDLE. Who sends more than the network takes is read from more slowly.',
  response: responses(
    {
      200: {
        description: 'The lines',
        content: { 'application/x-ndjson': { schema: { type: 'string' } } },
      },
    },
    failures('BODY_MISSING', 'MEDIA_TYPE_UNSUPPORTED', 'REQUEST_MALFORMED', 'SUBMISSIONS_FULL'),
  ),
};

const documentedBody = {
  content: { [TRANSACTIONS]: { schema: { type: 'string', format: 'binary', description: 'Frames' } } },
};

export function submissionRoutes(app: FastifyInstance, api: Api): void {
  const { node, clock, limits, metrics, closing } = api;
  const desk = new SubmissionDesk({ node, clock, metrics });
  let open = 0;
  app.addHook('onClose', (_app, done) => {
    desk.close();
    done();
  });
  // Of this route alone: nothing else takes a body that does not end, and this one takes nothing else.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(TRANSACTIONS, (_request, payload, done) => done(null, payload));

  app.post('/transactions/stream', { schema, config: { endless: true, documentedBody } }, (request, reply) => {
    if (request.body === undefined || request.body === null) throw fault('BODY_MISSING');
    if (open >= limits.submissionStreams) throw fault('SUBMISSIONS_FULL');
    open += 1;
    metrics.submissionsOpened();
    takesLong(request.raw.socket);
    reply.hijack();
    reply.raw.once('close', () => {
      open -= 1;
      metrics.submissionsClosed();
    });
    const present = (error: unknown) => presentError(error, api.random, request.log, routeOf(request));
    new SubmissionStream({ desk, clock, limits, present, closing }, request.raw, reply.raw);
  });
}

/** Two small things that routes need of Fastify. */
import type { FastifyInstance, FastifyReply, FastifySchemaCompiler } from 'fastify';

/**
 * For routes whose bodies the codec judges, with finer codes than a schema has: their body schema documents only. The
 * other parts of the request are judged by their schemas, as everywhere.
 */
export function notJudgedHere(app: FastifyInstance): FastifySchemaCompiler<unknown> {
  return (route) => {
    if (route.httpPart === 'body' || app.validatorCompiler === undefined) return () => true;
    return app.validatorCompiler(route);
  };
}

/** Aborted when the client has left or its answer is complete, and when the server closes: nobody waits any more. */
export function goneSignal(reply: FastifyReply, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const leave = () => {
    closing.removeEventListener('abort', leave);
    gone.abort();
  };
  if (closing.aborted) leave();
  closing.addEventListener('abort', leave);
  reply.raw.once('close', leave);
  return gone.signal;
}

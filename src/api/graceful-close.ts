/**
 * How the server ends: nobody waits any longer, streams end, answers under way are completed, and then every connection is
 * closed. Without the last, one that a client opened and never used would hold the end up until its request timed out.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../ports.ts';

/** How long the last answers may take to get out: they are ready, so more is a client that does not read. */
const GRACE_MS = 1_000;

/** @returns a signal that is aborted when the server begins to close. For a server with `forceCloseConnections`. */
export function closeGracefully(app: FastifyInstance, clock: Clock): AbortSignal {
  const closing = new AbortController();
  let underWay = 0;
  let onLast: (() => void) | null = null;
  app.addHook('onRequest', (_request, reply, done) => {
    underWay += 1;
    reply.raw.once('close', () => {
      underWay -= 1;
      if (underWay === 0) onLast?.();
    });
    done();
  });
  app.addHook('preClose', (done) => {
    closing.abort();
    if (underWay === 0) return done();
    const finish = () => {
      onLast = null;
      cancel();
      done();
    };
    const cancel = clock.schedule(GRACE_MS, finish);
    onLast = finish;
  });
  return closing.signal;
}

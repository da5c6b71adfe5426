/** A small thing that routes need of Fastify. */
import type { FastifyReply } from 'fastify';

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

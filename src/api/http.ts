/** Small things that routes need of Fastify and of HTTP. */
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';

const long = new WeakSet<Socket>();

/** The request on this connection may take as long as it likes, and no other follows on it. */
export function takesLong(socket: Socket): void {
  long.add(socket);
}

export function mayTakeLong(socket: Socket): boolean {
  return long.has(socket);
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

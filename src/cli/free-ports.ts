/**
 * TCP ports that nobody listens on. They lie below the range from which systems take the ports of outgoing connections
 * (32768 on Linux, 49152 elsewhere): a port of that range may be taken while the node that listens on it is down, even by
 * a peer that tries to reach it.
 */
import { createServer } from 'node:net';
import { CodedError } from '../errors.ts';
import type { Random } from '../ports.ts';

const FIRST = 10_240;
const LAST = 32_767;
const MAX_ATTEMPTS = 500;

/**
 * @param taken ports that are promised to somebody else.
 * @throws CodedError `PORT_TAKEN` where hundreds of attempts find too few.
 */
export async function freePorts(count: number, random: Random, taken: readonly number[] = []): Promise<number[]> {
  const found = new Set<number>();
  for (let attempt = 0; found.size < count; attempt++) {
    if (attempt === MAX_ATTEMPTS) throw new CodedError('PORT_TAKEN', `there are no ${count} free ports on 127.0.0.1`);
    const port = anyPort(random);
    if (!taken.includes(port) && (await isFreePort(port))) found.add(port);
  }
  return [...found];
}

/** Whether a server can listen on the port of 127.0.0.1 now. */
export function isFreePort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function anyPort(random: Random): number {
  const [a = 0, b = 0] = random.bytes(2);
  return FIRST + ((a * 256 + b) % (LAST - FIRST + 1));
}

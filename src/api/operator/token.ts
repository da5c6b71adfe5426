/** Lets nobody into the operator API but who shows the bank's token. */
import { timingSafeEqual } from 'node:crypto';
import type { onRequestHookHandler } from 'fastify';
import { sha256 } from '../../crypto/hash.ts';
import { fault } from '../errors.ts';

/** @returns a hook that refuses requests without the token, before anything of them is read. */
export function requireToken(token: string): onRequestHookHandler {
  const expected = digest(token);
  return (request, reply, done) => {
    const shown = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (shown === undefined) {
      void reply.header('www-authenticate', 'Bearer realm="operator"');
      return done(fault('TOKEN_MISSING'));
    }
    // Digests have one length, and comparing them takes the same time wherever they differ.
    if (!timingSafeEqual(digest(shown), expected)) {
      void reply.header('www-authenticate', 'Bearer realm="operator", error="invalid_token"');
      return done(fault('TOKEN_WRONG'));
    }
    done();
  };
}

function digest(text: string): Uint8Array {
  return sha256(new TextEncoder().encode(text));
}

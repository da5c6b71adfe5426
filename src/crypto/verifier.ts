/**
 * Implements the port `Verifier` twice, by one rule (ed25519.ts): with threads, so that a batch of signatures does not hold
 * up the event loop, and without, for the simulator and tests, where everything happens in one order.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { CodedError } from '../errors.ts';
import type { SignatureCheck, Verifier } from '../ports.ts';
import { verifyEd25519 } from './ed25519.ts';
import { packChecks } from './verify-packet.ts';
import type { VerifyAnswer, VerifyRequest } from './verify-worker.ts';

export interface VerifierOptions {
  /** Threads to check with; one core is left to the event loop unless told otherwise. They start when first needed. */
  readonly threads?: number;
  /** What the threads run; tests put something there that fails. */
  readonly workerUrl?: URL;
}

export interface ThreadedVerifier extends Verifier {
  /** Ends the threads; what they were asked is rejected. */
  close(): Promise<void>;
}

/** Up to here, which is under a millisecond, a thread gains nothing: to ask it costs about half a check. */
const MAX_INLINE = 3;
/** Checks asked and not yet answered: about 8 s of one core and 20 MB of packets. Nobody gains from waiting longer. */
const MAX_PENDING = 32_768;

/**
 * Checks in worker threads, which end with the process and do not keep it alive while they have nothing to do.
 *
 * @returns `verifyAll` rejects with CodedError VERIFIER_BUSY (too much is pending; ask again later), VERIFIER_FAILED (a
 *   thread died; the next call starts another) or VERIFIER_CLOSED.
 */
export function createVerifier(options: VerifierOptions = {}): ThreadedVerifier {
  const { threads = Math.max(1, availableParallelism() - 1), workerUrl = WORKER_URL } = options;
  const pool = Array.from({ length: threads }, () => createThread(workerUrl));
  let pending = 0;
  let closed = false;

  const verifyAll = async (checks: readonly SignatureCheck[]): Promise<readonly boolean[]> => {
    if (closed) throw closedError();
    if (checks.length <= MAX_INLINE) return checks.map(verifyOne);
    if (pending + checks.length > MAX_PENDING) {
      throw new CodedError('VERIFIER_BUSY', `${pending} signatures wait to be checked; try again later.`);
    }
    pending += checks.length;
    try {
      const share = Math.ceil(checks.length / pool.length);
      const packets = pool.map((_, i) => packChecks(checks.slice(i * share, (i + 1) * share)));
      const verdicts = await Promise.all(pool.map((thread, i) => thread.run(packets[i])));
      return verdicts.flatMap((part) => Array.from(part, (verdict) => verdict === 1));
    } finally {
      pending -= checks.length;
    }
  };

  return {
    verify: verifyOne,
    verifyAll,
    close: async () => {
      closed = true;
      await Promise.all(pool.map((thread) => thread.end()));
    },
  };
}

/** Checks on the spot, in order. */
export function createInlineVerifier(): Verifier {
  return { verify: verifyOne, verifyAll: (checks) => Promise.resolve(checks.map(verifyOne)) };
}

interface Thread {
  /** Nothing to check is answered at once. */
  run(packet: ArrayBuffer | undefined): Promise<Uint8Array>;
  end(): Promise<void>;
}

interface Job {
  resolve(verdicts: Uint8Array): void;
  reject(reason: CodedError): void;
}

/** Beside this file in both its forms: node strips the types of the source, and `dist` has none. */
const WORKER_URL = new URL(
  import.meta.url.endsWith('.ts') ? './verify-worker.ts' : './verify-worker.js',
  import.meta.url,
);

/** One worker at a time, started by the first job and replaced after a crash. */
function createThread(workerUrl: URL): Thread {
  const jobs = new Map<number, Job>();
  let worker: Worker | null = null;
  let lastId = 0;

  const start = (): Worker => {
    const started = new Worker(workerUrl);
    const fail = (reason: CodedError): void => {
      if (worker !== started) return;
      worker = null;
      for (const job of jobs.values()) job.reject(reason);
      jobs.clear();
    };
    started.on('message', ({ id, verdicts }: VerifyAnswer) => {
      jobs.get(id)?.resolve(verdicts);
      jobs.delete(id);
      if (jobs.size === 0) started.unref();
    });
    started.on('error', (cause) => fail(failedError(cause)));
    started.on('exit', () => fail(failedError()));
    return started;
  };

  return {
    run: (packet) => {
      if (packet === undefined || packet.byteLength === 0) return Promise.resolve(new Uint8Array());
      worker ??= start();
      const request: VerifyRequest = { id: ++lastId, packet };
      // While it has a job the process must not end for want of anything else to do.
      worker.ref();
      worker.postMessage(request, [packet]);
      return new Promise((resolve, reject) => jobs.set(request.id, { resolve, reject }));
    },
    end: async () => {
      const ending = worker;
      worker = null;
      for (const job of jobs.values()) job.reject(closedError());
      jobs.clear();
      await ending?.terminate();
    },
  };
}

function verifyOne({ publicKey, message, signature }: SignatureCheck): boolean {
  return verifyEd25519(publicKey, message, signature);
}

function failedError(cause?: unknown): CodedError {
  return new CodedError('VERIFIER_FAILED', 'A thread that checks signatures ended unexpectedly.', { cause });
}

function closedError(): CodedError {
  return new CodedError('VERIFIER_CLOSED', 'Signatures are no longer checked: the verifier was closed.');
}

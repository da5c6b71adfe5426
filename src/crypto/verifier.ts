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
import { createVerifyQueue, type Packet } from './verify-queue.ts';
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

/**
 * What one turn of the event loop asks for is checked there up to here, in 0.8 ms: to ask a thread takes an eighth of that, and where
 * the cores are busy the thread, and then this one, wait some milliseconds for their turn.
 */
const MAX_INLINE = 12;
/** Checks a packet: 20 ms of a thread, which whoever comes next may have to wait for, twice. */
const MAX_PACKET = 256;
/** A thread has the next packet already when it is done with one. */
const PACKETS_AHEAD = 2;
/** Checks asked and not yet answered: about 3 s of one core and 20 MB of packets. Nobody gains from waiting longer. */
const MAX_PENDING = 32_768;

/**
 * Checks in worker threads, which end with the process and do not keep it alive while they have nothing to do. What is asked
 * while they are at work, or in the same turn of the event loop, travels together: a message takes the loop as long as a check.
 *
 * @returns `verifyAll` rejects with CodedError VERIFIER_BUSY (too much is pending; ask again later), VERIFIER_FAILED (a
 *   thread died; the next call starts another) or VERIFIER_CLOSED.
 */
export function createVerifier(options: VerifierOptions = {}): ThreadedVerifier {
  const { threads = Math.max(1, availableParallelism() - 1), workerUrl = WORKER_URL } = options;
  const queue = createVerifyQueue();
  let closed = false;
  let turnEnds = false;

  /** Gives every thread its even part of what waits, the idle ones first. */
  const dispatch = (): void => {
    if (closed) return;
    const share = Math.min(MAX_PACKET, Math.ceil(queue.waiting / pool.length));
    for (let ahead = 0; ahead < PACKETS_AHEAD; ahead++) {
      for (const thread of pool.filter(({ size }) => size === ahead)) {
        const packet = queue.take(share);
        if (packet === null) return;
        thread.run(packet);
      }
    }
  };
  const pool = Array.from({ length: threads }, () => createThread(workerUrl, dispatch));

  const endTurn = (): void => {
    turnEnds = false;
    const few = queue.waiting <= MAX_INLINE && pool.every(({ size }) => size === 0);
    const packet = few ? queue.take(MAX_INLINE) : null;
    packet?.answer(packet.checks.map(verifyOne));
    dispatch();
  };

  const verifyAll = (checks: readonly SignatureCheck[]): Promise<readonly boolean[]> => {
    if (closed) return Promise.reject(closedError());
    if (checks.length === 0) return Promise.resolve([]);
    if (queue.pending + checks.length > MAX_PENDING) return Promise.reject(busyError(queue.pending));
    const verdicts = queue.add(checks);
    if (checks.length > MAX_INLINE) dispatch();
    else if (!turnEnds) {
      turnEnds = true;
      setImmediate(endTurn);
    }
    return verdicts;
  };

  return {
    verify: verifyOne,
    verifyAll,
    close: async () => {
      closed = true;
      queue.failAll(closedError());
      await Promise.all(pool.map((thread) => thread.end()));
    },
  };
}

/** Checks on the spot, in order. */
export function createInlineVerifier(): Verifier {
  return { verify: verifyOne, verifyAll: (checks) => Promise.resolve(checks.map(verifyOne)) };
}

/** What it makes is forgotten with each packet; without a limit V8 takes up to 200 MB for that. */
const YOUNG_MB = 6;

interface Thread {
  /** Packets that it has not answered. */
  readonly size: number;
  run(packet: Packet): void;
  end(): Promise<void>;
}

/** Beside this file in both its forms: node strips the types of the source, and `dist` has none. */
const WORKER_URL = new URL(
  import.meta.url.endsWith('.ts') ? './verify-worker.ts' : './verify-worker.js',
  import.meta.url,
);

/** One worker at a time, started by the first packet and replaced after a crash. @param whenFree it has answered, or failed. */
function createThread(workerUrl: URL, whenFree: () => void): Thread {
  const packets = new Map<number, Packet>();
  let worker: Worker | null = null;
  let lastId = 0;

  const start = (): Worker => {
    const started = new Worker(workerUrl, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    const fail = (reason: CodedError): void => {
      if (worker !== started) return;
      worker = null;
      const failed = [...packets.values()];
      packets.clear();
      for (const packet of failed) packet.fail(reason);
      whenFree();
    };
    started.on('message', ({ id, verdicts }: VerifyAnswer) => {
      packets.get(id)?.answer(verdicts);
      packets.delete(id);
      whenFree();
      if (packets.size === 0) started.unref();
    });
    started.on('error', (cause) => fail(failedError(cause)));
    started.on('exit', () => fail(failedError()));
    return started;
  };

  return {
    get size() {
      return packets.size;
    },
    run: (packet) => {
      worker ??= start();
      const packed = packChecks(packet.checks);
      const request: VerifyRequest = { id: ++lastId, packet: packed };
      packets.set(request.id, packet);
      // While it has a packet the process must not end for want of anything else to do.
      worker.ref();
      worker.postMessage(request, [packed]);
    },
    end: async () => {
      const ending = worker;
      worker = null;
      packets.clear();
      await ending?.terminate();
    },
  };
}

function verifyOne({ publicKey, message, signature }: SignatureCheck): boolean {
  return verifyEd25519(publicKey, message, signature);
}

function busyError(pending: number): CodedError {
  return new CodedError('VERIFIER_BUSY', `${pending} signatures wait to be checked; try again later.`);
}

function failedError(cause?: unknown): CodedError {
  return new CodedError('VERIFIER_FAILED', 'A thread that checks signatures ended unexpectedly.', { cause });
}

function closedError(): CodedError {
  return new CodedError('VERIFIER_CLOSED', 'Signatures are no longer checked: the verifier was closed.');
}

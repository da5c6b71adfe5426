/** Signature checks a second by a library, with one thread a core and all of them at work at the same time. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SignatureLibrary } from '../../src/crypto/signature-library.ts';
import { assert } from '../../src/errors.ts';
import type { Verified, VerifyFor, VerifyTask } from './verify-limit-worker.ts';

/** @throws AssertionError where a thread finds a good signature bad. */
export async function measureVerifications(
  threads: number,
  seconds: number,
  library: SignatureLibrary['name'],
): Promise<number> {
  const url = new URL('./verify-limit-worker.ts', import.meta.url);
  const workers = Array.from({ length: threads }, (_, thread) => {
    const workerData: VerifyTask = { thread, library };
    return new Worker(url, { workerData });
  });
  try {
    // Each has made its signatures and checked them once, and waits; `once` rejects with what ends a thread.
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const answers = workers.map((worker) => once(worker, 'message'));
    const order: VerifyFor = { milliseconds: seconds * 1_000 };
    for (const worker of workers) worker.postMessage(order);
    let perS = 0;
    for (const [answer] of await Promise.all(answers)) {
      const { checked, wrong, milliseconds }: Verified = answer;
      assert(wrong === 0, 'a signature that was just made is good');
      perS += (checked / milliseconds) * 1_000;
    }
    return perS;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

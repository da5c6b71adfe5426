/** A thread of `createVerifier`: answers each request with its verdicts. An exception ends it, which its owner sees. */
import { parentPort } from 'node:worker_threads';
import { verifyPacked } from './verify-packet.ts';

export interface VerifyRequest {
  readonly id: number;
  readonly packet: ArrayBuffer;
}

export interface VerifyAnswer {
  readonly id: number;
  readonly verdicts: Uint8Array;
}

parentPort?.on('message', ({ id, packet }: VerifyRequest) => {
  const verdicts = verifyPacked(packet);
  const answer: VerifyAnswer = { id, verdicts };
  parentPort?.postMessage(answer, [verdicts.buffer]);
});

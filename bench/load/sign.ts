/**
 * The payments of a plan as signed bytes, made by worker threads before the clock starts: a generator that signs while it
 * sends would measure its own signatures.
 */
import { Worker } from 'node:worker_threads';
import { type LoadPlan, PIECE } from './plan.ts';

/** All payments of a load, in the order they are due. */
export class SignedPayments {
  readonly count: number;
  readonly #pieces: readonly SignedPiece[];

  constructor(count: number, pieces: readonly SignedPiece[]) {
    this.count = count;
    this.#pieces = pieces;
  }

  /** Length and canonical bytes of a payment, as a stream of submissions takes it. */
  frame(index: number): Uint8Array {
    const piece = this.#pieceOf(index);
    const at = index % PIECE;
    return piece.frames.subarray(piece.ends[at - 1] ?? 0, piece.ends[at]);
  }

  /** 32 bytes. */
  id(index: number): Uint8Array {
    const at = (index % PIECE) * 32;
    return this.#pieceOf(index).ids.subarray(at, at + 32);
  }

  /** Index of the bank that the payer has its account at. */
  bank(index: number): number {
    return this.#pieceOf(index).banks[index % PIECE] ?? 0;
  }

  #pieceOf(index: number): SignedPiece {
    const piece = this.#pieces[Math.floor(index / PIECE)];
    if (piece === undefined) throw new RangeError(`there is no payment ${index}`);
    return piece;
  }
}

/** One piece of the plan. */
export interface SignedPiece {
  readonly frames: Uint8Array;
  /** Where the frame of each payment ends. */
  readonly ends: Uint32Array;
  readonly ids: Uint8Array;
  readonly banks: Uint8Array;
}

export interface SignRequest {
  readonly plan: LoadPlan;
  readonly piece: number;
  /** Last block time at which the payments may take effect. */
  readonly validUntilMs: number;
}

export type SignAnswer = SignedPiece & { readonly piece: number };

/**
 * @param validUntilMs when the payment with this index may take effect last.
 * @param onProgress is told how many are signed.
 */
export async function signPayments(
  plan: LoadPlan,
  count: number,
  threads: number,
  validUntilMs: (index: number) => number,
  onProgress: (signed: number) => void,
): Promise<SignedPayments> {
  const pieces: SignedPiece[] = Array.from({ length: Math.ceil(count / PIECE) });
  let next = 0;
  let done = 0;
  await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = new Worker(new URL('./sign-worker.ts', import.meta.url));
      try {
        while (next < pieces.length) {
          const piece = next++;
          const last = Math.min(count, (piece + 1) * PIECE) - 1;
          const answer = await ask(worker, { plan, piece, validUntilMs: validUntilMs(last) });
          pieces[piece] = answer;
          onProgress(Math.min(count, ++done * PIECE));
        }
      } finally {
        await worker.terminate();
      }
    }),
  );
  return new SignedPayments(count, pieces);
}

function ask(worker: Worker, request: SignRequest): Promise<SignAnswer> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(error);
    worker.once('error', onError);
    worker.once('message', (answer: SignAnswer) => {
      worker.off('error', onError);
      resolve(answer);
    });
    worker.postMessage(request);
  });
}

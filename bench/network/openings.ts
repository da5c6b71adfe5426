/**
 * What banks sign to open the accounts of a benchmark and give them money, as the bytes of one batch after the other. A thread
 * makes them, beside the chain that takes them in and is slower.
 */
import { Worker } from 'node:worker_threads';
import type { Amount, ChainId, CurrencyCode, ParticipantId } from '../../src/types/index.ts';
import { bankOf, type People } from './people.ts';

/** What each account begins with: enough for ten thousand payments of a hundred riel. */
export const FUNDS: Amount = { currency: 'KHR' as CurrencyCode, minor: 1_000_000n };

export interface OpeningRequest {
  readonly people: People;
  readonly chainId: ChainId;
  readonly author: ParticipantId;
  /** Indexes of accounts of this bank. */
  readonly accounts: readonly number[];
  readonly validUntilMs: number;
}

export interface Opening {
  /** Canonical bytes of a batch. */
  readonly bytes: Uint8Array;
  /** How many it opens. */
  readonly accounts: number;
}

/** Two commands each: with them a block is as full as a node makes its own. */
const ACCOUNTS_A_BATCH = 512;
/** Batches that wait for the chain, of some 90 KB. */
const AHEAD = 4;

/** @param validUntilMs is asked when a batch is made. @returns batches, the banks in turn. */
export async function* openings(people: People, chainId: ChainId, validUntilMs: () => number): AsyncGenerator<Opening> {
  const worker = new Worker(new URL('./openings-worker.ts', import.meta.url));
  const answers = answersOf(worker);
  try {
    let asked = 0;
    for (const { author, accounts } of piecesOf(people)) {
      const request: OpeningRequest = { people, chainId, author, accounts, validUntilMs: validUntilMs() };
      worker.postMessage(request);
      asked += 1;
      if (asked > AHEAD) yield await answers();
      if (asked > AHEAD) asked -= 1;
    }
    for (; asked > 0; asked--) yield await answers();
  } finally {
    await worker.terminate();
  }
}

function* piecesOf(people: People): Generator<Pick<OpeningRequest, 'author' | 'accounts'>> {
  const { banks } = people;
  const waiting = new Map<ParticipantId, number[]>(banks.map((bank) => [bank, []]));
  for (let index = 0; index < people.accounts; index++) {
    const author = banks[bankOf(banks.length, index)];
    const accounts = author === undefined ? undefined : waiting.get(author);
    if (author === undefined || accounts === undefined) throw new RangeError(`account ${index} is at no bank`);
    if (accounts.push(index) < ACCOUNTS_A_BATCH) continue;
    waiting.set(author, []);
    yield { author, accounts };
  }
  for (const [author, accounts] of waiting) if (accounts.length > 0) yield { author, accounts };
}

/** @returns what resolves with the next answer of a thread, in order, or rejects where the thread has failed. */
function answersOf(worker: Worker): () => Promise<Opening> {
  const answers: Opening[] = [];
  let failure: Error | null = null;
  let wake = (): void => undefined;
  worker.on('message', (opening: Opening) => {
    answers.push(opening);
    wake();
  });
  worker.on('error', (error: Error) => {
    failure = error;
    wake();
  });
  return async () => {
    for (;;) {
      const answer = answers.shift();
      if (answer !== undefined) return answer;
      if (failure !== null) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}

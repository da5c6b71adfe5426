/**
 * How a transaction goes from a request to its answer: submitted to the node and, where asked, waited for. A wait that
 * ends without an answer says `pending`: nothing about how the transaction ends.
 */
import type { TransactionStanding } from '../node/events.ts';
import type { Clock } from '../ports.ts';
import type { Transaction, TransactionId } from '../types/index.ts';
import { ApiFault, type ErrorCode, isErrorCode, ledgerFault } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { NodeFace } from './node-face.ts';
import { receiptJson, stateJson, statusCodeJson } from './present.ts';
import type { TransactionStateJson } from './types.ts';

export interface SubmissionParts {
  readonly node: NodeFace;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export class Submissions {
  readonly #parts: SubmissionParts;

  constructor(parts: SubmissionParts) {
    this.#parts = parts;
  }

  /**
   * @param waitMs how long to wait for the end; 0 does not.
   * @param gone aborted when nobody listens to the answer any more.
   * @returns `final` with a receipt of success, or `pending`.
   * @throws ApiFault where the transaction is on the chain and was refused there (409), or has expired; Refusal of the node.
   */
  async submit(transaction: Transaction, waitMs: number, gone: AbortSignal): Promise<TransactionStateJson> {
    const { node, clock, metrics } = this.#parts;
    const startMs = clock.now();
    const { id, standing } = await node.submit(transaction);
    if (standing.state === 'pending') metrics.submitted(id, startMs);
    const end = standing.state === 'pending' && waitMs > 0 ? await this.#settled(id, waitMs, gone) : standing;
    return succeeded(id, end);
  }

  async #settled(id: TransactionId, waitMs: number, gone: AbortSignal): Promise<TransactionStanding> {
    const { node, clock } = this.#parts;
    const wait = new AbortController();
    const stop = () => wait.abort();
    const cancel = clock.schedule(waitMs, stop);
    if (gone.aborted) stop();
    gone.addEventListener('abort', stop);
    try {
      return await node.settled(id, wait.signal);
    } finally {
      cancel();
      gone.removeEventListener('abort', stop);
    }
  }
}

/** @throws ApiFault for every end but success. */
function succeeded(id: TransactionId, standing: TransactionStanding): TransactionStateJson {
  if (standing.state === 'expired') throw ledgerFault('EXPIRED', { details: { id } });
  if (standing.state !== 'final' || standing.receipt.status === 0) return stateJson(id, standing);
  const receipt = receiptJson(standing.receipt);
  const { name } = statusCodeJson(standing.receipt.status);
  const code: ErrorCode = isErrorCode(name) ? name : 'INTERNAL';
  throw new ApiFault(code, receipt.message, { httpStatus: 409, details: { id, receipt } });
}

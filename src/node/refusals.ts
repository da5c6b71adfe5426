/** How a node says no to a transaction that is handed to it: by a status of the ledger, or for reasons of its own. */
import { CodedError } from '../errors.ts';
import { type StatusName, statusNamed } from '../ledger/status.ts';

/** A transaction that was not taken: by a status of the ledger, or because of this node's pool. */
export class Refusal extends CodedError {
  override readonly name = 'Refusal';
  readonly failedCommand: number | null;

  constructor(code: StatusName | PoolRefusal, failedCommand: number | null = null) {
    super(code, code in POOL_REFUSALS ? POOL_REFUSALS[code as PoolRefusal] : statusNamed(code as StatusName).sentence);
    this.failedCommand = failedCommand;
  }
}

/** Refusals that are of this node, not of the ledger: another one may know more, or take it, now or later. */
export const POOL_REFUSALS = {
  POOL_FULL: 'This node has more transactions waiting than it holds; try again in a second, or through another bank.',
  CATCHING_UP: 'This node is behind the others and cannot tell yet; try again in a moment, or through another bank.',
  HISTORY_ELSEWHERE:
    "This transaction took part in a block before this node's record begins; another node has its receipt.",
  REFERENCE_REUSED: 'This key used the same nonce for another transaction; a new payment needs a new nonce.',
} as const;

export type PoolRefusal = keyof typeof POOL_REFUSALS;

/** What the parts of a node share. */

import type { Timeouts } from '../consensus/index.ts';
import type { BatchPool } from '../mempool/batch-pool.ts';
import type { TransactionPool } from '../mempool/transaction-pool.ts';
import type { Clock, Network, Verifier } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import type { Chain } from './chain.ts';
import type { NodeEvent } from './events.ts';
import type { Inbox } from './inbox.ts';

/** How long a node waits for what. Safety depends on none of it. */
export interface Timings {
  readonly timeouts: Timeouts;
  /** How long at least a transaction waits for company while an earlier batch of this node is under way; longer where blocks do. */
  readonly batchDelayMs: number;
  /** How long at most it waits while as many of this node's batches are under way as may be. */
  readonly batchHoldMs: number;
  /** No progress for this long in a height that has begun: exchange messages with the peers. */
  readonly stallMs: number;
  /** How long a peer's newer block is waited for before asking for it. */
  readonly syncGraceMs: number;
  /** Between two announcements of where this node is. */
  readonly announceMs: number;
  /** Longest time without a block; then an empty one is made. */
  readonly heartbeatMs: number;
  /** Shortest time between a block and the beginning of the next; 0 begins it whenever there is something to put in it. */
  readonly blockIntervalMs: number;
}

/** For a LAN or one machine: a proposal there takes some milliseconds, so a second without one is a failure. */
export const DEFAULT_TIMINGS: Timings = {
  timeouts: { proposeMs: 1_000, prevoteMs: 500, precommitMs: 500, stepMs: 500 },
  batchDelayMs: 10,
  batchHoldMs: 250,
  stallMs: 400,
  syncGraceMs: 100,
  announceMs: 1_000,
  heartbeatMs: 60_000,
  blockIntervalMs: 0,
};

export interface Context {
  readonly self: ParticipantId;
  readonly chain: Chain;
  readonly batches: BatchPool;
  readonly transactions: TransactionPool;
  readonly network: Network;
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly timings: Timings;
  readonly inbox: Inbox;
  readonly emit: (event: NodeEvent) => void;
}

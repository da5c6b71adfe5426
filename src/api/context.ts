/** What the routes share: the node they speak for, its genesis, and what they need of the world. */
import type { Logger } from 'pino';
import type { Clock, CustomerStore, Random, Signer } from '../ports.ts';
import type { Genesis } from '../types/index.ts';
import type { Metrics } from './metrics.ts';
import type { NodeFace } from './node-face.ts';
import type { Submissions } from './submissions.ts';

/** What makes a node also its bank's back office. */
export interface OperatorOptions {
  /** The bank's operator key. */
  readonly signer: Signer;
  /** Whoever shows it may act for the bank. */
  readonly token: string;
  /** Names and numbers: the bank's own store. */
  readonly customers: CustomerStore;
}

export interface ApiLimits {
  /** Phone numbers that one client may look up a minute: far more than a shop does, far fewer than enumeration takes. */
  readonly aliasLookupsPerMinute: number;
  /** How long `wait=final` waits unless told otherwise, and at most. */
  readonly defaultWaitMs: number;
  readonly maxWaitMs: number;
  /** Event streams open at once. */
  readonly eventStreams: number;
  /** Submission streams open at once: a bank needs one, or a few. */
  readonly submissionStreams: number;
  /** Transactions of one submission stream without an answer: a few seconds of the fastest bank. The rest waits in its socket. */
  readonly submissionsInFlight: number;
  /** A submission stream on which nothing comes for this long while nothing is under way is ended. */
  readonly submissionIdleMs: number;
  /** Between two signs of life on a silent stream: below the idle timeouts of common proxies. */
  readonly heartbeatMs: number;
  /** A stream whose reader takes nothing for this long is cut off. */
  readonly stallMs: number;
  /** Heights behind the highest known one at which `/healthz` still says yes: a block or two are always under way. */
  readonly healthyLag: number;
  /** Open connections; more are refused by the system. */
  readonly connections: number;
}

export const DEFAULT_LIMITS: ApiLimits = {
  aliasLookupsPerMinute: 300,
  defaultWaitMs: 10_000,
  maxWaitMs: 60_000,
  eventStreams: 256,
  submissionStreams: 32,
  submissionsInFlight: 8_192,
  submissionIdleMs: 60_000,
  heartbeatMs: 15_000,
  stallMs: 30_000,
  healthyLag: 3,
  connections: 4_096,
};

export interface ApiOptions {
  readonly node: NodeFace;
  readonly genesis: Genesis;
  /** Shared by the members, see `crypto/alias.ts`. */
  readonly aliasSecret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger | false;
  /** Of the program. */
  readonly version: string;
  /** Null on a node that is no bank's back office: the operator API is then absent. */
  readonly operator: OperatorOptions | null;
  readonly limits?: Partial<ApiLimits>;
}

/** What each route is given. */
export interface Api extends ApiOptions {
  readonly limits: ApiLimits;
  readonly metrics: Metrics;
  readonly submissions: Submissions;
  /** Aborted when the server closes: whoever waits or streams ends then. */
  readonly closing: AbortSignal;
  /** This API as an OpenAPI document. */
  readonly describe: () => Promise<object>;
}

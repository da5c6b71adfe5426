/**
 * What a peer may cost this node before its protocols are looked at: connections, handshakes, streams, time. Each protocol
 * has its own `constants.ts` beside it for what flows through it.
 */

/** Long enough for a laptop that starts thirty hosts at once, short enough that a stranger holds a place for seconds only. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;
/** Thirty peers that restart at once dial one node at once. */
export const MAX_PENDING_INBOUND = 64;
/** A connection and the one that replaces it. */
export const MAX_CONNECTIONS_PER_MEMBER = 2;
/** Per address and second; members of a local network share 127.0.0.1, so it is far above what one node needs. */
export const MAX_INBOUND_PER_SECOND = 256;

/** Gossip, batches, identify, pings and questions of one peer together stay below 32. */
export const MAX_STREAMS_PER_CONNECTION = 64;
/** Opening a stream is one round trip. */
export const STREAM_TIMEOUT_MS = 5_000;
/** Credit for bytes in flight on one stream; 1 MiB fills 10 ms of a gigabit link and bounds what a paused reader holds. */
export const MAX_STREAM_WINDOW_BYTES = 1024 * 1024;

/** Identify, gossip streams and subscriptions take a few round trips; whoever needs longer is redialled. */
export const USABLE_TIMEOUT_MS = 10_000;
/** How often connections are looked at for the above. */
export const SUPERVISE_INTERVAL_MS = 500;

/**
 * How often each connection is pinged. A killed process closes its sockets; this finds the frozen and the cut off, within
 * 5 s. The answer may take longer than an event loop is ever blocked in health (2 s), so that the busy stay.
 */
export const KEEP_ALIVE_MS = 2_000;
export const KEEP_ALIVE_ANSWER_INTERVALS = 1.5;

/** At once. More handshakes than the machine can do in time would all time out, and be begun again. */
export const MAX_DIALS = 4;
/** First wait after a lost connection; doubles up to `retryMaxMs`. */
export const RETRY_MIN_MS = 100;
export const RETRY_MAX_MS = 2_000;
/**
 * Head start of the end that normally dials, for each member: two ends that dial each other spend a handshake in vain, some
 * 20 ms on each side, and a network that starts all at once has as many pairs as its members squared.
 */
export const HEAD_START_PER_MEMBER_MS = 50;

/** Long enough that nonsense costs its sender more than us, short enough that a repaired peer is back in a minute. */
export const BAN_MS = 60_000;

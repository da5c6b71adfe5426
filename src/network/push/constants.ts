/** Kept streams on which frames are pushed: one from each host to each peer and protocol, nothing comes back. */

/** How long one frame may take from its first byte to its last. */
export const FRAME_TIMEOUT_MS = 10_000;
/** Wait before a stream that failed is opened again. */
export const REOPEN_MS = 1_000;
/** Frames that are pushed in one turn leave as one message of the stream, up to this size. */
export const JOINED_BYTES = 4 * 1024;

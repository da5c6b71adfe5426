/**
 * Where a node keeps what must outlive it: the block log, the sign state and the state database, over a `Disk`.
 *
 * The write-ahead contract, in words:
 *
 * 1. A statement is recorded in the sign state, and synced, before its signature leaves the node.
 * 2. A block is appended to the block log, and synced, before anyone is told «final» and before the state moves to it.
 * 3. A block is applied to the state when every reader sees it. It is written behind, with those that came meanwhile, in
 *    one atomic batch with their height, and at most 256 blocks or 32 MiB wait for that. The batch is not synced: after a crash the
 *    state stands at some height no higher than the log's, and the blocks above it are applied again from the log. Whoever
 *    walks through the state (a checkpoint, an audit) waits until all of it is written, as closing does. A merged run of the index
 *    of places is a file beside the database, which is synced before the database names it, and read whole when it is opened.
 * 4. A file is made under another name, synced, given its name, and the folder synced, before anything is appended to it;
 *    so a name never leads to half a file.
 * 5. A write or sync that fails is the last: the file refuses all that follows, and the node ends with the error's code, also
 *    where nobody waited for the write (`onFailure` of the state store).
 * 6. Damage is never repaired by guessing. What a crash can have left (a last record without its end) is set aside and
 *    cut off. Of other damage nothing is used: a damaged state, snapshot or end of the record is kept aside for whoever
 *    investigates, and comes back from the record or from the peers. What nobody else has is an error, and the files stay as
 *    they were found: the sign state always, the record where the network has one participant only.
 *
 * So a state higher than its log cannot come from a crash: the log was damaged and cut down, or replaced by an older one. The
 * state is then of no use and is set aside; blocks come from the log and the peers.
 *
 * Opening order and repairs are those of `open-data.ts`. Closing goes the other way.
 */
export { BLOCK_LOG_FILE, openBlockLog } from './block-log.ts';
export { STORAGE_ERRORS } from './errors.ts';
export { openFileDisk } from './file-disk.ts';
export { STORAGE_FILES, STORAGE_KEYS } from './keys.ts';
export { setAsideStateStore } from './leveldb.ts';
export { MemoryState, openMemoryStateStore } from './memory.ts';
export type { DiskOperation, Interceptor, Refusal, Survival, UnsyncedFile } from './memory-disk.ts';
export { diskError, KEEP_UNSYNCED, LOSE_UNSYNCED, MemoryDisk } from './memory-disk.ts';
export type { Data, Repair } from './open-data.ts';
export { closeData, openData } from './open-data.ts';
export { openSignState, SIGN_STATE_FILE } from './sign-state.ts';
export { openSnapshots } from './snapshots.ts';
export type { StateDatabase } from './state-database.ts';
export { openStateStore, stateStoreOver } from './state-store.ts';

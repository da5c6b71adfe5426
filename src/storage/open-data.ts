/**
 * Opens all that a node keeps of the chain, in the one order that is safe, and repairs what may be repaired. Production and
 * the simulator both go through here. Whether the blocks and the state are true is not asked here: see `node/boot.ts`.
 *
 * 1. The heads of the logs: a folder of another network is left as it is.
 * 2. The state database, whose lock keeps a second process out.
 * 3. The block log. One that is damaged before its end is kept as `blocks.log.damaged-<n>` and cut down to the blocks before
 *    the damage; the rest comes from the peers.
 * 4. A state that has blocks which the log lacks is set aside: the log makes it anew.
 * 5. The snapshots.
 * 6. The sign state, last, because opening it writes to it. It is never repaired, and where anything else shows that this
 *    node has a past, it must be there.
 *
 * Why a node may sign on although its log lost its end: what it must never do is sign a second value for a place where it
 * signed one, or vote against its lock. What it signed last stands in the sign state, which is intact or refused, and the
 * guard (`node/sign-guard.ts`) signs nothing new up to and including that height where the log ends more than a block before
 * it: this key abstains until the blocks have come from the others. If more than a third of all keys lost blocks at once that
 * nobody else has, nobody can vote for those heights again, and the network stands still rather than forks; the damaged files
 * hold the certified blocks that it lacks.
 */
import { CodedError } from '../errors.ts';
import type { BlockLog, Disk, SignState, Snapshots, StateStore } from '../ports.ts';
import type { ChainId } from '../types/index.ts';
import { BLOCK_LOG_FILE, openBlockLog, salvageBlockLog } from './block-log.ts';
import { decodeFileHead, MAX_FILE_HEAD_BYTES, RECORD_KINDS } from './record-format.ts';
import { openSignState, SIGN_STATE_FILE } from './sign-state.ts';
import { openSnapshots } from './snapshots.ts';

export interface DataOptions {
  readonly disk: Disk;
  readonly chainId: ChainId;
  readonly openState: () => Promise<StateStore>;
  /** Moves a closed state out of the way, so that the next opening finds none. @returns where it is now. */
  readonly setAsideState: () => Promise<string>;
  /** Whether others have the record too: only then may a log lose blocks, for they come back. */
  readonly hasPeers: boolean;
}

/** Something that was damaged, and is out of the way now. */
export interface Repair {
  readonly part: 'log' | 'state';
  readonly reason: string;
  /** Where it is kept. */
  readonly setAside: string;
}

export interface Data {
  readonly log: BlockLog;
  readonly snapshots: Snapshots;
  readonly store: StateStore;
  readonly signState: SignState;
  readonly repairs: readonly Repair[];
}

/** What has been opened so far, to be closed where the rest cannot be. */
type Opened = { close(): Promise<void> }[];

/**
 * @throws CodedError `FOLDER_FOREIGN`, `FOLDER_IN_USE`, `LOG_FORMAT`, `SIGN_STATE_CORRUPT`, `SIGN_STATE_LOST`; where there are
 *   no peers also `LOG_CORRUPT` and `STATE_AHEAD`; `LOG_FAILED` and `STATE_FAILED` where the disk refuses. What was opened is
 *   closed again, and nothing is changed before the folder is known to be this node's.
 */
export async function openData(options: DataOptions): Promise<Data> {
  const opened: Opened = [];
  try {
    return await open(options, opened);
  } catch (error) {
    for (const part of opened.reverse()) await part.close();
    throw error;
  }
}

/** In the opposite order of opening. */
export async function closeData({ signState, snapshots, log, store }: Data): Promise<void> {
  for (const part of [signState, snapshots, log, store]) await part.close();
}

async function open(options: DataOptions, opened: Opened): Promise<Data> {
  const { disk, chainId } = options;
  await assertOfChain(disk, chainId);
  const hasSigned = await exists(disk, SIGN_STATE_FILE);
  const repairs: Repair[] = [];
  let store = await openState(options, repairs);
  opened.push({ close: () => store.close() });
  const { log, repair } = await openLog(options, hasSigned);
  opened.push(log);
  if (repair !== null) repairs.push(repair);
  const height = store.height() ?? 0;
  if (!hasSigned && (log.length() > 0 || height > 0)) throw signStateLost(Math.max(log.length(), height));
  // The state of another network is refused where it is judged, and not touched.
  if (height > log.length() && store.chain() === chainId) {
    const reason = `the state has ${height} blocks, the block log only ${log.length()}: blocks are missing from the log`;
    if (!options.hasPeers) throw new CodedError('STATE_AHEAD', `${reason}; restore blocks.log from a copy`);
    await store.close();
    repairs.push({ part: 'state', reason, setAside: await options.setAsideState() });
    store = await options.openState();
  }
  const snapshots = await openSnapshots(disk, chainId);
  opened.push(snapshots);
  const signState = await openSignState(disk, chainId);
  return { log, snapshots, store, signState, repairs };
}

/** The state is made of the log, so a damaged one is moved out of the way, and the log makes it anew. */
async function openState(options: DataOptions, repairs: Repair[]): Promise<StateStore> {
  try {
    return await options.openState();
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'STATE_CORRUPT') throw error;
    repairs.push({ part: 'state', reason: whatIsWrong(error), setAside: await options.setAsideState() });
    return await options.openState();
  }
}

async function openLog(
  { disk, chainId, hasPeers }: DataOptions,
  hasSigned: boolean,
): Promise<{ readonly log: BlockLog; readonly repair: Repair | null }> {
  try {
    return { log: await openBlockLog(disk, chainId), repair: null };
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'LOG_CORRUPT' || !hasPeers) throw error;
    if (!hasSigned) throw signStateLost(null);
    const setAside = await salvageBlockLog(disk, chainId);
    const log = await openBlockLog(disk, chainId);
    return { log, repair: { part: 'log', reason: whatIsWrong(error), setAside } };
  }
}

/**
 * Reads the first bytes of the logs, before anything is locked or opened for writing.
 *
 * @throws CodedError `FOLDER_FOREIGN` where they are of another chain, `LOG_FORMAT` where they are no logs of ours.
 */
async function assertOfChain(disk: Disk, chainId: ChainId): Promise<void> {
  for (const [name, kind] of [
    [BLOCK_LOG_FILE, RECORD_KINDS.blocks],
    [SIGN_STATE_FILE, RECORD_KINDS.signState],
  ] as const) {
    const file = await disk.open(name, false);
    if (file === null) continue;
    try {
      decodeFileHead(await file.read(0, MAX_FILE_HEAD_BYTES), kind, chainId, name);
    } catch (error) {
      // A damaged head of the block log is damage like any other.
      if (!(error instanceof CodedError) || error.code !== 'LOG_CORRUPT') throw error;
    } finally {
      await file.close();
    }
  }
}

/** Without the advice: it is of no use where the damage is made good. */
function whatIsWrong({ message }: CodedError): string {
  return message.split('. ', 1)[0] ?? message;
}

async function exists(disk: Disk, name: string): Promise<boolean> {
  const file = await disk.open(name, false);
  await file?.close();
  return file !== null;
}

/** @param blocks null where the log is damaged. */
function signStateLost(blocks: number | null): CodedError {
  const past = blocks === null ? `${BLOCK_LOG_FILE} is damaged, and there is` : `this node has ${blocks} blocks but`;
  return new CodedError(
    'SIGN_STATE_LOST',
    `${past} no ${SIGN_STATE_FILE}: nobody knows what the validator key has signed, and it could sign twice; put the file ` +
      'back as it was when the node stopped, or give this participant a new validator key',
  );
}

/** Opens LevelDB, by one process at a time and only where its tables are whole. */
import { mkdir, readdir, realpath, rename } from 'node:fs/promises';
import path from 'node:path';
import { Level } from 'level';
import { reasonOf, storageError } from './errors.ts';
import { checkTables } from './leveldb-tables.ts';
import { rootCode, stateError } from './state-errors.ts';

type LevelDatabase = Level<string, Uint8Array>;

/**
 * LevelDB's log is cut anew, and what it has in memory becomes a table, each time that has grown to this: half of what is in its
 * tables, between these two. With a fourth of the most, the entries of a million accounts, a few of them in each table, are merged with
 * so many others that three times as many bytes are written. The least is for small states, of which four tables that wait to be merged
 * would otherwise take more memory than all that is alive. Up to two logs are read again on opening: half a second of work at most.
 */
const LEAST_LOG_BYTES = 4 * 1024 * 1024;
export const MOST_LOG_BYTES = 16 * 1024 * 1024;
const TABLE_BYTES_TO_LOG = 2;
/**
 * Less it may be by this, as chance has it: nodes that share a machine write the same, and would all merge at the same time, which of
 * a million accounts takes a second.
 */
const LESS_BY_CHANCE = 0.3;

/**
 * Folders whose database this process has open. LevelDB locks its `LOCK` file by fcntl, and such a lock ends when the
 * process closes any descriptor of that file, as LevelDB does itself where it refuses a second opening by the same
 * process (so did RocksDB, issue 1780). A second opening must thus be refused before LevelDB hears of it, and nothing in
 * this process may read that file.
 */
const openHere = new Set<string>();

/**
 * Text keys, binary values. Not compressed, so that `checkTables` can read the tables' indexes; 100,000 balances then take
 * 3.7 MB instead of 2.1, and writing and reading them the same time.
 * @throws CodedError `FOLDER_IN_USE`, `FOLDER_UNUSABLE`, `STATE_CORRUPT`, `STATE_FAILED`.
 */
export async function openLevelDatabase(location: string): Promise<LevelDatabase> {
  const folder = await readyFolder(location);
  reserve(folder);
  try {
    await refuseIfLocked(folder);
    const database = levelAt(folder, { writeBufferSize: logBytes(await checkTables(folder), Math.random()) });
    await database.open();
    database.once('closed', () => openHere.delete(folder));
    return database;
  } catch (error) {
    openHere.delete(folder);
    throw stateError(error);
  }
}

/**
 * Moves a database that nobody has open out of the way, so that the next opening finds none and the block log rebuilds it.
 * @returns its new folder, `<location>.damaged-<n>`. @throws CodedError `FOLDER_IN_USE`, `STATE_FAILED`.
 */
export async function setAsideStateStore(location: string): Promise<string> {
  try {
    const folder = await realpath(location);
    reserve(folder);
    try {
      await refuseIfLocked(folder);
      const aside = await freeName(`${folder}.damaged-`);
      await rename(folder, aside);
      return aside;
    } finally {
      openHere.delete(folder);
    }
  } catch (error) {
    throw stateError(error);
  }
}

/** What LevelDB gathers before it writes a table. @param chance from 0 to 1. */
export function logBytes(tableBytes: number, chance: number): number {
  const bytes = Math.min(MOST_LOG_BYTES, Math.max(LEAST_LOG_BYTES, tableBytes / TABLE_BYTES_TO_LOG));
  return Math.floor(bytes * (1 - LESS_BY_CHANCE * chance));
}

type LevelOptions = NonNullable<ConstructorParameters<typeof Level<string, Uint8Array>>[1]>;

function levelAt(folder: string, more: LevelOptions): LevelDatabase {
  return new Level(folder, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    compression: false,
    ...more,
  });
}

/** Makes the folder where it is absent. @returns its one true path, whatever links lead to it. */
async function readyFolder(location: string): Promise<string> {
  try {
    await mkdir(location, { recursive: true, mode: 0o700 });
    return await realpath(location);
  } catch (error) {
    throw storageError('FOLDER_UNUSABLE', `${path.resolve(location)} cannot be used (${reasonOf(error)})`, error);
  }
}

/** Marks the folder as open here, before anything else looks at it. */
function reserve(folder: string): void {
  if (openHere.has(folder)) throw storageError('FOLDER_IN_USE', `${folder} is open in this process already`);
  openHere.add(folder);
}

/** Asks LevelDB for its lock, together with an opening that it refuses as soon as it has it. */
async function refuseIfLocked(folder: string): Promise<void> {
  try {
    await levelAt(folder, { createIfMissing: false, errorIfExists: true }).open();
  } catch (error) {
    if (rootCode(error) === 'LEVEL_LOCKED') throw stateError(error);
  }
}

async function freeName(prefix: string): Promise<string> {
  const taken = new Set(await readdir(path.dirname(prefix)));
  let n = 1;
  while (taken.has(`${path.basename(prefix)}${n}`)) n += 1;
  return `${prefix}${n}`;
}

/** Every way in which storage fails, with what it means and what a person does next: a table for the manual. */
import { CodedError } from '../errors.ts';

interface StorageError {
  readonly code: string;
  readonly meaning: string;
  readonly remedy: string;
}

/** The codes of `storage/`, in the order in which opening a home folder meets them. */
export const STORAGE_ERRORS = [
  {
    code: 'FOLDER_UNUSABLE',
    meaning: 'The folder cannot be made or entered.',
    remedy: 'Check its path, owner and permissions.',
  },
  {
    code: 'FOLDER_IN_USE',
    meaning: 'Another process has the folder open.',
    remedy: 'Stop it, or give this node a folder of its own.',
  },
  {
    code: 'FOLDER_FOREIGN',
    meaning: 'The folder belongs to a network with another genesis.',
    remedy: 'Use the genesis that it was made with, or another folder.',
  },
  {
    code: 'LOG_FORMAT',
    meaning: 'The file is no record file, or one of another kind or version.',
    remedy: 'Put the right file back, or use the version of this program that wrote it.',
  },
  {
    code: 'LOG_CORRUPT',
    meaning: 'The block log is damaged before its end, and no other node has it.',
    remedy: 'Check the disk, then restore blocks.log from a copy.',
  },
  {
    code: 'SNAPSHOT_CORRUPT',
    meaning: 'A snapshot is damaged. It is set aside and never used.',
    remedy: 'Check the disk; the next checkpoint makes a new one.',
  },
  {
    code: 'SIGN_STATE_CORRUPT',
    meaning: 'The record of what this key has signed is damaged.',
    remedy: 'Do not delete the file and go on: the key could sign twice. Run without signing, or rotate the key.',
  },
  {
    code: 'STATE_CORRUPT',
    meaning: 'The state database has lost or altered something.',
    remedy: 'Check the disk, then start the node again: it makes the state anew from its block log.',
  },
  {
    code: 'LOG_FAILED',
    meaning: 'A record file could not be read, written or synced, so what is on the disk is unknown.',
    remedy: 'Check the disk and its free space, then start the node again.',
  },
  {
    code: 'STATE_FAILED',
    meaning: 'The state database could not be read or written.',
    remedy: 'Check the disk and its free space, then start the node again.',
  },
  {
    code: 'STORAGE_CLOSED',
    meaning: 'The file or database was used after it was closed.',
    remedy: 'The node is stopping; start it again.',
  },
] as const satisfies readonly StorageError[];

export type StorageErrorCode = (typeof STORAGE_ERRORS)[number]['code'];

/**
 * @param what what was found, and where, as a clause without a full stop: `blocks.log: record 7 at byte 900 is damaged`.
 * @returns an error whose sentence ends with what to do, from the table.
 */
export function storageError(code: StorageErrorCode, what: string, cause?: unknown): CodedError {
  const remedy = STORAGE_ERRORS.find((error) => error.code === code)?.remedy;
  return new CodedError(code, `${what}. ${remedy}`, cause === undefined ? {} : { cause });
}

/** The words of whatever was thrown: `ENOSPC: no space left on device, write`. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

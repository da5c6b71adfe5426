/** Failures of the state database, by our codes. */
import { AssertionError, CodedError } from '../errors.ts';
import { reasonOf, storageError } from './errors.ts';

/** Runs `work`; what the database throws becomes one of our errors. */
export async function orStateError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw stateError(error);
  }
}

/** What a database threw, as a coded error; what has one already, or is a mistake of ours, passes. */
export function stateError(error: unknown): Error {
  if (error instanceof CodedError || error instanceof AssertionError) return error;
  const code = rootCode(error);
  const reason = reasonOf(rootCause(error));
  if (code === 'LEVEL_LOCKED')
    return storageError('FOLDER_IN_USE', `another process has the state open (${reason})`, error);
  // LevelDB has no code of its own for a file of its that is gone.
  if (code === 'LEVEL_CORRUPTION' || /No such file|cannot find/.test(reason)) {
    return storageError('STATE_CORRUPT', `the state is damaged (${reason})`, error);
  }
  if (code.endsWith('_NOT_OPEN')) return storageError('STORAGE_CLOSED', 'the state is closed', error);
  return storageError('STATE_FAILED', `the state failed (${reason})`, error);
}

/** LevelDB wraps why an opening failed in an error that says that it did. */
function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
}

export function rootCode(error: unknown): string {
  const cause = rootCause(error);
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

/** What becomes of a state that is found not to be what it must be while the node runs. */
import { CodecError } from '../codec/schema.ts';
import { CodedError } from '../errors.ts';
import type { BlockLog, Snapshots, StateStore } from '../ports.ts';
import type { Genesis } from '../types/index.ts';
import { certifierOf } from './checkpoints.ts';

export interface GiveUpParts {
  readonly store: StateStore;
  readonly snapshots: Snapshots;
  readonly log: BlockLog;
  readonly genesis: Genesis;
}

/** A value of the state is not what was written: its checksum says so, or it does not decode. Blocks that do not are `CHAIN_CORRUPT`. */
export function isDamagedState(error: unknown): error is CodedError {
  return error instanceof CodecError || (error instanceof CodedError && error.code === 'STATE_CORRUPT');
}

/** The error of a state that is another one than the record says. @param reason how that shows. */
export function falseState(reason: string, cause?: unknown): CodedError {
  const advice = 'start the node again: it makes the state anew from its record';
  return new CodedError('STATE_CORRUPT', `the state is not what the record says (${reason}); ${advice}`, { cause });
}

/**
 * Marks the state as one that is not to be used, and sets aside what was taken of it. Should a power failure take the mark back, the
 * next proof finds the same.
 *
 * @returns why the node must end, with what to do then.
 */
export async function givenUp({ store, snapshots, log, genesis }: GiveUpParts, cause: CodedError): Promise<CodedError> {
  const { checkpointInterval } = genesis.rules;
  for (const at of snapshots.heights()) {
    if (certifierOf(at, checkpointInterval) > log.length()) await snapshots.setAside(at);
  }
  await store.giveUp();
  return cause.code === 'STATE_CORRUPT' ? cause : falseState(cause.message, cause);
}

/**
 * How far the state has come, and that nothing is missing before: LevelDB's recovery opens with the damaged part of its log left
 * out. So every applied block leaves a note in the batch that writes it, and the notes are counted on opening.
 */
import { assert } from '../errors.ts';
import { storageError } from './errors.ts';
import { appliedKey, appliedSection, TIP_KEY } from './keys.ts';
import { MOST_LOG_BYTES } from './leveldb.ts';
import { chunksOf, type StateBatch, type StateDatabase } from './state-database.ts';
import { decodeTip, encodeTip, openValue, type StateTip, sealValue } from './state-values.ts';

/** A block with nothing but the tip, a note and the end of an old note takes no less in LevelDB's log. */
const LEAST_BLOCK_BYTES = 112;
/** Blocks whose notes are kept: all that recovery could leave out, as it reads up to two logs. */
export const NOTED_BLOCKS = Math.floor((2 * MOST_LOG_BYTES) / LEAST_BLOCK_BYTES);

const NOTHING = new Uint8Array();

/** Puts the tip and its note into the batch, and takes the note out that is too old. */
export function noteTip(batch: StateBatch, tip: StateTip, notedBlocks: number): void {
  const { height } = tip;
  batch.put(TIP_KEY, sealValue(TIP_KEY, encodeTip(tip)));
  batch.put(appliedKey(height), sealValue(appliedKey(height), NOTHING));
  if (height >= notedBlocks) batch.del(appliedKey(height - notedBlocks));
}

/** The tip under a key; null where there is none. @throws CodedError `STATE_CORRUPT`. */
export async function tipAt(database: StateDatabase, key: string): Promise<StateTip | null> {
  const sealed = await database.get(key);
  return sealed === undefined ? null : decodeTip(openValue(key, sealed));
}

/** Where a note is missing, so are that block's writes. @throws CodedError `STATE_CORRUPT`. */
export async function checkNotes(database: StateDatabase, height: number, from: number): Promise<void> {
  let next = from;
  for await (const keys of chunksOf(database.keys(appliedSection()))) {
    for (const key of keys) {
      if (key !== appliedKey(next))
        throw storageError('STATE_CORRUPT', `the state has lost the writes of block ${next}`);
      next += 1;
    }
  }
  if (next !== height + 1) throw storageError('STATE_CORRUPT', `the state has lost the writes of block ${next}`);
}

/** Blocks are applied one after the other, of one chain, from the genesis on: anything else is a mistake of ours. */
export function assertFollows(tip: StateTip | null, next: StateTip): void {
  const expected = tip === null ? 0 : tip.height + 1;
  assert(next.height === expected, `block ${next.height} is applied where ${expected} is due`);
  assert(tip === null || next.chain === tip.chain, 'every block applied is of the chain of the first');
}

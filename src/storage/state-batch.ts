/** What blocks change, as rows of one batch of the database. */
import { assert } from '../errors.ts';
import type { HeldRow, HeldRows } from './held-rows.ts';
import { digits, INDEX_PREFIX, STATE_PREFIX } from './keys.ts';
import { packRows } from './packed-rows.ts';
import { isWithin, type PendingBlocks } from './pending.ts';
import type { StoredRun } from './place-rows.ts';
import type { PlaceRuns } from './place-runs.ts';
import { chunksOf, putSealed, type StateBatch, type StateDatabase, turn } from './state-database.ts';

/** Rows that are put into a batch at a time, between which everything else may run: half a millisecond. */
const TURN_ROWS = 256;

type Entry = readonly [key: string, value: Uint8Array];

interface BlocksToPut {
  readonly database: StateDatabase;
  readonly batch: StateBatch;
  readonly blocks: PendingBlocks;
  /** What is written a second time with them. */
  readonly anew: readonly HeldRow[];
  /** Hears of each row of the state that can be written more than once. */
  readonly held: HeldRows;
  readonly places: PlaceRuns;
  /** Whether a state key is of the section whose entries are packed. */
  readonly isPacked: (key: string) => boolean;
}

/** Takes turns with everything else. @returns the run of the index of places that is there when the batch is written. */
export async function putBlocks(put: BlocksToPut): Promise<StoredRun | null> {
  await putState(put);
  await putRows(put);
  const { batch, blocks, places } = put;
  const [first] = blocks.blocks;
  const last = blocks.blocks.at(-1);
  if (first === undefined || last === undefined) return null;
  const records = Buffer.concat(blocks.blocks.map(({ index }) => index.places));
  return places.put(batch, records, first.tip.height, last.tip.height);
}

async function putState({ database, batch, blocks, anew, held, isPacked }: BlocksToPut): Promise<void> {
  const { forgotten, entries } = blocks.changes();
  for (const { from, to } of forgotten) {
    const range = { gte: STATE_PREFIX + from, lt: STATE_PREFIX + to };
    for await (const keys of chunksOf(database.keys(range))) {
      for (const key of keys) {
        batch.del(key);
        held.wrote(key.slice(STATE_PREFIX.length), null);
      }
    }
  }
  const packed: Entry[] = [];
  const single: HeldRow[] = [...anew];
  entries.forEach((value, key) => {
    if (!isPacked(key)) {
      held.wrote(key, value);
      single.push([key, value]);
    } else if (value !== null) packed.push([key, value]);
    else
      assert(
        forgotten.some((range) => isWithin(key, range)),
        'what is packed goes by whole groups',
      );
  });
  let filled = 0;
  for (const [key, value] of single) {
    if (value === null) batch.del(STATE_PREFIX + key);
    else putSealed(batch, STATE_PREFIX + key, value);
    filled += 1;
    if (filled % TURN_ROWS === 0) await turn();
  }
  // No other writing ends with this height.
  putPacked(batch, packed, digits(blocks.blocks.at(-1)?.tip.height ?? 0));
}

async function putRows({ batch, blocks }: BlocksToPut): Promise<void> {
  let filled = 0;
  for (const { index } of blocks.blocks) {
    for (const { key, value } of index.rows) {
      putSealed(batch, INDEX_PREFIX + key, value);
      filled += 1;
      if (filled % TURN_ROWS === 0) await turn();
    }
  }
}

/**
 * Entries of a whole state that is put into an empty database.
 *
 * @param filling which of its parts this is: it names rows, together with a height that no block has after a state is filled in.
 */
export function putEntries(
  batch: StateBatch,
  entries: readonly { readonly key: string; readonly value: Uint8Array }[],
  filling: number,
  isPacked: (key: string) => boolean,
): void {
  const packed: Entry[] = [];
  for (const { key, value } of entries) {
    if (isPacked(key)) packed.push([key, value]);
    else putSealed(batch, STATE_PREFIX + key, value);
  }
  putPacked(batch, packed, `${digits(0)}.${filling}`);
}

function putPacked(batch: StateBatch, entries: readonly Entry[], name: string): void {
  for (const { key, bytes } of packRows(entries, name)) putSealed(batch, STATE_PREFIX + key, bytes);
}

/** Reading the section of the state whose entries are packed (`packed-rows.ts`) from the database. */
import { ChunkReader } from '../codec/chunk-reader.ts';
import { STATE_PREFIX, wholeSection } from './keys.ts';
import { PackedKeys } from './packed-keys.ts';
import { groupOf } from './packed-rows.ts';
import { chunksOf, type StateDatabase } from './state-database.ts';
import { openValue } from './state-values.ts';

/** All keys of the section, which begin with `prefix`. @throws CodedError `STATE_CORRUPT`. */
export async function packedKeysOf(database: StateDatabase, prefix: string): Promise<PackedKeys> {
  const packed = new PackedKeys(prefix);
  for await (const reader of rowsOf(database, prefix)) while (reader.next()) packed.add(reader.key);
  return packed;
}

/**
 * The values of those keys of the section that are there. Few are asked for that are not (`packed-keys.ts`), so a group is read whole.
 *
 * @throws CodedError `STATE_CORRUPT`.
 */
export async function findPacked(
  database: StateDatabase,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const wanted = new Set(keys);
  const found = new Map<string, Uint8Array>();
  for (const group of new Set(keys.map(groupOf))) {
    for await (const reader of rowsOf(database, `${group}/`)) {
      while (reader.next()) if (wanted.has(reader.key)) found.set(reader.key, reader.value.slice());
    }
  }
  return found;
}

async function* rowsOf(database: StateDatabase, prefix: string): AsyncGenerator<ChunkReader> {
  for await (const rows of chunksOf(database.iterator(wholeSection(STATE_PREFIX + prefix)))) {
    for (const [key, sealed] of rows) yield new ChunkReader(openValue(key, sealed));
  }
}

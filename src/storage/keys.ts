/**
 * Everything that a home folder holds, on one page: its files, and the keys of the LevelDB database in `state/`. The
 * tables are printed into the manual from here. Keys are ASCII, so that LevelDB's order (by byte) is that of `<` on
 * strings; each section has its prefix, and `0` is the character after `/`, so a section ends before `<letter>0`.
 */

interface StoredFile {
  readonly name: string;
  readonly meaning: string;
}

interface StoredKey {
  readonly key: string;
  readonly value: string;
  readonly meaning: string;
}

export const STORAGE_FILES = [
  { name: 'blocks.log', meaning: 'the record: every committed block with its certificate' },
  { name: 'sign-state.log', meaning: 'the last statement this node signed, and what it is locked on' },
  {
    name: 'state/',
    meaning: 'LevelDB, and files of the index: accounts and indexes, rebuilt from the record when lost',
  },
  { name: 'state.damaged-<n>/', meaning: 'a state that was found damaged and set aside; for whoever investigates' },
  { name: '<file>.new', meaning: 'the next version of a file; of no meaning until it has the name of the file' },
  {
    name: '<height>.snapshot',
    meaning: 'the whole state after a checkpoint height; the last two, and the one that the record begins with',
  },
  {
    name: '<file>.log.torn-<n>',
    meaning: 'the unfinished end of a log, cut off after a crash; for whoever investigates',
  },
  {
    name: 'blocks.log.damaged-<n>',
    meaning: 'a record that was damaged before its end, whole, as it was found; for whoever investigates',
  },
  {
    name: 'blocks.log.replaced-<n>',
    meaning: 'the record before one that begins at a snapshot took its place; for whoever investigates',
  },
  { name: '<height>.snapshot.damaged-<n>', meaning: 'a damaged snapshot, never used; for whoever investigates' },
] as const satisfies readonly StoredFile[];

/** Every value is followed by a CRC-32 of its key and itself (little-endian), see `state-store.ts`. */
export const STORAGE_KEYS = [
  { key: 's/<state key>', value: 'as the ledger encodes it', meaning: 'one entry of the ledger state' },
  {
    key: 's/seen/<second>/<height>.<n>',
    value: 'StateChunk',
    meaning: 'replay memory: entries of one second that were written at once',
  },
  { key: 'i/<index key>', value: 'as the node encodes it', meaning: 'one row of an index' },
  { key: 'p/<run>/run', value: 'PlaceRun', meaning: 'a run of the index of places, which is there with this' },
  { key: 'p/<run>/row/<n>', value: '512 records', meaning: 'a part of one that was not merged, in order' },
  { key: 'p/<run>/filter/<n>', value: '64 KiB', meaning: 'a part of the Bloom filter of its keys' },
  {
    key: 'm/tip',
    value: 'version, height, chain id',
    meaning: 'the last applied block; absent while the store is empty',
  },
  {
    key: 'm/base',
    value: 'version, height, chain id',
    meaning: 'the snapshot that filled the store; absent where the genesis did',
  },
  { key: 'm/applied/<height>', value: 'empty', meaning: 'this block was applied; kept for the last 299,593' },
] as const satisfies readonly StoredKey[];

export const STATE_PREFIX = 's/';
export const INDEX_PREFIX = 'i/';
export const PLACES_PREFIX = 'p/';
export const TIP_KEY = 'm/tip';
export const BASE_KEY = 'm/base';
const APPLIED_PREFIX = 'm/applied/';

/** All keys with one of the prefixes, as bounds of a range. */
export function wholeSection(prefix: string): { readonly gte: string; readonly lt: string } {
  return { gte: prefix, lt: `${prefix.slice(0, -1)}0` };
}

/** Fixed width, so that text order is number order. */
export function digits(height: number): string {
  return String(height).padStart(16, '0');
}

export function appliedKey(height: number): string {
  return APPLIED_PREFIX + digits(height);
}

/** Keys of every applied block that is still noted. */
export function appliedSection(): { readonly gte: string; readonly lt: string } {
  return wholeSection(APPLIED_PREFIX);
}

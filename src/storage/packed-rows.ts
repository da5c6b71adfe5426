/**
 * Many entries of the state in one row of the database: those of a section that grows at its end, all of whose keys are new, and which
 * go by whole groups (all that have the same text up to the last `/`). The replay memory is such a section, and a row for each
 * payment, which is seen once and forgotten a minute later, costs its writing, its removal and each checkpoint's reading. A row has entries of one group that were
 * written at once, as a canonical `stateChunk`; a group has as many rows as it takes, which are merged when it is read.
 */
import { ChunkReader } from '../codec/chunk-reader.ts';
import { ChunkWriter } from '../codec/chunk-writer.ts';
import { lowerBound } from './lower-bound.ts';

type Entry = readonly [key: string, value: Uint8Array];

export interface PackedRow {
  readonly key: string;
  /** Canonical bytes of a `stateChunk`. */
  readonly bytes: Uint8Array;
}

/** What the keys of a group begin with, but for the `/`. */
export function groupOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

/** @param name of this writing: no other row of these groups has it. */
export function packRows(entries: readonly Entry[], name: string): PackedRow[] {
  const rows: PackedRow[] = [];
  let group = '';
  const end = () => {
    if (packing.count > 0) rows.push({ key: `${group}/${name}.${rows.length}`, bytes: packing.take().bytes });
  };
  for (const [key, value] of entries.toSorted((a, b) => (a[0] < b[0] ? -1 : 1))) {
    const own = groupOf(key);
    if (packing.isFull || own !== group) end();
    group = own;
    packing.add(key, value);
  }
  end();
  return rows;
}

const packing = new ChunkWriter();

/** The entries of a group, from all its rows, in ascending order. */
export class MergedRows {
  /** By what they are at, ascending. */
  readonly #readers: ChunkReader[] = [];
  #first: ChunkReader | null = null;

  constructor(rows: readonly Uint8Array[]) {
    for (const row of rows) this.#goOn(new ChunkReader(row));
  }

  /** A reader that is at the next entry, until the next call; null where there is none. */
  next(): ChunkReader | null {
    if (this.#first !== null) this.#goOn(this.#first);
    this.#first = this.#readers.shift() ?? null;
    return this.#first;
  }

  #goOn(reader: ChunkReader): void {
    if (!reader.next()) return;
    const readers = this.#readers;
    readers.splice(
      lowerBound(readers.length, (n) => readers[n]?.isBefore(reader) === true),
      0,
      reader,
    );
  }
}

/** Runs of the index of places as they are merged: each read from its beginning to its end, the least record of all first. */
import { compareRecords, headOf, PLACE_RECORD_BYTES } from '../codec/places.ts';
import type { StoredRun } from './place-rows.ts';

/** Reads a run from its beginning to its end. */
export class RunReader {
  readonly #run: StoredRun;
  readonly #read: (row: number) => Promise<Uint8Array>;
  #next = 0;
  row = new Uint8Array();
  /** Where in the row the present record begins. */
  at = 0;
  /** Of the present record. */
  head = 0;

  constructor(run: StoredRun, read: (row: number) => Promise<Uint8Array>) {
    this.#run = run;
    this.#read = read;
  }

  get isAtEnd(): boolean {
    return this.at >= this.row.length;
  }

  /** Goes on to the next record. @returns whether the row has one. */
  step(): boolean {
    this.at += PLACE_RECORD_BYTES;
    if (this.isAtEnd) return false;
    this.head = headOf(this.row, this.at);
    return true;
  }

  /** Goes on to the next row, or the end. */
  async next(): Promise<void> {
    this.at = 0;
    this.row = new Uint8Array();
    if (this.#next === this.#run.heads.length) return;
    this.row = new Uint8Array(await this.#read(this.#next));
    this.head = headOf(this.row, 0);
    this.#next += 1;
  }
}

/** The one whose record comes first; null where all are at their ends. */
export function leastOf(sources: readonly RunReader[]): RunReader | null {
  let least: RunReader | null = null;
  for (const source of sources) {
    if (source.isAtEnd) continue;
    if (least === null || isLess(source, least)) least = source;
  }
  return least;
}

/** Most records differ in their heads. */
function isLess(one: RunReader, other: RunReader): boolean {
  if (one.head !== other.head) return one.head < other.head;
  return compareRecords(one.row, one.at, other.row, other.at) < 0;
}

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
  /** Of the present record; more than any at the end. */
  head = Number.POSITIVE_INFINITY;
  /** Of its next bytes. Payments of an account all have one key, so most records are told apart by both or by neither. */
  second = 0;

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
    this.#look();
    return true;
  }

  /** Goes on to the next row, or the end. */
  async next(): Promise<void> {
    this.at = 0;
    this.row = new Uint8Array();
    this.head = Number.POSITIVE_INFINITY;
    if (this.#next === this.#run.heads.length) return;
    this.row = new Uint8Array(await this.#read(this.#next));
    this.#next += 1;
    this.#look();
  }

  #look(): void {
    this.head = headOf(this.row, this.at);
    this.second = headOf(this.row, this.at + 4);
  }
}

/**
 * The reader whose record comes first, again and again: a tree of those that lost (Knuth, The Art of Computer Programming 3, 5.4.1). When
 * the first one has moved on, it is compared with as many others as the tree is high, not with all.
 */
export class Tournament {
  readonly #readers: readonly RunReader[];
  /** Numbers of readers: who has won, then who lost at each inner node. */
  readonly #tree: number[];

  /** @param readers at their first records. */
  constructor(readers: readonly RunReader[]) {
    this.#readers = readers;
    this.#tree = readers.map(() => NOBODY);
    for (let n = readers.length - 1; n >= 0; n--) this.#play(n);
  }

  /** Null where all are at their ends. */
  get first(): RunReader | null {
    const first = this.#readers[this.#tree[0] ?? NOBODY];
    return first === undefined || first.isAtEnd ? null : first;
  }

  /** The first one is at another record now. */
  moved(): void {
    this.#play(this.#tree[0] ?? NOBODY);
  }

  /** From the leaf of a reader up: at each node stays who lost. */
  #play(player: number): void {
    const tree = this.#tree;
    let winner = player;
    for (let node = (player + tree.length) >> 1; node > 0; node >>= 1) {
      const other = tree[node] ?? NOBODY;
      if (!this.#isBefore(other, winner)) continue;
      tree[node] = winner;
      winner = other;
    }
    tree[0] = winner;
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#readers[one], this.#readers[other]];
    // Until all have played, nobody beats everybody, and waits where they would meet.
    if (a === undefined || b === undefined) return a === undefined;
    if (a.head !== b.head) return a.head < b.head;
    if (a.second !== b.second) return a.second < b.second;
    return compareRecords(a.row, a.at, b.row, b.at) < 0;
  }
}

const NOBODY = -1;

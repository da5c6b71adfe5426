/**
 * Rows that were written while somebody held the state. For as long, LevelDB keeps more than one version of them, and release 1.20,
 * the one that classic-level is built with, can bring an older one back: where two versions of a key end in two tables, it moves the
 * newer one down alone (google/leveldb issue 320, mended after that release by pull request 339). So what was written is known here
 * until nobody holds the state any more and it has been written anew, on top of whatever is below.
 */
/** Null for what is deleted. */
export type HeldRow = readonly [key: string, value: Uint8Array | null];

export class HeldRows {
  #holds = 0;
  readonly #rows = new Map<string, Uint8Array | null>();

  /** Somebody begins to hold the state. */
  begin(): void {
    this.#holds += 1;
  }

  end(): void {
    this.#holds -= 1;
  }

  /** Whether there is something to write anew, and it may be. */
  get isDue(): boolean {
    return this.#holds === 0 && this.#rows.size > 0;
  }

  /** What was written last; undefined for what need not be known. */
  get(key: string): Uint8Array | null | undefined {
    return this.#rows.get(key);
  }

  /** Goes into the database now; what is put once need not be told. @param value null where it is deleted. */
  wrote(key: string, value: Uint8Array | null): void {
    // Known already, it is written anew by this.
    if (this.#holds === 0) this.#rows.delete(key);
    else this.#rows.set(key, value);
  }

  /** Some of what is due. Whoever takes it writes it, and says so by `wrote`, when it is in the database. */
  some(count: number): HeldRow[] {
    const some: HeldRow[] = [];
    if (!this.isDue) return some;
    for (const row of this.#rows) {
      if (some.length === count) break;
      some.push(row);
    }
    return some;
  }

  clear(): void {
    this.#rows.clear();
  }
}

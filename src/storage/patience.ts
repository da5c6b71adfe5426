/**
 * Whether a record is written and synced where it is, or by a thread of the pool. A trip to the pool wakes two threads, which
 * takes longer than a quick disk does, more so where cores are busy; and a node whose words are not on the disk has little else
 * to do for its block. The more payments come, the fewer blocks a second there are, so the less is waited in all. A slow disk
 * would hold up everything: then the pool is asked, and the disk tried again some seconds of blocks later.
 */

/** A larger record takes the disk longer than the trip. */
const MAX_BYTES = 64 * 1_024;
/** A disk that takes longer on average is slow: a block has four syncs. */
const SLOW_MS = 4;
/** How much the last wait counts in the average: one long one is no slow disk. */
const LAST_SHARE = 1 / 16;
/** Records that a slow disk is not waited for. */
const REST = 1_024;

export class Patience {
  #averageMs = 0;
  #rest = 0;

  /** Whether to wait for the disk; asked once of each record of `bytes`. */
  has(bytes: number): boolean {
    if (bytes > MAX_BYTES) return false;
    if (this.#rest === 0) return true;
    this.#rest -= 1;
    return false;
  }

  /** The disk took so many milliseconds. */
  waited(ms: number): void {
    this.#averageMs += LAST_SHARE * (ms - this.#averageMs);
    if (this.#averageMs <= SLOW_MS) return;
    this.#averageMs = 0;
    this.#rest = REST;
  }
}

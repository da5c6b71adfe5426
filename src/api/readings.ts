/**
 * Readings of the whole state, shared by all who ask: once a block at most, and one at a time, as each goes through every entry.
 * Nobody is given one of a block before the last that the node had when they asked.
 */
import type { NodeFace } from './node-face.ts';

export class Readings<T extends { readonly height: number }> {
  readonly #node: Pick<NodeFace, 'status'>;
  readonly #read: () => Promise<T>;
  #last: T | null = null;
  #running: { readonly from: number; readonly found: Promise<T> } | null = null;
  /** Begins when the one that is under way has ended. */
  #next: Promise<T> | null = null;

  /** @param read gives what is read of the last block, or of a later one that came meanwhile. */
  constructor(node: Pick<NodeFace, 'status'>, read: () => Promise<T>) {
    this.#node = node;
    this.#read = read;
  }

  latest(): Promise<T> {
    const height = this.#height();
    if (this.#last !== null && this.#last.height >= height) return Promise.resolve(this.#last);
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#begin();
    if (this.#running.from >= height) return this.#running.found;
    // A block came after the one that is under way began; the next one serves all who ask until then.
    const next = () => {
      this.#next = null;
      return this.#begin();
    };
    // Where it failed, those who asked for it hear of that.
    this.#next = this.#running.found.then(next, next);
    return this.#next;
  }

  async #begin(): Promise<T> {
    const from = this.#height();
    const found = this.#read();
    this.#running = { from, found };
    try {
      this.#last = await found;
      return this.#last;
    } finally {
      this.#running = null;
    }
  }

  #height(): number {
    return this.#node.status().height;
  }
}

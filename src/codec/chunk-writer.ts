/**
 * Chunks of a state from its keys and values as a database gives them: there are millions, so no object is made of an entry, and
 * no array of a value. The bytes are those of `encode(stateChunk, …)`.
 */
import { MAX_CHUNK_ENTRIES } from './limits.ts';
import { Writer } from './writer.ts';

/** Fields of a `stateEntry`. */
const FIELDS = 2;

/** A `stateChunk`. */
export interface EncodedChunk {
  /** Canonical. */
  readonly bytes: Uint8Array;
  readonly entries: number;
}

export class ChunkWriter {
  readonly #entries = new Writer();
  readonly #whole = new Writer();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === MAX_CHUNK_ENTRIES;
  }

  /** Keys come in ascending order. @param length how many bytes of `value` are the value: what follows them is something else. */
  add(key: string, value: Uint8Array, length = value.length): void {
    this.#entries.array(FIELDS);
    this.#entries.text(key);
    this.#entries.bytes(value, length);
    this.#count += 1;
  }

  /** An entry that was written before, from its first byte to before `end`. */
  addAgain(bytes: Uint8Array, from: number, end: number): void {
    this.#entries.again(bytes.subarray(from, end));
    this.#count += 1;
  }

  /** All that was added since the last time, which is something. */
  take(): EncodedChunk {
    // How many there are stands before them, and is known only now.
    this.#whole.begin();
    this.#whole.array(this.#count);
    this.#whole.again(this.#entries.viewSoFar());
    const chunk = { bytes: this.#whole.bytesSoFar(), entries: this.#count };
    this.#entries.begin();
    this.#count = 0;
    return chunk;
  }
}

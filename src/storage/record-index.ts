/** Where each record of a file lies: 16 bytes of memory a record, outside the garbage collector's sight. */
import { assert } from '../errors.ts';

interface RecordPlace {
  /** Of the payload's first byte. */
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
}

export class RecordIndex {
  readonly #seed: number;
  #count = 0;
  #offsets = new Float64Array(64);
  #lengths = new Uint32Array(64);
  #crcs = new Uint32Array(64);

  /** @param seed what the first record's checksum continues from. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  get count(): number {
    return this.#count;
  }

  /** Checksum of the last record, which the next one continues from. */
  get lastCrc(): number {
    return this.crcBefore(this.#count + 1);
  }

  push(offset: number, length: number, crc: number): void {
    if (this.#count === this.#offsets.length) this.#grow();
    this.#offsets[this.#count] = offset;
    this.#lengths[this.#count] = length;
    this.#crcs[this.#count] = crc;
    this.#count += 1;
  }

  /** @param ordinal from 1 to `count`. */
  place(ordinal: number): RecordPlace {
    const offset = this.#offsets[ordinal - 1];
    const length = this.#lengths[ordinal - 1];
    const crc = this.#crcs[ordinal - 1];
    assert(ordinal <= this.#count && offset !== undefined, `record ${ordinal} is one of ${this.#count}`);
    assert(length !== undefined && crc !== undefined, 'the columns of the index have equal lengths');
    return { offset, length, crc };
  }

  /** What the checksum of record `ordinal` continues from. */
  crcBefore(ordinal: number): number {
    return ordinal === 1 ? this.#seed : this.place(ordinal - 1).crc;
  }

  #grow(): void {
    const capacity = 2 * this.#offsets.length;
    const offsets = new Float64Array(capacity);
    offsets.set(this.#offsets);
    const lengths = new Uint32Array(capacity);
    lengths.set(this.#lengths);
    const crcs = new Uint32Array(capacity);
    crcs.set(this.#crcs);
    this.#offsets = offsets;
    this.#lengths = lengths;
    this.#crcs = crcs;
  }
}

/** Where each record of a file lies: 16 bytes of memory a record, outside the garbage collector's sight. */
import { assert } from '../errors.ts';
import type { RecordFormat } from './record-format.ts';

interface RecordPlace {
  /** Of the payload's first byte. */
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
}

export class RecordIndex {
  readonly #format: RecordFormat;
  #count = 0;
  #offsets = new Float64Array(64);
  #lengths = new Uint32Array(64);
  #crcs = new Uint32Array(64);

  constructor(format: RecordFormat) {
    this.#format = format;
  }

  get count(): number {
    return this.#count;
  }

  /** Ordinal of the first record, whether it is there yet or not. */
  get first(): number {
    return this.#format.first;
  }

  /** Ordinal of the last record; one less than that of the first where there is none. */
  get last(): number {
    return this.first + this.#count - 1;
  }

  /** Where the last record ends, or the head where there is none. */
  get end(): number {
    if (this.#count === 0) return this.#format.headBytes;
    const { offset, length } = this.place(this.last);
    return offset + length;
  }

  /** Checksum of the last record, which the next one continues from. */
  get lastCrc(): number {
    return this.crcBefore(this.last + 1);
  }

  push(offset: number, length: number, crc: number): void {
    if (this.#count === this.#offsets.length) this.#grow();
    this.#offsets[this.#count] = offset;
    this.#lengths[this.#count] = length;
    this.#crcs[this.#count] = crc;
    this.#count += 1;
  }

  /** @param ordinal from `first` to `last`. */
  place(ordinal: number): RecordPlace {
    const at = ordinal - this.first;
    const offset = this.#offsets[at];
    const length = this.#lengths[at];
    const crc = this.#crcs[at];
    assert(ordinal <= this.last && offset !== undefined, `record ${ordinal} is one of ${this.first} to ${this.last}`);
    assert(length !== undefined && crc !== undefined, 'the columns of the index have equal lengths');
    return { offset, length, crc };
  }

  /** What the checksum of record `ordinal` continues from. */
  crcBefore(ordinal: number): number {
    return ordinal === this.first ? this.#format.seed : this.place(ordinal - 1).crc;
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

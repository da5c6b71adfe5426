/**
 * State values that were read last, in bounded memory: those of busy accounts need not come from the database for each block.
 * What is absent is not kept: the database finds that out at a fourth of the price, from its filters, and nearly all of it are
 * ids of the replay memory, which nobody asks for twice.
 */

/** What an entry takes besides its characters and bytes: the string, the array, their places in a map. */
const ENTRY_BYTES = 200;

export class ValueCache {
  readonly #halfBytes: number;
  /** What was asked for lately; when it has half of the bytes, it becomes the old one, and the old one is dropped. */
  #young = new Map<string, Uint8Array>();
  #old = new Map<string, Uint8Array>();
  #youngBytes = 0;

  /** @param maxBytes of memory, as estimated; 0 keeps nothing. */
  constructor(maxBytes: number) {
    this.#halfBytes = maxBytes / 2;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Undefined for what is not known. */
  get(key: string): Uint8Array | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Uint8Array): void {
    const before = this.#young.get(key);
    this.#youngBytes += value.length + (before === undefined ? ENTRY_BYTES + key.length : -before.length);
    this.#young.set(key, value);
    if (this.#youngBytes <= this.#halfBytes) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  /** A value was written: it counts where the one before is known. */
  update(key: string, value: Uint8Array | null): void {
    const young = this.#young.get(key);
    if (young === undefined && !this.#old.has(key)) return;
    if (value !== null) {
      this.set(key, value);
      return;
    }
    if (young !== undefined) this.#youngBytes -= ENTRY_BYTES + key.length + young.length;
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
  }
}

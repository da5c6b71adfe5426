/**
 * State values that were read last, in bounded memory: those of busy accounts, and of payments that are on their way into a block,
 * need not come from the database for it. That a key is absent is known the same way, as null.
 */

/** What an entry takes besides its characters and bytes: the string, the array, their places in a map. */
const ENTRY_BYTES = 200;

export class ValueCache {
  readonly #halfBytes: number;
  /** What was asked for lately; when it has half of the bytes, it becomes the old one, and the old one is dropped. */
  #young = new Map<string, Uint8Array | null>();
  #old = new Map<string, Uint8Array | null>();
  #youngBytes = 0;

  /** @param maxBytes of memory, as estimated; 0 keeps nothing. */
  constructor(maxBytes: number) {
    this.#halfBytes = maxBytes / 2;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Undefined for what is not known. */
  get(key: string): Uint8Array | null | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Uint8Array | null): void {
    const before = this.#young.get(key);
    this.#youngBytes +=
      (value?.length ?? 0) + (before === undefined ? ENTRY_BYTES + key.length : -(before?.length ?? 0));
    this.#young.set(key, value);
    if (this.#youngBytes <= this.#halfBytes) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  /** A value was written, or null for what is deleted: it counts where the one before is known. */
  update(key: string, value: Uint8Array | null): void {
    if (this.#young.has(key) || this.#old.has(key)) this.set(key, value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
  }
}

/** A map from text whose keys can be walked in order, from anywhere in either direction. */

export class SortedMap<V> {
  readonly #values = new Map<string, V>();
  /** In order; may still hold keys that were deleted. */
  #sorted: string[] = [];
  /** Not yet among the sorted, as putting many in order at once costs one pass. May hold a key twice, or one that was deleted. */
  #added: string[] = [];
  #deleted = false;

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    const before = this.#values.size;
    this.#values.set(key, value);
    if (this.#values.size > before) this.#added.push(key);
  }

  delete(key: string): void {
    this.#deleted = this.#values.delete(key) || this.#deleted;
  }

  clear(): void {
    this.#values.clear();
    this.#added = [];
    this.#sorted = [];
    this.#deleted = false;
  }

  /** At most `limit` entries from `from` (included) to `to` (excluded); from the end where `reverse` is set. */
  range(
    from: string,
    to: string,
    limit = Number.POSITIVE_INFINITY,
    reverse = false,
  ): readonly (readonly [string, V])[] {
    this.#settle();
    const start = this.#position(from);
    const end = Math.max(start, this.#position(to));
    const keys = reverse
      ? this.#sorted.slice(Math.max(start, end - limit), end).reverse()
      : this.#sorted.slice(start, Math.min(end, start + limit));
    return keys.flatMap((key) => {
      const value = this.#values.get(key);
      return value === undefined ? [] : [[key, value] as const];
    });
  }

  entries(): readonly (readonly [string, V])[] {
    return this.range('', '\uffff');
  }

  #settle(): void {
    if (this.#added.length === 0 && !this.#deleted) return;
    // A key that was deleted and added again is in both.
    const keys = this.#sorted.concat(this.#added.sort()).filter((key) => this.#values.has(key));
    this.#sorted = keys.sort().filter((key, i) => key !== keys[i - 1]);
    this.#added = [];
    this.#deleted = false;
  }

  /** How many keys are below `key`. */
  #position(key: string): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A map from text whose keys can be walked in order, from anywhere in either direction. */
import { lowerBound } from './lower-bound.ts';

export class SortedMap<V extends NonNullable<unknown>> {
  readonly #values = new Map<string, V>();
  /** In order; may still hold keys that were deleted. */
  #sorted: string[] = [];
  /** Not yet among the sorted, unless they were deleted in between: putting many in order at once costs one pass. */
  #added: string[] = [];
  #deleted = false;

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  /** @returns what was there before. */
  set(key: string, value: V): V | undefined {
    const before = this.#values.get(key);
    if (before === undefined) this.#added.push(key);
    this.#values.set(key, value);
    return before;
  }

  /** @returns what was there before. */
  delete(key: string): V | undefined {
    const before = this.#values.get(key);
    this.#deleted = this.#values.delete(key) || this.#deleted;
    return before;
  }

  /** Takes out all keys from `from` (included) to `to` (excluded). @returns what was there. */
  deleteRange(from: string, to: string): readonly (readonly [string, V])[] {
    const found = this.range(from, to);
    for (const [key] of found) this.#values.delete(key);
    // They lie side by side: nobody has to look for them later.
    const start = this.#position(from);
    this.#sorted.splice(start, Math.max(start, this.#position(to)) - start);
    return found;
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
    const found: (readonly [string, V])[] = [];
    for (const key of keys) {
      const value = this.#values.get(key);
      if (value !== undefined) found.push([key, value]);
    }
    return found;
  }

  entries(): readonly (readonly [string, V])[] {
    return this.range('', '\uffff');
  }

  #settle(): void {
    if (this.#added.length === 0 && !this.#deleted) return;
    // After a deletion a key may stand in both lists, or twice among the added, or in none of them by right.
    const added = this.#deleted ? [...new Set(this.#added)].filter((key) => this.#values.has(key)) : this.#added;
    const isNew = this.#deleted ? new Set(added) : null;
    const kept = isNew === null ? this.#sorted : this.#sorted.filter((key) => this.#values.has(key) && !isNew.has(key));
    this.#sorted = merged(kept, added.sort());
    this.#added = [];
    this.#deleted = false;
  }

  /** How many keys are below `key`. */
  #position(key: string): number {
    return lowerBound(this.#sorted.length, (at) => (this.#sorted[at] ?? '') < key);
  }
}

/** Two lists in order as one. */
function merged(left: readonly string[], right: readonly string[]): string[] {
  const all: string[] = [];
  let at = 0;
  for (const key of right) {
    for (let next = left[at]; next !== undefined && next < key; next = left[at]) {
      all.push(next);
      at += 1;
    }
    all.push(key);
  }
  for (; at < left.length; at++) all.push(left[at] as string);
  return all;
}

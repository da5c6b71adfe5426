/**
 * Knows without looking which keys of the packed section are not there (`packed-rows.ts`): of each that is, 52 bits are kept. Nearly
 * every key that is looked up in the replay memory is absent; whoever finds its bits still has to look.
 */
import { Fingerprints } from './fingerprints.ts';
import { groupOf } from './packed-rows.ts';

export class PackedKeys {
  readonly #prefix: string;
  readonly #groups = new Map<string, Fingerprints>();
  /** The group that was asked for last: what comes together is in one, most of it. */
  #last: { readonly group: string; readonly prints: Fingerprints | undefined } = NO_GROUP;

  /** @param prefix of the section, which ends in `/`. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  isOfSection(key: string): boolean {
    return key.startsWith(this.#prefix);
  }

  /** False where the key is certainly absent. */
  mayHave(key: string): boolean {
    if (!this.isOfSection(key)) return true;
    return this.#of(key)?.has(fingerprintOf(key)) ?? false;
  }

  /** It is there; one of another section changes nothing. */
  add(key: string): void {
    if (!this.isOfSection(key)) return;
    const prints = this.#of(key) ?? new Fingerprints();
    if (this.#last.prints !== prints) {
      this.#last = { group: groupOf(key), prints };
      this.#groups.set(this.#last.group, prints);
    }
    prints.add(fingerprintOf(key));
  }

  /** Whole groups only: keys from the first, included, to the second, excluded. */
  forget({ from, to }: { readonly from: string; readonly to: string }): void {
    for (const group of this.#groups.keys()) if (group >= from && group < to) this.#groups.delete(group);
    this.#last = NO_GROUP;
  }

  /** The section is empty now. */
  clear(): void {
    this.#groups.clear();
    this.#last = NO_GROUP;
  }

  /** What is known of the key's group; undefined for nothing. */
  #of(key: string): Fingerprints | undefined {
    const { group } = this.#last;
    if (!key.startsWith(group) || key.lastIndexOf('/') !== group.length) {
      const other = groupOf(key);
      this.#last = { group: other, prints: this.#groups.get(other) };
    }
    return this.#last.prints;
  }
}

/** No key begins with it. */
const NO_GROUP = { group: '/', prints: undefined };

/** Never 0, and a safe integer: 13 digits are 52 bits. */
function fingerprintOf(key: string): number {
  return Number.parseInt(key.slice(-13), 16) + 1;
}

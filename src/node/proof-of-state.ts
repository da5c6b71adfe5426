/**
 * Proves a state from what a quorum signed: a snapshot whose root a certified header carries, and the blocks after it run again.
 * Both are read in key order, so memory is bounded by what the blocks since the snapshot touch. They are decoded twice, for what
 * they touch and to run, as there may be a million payments in them.
 */
import type { SnapshotManifest, StateEntry } from '../codec/state.ts';
import { assert, CodedError } from '../errors.ts';
import { SEEN_PREFIX } from '../ledger/keys.ts';
import { applyBlock, type Rules, touchedKeys } from '../ledger/ledger.ts';
import type { HeldState, Snapshots } from '../ports.ts';
import type { BlockWrites, CommittedBlock, StateKey } from '../types/index.ts';
import { identify } from './admission.ts';
import type { Pace } from './pace.ts';
import { checkedChunks } from './snapshot.ts';

export interface StateParts {
  readonly rules: Rules;
  readonly snapshots: Snapshots;
  /** Checked: it folds to the root in the first of the blocks. */
  readonly manifest: SnapshotManifest;
  /** Time of the block whose state the snapshot is. */
  readonly timeMs: number;
  /** The verified blocks after the snapshot, up to the height of the state, as often as they are asked for. */
  readonly blocks: () => AsyncIterable<CommittedBlock>;
  readonly pace: Pace;
}

/** `unusable`: the snapshot is damaged, and nothing is known. `block`: this block does not give its own roots. */
export type StateVerdict =
  | { readonly is: 'proved' }
  | { readonly is: 'unusable' }
  | { readonly is: 'false'; readonly reason: string }
  | { readonly is: 'block'; readonly height: number };

/**
 * @param pages the state after the last of the blocks, or what is taken for it.
 * @throws CodedError `SNAPSHOT_CORRUPT` where a chunk is gone that was there a moment ago: of the pages, some are read then.
 */
export async function judgeState(parts: StateParts, pages: HeldState['pages']): Promise<StateVerdict> {
  const changes = await changesOf(parts);
  if ('is' in changes) return changes;
  const reason = await firstDifference(changes.over(allChunks(parts)), pages);
  return reason === null ? { is: 'proved' } : { is: 'false', reason };
}

/** The state after the blocks, made without a store, where the snapshot is not found to be damaged before its end. */
export type MadeState =
  | { readonly is: 'made'; readonly pages: AsyncIterable<readonly StateEntry[]> }
  | Exclude<StateVerdict, { readonly is: 'proved' | 'false' }>;

/** @returns pages that throw a CodedError `SNAPSHOT_CORRUPT` where a chunk is gone that was there a moment ago. */
export async function makeState(parts: StateParts): Promise<MadeState> {
  const changes = await changesOf(parts);
  if ('is' in changes) return changes;
  return { is: 'made', pages: changes.over(allChunks(parts)) };
}

async function changesOf(
  parts: StateParts,
): Promise<Changes | Exclude<StateVerdict, { readonly is: 'proved' | 'false' }>> {
  const { snapshots, manifest, pace } = parts;
  const changes = new Changes();
  for await (const { block, batches } of parts.blocks()) {
    const transactions = batches.flatMap((batch) => batch.transactions.map(identify));
    for (const key of touchedKeys(transactions, block.evidence)) changes.entries.set(key, null);
    await pace.block(transactions.length);
  }
  const chunks = checkedChunks(snapshots, manifest);
  let next = await chunks.next();
  for (; next.done !== true; next = await chunks.next()) {
    for (const { key, value } of next.value) if (changes.entries.has(key)) changes.load(key, value);
    await pace.entries(next.value.length);
  }
  if (!next.value) return { is: 'unusable' };
  const odd = await runBlocks(parts, changes);
  return odd === null ? changes : { is: 'block', height: odd };
}

/** All that the blocks since the snapshot touch, and the ranges they forget. */
class Changes {
  readonly entries = new Map<StateKey, Uint8Array | null>();
  readonly #forgotten: { from: string; to: string }[] = [];
  /** Keys of the replay memory that have a value, by what they share up to the last `/`: they are forgotten together. */
  readonly #groups = new Map<string, StateKey[]>();

  apply({ entries, forget }: BlockWrites): void {
    if (forget !== null) this.#forget(forget);
    for (const { key, value } of entries) {
      this.entries.set(key, value);
      if (value !== null && key.startsWith(SEEN_PREFIX)) this.#remember(key);
    }
  }

  /** To be called for each key of the state before the blocks which they touch. */
  load(key: StateKey, value: Uint8Array): void {
    this.entries.set(key, value);
    if (key.startsWith(SEEN_PREFIX)) this.#remember(key);
  }

  #remember(key: StateKey): void {
    const group = groupOf(key);
    const known = this.#groups.get(group);
    if (known === undefined) this.#groups.set(group, [key]);
    else known.push(key);
  }

  /** Only what the replay memory is made of is ever forgotten, whole groups at a time. */
  #forget({ from, to }: { readonly from: string; readonly to: string }): void {
    assert(from.startsWith(SEEN_PREFIX) && to.startsWith(SEEN_PREFIX), 'only replay memory is forgotten');
    const last = this.#forgotten.at(-1);
    // One range begins where the one before ended, as time does.
    if (last !== undefined && from <= last.to) last.to = to > last.to ? to : last.to;
    else this.#forgotten.push({ from, to });
    for (const [group, keys] of this.#groups) {
      if (group < from || group >= to) continue;
      for (const key of keys) this.entries.set(key, null);
      this.#groups.delete(group);
    }
  }

  /** The state after the blocks, in key order, by pages. @param before that of the state before them. */
  async *over(before: AsyncIterable<readonly StateEntry[]>): AsyncGenerator<readonly StateEntry[]> {
    const changed = [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1));
    let at = 0;
    const upTo = function* (key: StateKey | null): Generator<StateEntry> {
      for (let entry = changed[at]; entry !== undefined && (key === null || entry[0] < key); entry = changed[++at]) {
        if (entry[1] !== null) yield { key: entry[0], value: entry[1] };
      }
    };
    for await (const chunk of before) {
      const page: StateEntry[] = [];
      for (const entry of chunk) {
        for (const changedEntry of upTo(entry.key)) page.push(changedEntry);
        if (!this.entries.has(entry.key) && !this.#isForgotten(entry.key)) page.push(entry);
      }
      yield page;
    }
    yield [...upTo(null)];
  }

  #isForgotten(key: StateKey): boolean {
    return this.#forgotten.some(({ from, to }) => key >= from && key < to);
  }
}

/** @returns the height of the first block that gives other results than its header says, or null. */
async function runBlocks({ rules, timeMs, blocks, pace }: StateParts, changes: Changes): Promise<number | null> {
  let parentTimeMs = timeMs;
  for await (const { block, batches } of blocks()) {
    const { header, evidence } = block;
    const transactions = batches.flatMap((batch) => batch.transactions.map(identify));
    const input = { height: header.height, timeMs: header.timeMs, parentTimeMs, transactions, evidence };
    const result = applyBlock(rules, changes.entries, input);
    const roots = ['transactionsRoot', 'receiptsRoot', 'writesRoot'] as const;
    if (roots.some((root) => result[root] !== header[root])) return header.height;
    changes.apply(result.writes);
    parentTimeMs = header.timeMs;
    await pace.block(transactions.length);
  }
  return null;
}

function groupOf(key: StateKey): string {
  return key.slice(0, key.lastIndexOf('/'));
}

async function* allChunks({ snapshots, manifest, pace }: StateParts): AsyncGenerator<readonly StateEntry[]> {
  const chunks = checkedChunks(snapshots, manifest);
  let next = await chunks.next();
  for (; next.done !== true; next = await chunks.next()) {
    yield next.value;
    await pace.entries(next.value.length);
  }
  if (!next.value) throw new CodedError('SNAPSHOT_CORRUPT', `the snapshot of block ${manifest.height} is damaged`);
}

/** Both in ascending key order, by pages of any size. @returns null where they are the same. */
async function firstDifference(
  due: AsyncIterable<readonly StateEntry[]>,
  found: AsyncIterable<readonly StateEntry[]>,
): Promise<string | null> {
  const others = found[Symbol.asyncIterator]();
  let page: readonly StateEntry[] = [];
  let at = 0;
  // One step an entry, of which there are millions, and one wait a page.
  const other = async (): Promise<StateEntry | undefined> => {
    while (at === page.length) {
      const next = await others.next();
      if (next.done === true) return undefined;
      page = next.value;
      at = 0;
    }
    return page[at];
  };
  try {
    for await (const entries of due) {
      for (const { key, value } of entries) {
        const entry = page[at] ?? (await other());
        if (entry === undefined || key < entry.key) return `the state lacks ${key}`;
        if (entry.key < key) return `the state has ${entry.key} too much`;
        if (!isSame(value, entry.value)) return `the state has another value for ${key}`;
        at += 1;
      }
    }
    const rest = await other();
    return rest === undefined ? null : `the state has ${rest.key} too much`;
  } finally {
    await others.return?.();
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

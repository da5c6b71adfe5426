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

/** How many entries are handled at a time. */
const PAGE_ENTRIES = 1_024;

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
  const reason = await firstDifference(changes.over(allChunks(parts), parts.pace), pages);
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
  return { is: 'made', pages: changes.over(allChunks(parts), parts.pace) };
}

async function changesOf(
  parts: StateParts,
): Promise<Changes | Exclude<StateVerdict, { readonly is: 'proved' | 'false' }>> {
  const { snapshots, manifest, pace } = parts;
  const changes = new Changes();
  for await (const { block, batches } of parts.blocks()) {
    const transactions = batches.flatMap((batch) => batch.transactions.map(identify));
    for (const key of touchedKeys(transactions, block.evidence)) changes.touch(key);
    await pace.block(transactions.length);
  }
  const chunks = checkedChunks(snapshots, manifest);
  let next = await chunks.next();
  for (; next.done !== true; next = await chunks.next()) {
    for (const { key, value } of next.value) changes.load(key, value);
    await pace.entries(next.value.length);
  }
  if (!next.value) return { is: 'unusable' };
  const odd = await runBlocks(parts, changes);
  return odd === null ? changes : { is: 'block', height: odd };
}

/**
 * The entries that blocks touch, as they are between two of them. Of the replay memory all is here that is not forgotten, so what
 * lacks is absent: its keys, one for each payment, need not be gathered beforehand.
 */
class Touched extends Map<StateKey, Uint8Array | null> {
  override get(key: StateKey): Uint8Array | null | undefined {
    const value = super.get(key);
    return value === undefined && key.startsWith(SEEN_PREFIX) ? null : value;
  }
}

/** All that the blocks since the snapshot touch, and the ranges they forget. */
class Changes {
  readonly entries = new Touched();
  readonly #forgotten: { from: string; to: string }[] = [];
  /** Keys of the replay memory, by what they share up to the last `/`: they are forgotten together. */
  readonly #groups = new Map<string, StateKey[]>();

  /** A block will touch this key. */
  touch(key: StateKey): void {
    if (!key.startsWith(SEEN_PREFIX)) this.entries.set(key, null);
  }

  /** An entry of the state before the blocks. */
  load(key: StateKey, value: Uint8Array): void {
    if (key.startsWith(SEEN_PREFIX) || this.entries.has(key)) this.#set(key, value);
  }

  apply({ entries, forget }: BlockWrites): void {
    if (forget !== null) this.#forget(forget);
    for (const { key, value } of entries) this.#set(key, value);
  }

  #set(key: StateKey, value: Uint8Array | null): void {
    this.entries.set(key, value);
    if (!key.startsWith(SEEN_PREFIX)) return;
    const group = key.slice(0, key.lastIndexOf('/'));
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
      for (const key of keys) this.entries.delete(key);
      this.#groups.delete(group);
    }
  }

  /** The state after the blocks, in key order, by pages. @param before that of the state before them. */
  async *over(before: AsyncIterable<readonly StateEntry[]>, pace: Pace): AsyncGenerator<readonly StateEntry[]> {
    const keys = await inOrder(this.entries.keys(), pace);
    let at = 0;
    /** What comes next and before `end`: some of it, as there may be much where the state before had nothing. */
    const upTo = (end: StateKey | null): StateEntry[] => {
      const page: StateEntry[] = [];
      while (page.length < PAGE_ENTRIES) {
        const key = keys[at];
        if (key === undefined || (end !== null && key >= end)) break;
        const value = this.entries.get(key) ?? null;
        if (value !== null) page.push({ key, value });
        at += 1;
      }
      return page;
    };
    for await (const chunk of before) {
      const page: StateEntry[] = [];
      for (const entry of chunk) {
        for (let some = upTo(entry.key); some.length > 0; some = upTo(entry.key)) {
          page.push(...some);
        }
        if (!this.entries.has(entry.key) && !this.#isForgotten(entry.key)) page.push(entry);
      }
      yield page;
    }
    for (let page = upTo(null); page.length > 0; page = upTo(null)) {
      await pace.entries(page.length);
      yield page;
    }
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

/** Sorts as much at a time as nobody notices. */
async function inOrder(keys: Iterable<StateKey>, pace: Pace): Promise<readonly StateKey[]> {
  let runs: StateKey[][] = [];
  let run: StateKey[] = [];
  for (const key of keys) {
    run.push(key);
    if (run.length < PAGE_ENTRIES) continue;
    runs.push(run.sort());
    run = [];
    await pace.entries(PAGE_ENTRIES);
  }
  runs.push(run.sort());
  while (runs.length > 1) {
    const longer: StateKey[][] = [];
    for (let i = 0; i < runs.length; i += 2) longer.push(await merged(runs[i] ?? [], runs[i + 1] ?? [], pace));
    runs = longer;
  }
  return runs[0] ?? [];
}

async function merged(left: readonly StateKey[], right: readonly StateKey[], pace: Pace): Promise<StateKey[]> {
  const all: StateKey[] = [];
  for (let l = 0, r = 0; l < left.length || r < right.length; ) {
    const [a, b] = [left[l], right[r]];
    if (a !== undefined && (b === undefined || a < b)) {
      all.push(a);
      l += 1;
    } else if (b !== undefined) {
      all.push(b);
      r += 1;
    }
    // Some ten times as fast as reading as many entries.
    if (all.length % (8 * PAGE_ENTRIES) === 0) await pace.entries(PAGE_ENTRIES);
  }
  return all;
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

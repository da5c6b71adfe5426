/**
 * Proves the state in the store from what a quorum signed: a snapshot whose root a certified header carries, and the blocks
 * after it run again. Both are read in key order, so memory is bounded by what the blocks since the snapshot touch.
 */
import type { SnapshotManifest, StateEntry } from '../codec/state.ts';
import { applyBlock, type Rules, touchedKeys } from '../ledger/ledger.ts';
import type { Snapshots, StateStore } from '../ports.ts';
import type { BlockWrites, CommittedBlock, StateKey } from '../types/index.ts';
import { identify } from './admission.ts';
import { checkedChunks } from './snapshot.ts';

export interface StateProofParts {
  readonly rules: Rules;
  readonly snapshots: Snapshots;
  /** Checked: it folds to the root in the first of the blocks. */
  readonly manifest: SnapshotManifest;
  /** Time of the block whose state the snapshot is. */
  readonly timeMs: number;
  /** The verified blocks after the snapshot, up to the height of the store, as often as they are asked for. */
  readonly blocks: () => AsyncIterable<CommittedBlock>;
  readonly store: StateStore;
}

/** `unusable`: the snapshot is damaged, and nothing is known. `block`: this block does not give its own roots. */
export type StateVerdict =
  | { readonly is: 'proved' }
  | { readonly is: 'unusable' }
  | { readonly is: 'false'; readonly reason: string }
  | { readonly is: 'block'; readonly height: number };

export async function judgeState(parts: StateProofParts): Promise<StateVerdict> {
  const { snapshots, manifest, store } = parts;
  const changes = new Changes();
  for await (const { block, batches } of parts.blocks()) {
    const transactions = batches.flatMap((batch) => batch.transactions.map(identify));
    for (const key of touchedKeys(transactions, block.evidence)) changes.entries.set(key, null);
  }
  const chunks = checkedChunks(snapshots, manifest);
  let next = await chunks.next();
  for (; next.done !== true; next = await chunks.next()) {
    for (const { key, value } of next.value) if (changes.entries.has(key)) changes.entries.set(key, value);
  }
  if (!next.value) return { is: 'unusable' };
  const odd = await runBlocks(parts, changes);
  if (odd !== null) return { is: 'block', height: odd };
  const reason = await firstDifference(changes.over(chunkEntries(snapshots, manifest)), eachOf(store.pages()));
  return reason === null ? { is: 'proved' } : { is: 'false', reason };
}

/** All that the blocks since the snapshot touch, and the ranges they forget. */
class Changes {
  readonly entries = new Map<StateKey, Uint8Array | null>();
  readonly #forgotten: { from: string; to: string }[] = [];

  apply({ entries, forget }: BlockWrites): void {
    if (forget !== null) {
      const last = this.#forgotten.at(-1);
      // One range begins where the one before ended, as time does.
      if (last !== undefined && forget.from <= last.to) last.to = forget.to > last.to ? forget.to : last.to;
      else this.#forgotten.push({ ...forget });
      for (const key of this.entries.keys()) if (key >= forget.from && key < forget.to) this.entries.set(key, null);
    }
    for (const { key, value } of entries) this.entries.set(key, value);
  }

  /** The state after the blocks, in key order. @param before the state before them. */
  async *over(before: AsyncIterable<StateEntry>): AsyncGenerator<StateEntry> {
    const changed = [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1));
    let at = 0;
    const upTo = function* (key: StateKey | null): Generator<StateEntry> {
      for (let entry = changed[at]; entry !== undefined && (key === null || entry[0] < key); entry = changed[++at]) {
        if (entry[1] !== null) yield { key: entry[0], value: entry[1] };
      }
    };
    for await (const entry of before) {
      yield* upTo(entry.key);
      if (!this.entries.has(entry.key) && !this.#isForgotten(entry.key)) yield entry;
    }
    yield* upTo(null);
  }

  #isForgotten(key: StateKey): boolean {
    return this.#forgotten.some(({ from, to }) => key >= from && key < to);
  }
}

/** @returns the height of the first block that gives other results than its header says, or null. */
async function runBlocks({ rules, timeMs, blocks }: StateProofParts, changes: Changes): Promise<number | null> {
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
  }
  return null;
}

/** The same chunks again: they were checked a moment ago, so now an absent one is an end. */
function chunkEntries(snapshots: Snapshots, manifest: SnapshotManifest): AsyncGenerator<StateEntry> {
  return eachOf(checkedChunks(snapshots, manifest));
}

async function* eachOf(pages: AsyncIterable<readonly StateEntry[]>): AsyncGenerator<StateEntry> {
  for await (const page of pages) yield* page;
}

/** Both in ascending key order. @returns null where they are the same. */
async function firstDifference(
  due: AsyncIterable<StateEntry>,
  found: AsyncIterable<StateEntry>,
): Promise<string | null> {
  const others = found[Symbol.asyncIterator]();
  let other = await others.next();
  try {
    for await (const { key, value } of due) {
      if (other.done === true || key < other.value.key) return `the state lacks ${key}`;
      if (other.value.key < key) return `the state has ${other.value.key} too much`;
      if (!isSame(value, other.value.value)) return `the state has another value for ${key}`;
      other = await others.next();
    }
    return other.done === true ? null : `the state has ${other.value.key} too much`;
  } finally {
    await others.return?.();
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * Blocks that are applied and not yet in the database, and what they change, merged: whoever reads looks here first. Between
 * two groups, the older of which is being written, every block is in one of them until it is in the database.
 */
import type { IndexWrite } from '../ports.ts';
import type { BlockWrites } from '../types/index.ts';
import type { StateTip } from './state-values.ts';

export interface PendingBlock {
  readonly tip: StateTip;
  readonly writes: BlockWrites;
  readonly index: readonly IndexWrite[];
  /** Of keys and values; what it takes in memory is some times as much. */
  readonly bytes: number;
}

export function pendingBlock(tip: StateTip, writes: BlockWrites, index: readonly IndexWrite[]): PendingBlock {
  let bytes = 0;
  for (const { key, value } of writes.entries) bytes += key.length + (value?.length ?? 0);
  for (const { key, value } of index) bytes += key.length + value.length;
  return { tip, writes, index, bytes };
}

/** Keys from the first, included, to the second, excluded. */
export interface KeyRange {
  readonly from: string;
  readonly to: string;
}

export function isWithin(key: string, { from, to }: KeyRange): boolean {
  return key >= from && key < to;
}

/** The range from the first key of both to the last. */
export function hull(range: KeyRange | null, { from, to }: KeyRange): KeyRange {
  if (range === null || from >= to) return range ?? { from, to };
  return { from: from < range.from ? from : range.from, to: to > range.to ? to : range.to };
}

export interface PendingChanges {
  readonly forgotten: readonly KeyRange[];
  /** Null for what is not there any more. */
  readonly entries: ReadonlyMap<string, Uint8Array | null>;
}

/** Index rows whose keys begin alike, of the first so many blocks. */
interface IndexSection {
  readonly rows: Map<string, Uint8Array>;
  merged: number;
}

export class PendingBlocks {
  readonly blocks: PendingBlock[] = [];
  readonly #entries = new Map<string, Uint8Array | null>();
  /** By what their keys begin with: whoever admits payments looks for references all the time, and for nothing else. */
  readonly #sections = new Map<string, IndexSection>();
  readonly #forgotten: KeyRange[] = [];
  /** How many of the blocks are merged: those that were there when somebody looked last. */
  #merged = 0;

  add(block: PendingBlock): void {
    this.blocks.push(block);
  }

  /** Null for what is not there any more, undefined for what these blocks do not speak of. */
  get(key: string): Uint8Array | null | undefined {
    if (this.blocks.length === 0) return undefined;
    this.#merge();
    const value = this.#entries.get(key);
    if (value !== undefined) return value;
    return this.#forgotten.some((range) => isWithin(key, range)) ? null : undefined;
  }

  /**
   * All that these blocks change in the state, each key once. What is forgotten goes first, so that a key that was written after
   * it stays. Rows of an index are written once anyhow.
   */
  changes(): PendingChanges {
    this.#merge();
    return { forgotten: this.#forgotten, entries: this.#entries };
  }

  indexGet(key: string): Uint8Array | undefined {
    const prefix = key.slice(0, key.indexOf('/') + 1);
    const section = this.#sections.get(prefix) ?? { rows: new Map<string, Uint8Array>(), merged: 0 };
    if (section.merged === 0) this.#sections.set(prefix, section);
    for (; section.merged < this.blocks.length; section.merged += 1) {
      for (const { key, value } of this.blocks[section.merged]?.index ?? []) {
        if (key.startsWith(prefix)) section.rows.set(key, value);
      }
    }
    return section.rows.get(key);
  }

  /** As in the database, what a block forgets goes first, so that a key written by the same block stays. */
  #merge(): void {
    for (; this.#merged < this.blocks.length; this.#merged += 1) {
      const block = this.blocks[this.#merged];
      if (block === undefined) continue;
      if (block.writes.forget !== null) this.#forget(block.writes.forget);
      for (const { key, value } of block.writes.entries) this.#entries.set(key, value);
    }
  }

  #forget(range: KeyRange): void {
    for (const key of this.#entries.keys()) {
      if (isWithin(key, range)) this.#entries.set(key, null);
    }
    this.#forgotten.push(range);
  }
}

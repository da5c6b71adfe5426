/**
 * A document as a tree in which every value knows its place in the author's text. YAML and TypeScript objects both become
 * one; variables, loops and includes make new trees of old ones, and the places stay.
 */
import type { Place } from '../story.ts';
import { MAX_DEPTH, MAX_TEXT_CHARS, MAX_VALUES } from './limits.ts';
import { refuse, shown } from './problem.ts';

export type Scalar = string | number | boolean | null;

export type Node =
  | { readonly kind: 'scalar'; readonly place: Place; readonly value: Scalar }
  | ListNode
  | MapNode
  /** A function of a TypeScript story. */
  | { readonly kind: 'code'; readonly place: Place; readonly body: (...args: never[]) => unknown };

interface ListNode {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly Node[];
}

export interface MapNode {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  /** Of the key. */
  readonly place: Place;
  readonly node: Node;
}

/** What stands under a key of a mapping. */
export function at(node: Node, ...keys: readonly string[]): Node | null {
  let found: Node | null = node;
  for (const key of keys) found = found?.kind === 'map' ? (found.entries.get(key)?.node ?? null) : null;
  return found;
}

/** The entries of a mapping; none where there is no mapping. */
export function entriesOf(node: Node | null): readonly (readonly [key: string, entry: Entry])[] {
  return node?.kind === 'map' ? [...node.entries] : [];
}

/** The items of a list; a value that is none is a list of one. */
export function itemsOf(node: Node | null): readonly Node[] {
  if (node === null) return [];
  return node.kind === 'list' ? node.items : [node];
}

/** The text of a scalar; only for values whose shape has been judged. */
export function textOf(node: Node): string {
  return node.kind === 'scalar' ? String(node.value) : '';
}

/** As JavaScript has it, for a JSON Schema to judge. Code stays code. */
export function plain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plain);
  if (node.kind === 'code') return node.body;
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.node)]));
}

/** `steps[3].pay`, and `people["012"]` for a key that is no word. */
export function pathTo(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  const isWord = /^[\w-]+$/.test(key);
  if (!isWord) return `${path}[${JSON.stringify(key.slice(0, 60))}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** Counts what a document has, and refuses what has too much. */
export class Measure {
  #values = 0;

  /** @param depth 0 for a whole document. */
  take(place: Place, depth: number, text: unknown = null): void {
    if (depth > MAX_DEPTH)
      refuse('SCENARIO_LIMIT', place, `this nests too deep; a story is at most ${MAX_DEPTH} levels deep`);
    if (++this.#values > MAX_VALUES)
      refuse('SCENARIO_LIMIT', place, `the story is too large; it has over ${MAX_VALUES} values`);
    if (typeof text === 'string' && text.length > MAX_TEXT_CHARS)
      refuse(
        'SCENARIO_LIMIT',
        place,
        `this text has ${text.length} characters; at most ${MAX_TEXT_CHARS} are expected`,
      );
  }
}

/**
 * The tree of a TypeScript object. Places have no line, only a path.
 * @throws as `refuse` where it holds what YAML could not: symbols, big integers, class instances, itself.
 */
export function nodeOf(value: unknown, file: string): Node {
  const measure = new Measure();
  const convert = (present: unknown, path: string, depth: number): Node => {
    const place = { file, line: 0, column: 0, path };
    measure.take(place, depth, present);
    if (present === null || ['string', 'number', 'boolean'].includes(typeof present))
      return { kind: 'scalar', place, value: checkedNumber(present as Scalar, place) };
    if (typeof present === 'function') return { kind: 'code', place, body: present as () => unknown };
    if (Array.isArray(present)) {
      return {
        kind: 'list',
        place,
        items: Array.from(present, (item, i) => convert(item, pathTo(path, i), depth + 1)),
      };
    }
    if (!isPlainObject(present))
      return refuse(
        'SCENARIO_SHAPE',
        place,
        `${typeof present} is no value of a story; expected text, a number, a list or an object`,
      );
    const entries = Object.entries(present).filter(([, inner]) => inner !== undefined);
    return {
      kind: 'map',
      place,
      entries: new Map(
        entries.map(([key, inner]) => {
          const node = convert(inner, pathTo(path, key), depth + 1);
          return [key, { place: node.place, node }];
        }),
      ),
    };
  };
  return convert(value, '', 0);
}

/** @throws as `refuse` for numbers that are not what was written. */
export function checkedNumber(value: Scalar, place: Place): Scalar {
  const isInexact = typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER);
  return isInexact
    ? refuse(
        'SCENARIO_SHAPE',
        place,
        `${shown(String(value))} is no number that can be kept exactly; expected one below 2^53`,
      )
    : value;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

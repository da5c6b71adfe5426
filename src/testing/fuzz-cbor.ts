/**
 * Hostile CBOR: true messages taken apart into items, changed where it hurts, and written again in any spelling that RFC 8949
 * has, deterministic or not. Chance comes from a seed, so a failing input is made again from the seed that a test prints.
 */
import { Chance } from '../simulator/world/random.ts';

/** A data item, with the way its head is written. */
interface Item {
  readonly major: number;
  readonly argument: bigint;
  /** Bytes of the argument behind the initial byte; the shortest that holds it where absent. */
  readonly width?: 0 | 1 | 2 | 4 | 8 | 'indefinite';
  readonly body?: Uint8Array;
  readonly items?: readonly Item[];
}

const UINT = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const OTHER = 7;

const utf8 = new TextEncoder();

/** Whole numbers at which something changes: widths of a head, what is safe in JavaScript, signed and unsigned 64 bits. */
const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 23n, 24n, 255n, 256n, 65_535n, 65_536n, 1_000_000n, 1_000_001n],
  ...[2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n],
  ...[2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];

/** Texts that break what people think of texts: no UTF-8, halves of surrogate pairs, two forms of one letter, controls. */
const TEXTS: readonly Uint8Array[] = [
  new Uint8Array(),
  ...[[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xed, 0xb0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]].map(
    (bytes) => Uint8Array.from(bytes),
  ),
  ...['\u00e9', 'e\u0301', '\ufb01', '\u212b', '\u0000', '\ufeff', '\ufffd', '\u202e', '__proto__', 'constructor'].map(
    (text) => utf8.encode(text),
  ),
  ...['dara@aclb', 'DARA@aclb', 'settlement@nbc', 'aclb', 'KHR', 'a'.repeat(12), 'a'.repeat(33), 'x'.repeat(65)].map(
    (text) => utf8.encode(text),
  ),
];

const LENGTHS = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 512, 513] as const;

/** Bytes that were made from true messages, and what was done to them. */
export interface Hostile {
  readonly bytes: Uint8Array;
  readonly how: string;
}

/** True messages, taken apart once. */
export interface Corpus {
  readonly messages: readonly Uint8Array[];
  readonly trees: readonly Item[];
  /** All items of all of them. */
  readonly parts: readonly Item[];
}

/** @param messages at least one; @param strangers lend their parts only. */
export function corpusOf(messages: readonly Uint8Array[], strangers: readonly Uint8Array[] = []): Corpus {
  const trees = messages.map(parse);
  return { messages, trees, parts: [...trees, ...strangers.map(parse)].flatMap(flat) };
}

export function hostileCbor(seed: number, { messages, trees, parts }: Corpus): Hostile {
  const chance = new Chance(seed, 'hostile');
  if (chance.happens(0.25)) return damaged(chance, chance.pick(messages), chance.pick(messages));
  let item = chance.pick(trees);
  const how: string[] = [];
  for (let left = chance.between(1, 3); left > 0; left--) {
    const [name, change] = chance.pick(CHANGES);
    const at = chance.below(flat(item).length);
    item = replaced(item, at, (found) => change(chance, found, parts));
    how.push(`${name} at ${at}`);
  }
  const bytes = write(item);
  return chance.happens(0.05) ? damaged(chance, bytes, bytes) : { bytes, how: how.join(', ') };
}

/** Every head of a message in turn, claiming `claim` bytes or items that are not there. */
export function claims(message: Uint8Array, claim: bigint): Uint8Array[] {
  const item = parse(message);
  return flat(item).flatMap(({ major }, at) =>
    major === BYTES || major === TEXT || major === ARRAY
      ? [write(replaced(item, at, () => ({ major, argument: claim })))]
      : [],
  );
}

type Change = readonly [name: string, change: (chance: Chance, item: Item, donors: readonly Item[]) => Item];

const CHANGES: readonly Change[] = [
  ['another number', (chance) => number(chance)],
  [
    'a number one off',
    (chance, item) => (item.major === UINT ? { ...item, argument: nearby(chance, item.argument) } : item),
  ],
  ['a part of another message', (chance, _item, donors) => chance.pick(donors)],
  ['another text', (chance) => ({ major: TEXT, ...sized(chance.pick(TEXTS)) })],
  ['other bytes', (chance) => ({ major: BYTES, ...sized(chance.bytes(chance.pick(LENGTHS))) })],
  [
    'bytes as text, text as bytes',
    (_chance, item) => (item.major === BYTES || item.major === TEXT ? { ...item, major: 5 - item.major } : item),
  ],
  ['one entry changed for another', (chance, item) => withItems(item, (items) => swapped(chance, items))],
  ['an entry twice', (chance, item) => withItems(item, (items) => doubled(chance, items))],
  [
    'an entry less',
    (chance, item) => withItems(item, (items) => items.filter((_, i) => i !== chance.below(items.length))),
  ],
  ['an entry more', (chance, item, donors) => withItems(item, (items) => [...items, chance.pick(donors)])],
  ['very many entries', (chance, item) => withItems(item, (items) => many(chance, items))],
  ['an empty list', (_chance, item) => withItems(item, () => [])],
  ['a longer head', (chance, item) => ({ ...item, width: chance.pick([1, 2, 4, 8] as const) })],
  [
    'an indefinite length',
    (_chance, item) => (item.major >= BYTES && item.major <= MAP ? { ...item, width: 'indefinite' } : item),
  ],
  ['a length that is not true', (chance, item) => ({ ...item, argument: chance.pick(EDGES) })],
  ['a negative number', (chance) => ({ major: 1, argument: chance.pick(EDGES) })],
  ['a tag', (chance, item) => ({ major: TAG, argument: chance.pick([0n, 1n, 2n, 3n, 24n, 55_799n]), items: [item] })],
  ['a map', (_chance, item) => ({ major: MAP, argument: 1n, items: [{ major: UINT, argument: 0n }, item] })],
  ['a simple value or a float', (chance) => simple(chance)],
  ['null', () => ({ major: OTHER, argument: 22n })],
  ['a deep nest', (chance, item) => nest(item, chance.pick([2, 100, 5_000]))],
];

/** What happens to bytes on a bad line, without any regard for what they mean. */
function damaged(chance: Chance, bytes: Uint8Array, other: Uint8Array): Hostile {
  const copy = new Uint8Array(bytes);
  const at = chance.below(copy.length + 1);
  switch (chance.below(6)) {
    case 0:
      return { how: 'random bytes', bytes: chance.bytes(chance.below(200)) };
    case 1:
      return { how: `cut at ${at}`, bytes: copy.subarray(0, at) };
    case 2:
      return {
        how: `spliced at ${at}`,
        bytes: joined(copy.subarray(0, at), other.subarray(chance.below(other.length + 1))),
      };
    case 3:
      return {
        how: `inserted at ${at}`,
        bytes: joined(copy.subarray(0, at), chance.bytes(chance.between(1, 9)), copy.subarray(at)),
      };
    case 4:
      return {
        how: `left out at ${at}`,
        bytes: joined(copy.subarray(0, at), copy.subarray(at + chance.between(1, 40))),
      };
    default:
      for (let left = chance.between(1, 8); left > 0 && copy.length > 0; left--) {
        const place = chance.below(copy.length);
        copy[place] = (copy[place] ?? 0) ^ (1 << chance.below(8));
      }
      return { how: 'flipped bits', bytes: copy };
  }
}

function number(chance: Chance): Item {
  return { major: UINT, argument: chance.pick(EDGES) };
}

function nearby(chance: Chance, value: bigint): bigint {
  const other = value + BigInt(chance.pick([-2, -1, 1, 2]));
  return other < 0n ? 0n : BigInt.asUintN(64, other);
}

function simple(chance: Chance): Item {
  const [argument, width] = chance.pick([
    [20n, 0],
    [21n, 0],
    [23n, 0],
    [22n, 1],
    [0n, 0],
    [0x3c00n, 2],
    [0x7e00n, 2],
    [0x3f800000n, 4],
    [0x8000000000000000n, 8],
    [0x4340000000000000n, 8],
  ] as const);
  return { major: OTHER, argument, width };
}

function nest(item: Item, depth: number): Item {
  let nested = item;
  for (let left = depth; left > 0; left--) nested = { major: ARRAY, argument: 1n, items: [nested] };
  return nested;
}

function sized(body: Uint8Array): { readonly argument: bigint; readonly body: Uint8Array } {
  return { argument: BigInt(body.length), body };
}

function withItems(item: Item, change: (items: readonly Item[]) => readonly Item[]): Item {
  if (item.items === undefined || item.items.length === 0) return item;
  const items = change(item.items);
  return { ...item, items, argument: BigInt(items.length) };
}

function swapped(chance: Chance, items: readonly Item[]): Item[] {
  const [a, b] = [chance.below(items.length), chance.below(items.length)];
  return items.map((item, i) => {
    if (i === a) return items[b] ?? item;
    return i === b ? (items[a] ?? item) : item;
  });
}

function doubled(chance: Chance, items: readonly Item[]): Item[] {
  const at = chance.below(items.length);
  return items.flatMap((item, i) => (i === at ? [item, item] : [item]));
}

function many(chance: Chance, items: readonly Item[]): Item[] {
  // Over the limits of every list, and never so many of so large ones that the test itself needs the memory.
  const weight = items.reduce((sum, item) => sum + flat(item).length, 0);
  const count = Math.min(chance.pick([32, 33, 65, 187, 1_025]), Math.ceil((20_000 * items.length) / weight));
  return Array.from({ length: count }, (_, i) => items[i % items.length] as Item);
}

/** The item and all in it, outermost first; those of a message itself, not what a deep nest holds. */
function flat(root: Item): Item[] {
  const found: Item[] = [];
  const open: Item[] = [root];
  for (let item = open.pop(); item !== undefined && found.length < 4_000; item = open.pop()) {
    found.push(item);
    open.push(...(item.items ?? []).toReversed());
  }
  return found;
}

/** The tree with its `at`th item, in the order of `flat`, changed. */
function replaced(root: Item, at: number, change: (item: Item) => Item): Item {
  let seen = 0;
  const walk = (item: Item, depth: number): Item => {
    const here = seen++;
    if (here === at) return change(item);
    if (item.items === undefined || here > at || depth > 64) return item;
    return { ...item, items: item.items.map((child) => walk(child, depth + 1)) };
  };
  return walk(root, 0);
}

/** Of canonical bytes of the few kinds that messages are made of. */
function parse(bytes: Uint8Array): Item {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const read = (): Item => {
    const initial = view.getUint8(at++);
    const major = initial >> 5;
    const info = initial & 31;
    const width = info < 24 ? 0 : 1 << (info - 24);
    const argument =
      width === 0 ? BigInt(info) : BigInt(`0x${Buffer.from(bytes.slice(at, at + width)).toString('hex')}`);
    at += width;
    if (major === ARRAY) return { major, argument, items: Array.from({ length: Number(argument) }, read) };
    if (major !== BYTES && major !== TEXT) return { major, argument };
    at += Number(argument);
    return { major, argument, body: bytes.slice(at - Number(argument), at) };
  };
  return read();
}

/** Without recursion: a nest may be deeper than the stack. */
function write(root: Item): Uint8Array {
  const parts: Uint8Array[] = [];
  const todo: (Item | Uint8Array)[] = [root];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (next instanceof Uint8Array) {
      parts.push(next);
      continue;
    }
    parts.push(head(next));
    if (next.width === 'indefinite') todo.push(Uint8Array.of(0xff));
    todo.push(...(next.items ?? []).toReversed());
    if (next.body === undefined) continue;
    todo.push(next.body);
    if (next.width === 'indefinite') todo.push(head({ ...next, width: 0 }));
  }
  return new Uint8Array(Buffer.concat(parts));
}

function head({ major, argument, width }: Item): Uint8Array {
  const top = major << 5;
  if (width === 'indefinite') return Uint8Array.of(top | 31);
  const shortest = argument < 24n ? 0 : ([1, 2, 4].find((bytes) => argument < 1n << BigInt(8 * bytes)) ?? 8);
  const size = Math.max(width ?? 0, shortest);
  if (size === 0) return Uint8Array.of(top | Number(argument));
  const digits = argument.toString(16).padStart(2 * size, '0');
  return joined(Uint8Array.of(top | (24 + Math.log2(size))), Buffer.from(digits, 'hex'));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

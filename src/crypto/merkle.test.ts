import fc from 'fast-check';
import { test } from 'tap';
import { fromHex } from '../codec/hex.ts';
import type { Hash } from '../types/index.ts';
import { hashHex } from './hash.ts';
import { merklePath, merkleRoot, merkleRootFromPath, merkleRootOf } from './merkle.ts';

const SIZES = Array.from({ length: 71 }, (_, size) => size);
const leaf = (i: number): Hash => hashHex('digestLeaf', Uint8Array.of(i));
const leavesOf = (size: number): Hash[] => Array.from({ length: size }, (_, i) => leaf(i));
const node = (left: Hash, right: Hash): Hash => hashHex('merkleNode', fromHex(left), fromHex(right));
const seal = (size: number, top: Hash): Hash =>
  hashHex('merkleRoot', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, size), fromHex(top));

/** MTH of RFC 9162 section 2.1.1, word for word: split at the largest power of two below n. */
function treeHash(leaves: readonly Hash[]): Hash {
  if (leaves.length === 1) return leaves[0]!;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return node(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

/** PATH of RFC 9162 section 2.1.3.1, word for word. */
function auditPath(index: number, leaves: readonly Hash[]): Hash[] {
  if (leaves.length === 1) return [];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return index < k
    ? [...auditPath(index, leaves.slice(0, k)), treeHash(leaves.slice(k))]
    : [...auditPath(index - k, leaves.slice(k)), treeHash(leaves.slice(0, k))];
}

test('the root of leaves that stand for several things hashes how many these are', async (t) => {
  for (const size of SIZES.filter((each) => each > 0)) {
    const leaves = leavesOf(size);
    t.equal(merkleRootOf(size, leaves), merkleRoot(leaves), `${size} leaves`);
    t.not(merkleRootOf(size + 1, leaves), merkleRoot(leaves), 'one thing more in as many leaves');
  }
  t.equal(merkleRootOf(0, []), merkleRoot([]));
});

test('small trees, drawn by hand', async (t) => {
  const [a, b, c, d, e] = [leaf(0), leaf(1), leaf(2), leaf(3), leaf(4)];
  t.equal(merkleRoot([]), hashHex('merkleEmpty'));
  t.equal(merkleRoot([a]), seal(1, a));
  t.equal(merkleRoot([a, b]), seal(2, node(a, b)));
  t.equal(merkleRoot([a, b, c]), seal(3, node(node(a, b), c)));
  t.equal(merkleRoot([a, b, c, d]), seal(4, node(node(a, b), node(c, d))));
  t.equal(merkleRoot([a, b, c, d, e]), seal(5, node(node(node(a, b), node(c, d)), e)));
});

test('every tree up to 70 leaves has the root and paths of RFC 9162', async (t) => {
  for (const size of SIZES.slice(1)) {
    const leaves = leavesOf(size);
    t.equal(merkleRoot(leaves), seal(size, treeHash(leaves)), `root of ${size}`);
    t.same(
      leaves.map((_, i) => merklePath(leaves, i)),
      leaves.map((_, i) => auditPath(i, leaves)),
      `paths of ${size}`,
    );
  }
});

test('the roots are pinned', async (t) => {
  const all = SIZES.map((size) => fromHex(merkleRoot(leavesOf(size))));
  t.equal(merkleRoot(leavesOf(7)), 'eb8cb54fe411c09baff963c5935f5cc71c78dce040cd048538fb532ed71c6c5a');
  t.equal(hashHex('digestLeaf', ...all), 'fbf494fc176907e92814154f511f9bd2ac3e56829264353c3f6e10cc6e48b7e8');
});

test('every leaf is proved by its path', async (t) => {
  for (const size of SIZES.slice(1)) {
    const leaves = leavesOf(size);
    const found = leaves.map((hash, i) => merkleRootFromPath(hash, i, size, merklePath(leaves, i)));
    t.same(new Set(found), new Set([merkleRoot(leaves)]), `size ${size}`);
  }
});

test('a path proves one place in a tree of one size', async (t) => {
  for (const size of SIZES.slice(1, 20)) {
    const leaves = leavesOf(size);
    const root = merkleRoot(leaves);
    const proved: string[] = [];
    for (const [i, hash] of leaves.entries()) {
      const path = merklePath(leaves, i);
      // All places of trees so near in size that they have paths of the same length.
      for (let otherSize = Math.max(0, size - 3); otherSize <= size + 3; otherSize++) {
        for (let j = 0; j <= otherSize; j++) {
          if (merkleRootFromPath(hash, j, otherSize, path) === root) proved.push(`${i}: ${j} of ${otherSize}`);
        }
      }
    }
    t.same(
      proved,
      leaves.map((_, i) => `${i}: ${i} of ${size}`),
      `size ${size}`,
    );
  }
});

const sizes = fc.integer({ min: 1, max: 70 });
const place = sizes.chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1) }));

test('any other leaf, path, size or index fails', async () => {
  const change = fc.constantFrom('replace', 'insert', 'remove', 'swap');
  const shift = fc.integer({ min: -80, max: 80 });
  fc.assert(
    fc.property(place, change, fc.nat(7), shift, ({ size, index }, how, at, by) => {
      const leaves = leavesOf(size);
      const path = merklePath(leaves, index);
      const changed = changePath(path, how, at);
      const same = changed.length === path.length && changed.every((hash, i) => hash === path[i]);
      const tries: [boolean, Hash | null][] = [
        [true, merkleRootFromPath(leaf(99), index, size, path)],
        [by !== 0, merkleRootFromPath(leaf(index), index, size + by, path)],
        [by !== 0, merkleRootFromPath(leaf(index), index + by, size, path)],
        [!same, merkleRootFromPath(leaf(index), index, size, changed)],
      ];
      const root = merkleRoot(leaves);
      return tries.every(([differs, found]) => !differs || found !== root);
    }),
    { numRuns: 500 },
  );
});

function changePath(path: readonly Hash[], how: string, at: number): Hash[] {
  const changed = [...path];
  if (how === 'replace' && at < path.length) changed[at] = leaf(99);
  if (how === 'insert') changed.splice(at, 0, leaf(99));
  if (how === 'remove') changed.splice(at, 1);
  if (how === 'swap' && at + 1 < path.length) changed.splice(at, 2, path[at + 1]!, path[at]!);
  return changed;
}

test('what is no path gives null', async (t) => {
  const path = merklePath(leavesOf(5), 1);
  t.equal(path.length, 3);
  const rows: [string, unknown, number, number, unknown[]][] = [
    ['one step too few', leaf(1), 1, 5, path.slice(1)],
    ['one step too many', leaf(1), 1, 5, [...path, leaf(9)]],
    ['an empty tree', leaf(1), 0, 0, []],
    ['index at the size', leaf(1), 5, 5, path],
    ['negative index', leaf(1), -1, 5, path],
    ['fractional index', leaf(1), 0.5, 5, path],
    ['size not a number', leaf(1), 1, Number.NaN, path],
    ['size beyond exact numbers', leaf(1), 1, 2 ** 53, path],
    ['a leaf that is no digest', 'ab', 1, 5, path],
    ['a step that is no digest', leaf(1), 1, 5, [path[0], 'AB'.repeat(32), path[2]]],
    ['a step that is nothing', leaf(1), 1, 5, [path[0], null, path[2]]],
    ['a path without end', leaf(1), 1, 5, Array.from({ length: 100_000 }, () => leaf(1))],
  ];
  for (const [what, hash, index, size, steps] of rows) {
    t.equal(merkleRootFromPath(hash as Hash, index, size, steps as Hash[]), null, what);
  }
  t.equal(
    merkleRootFromPath(
      leaf(1),
      1,
      2 ** 53 - 1,
      Array.from({ length: 53 }, () => leaf(1)),
    )?.length,
    64,
  );
});

test('a list whose last leaf is doubled has another root', async (t) => {
  // The duplicated transaction of CVE-2012-2459.
  for (const size of SIZES.slice(1)) {
    const leaves = leavesOf(size);
    t.not(merkleRoot([...leaves, leaves.at(-1)!]), merkleRoot(leaves));
  }
});

test('there is no path to a leaf that is not there', async (t) => {
  for (const index of [-1, 3, 0.5, Number.NaN]) {
    t.throws(() => merklePath(leavesOf(3), index), { name: 'AssertionError' }, String(index));
  }
});

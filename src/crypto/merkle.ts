/**
 * Merkle trees in the shape of RFC 9162 section 2.1: a list of n leaves splits at the largest power of two below n, and a
 * lone last node moves up as it is, never doubled (doubling gives two lists one root, CVE-2012-2459).
 *
 * Two deviations from the RFC. Nodes carry a domain tag instead of the byte 0x01, and leaves, which the caller hashes,
 * their own tags instead of 0x00. And the root also hashes the number of leaves: there the RFC leaves the size to a signed
 * tree head, and without it one path proves several positions (leaf 2 of 3 also as leaf 1 of 2).
 */
import { fromHex, isHex } from '../codec/hex.ts';
import { assert } from '../errors.ts';
import type { Hash } from '../types/index.ts';
import { hashHex, hashPair } from './hash.ts';

/** Root over leaf hashes in order; of no leaves, the hash of the domain `merkleEmpty`. */
export function merkleRoot(leaves: readonly Hash[]): Hash {
  return merkleRootOf(leaves.length, leaves);
}

/**
 * Root over leaf hashes each of which stands for several things of a list.
 *
 * @param size things in all, hashed in the place of the number of leaves.
 */
export function merkleRootOf(size: number, leaves: readonly Hash[]): Hash {
  let level = leaves;
  while (level.length > 1) level = parents(level);
  const [top] = level;
  return top === undefined ? hashHex('merkleEmpty') : sealRoot(size, top);
}

/** Siblings of leaf `index` from the bottom up (RFC 9162 section 2.1.3.1): what `merkleRootFromPath` needs. */
export function merklePath(leaves: readonly Hash[], index: number): Hash[] {
  assert(
    Number.isSafeInteger(index) && index >= 0 && index < leaves.length,
    'a Merkle path leads to a leaf of the tree',
  );
  const path: Hash[] = [];
  let level = leaves;
  let position = index;
  while (level.length > 1) {
    const sibling = level[position % 2 === 0 ? position + 1 : position - 1];
    if (sibling !== undefined) path.push(sibling);
    level = parents(level);
    position = Math.floor(position / 2);
  }
  return path;
}

/**
 * Root that a path leads to (RFC 9162 section 2.1.3.2), for comparison with the one a header holds. Takes anything: null
 * where `index` is no position of a tree of `size` leaves, or the path has not exactly the length of that position.
 */
export function merkleRootFromPath(leaf: Hash, index: number, size: number, path: readonly Hash[]): Hash | null {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return null;
  if (path.length > 53 || !isDigest(leaf) || !path.every(isDigest)) return null;
  let node = leaf;
  let position = index;
  let last = size - 1;
  let used = 0;
  for (; last > 0; last = Math.floor(last / 2), position = Math.floor(position / 2)) {
    // The last node of a level with an odd number of nodes has no sibling.
    if (position === last && position % 2 === 0) continue;
    const sibling = path[used++];
    if (sibling === undefined) return null;
    node = position % 2 === 0 ? hashPair('merkleNode', node, sibling) : hashPair('merkleNode', sibling, node);
  }
  return used === path.length ? sealRoot(size, node) : null;
}

function parents(level: readonly Hash[]): Hash[] {
  const above: Hash[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i];
    const right = level[i + 1];
    if (left !== undefined) above.push(right === undefined ? left : hashPair('merkleNode', left, right));
  }
  return above;
}

/** The number of leaves as it is hashed: 8 bytes, big-endian. */
const SIZE = Buffer.alloc(8);

function sealRoot(size: number, top: Hash): Hash {
  SIZE.writeBigUInt64BE(BigInt(size));
  return hashHex('merkleRoot', SIZE, fromHex(top, 32));
}

function isDigest(value: unknown): value is Hash {
  return typeof value === 'string' && isHex(value, 32);
}

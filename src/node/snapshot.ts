/**
 * Snapshots as the node sees them: the whole state in chunks, whose digests fold to the checkpoint root that a later
 * header carries (`checkpoints.ts`). A manifest is true when it folds to a certified root; each chunk is then checked alone.
 */
import { ChunkWriter } from '../codec/chunk-writer.ts';
import { MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES, MAX_MANIFEST_BYTES, MAX_SNAPSHOT_CHUNKS } from '../codec/limits.ts';
import { CodecError, decode, encode, type Schema } from '../codec/schema.ts';
import { type SnapshotManifest, type StateEntry, snapshotManifest, stateChunk } from '../codec/state.ts';
import { hashHex } from '../crypto/hash.ts';
import { merkleRootOf } from '../crypto/merkle.ts';
import type { HeldState, Snapshots, StateChunk, StateStore } from '../ports.ts';
import type { Hash } from '../types/index.ts';
import type { Pace } from './pace.ts';

/** Snapshots that are kept: whoever fetches the last but one while the last is made can finish. */
const KEPT_SNAPSHOTS = 2;

export interface SnapshotParts {
  /** Of the state. */
  readonly height: number;
  readonly chunks: HeldState['chunks'];
  readonly snapshots: Snapshots;
  /** Ends it: nothing of it is there then, and it rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Where blocks are made meanwhile. */
  readonly pace?: Pace | undefined;
}

/** Reads a whole state once, for its root and its snapshot. A state too large for a manifest gets a root alone. */
export async function takeSnapshot({ height, chunks, snapshots, signal, pace }: SnapshotParts): Promise<Hash> {
  const writer = await snapshots.begin(height);
  const chunkDigests: Hash[] = [];
  let all = 0;
  try {
    for await (const { bytes, entries } of chunks) {
      signal.throwIfAborted();
      chunkDigests.push(chunkDigest(bytes));
      all += entries;
      if (chunkDigests.length <= MAX_SNAPSHOT_CHUNKS) await writer.append(bytes);
      await pace?.rest();
    }
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  if (chunkDigests.length > MAX_SNAPSHOT_CHUNKS) await writer.abandon();
  else await writer.finish(encode(snapshotManifest, { version: 1, height, entries: all, chunkDigests }));
  return merkleRootOf(all, chunkDigests);
}

/** The root that a checkpoint of this state would carry. */
export async function stateRoot(chunks: HeldState['chunks']): Promise<Hash> {
  const digests: Hash[] = [];
  let all = 0;
  for await (const { bytes, entries } of chunks) {
    digests.push(chunkDigest(bytes));
    all += entries;
  }
  return merkleRootOf(all, digests);
}

/** The chunks of a state that is not read as such. @param pages of it, in key order. */
export async function* chunksOf(pages: HeldState['pages']): AsyncGenerator<StateChunk> {
  const writer = new ChunkWriter();
  for await (const page of pages) {
    for (const { key, value } of page) {
      writer.add(key, value);
      if (writer.isFull) yield writer.take();
    }
  }
  if (writer.count > 0) yield writer.take();
}

/** Removes old snapshots, and those of a record that has since been lost. @param needed heights of others that are not old. */
export async function pruneSnapshots(snapshots: Snapshots, height: number, needed: readonly number[]): Promise<void> {
  const newest = snapshots
    .heights()
    .filter((at) => at <= height)
    .slice(-KEPT_SNAPSHOTS);
  await snapshots.keep([...needed, ...newest]);
}

/** Whether the manifest describes the state that this checkpoint root commits to. */
export function isManifestOf(
  { height, entries, chunkDigests }: SnapshotManifest,
  at: number,
  root: Hash | null,
): boolean {
  if (height !== at || chunkDigests.length !== Math.ceil(entries / MAX_CHUNK_ENTRIES)) return false;
  return merkleRootOf(entries, chunkDigests) === root;
}

/** Entries of chunk `index`, or null where they are not those that the manifest speaks of. */
export function openChunk(bytes: Uint8Array, index: number, manifest: SnapshotManifest): readonly StateEntry[] | null {
  if (bytes.length > MAX_CHUNK_BYTES || chunkDigest(bytes) !== manifest.chunkDigests[index]) return null;
  const entries = decodeOrNull(stateChunk, bytes, MAX_CHUNK_BYTES);
  const due = Math.min(MAX_CHUNK_ENTRIES, manifest.entries - index * MAX_CHUNK_ENTRIES);
  return entries?.length === due ? entries : null;
}

/** The root of a snapshot that this node made, by its manifest; null where there is none. */
export async function rootOfSnapshot(snapshots: Snapshots, height: number): Promise<Hash | null> {
  const bytes = await snapshots.manifest(height);
  const manifest = bytes === null ? null : decodeOrNull(snapshotManifest, bytes, MAX_MANIFEST_BYTES);
  const root = manifest === null ? null : merkleRootOf(manifest.entries, manifest.chunkDigests);
  if (manifest !== null && isManifestOf(manifest, height, root)) return root;
  await snapshots.setAside(height);
  return null;
}

/** A snapshot's manifest, or null where there is none that is that of this root. */
export async function readManifest(
  snapshots: Snapshots,
  height: number,
  root: Hash | null,
): Promise<SnapshotManifest | null> {
  const bytes = await snapshots.manifest(height);
  const manifest = bytes === null ? null : decodeOrNull(snapshotManifest, bytes, MAX_MANIFEST_BYTES);
  if (manifest !== null && isManifestOf(manifest, height, root)) return manifest;
  await snapshots.setAside(height);
  return null;
}

/** The chunks of a snapshot, each checked. Ends early, with `false`, where one is not there or not true; else with `true`. */
export async function* checkedChunks(
  snapshots: Snapshots,
  manifest: SnapshotManifest,
): AsyncGenerator<readonly StateEntry[], boolean> {
  for (const index of manifest.chunkDigests.keys()) {
    const bytes = await snapshots.chunk(manifest.height, index);
    const entries = bytes === null ? null : openChunk(bytes, index, manifest);
    if (entries === null) {
      await snapshots.setAside(manifest.height);
      return false;
    }
    yield entries;
  }
  return true;
}

/** Makes an empty store hold the state of a snapshot. @returns whether it does; where not, the store is empty again. */
export async function fillFromSnapshot(
  store: StateStore,
  snapshots: Snapshots,
  manifest: SnapshotManifest,
  chainId: Hash,
): Promise<boolean> {
  const chunks = checkedChunks(snapshots, manifest);
  for (let next = await chunks.next(); ; next = await chunks.next()) {
    if (next.done === true) {
      if (next.value) await store.seal(manifest.height, chainId);
      else await store.clear();
      return next.value;
    }
    await store.fill(next.value);
  }
}

/** What came from elsewhere, or null where it is not of this form. */
export function decodeOrNull<T>(schema: Schema<T>, bytes: Uint8Array, maxBytes: number): T | null {
  try {
    return decode(schema, bytes, maxBytes);
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}

/** One digest of the chunk's canonical bytes: nothing ever proves a single entry of it. */
function chunkDigest(bytes: Uint8Array): Hash {
  return hashHex('chunkLeaf', bytes);
}

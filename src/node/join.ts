/**
 * How a node joins through a snapshot: it takes a manifest and two blocks from one peer, the snapshot's and the one whose
 * header carries its root, and believes none before two certificates and the root vouch for them, then chunks from whoever has them, each checked alone. A liar is known
 * at its first false word and banned; whoever vanishes or has removed its snapshot costs time only.
 */
import { committedBlock } from '../codec/block.ts';
import { MAX_COMMITTED_BLOCK_BYTES, MAX_MANIFEST_BYTES } from '../codec/limits.ts';
import { blocksQuestion, chunkQuestion, manifestQuestion } from '../codec/messages.ts';
import { decode, encode } from '../codec/schema.ts';
import { type SnapshotManifest, snapshotManifest } from '../codec/state.ts';
import { CodedError } from '../errors.ts';
import type { Question, SnapshotWriter } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import type { SnapshotStart } from './chain.ts';
import type { Context } from './context.ts';
import { holdsItsBatches } from './record.ts';
import { decodeOrNull, isManifestOf, openChunk } from './snapshot.ts';

/** A snapshot that a quorum vouches for. */
interface Target extends SnapshotStart {
  readonly manifest: SnapshotManifest;
}

export class Join {
  readonly #context: Context;
  #stopped = false;

  constructor(context: Context) {
    this.#context = context;
  }

  stop(): void {
    this.#stopped = true;
  }

  /**
   * Fetches the newest snapshot that a peer has, whole, to the disk.
   *
   * @param peers whom to ask, in this order.
   * @returns what the chain can begin at, or null where nobody has a snapshot above it that can be fetched.
   */
  async fetch(peers: readonly ParticipantId[]): Promise<SnapshotStart | null> {
    for (const peer of peers) {
      const target = await this.#target(peer);
      if (target === null) continue;
      this.#context.emit({ type: 'joining', peer, height: target.height, chunks: target.manifest.chunkDigests.length });
      if (await this.#fetchChunks(target, [peer, ...peers.filter((other) => other !== peer)])) return target;
    }
    return null;
  }

  async #target(peer: ParticipantId): Promise<Target | null> {
    const { chain } = this.#context;
    const [offered] = await this.#ask(peer, 'manifest', encode(manifestQuestion, { above: chain.tip.height }));
    if (offered === undefined) return null;
    const manifest = decodeOrNull(snapshotManifest, offered, MAX_MANIFEST_BYTES);
    if (manifest === null || manifest.height <= chain.tip.height) return this.#refuse(peer, 'a manifest that is none');
    const { height } = manifest;
    const [block] = await this.#ask(peer, 'blocks', encode(blocksQuestion, { from: height, count: 1 }));
    const from = chain.certifierOf(height);
    const [certifier] = await this.#ask(peer, 'blocks', encode(blocksQuestion, { from, count: 1 }));
    if (block === undefined || certifier === undefined) return null;
    const problem = this.#problem(block, height) ?? this.#problem(certifier, from);
    if (problem !== null) return this.#refuse(peer, problem);
    const root = decode(committedBlock, certifier, MAX_COMMITTED_BLOCK_BYTES).block.header.checkpointRoot;
    if (root === null || !isManifestOf(manifest, height, root))
      return this.#refuse(peer, 'a manifest of another state');
    return { height, manifest, block, root };
  }

  /** What keeps bytes from being the block that a quorum decided on at this height, or null. */
  #problem(bytes: Uint8Array, height: number): string | null {
    const { chain } = this.#context;
    const committed = decodeOrNull(committedBlock, bytes, MAX_COMMITTED_BLOCK_BYTES);
    if (committed === null) return 'a block that is none';
    const { header } = committed.block;
    if (header.height !== height || header.chainId !== chain.chainId) return 'a block that nobody asked for';
    const isTrue = holdsItsBatches(committed) && chain.isCertified(committed);
    return isTrue ? null : 'a block without its batches or a valid certificate';
  }

  /** @returns whether the snapshot is on the disk, whole. */
  async #fetchChunks({ height, manifest }: Target, peers: readonly ParticipantId[]): Promise<boolean> {
    const writer = await this.#context.chain.snapshots.begin(height);
    try {
      const holders = new Set(peers);
      for (const index of manifest.chunkDigests.keys()) {
        if (!(await this.#fetchChunk(manifest, index, holders, writer))) {
          await writer.abandon();
          return false;
        }
      }
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    await writer.finish(encode(snapshotManifest, manifest));
    return true;
  }

  /** @param holders whom it makes sense to ask; whoever fails is taken out. */
  async #fetchChunk(
    manifest: SnapshotManifest,
    index: number,
    holders: Set<ParticipantId>,
    writer: SnapshotWriter,
  ): Promise<boolean> {
    const question = encode(chunkQuestion, { height: manifest.height, index });
    for (const peer of holders) {
      const [chunk] = await this.#ask(peer, 'chunk', question);
      if (this.#stopped) return false;
      if (chunk === undefined) {
        holders.delete(peer);
      } else if (openChunk(chunk, index, manifest) === null) {
        holders.delete(peer);
        this.#refuse(peer, 'a false chunk of a snapshot');
      } else {
        await writer.append(chunk);
        return true;
      }
    }
    return false;
  }

  /** The frames of an answer; none where the peer is gone or slow. */
  async #ask(peer: ParticipantId, question: Question, bytes: Uint8Array): Promise<Uint8Array[]> {
    if (this.#stopped) return [];
    try {
      return [...(await this.#context.network.ask(peer, question, bytes))];
    } catch (error) {
      if (error instanceof CodedError) return [];
      throw error;
    }
  }

  #refuse(peer: ParticipantId, reason: string): null {
    const { network, emit } = this.#context;
    network.ban(peer, reason);
    emit({ type: 'peerRefused', peer, reason });
    return null;
  }
}

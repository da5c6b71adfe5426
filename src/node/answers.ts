/** What this node answers to questions about what it has: batches, the record, and its newest certified snapshot. */
import { MAX_ANNOUNCEMENT_BYTES, MAX_PROPOSAL_BYTES, MAX_SYNC_BYTES } from '../codec/limits.ts';
import { batchesQuestion, blocksQuestion, chunkQuestion, manifestQuestion } from '../codec/messages.ts';
import { decode, encode } from '../codec/schema.ts';
import { snapshotManifest } from '../codec/state.ts';
import type { Context } from './context.ts';
import { readManifest } from './snapshot.ts';

/** Each answers with frames. @throws CodecError for a question that no honest peer asks. */
export class Answers {
  readonly #context: Context;
  /** The last manifest that was asked for: checking it again for everybody who asks would be work for nothing. */
  #offered: { readonly height: number; readonly bytes: Uint8Array } | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  batches(bytes: Uint8Array): Uint8Array[] {
    const wanted = decode(batchesQuestion, bytes, MAX_PROPOSAL_BYTES);
    const { batches } = this.#context;
    return wanted.map((digest) => batches.get(digest)?.bytes).filter((found) => found !== undefined);
  }

  /**
   * The record as it stands: nothing is decoded for whoever asks. Where it begins later than what was asked for, its first
   * block alone, which tells the asker so under a certificate, and that this peer is no liar.
   */
  async blocks(bytes: Uint8Array): Promise<Uint8Array[]> {
    const { from, count } = decode(blocksQuestion, bytes, MAX_ANNOUNCEMENT_BYTES);
    const { log, tip } = this.#context.chain;
    const first = log.first();
    const [begin, end] = from < first ? [first, first + 1] : [from, from + count];
    const frames: Uint8Array[] = [];
    let total = 0;
    for (let height = begin; height < end && height <= tip.height; height++) {
      const frame = await log.read(height);
      if (frame === null || total + frame.length > MAX_SYNC_BYTES) break;
      frames.push(frame);
      total += frame.length;
    }
    return frames;
  }

  /** Of the newest snapshot that a block of the record vouches for, and whose blocks the asker can have from here. */
  async manifest(bytes: Uint8Array): Promise<Uint8Array[]> {
    const { above } = decode(manifestQuestion, bytes, MAX_ANNOUNCEMENT_BYTES);
    const { chain } = this.#context;
    const { snapshots, log, tip } = chain;
    const offered = snapshots.heights().filter((at) => at >= log.first() && chain.certifierOf(at) <= tip.height);
    const height = offered.at(-1);
    if (height === undefined || height <= above) return [];
    if (this.#offered?.height !== height) await this.#check(height);
    return this.#offered === null ? [] : [this.#offered.bytes];
  }

  async chunk(bytes: Uint8Array): Promise<Uint8Array[]> {
    const { height, index } = decode(chunkQuestion, bytes, MAX_ANNOUNCEMENT_BYTES);
    const frame = await this.#context.chain.snapshots.chunk(height, index);
    return frame === null ? [] : [frame];
  }

  /** What a crash or a disk did to it must not make this node a liar. */
  async #check(height: number): Promise<void> {
    const { chain } = this.#context;
    const certifier = await chain.read(chain.certifierOf(height));
    const manifest = await readManifest(chain.snapshots, height, certifier?.block.header.checkpointRoot ?? null);
    this.#offered = manifest === null ? null : { height, bytes: encode(snapshotManifest, manifest) };
  }
}

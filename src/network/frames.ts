/** Frames that a peer sends: one over the limit is nonsense of this peer. */
import { FrameDecoder } from '../codec/frames.ts';
import { CodecError } from '../codec/schema.ts';
import { NetworkError } from './errors.ts';

export class PeerFrames {
  readonly #decoder: FrameDecoder;

  constructor(maxFrameBytes: number) {
    this.#decoder = new FrameDecoder(maxFrameBytes);
  }

  /** Whether a frame has begun and is not whole yet. */
  get partial(): boolean {
    return this.#decoder.partial;
  }

  /** @returns the frames that `chunk` completes. @throws NetworkError `PEER_NONSENSE` where one announces too much. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    try {
      return this.#decoder.push(chunk);
    } catch (error) {
      if (error instanceof CodecError) throw new NetworkError('PEER_NONSENSE', error.message, { cause: error });
      throw error;
    }
  }
}

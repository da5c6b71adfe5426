/**
 * Messages on a stream: a length of four bytes, big-endian, and as many bytes. One writer's frames arrive whole and in
 * order, or the stream is dead.
 */
import { NetworkError } from './errors.ts';

export const FRAME_HEADER_BYTES = 4;
/** What is reserved for a frame before its bytes are there; more follows as they come, so that a claim costs nothing. */
const FIRST_RESERVE_BYTES = 16 * 1024;

export function encodeFrame(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** Cuts a stream of bytes into frames. Holds at most twice the bytes it was given. */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  #body = new Uint8Array(0);
  #bodyBytes = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Whether a frame has begun and is not whole yet. */
  get partial(): boolean {
    return this.#headerBytes > 0;
  }

  /**
   * @returns the frames that `chunk` completes, each a copy.
   * @throws NetworkError `PEER_NONSENSE` where a frame announces more than the limit.
   */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    const frames: Uint8Array[] = [];
    let rest = chunk;
    while (rest.length > 0 || this.#isWhole()) {
      if (this.#isWhole()) frames.push(this.#take());
      else rest = this.#headerBytes < FRAME_HEADER_BYTES ? this.#readHeader(rest) : this.#readBody(rest);
    }
    return frames;
  }

  #length(): number {
    return new DataView(this.#header.buffer).getUint32(0);
  }

  #isWhole(): boolean {
    return this.#headerBytes === FRAME_HEADER_BYTES && this.#bodyBytes === this.#length();
  }

  #take(): Uint8Array {
    const frame = this.#body.subarray(0, this.#bodyBytes);
    this.#headerBytes = 0;
    this.#bodyBytes = 0;
    this.#body = new Uint8Array(0);
    return frame;
  }

  #readHeader(rest: Uint8Array): Uint8Array {
    const taken = rest.subarray(0, FRAME_HEADER_BYTES - this.#headerBytes);
    this.#header.set(taken, this.#headerBytes);
    this.#headerBytes += taken.length;
    if (this.#headerBytes === FRAME_HEADER_BYTES && this.#length() > this.#maxFrameBytes) {
      throw new NetworkError('PEER_NONSENSE', `a frame of ${this.#length()} bytes; ${this.#maxFrameBytes} are allowed`);
    }
    return rest.subarray(taken.length);
  }

  #readBody(rest: Uint8Array): Uint8Array {
    const taken = rest.subarray(0, this.#length() - this.#bodyBytes);
    this.#reserve(this.#bodyBytes + taken.length);
    this.#body.set(taken, this.#bodyBytes);
    this.#bodyBytes += taken.length;
    return rest.subarray(taken.length);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#body.length) return;
    const roomy = Math.max(bytes, this.#body.length * 2, FIRST_RESERVE_BYTES);
    const larger = new Uint8Array(Math.min(roomy, this.#length()));
    larger.set(this.#body.subarray(0, this.#bodyBytes));
    this.#body = larger;
  }
}

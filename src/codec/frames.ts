/**
 * Messages on a stream: a length of four bytes, big-endian, and as many bytes. One writer's frames arrive whole and in
 * order, or the stream is dead.
 */
import { CodecError } from './reader.ts';

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
  /** Of the frame that has begun: the bytes of its header that are here, its length once all are, and its body. */
  #headerBytes = 0;
  #length = 0;
  #body = EMPTY;
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
   * @throws CodecError `FRAME_INVALID` where a frame announces more than the limit.
   */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    const frames: Uint8Array[] = [];
    this.each(chunk, (frame) => frames.push(frame));
    return frames;
  }

  /** As `push`, for whoever wants the frames before a wrong one, too. */
  each(chunk: Uint8Array, take: (frame: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#headerBytes < FRAME_HEADER_BYTES ? this.#readHeader(chunk, at) : this.#readBody(chunk, at);
      if (this.#headerBytes === FRAME_HEADER_BYTES && this.#bodyBytes === this.#length) take(this.#whole());
    }
  }

  #whole(): Uint8Array {
    const frame = this.#body.subarray(0, this.#bodyBytes);
    this.#headerBytes = 0;
    this.#length = 0;
    this.#body = EMPTY;
    this.#bodyBytes = 0;
    return frame;
  }

  #readHeader(chunk: Uint8Array, start: number): number {
    let at = start;
    for (; at < chunk.length && this.#headerBytes < FRAME_HEADER_BYTES; at += 1) {
      this.#length = this.#length * 0x100 + (chunk[at] ?? 0);
      this.#headerBytes += 1;
    }
    if (this.#headerBytes === FRAME_HEADER_BYTES && this.#length > this.#maxFrameBytes) {
      const problem = `a frame of ${this.#length} bytes; ${this.#maxFrameBytes} are allowed`;
      throw new CodecError('FRAME_INVALID', problem);
    }
    return at;
  }

  #readBody(chunk: Uint8Array, start: number): number {
    const end = Math.min(chunk.length, start + this.#length - this.#bodyBytes);
    this.#reserve(this.#bodyBytes + end - start);
    this.#body.set(chunk.subarray(start, end), this.#bodyBytes);
    this.#bodyBytes += end - start;
    return end;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#body.length) return;
    const roomy = Math.max(bytes, this.#body.length * 2, FIRST_RESERVE_BYTES);
    const larger = new Uint8Array(Math.min(roomy, this.#length));
    larger.set(this.#body.subarray(0, this.#bodyBytes));
    this.#body = larger;
  }
}

const EMPTY = new Uint8Array(0);

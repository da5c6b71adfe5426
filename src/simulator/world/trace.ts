/** What happened in a run, as one SHA-256 over all of it in order: two runs of one seed must agree in every bit. */
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/hash.ts';

const CHUNK_BYTES = 64 * 1024;

export class Trace {
  #hash = new Uint8Array(32);
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #size = 0;
  readonly #listener: ((line: string) => void) | null;

  /** @param listener hears every line; the bytes of messages only count towards the hash. */
  constructor(listener: ((line: string) => void) | null = null) {
    this.#listener = listener;
  }

  line(text: string): void {
    this.#listener?.(text);
    const line = `${text}\n`;
    // Three bytes a character are the most that UTF-8 takes.
    if (this.#size + 3 * line.length >= CHUNK_BYTES) this.#take(Buffer.from(line));
    else this.#size += this.#chunk.write(line, this.#size);
  }

  /** A message that arrived. */
  message(line: () => string, bytes: Uint8Array): void {
    this.line(line());
    this.#take(bytes);
  }

  /** Of everything so far. */
  digest(): string {
    this.#flush();
    return toHex(this.#hash);
  }

  #take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + CHUNK_BYTES - this.#size);
      this.#chunk.set(part, this.#size);
      this.#size += part.length;
      at += part.length;
      if (this.#size === CHUNK_BYTES) this.#flush();
    }
  }

  #flush(): void {
    this.#hash = new Uint8Array(sha256(Buffer.concat([this.#hash, this.#chunk.subarray(0, this.#size)])));
    this.#size = 0;
  }
}

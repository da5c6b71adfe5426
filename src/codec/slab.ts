/**
 * Room for short arrays, side by side. An array of its own takes 200 to 290 bytes of V8's heap besides what is in it, and one that
 * is longer than 64 bytes half a microsecond; a view of a slab takes 100 bytes and a tenth of that time. What is kept for long keeps
 * its slab, so slabs are small.
 */

/** Longer arrays get a buffer of their own. */
const MAX_SHARED_BYTES = 1024;
const SLAB_BYTES = 4096;

export class Slab {
  #buffer = new ArrayBuffer(SLAB_BYTES);
  #end = 0;

  /** @returns so many bytes, all zero, that nobody else has. */
  room(length: number): Uint8Array {
    if (length > MAX_SHARED_BYTES) return new Uint8Array(length);
    if (this.#end + length > SLAB_BYTES) {
      this.#buffer = new ArrayBuffer(SLAB_BYTES);
      this.#end = 0;
    }
    const room = new Uint8Array(this.#buffer, this.#end, length);
    this.#end += length;
    return room;
  }

  /** @returns a copy of the bytes from `start` to `end` (excluded). */
  copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const copy = this.room(end - start);
    // Up to the length of a signature and somewhat more a loop takes half the time of making a view to copy from.
    if (copy.length > LOOPED_BYTES) copy.set(bytes.subarray(start, end));
    else for (let i = 0; i < copy.length; i++) copy[i] = bytes[start + i] ?? 0;
    return copy;
  }
}

const LOOPED_BYTES = 96;

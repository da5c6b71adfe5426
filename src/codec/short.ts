/**
 * Short arrays as text and back, through one buffer that is there already. V8 keeps up to 64 bytes inside the array object; a
 * `Buffer` over them makes it move them out first, which takes ten times as long as a copy, and the garbage collector besides.
 */

/** What is copied at most: longer arrays lie outside already, and a view of one is cheap. */
export const SHORT_BYTES = 64;
const short = Buffer.alloc(SHORT_BYTES);

/** The bytes from `start` to `end` (excluded) as text: lowercase hex, or one character a byte. */
export function textOf(bytes: Uint8Array, encoding: 'hex' | 'latin1', start = 0, end = bytes.length): string {
  const length = end - start;
  if (length > SHORT_BYTES) return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString(encoding);
  for (let i = 0; i < length; i++) short[i] = bytes[start + i] ?? 0;
  return short.toString(encoding, 0, length);
}

/** What `textOf` was given, up to what is no pair of hex digits. @param text hex digits, or one character below 256 a byte. */
export function bytesOf(text: string, encoding: 'hex' | 'latin1'): Uint8Array {
  const length = encoding === 'hex' ? text.length >> 1 : text.length;
  if (length > SHORT_BYTES) return new Uint8Array(Buffer.from(text, encoding));
  const bytes = new Uint8Array(short.write(text, encoding));
  for (let i = 0; i < bytes.length; i++) bytes[i] = short[i] ?? 0;
  return bytes;
}

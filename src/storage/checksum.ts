/** CRC-32 (RFC 1952 section 8.1.1) of a text and the bytes after it, for values so short that two calls of zlib cost more than a loop. */
import { crc32 } from 'node:zlib';

/** From so many bytes on zlib is faster. */
const LOOPED_BYTES = 256;

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb8_8320 : rest >>> 1;
  return rest;
});

/** Of the text in UTF-8 and the first `length` bytes. @returns as zlib does, from 0 on. */
export function checksum(text: string, bytes: Uint8Array, length: number): number {
  if (text.length + length > LOOPED_BYTES) return throughZlib(text, bytes, length);
  let crc = -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return throughZlib(text, bytes, length);
    crc = (TABLE[(crc ^ code) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  for (let i = 0; i < length; i++) crc = (TABLE[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function throughZlib(text: string, bytes: Uint8Array, length: number): number {
  return crc32(bytes.subarray(0, length), crc32(text));
}

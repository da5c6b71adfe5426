/** Lowercase hexadecimal, strictly: every sequence of bytes has one text. */
import { CodedError } from '../errors.ts';
import { bytesOf, textOf } from './short.ts';

/** @returns lowercase hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return textOf(bytes, 'hex');
}

/**
 * @param length bytes expected, where the caller knows.
 * @throws CodedError `HEX_MALFORMED` for anything but lowercase hex digits, two a byte.
 */
export function fromHex(text: string, length = text.length / 2): Uint8Array {
  const bytes = text.length === 2 * length ? bytesOf(text, 'hex') : null;
  // Decoding stops at what is no pair of digits; asking for the case besides takes less than an expression for both.
  if (bytes?.length !== length || text.toLowerCase() !== text) {
    throw new CodedError('HEX_MALFORMED', `expected ${Math.ceil(length) * 2} lowercase hex digits (0-9, a-f)`);
  }
  return bytes;
}

/** Whether `text` is exactly `bytes` bytes of lowercase hex. */
export function isHex(text: string, bytes: number): boolean {
  return text.length === bytes * 2 && /^(?:[0-9a-f]{2})*$/.test(text);
}

/**
 * ChaCha20-Poly1305 (RFC 8439) of libsodium, with which every message between nodes is sealed. For 200 bytes it takes 1.1 us,
 * WebAssembly 3.5 and node:crypto 22; for 20,000 bytes 24, 170 and 39.
 */
import { loadSodium } from './sodium.ts';

export const TAG_BYTES = 16;

/** Keys have 32 bytes, nonces 12. */
export interface Aead {
  /** @returns as many bytes as the message, and the tag. */
  seal(key: Uint8Array, nonce: Uint8Array, message: Uint8Array, associated: Uint8Array): Uint8Array;
  /**
   * @param into as many bytes as the message has; may be the first bytes of what is opened.
   * @throws Error where it was sealed with something else.
   */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array, into: Uint8Array): Uint8Array;
}

/** @returns null where libsodium does not load, as signature-library.ts does without it then. */
export function loadAead(): Aead | null {
  let sodium: ReturnType<typeof loadSodium>['sodium'];
  try {
    ({ sodium } = loadSodium());
  } catch {
    return null;
  }
  return {
    seal: (key, nonce, message, associated) => {
      const sealed = Buffer.allocUnsafe(message.length + TAG_BYTES);
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, message, associated, null, nonce, key);
      return sealed;
    },
    open: (key, nonce, sealed, associated, into) => {
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(into, null, sealed, associated, nonce, key);
      return into;
    },
  };
}

/** The optional package `sodium-native`: what is used of it, and its loading. */
import { createRequire } from 'node:module';

/** It takes every view of bytes; the published types want a `Buffer`. */
export interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  crypto_core_ed25519_is_valid_point(encoding: Uint8Array): boolean;
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  crypto_aead_chacha20poly1305_ietf_encrypt(
    ciphertext: Uint8Array,
    message: Uint8Array,
    associated: Uint8Array | null,
    secretNonce: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
  /** @throws Error where the tag is another one. */
  crypto_aead_chacha20poly1305_ietf_decrypt(
    message: Uint8Array,
    secretNonce: null,
    ciphertext: Uint8Array,
    associated: Uint8Array | null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
}

const require = createRequire(import.meta.url);

/** @throws what Node says where the package or a binary of it for this machine is absent. */
export function loadSodium(): { readonly sodium: Sodium; readonly version: string } {
  const sodium: Sodium = require('sodium-native');
  const { version }: { version: string } = require('sodium-native/package.json');
  return { sodium, version };
}

/** Noise with libsodium's cipher. The handshake, once a connection, stays as the library has it in JavaScript. */
import type { ICryptoInterface } from '@libp2p/noise';
import { pureJsCrypto } from '@libp2p/noise';
import { type Aead, loadAead, TAG_BYTES } from '../crypto/aead.ts';

/** What the library's `noise` takes as `crypto`; nothing where libsodium does not load: then it chooses for itself. */
export function noiseCrypto(): { readonly crypto?: ICryptoInterface } {
  const aead = loadAead();
  return aead === null ? {} : { crypto: withAead(aead) };
}

function withAead({ seal, open }: Aead): ICryptoInterface {
  return {
    ...pureJsCrypto,
    chaCha20Poly1305Encrypt: (plaintext, nonce, ad, key) => seal(key, nonce, plaintext.subarray(), ad),
    chaCha20Poly1305Decrypt: (ciphertext, nonce, ad, key, dst) => {
      const into = dst ?? new Uint8Array(Math.max(0, ciphertext.byteLength - TAG_BYTES));
      return open(key, nonce, ciphertext.subarray(), ad, into);
    },
  };
}

import { type ICryptoInterface, pureJsCrypto } from '@libp2p/noise';
import { test } from 'tap';
import { noiseCrypto } from './noise-crypto.ts';

const { crypto } = noiseCrypto();
const [key, nonce, none] = [new Uint8Array(32).fill(3), new Uint8Array(12).fill(9), new Uint8Array(0)];
const message = Uint8Array.from({ length: 2_000 }, (_, i) => i % 256);

test('what it seals the library opens, and the other way round', { skip: crypto === undefined }, async (t) => {
  if (crypto === undefined) return;
  const sealed = crypto.chaCha20Poly1305Encrypt(message, nonce, none, key).subarray();
  t.same(pureJsCrypto.chaCha20Poly1305Decrypt(sealed, nonce, none, key).subarray(), message);
  const others = pureJsCrypto.chaCha20Poly1305Encrypt(message, nonce, none, key).subarray();
  t.same(Uint8Array.from(crypto.chaCha20Poly1305Decrypt(others, nonce, none, key).subarray()), message);
});

/** As the library's lists of pieces: bytes that are there when they are asked for. */
function listed(bytes: Uint8Array): Parameters<ICryptoInterface['chaCha20Poly1305Encrypt']>[0] {
  return { byteLength: bytes.length, subarray: () => bytes } as never;
}

test('bytes may come as a list', { skip: crypto === undefined }, async (t) => {
  if (crypto === undefined) return;
  const sealed = crypto.chaCha20Poly1305Encrypt(listed(message), nonce, none, key).subarray();
  const opened = crypto.chaCha20Poly1305Decrypt(listed(sealed.slice()), nonce, none, key).subarray();
  t.same(Uint8Array.from(opened), message);
  t.throws(() => crypto.chaCha20Poly1305Decrypt(sealed.slice(1), nonce, none, key), 'and not fewer of them');
  t.throws(() => crypto.chaCha20Poly1305Decrypt(sealed.slice(0, 3), nonce, none, key), 'less than a tag');
});

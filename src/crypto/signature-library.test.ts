import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ed25519 } from '@noble/curves/ed25519.js';
import { test } from 'tap';
import { fromHex } from '../codec/hex.ts';
import { verifyEd25519Bytes } from './ed25519.ts';
import { chooseLibrary, openssl, signatureLibrary, whyNotLibsodium } from './signature-library.ts';

const manifest = createRequire(import.meta.url).resolve('sodium-native/package.json');
const musl = existsSync('/etc/alpine-release');
const binary = path.join(path.dirname(manifest), 'prebuilds', `${process.platform}-${process.arch}`);

test('libsodium is used where the package has a binary for it', async (t) => {
  t.equal(signatureLibrary.name, existsSync(binary) && !musl ? 'libsodium' : 'OpenSSL', String(whyNotLibsodium));
  t.match(signatureLibrary.version, /^\d+\.\d+\.\d+/);
  t.match(openssl.version, /^\d+\.\d+\.\d+/);
});

test('what does not load is replaced by OpenSSL, which says why', async (t) => {
  const absent = new Error("Cannot find module 'sodium-native'");
  const { library, whyNotLibsodium } = chooseLibrary(() => {
    throw absent;
  });
  t.equal(library, openssl);
  t.equal(whyNotLibsodium, absent);
});

test('a libsodium with another equation or another subgroup is not used', async (t) => {
  const cofactored = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
    ed25519.verify(signature, message, publicKey, { zip215: false });
  for (const verify of [cofactored, () => true, () => false]) {
    const { library, whyNotLibsodium } = chooseLibrary(() => ({
      ...openssl,
      name: 'libsodium',
      version: '9.9.9',
      verify,
    }));
    t.equal(library, openssl);
    t.match(whyNotLibsodium, { code: 'LIBSODIUM_OTHER_RULE', message: /9\.9\.9/ });
  }
  for (const isInSubgroup of [() => true, () => false]) {
    const { library, whyNotLibsodium } = chooseLibrary(() => ({ ...openssl, name: 'libsodium', isInSubgroup }));
    t.equal(library, openssl);
    t.match(whyNotLibsodium, { code: 'LIBSODIUM_OTHER_RULE' });
  }
  t.same(
    chooseLibrary(() => openssl),
    { library: openssl },
  );
});

test('bytes may lie anywhere: in the middle of a buffer, in none at all', async (t) => {
  for (const library of new Set([signatureLibrary, openssl])) {
    const signer = library.createSigner(new Uint8Array(32).fill(7));
    const publicKey = fromHex(signer.publicKey);
    for (const length of [0, 1, 64, 65, 70_000]) {
      const message = new Uint8Array(length).fill(3);
      const signature = signer.sign(message);
      const packed = Buffer.concat([Uint8Array.of(9), publicKey, signature, message, Uint8Array.of(9)]);
      const parts = [packed.subarray(1, 33), packed.subarray(97, 97 + length), packed.subarray(33, 97)] as const;
      t.equal(verifyEd25519Bytes(publicKey, message, signature, library), true, `${library.name}, ${length} bytes`);
      t.equal(verifyEd25519Bytes(...parts, library), true, `${library.name}, ${length} bytes within others`);
      t.equal(verifyEd25519Bytes(publicKey, packed.subarray(97, 98 + length), signature, library), false);
    }
  }
});

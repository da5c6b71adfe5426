import { test } from 'tap';
import { fromHex, toHex } from '../codec/hex.ts';
import { loadAead, TAG_BYTES } from './aead.ts';
import { signatureLibrary } from './signature-library.ts';

const aead = loadAead();

test('it is there where libsodium is', async (t) => {
  t.equal(aead !== null, signatureLibrary.name === 'libsodium');
});

test('the example of RFC 8439, section 2.8.2', { skip: aead === null }, async (t) => {
  if (aead === null) return;
  const message = Buffer.from(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const key = fromHex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
  const nonce = fromHex('070000004041424344454647');
  const associated = fromHex('50515253c0c1c2c3c4c5c6c7');
  const sealed = aead.seal(key, nonce, message, associated);
  t.equal(toHex(sealed.subarray(-TAG_BYTES)), '1ae10b594f09e26a7e902ecbd0600691');
  t.equal(toHex(sealed.subarray(0, 16)), 'd31a8d34648e60db7b86afbc53ef7ec2');
  const opened = aead.open(key, nonce, sealed, associated, new Uint8Array(message.length));
  t.same(Buffer.from(opened), message);
});

test('in place as well, and nothing opens that was changed', { skip: aead === null }, async (t) => {
  if (aead === null) return;
  const [key, nonce, none] = [new Uint8Array(32).fill(7), new Uint8Array(12).fill(1), new Uint8Array(0)];
  const message = Uint8Array.from({ length: 3_000 }, (_, i) => i % 251);
  const sealed = aead.seal(key, nonce, message, none);
  for (const at of [0, 1_500, message.length, sealed.length - 1]) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.throws(() => aead.open(key, nonce, changed, none, new Uint8Array(message.length)), `byte ${at}`);
  }
  t.throws(() => aead.open(key, nonce, sealed, Uint8Array.of(1), new Uint8Array(message.length)), 'associated data');
  t.throws(() => aead.open(key, nonce, sealed.subarray(0, 15), none, new Uint8Array(0)), 'less than a tag');
  t.same(aead.open(key, nonce, sealed, none, sealed.subarray(0, message.length)), Buffer.from(message));
});

import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { test } from 'tap';
import { fromHex, toHex } from '../codec/hex.ts';
import type { PublicKey } from '../types/index.ts';
import {
  createSigner,
  isValidPublicKey,
  isValidPublicKeyBy,
  publicKeyOf,
  signEd25519,
  verifyEd25519,
  verifyEd25519Bytes,
} from './ed25519.ts';
import { GROUP_ORDER, isPointEncoding, littleEndian32 } from './encodings.ts';
import { openssl, signatureLibrary } from './signature-library.ts';

const MESSAGE_1024 =
  '08b8b2b733424243760fe426a4b54908632110a66c2f6591eabd3345e3e4eb98fa6e264bf09efe12ee50f8f54e9f77b1e355f6c50544e23f' +
  'b1433ddf73be84d879de7c0046dc4996d9e773f4bc9efe5738829adb26c81b37c93a1b270b20329d658675fc6ea534e0810a4432826bf58c' +
  '941efb65d57a338bbd2e26640f89ffbc1a858efcb8550ee3a5e1998bd177e93a7363c344fe6b199ee5d02e82d522c4feba15452f80288a82' +
  '1a579116ec6dad2b3b310da903401aa62100ab5d1a36553e06203b33890cc9b832f79ef80560ccb9a39ce767967ed628c6ad573cb116dbef' +
  'efd75499da96bd68a8a97b928a8bbc103b6621fcde2beca1231d206be6cd9ec7aff6f6c94fcd7204ed3455c68c83f4a41da4af2b74ef5c53' +
  'f1d8ac70bdcb7ed185ce81bd84359d44254d95629e9855a94a7c1958d1f8ada5d0532ed8a5aa3fb2d17ba70eb6248e594e1a2297acbbb39d' +
  '502f1a8c6eb6f1ce22b3de1a1f40cc24554119a831a9aad6079cad88425de6bde1a9187ebb6092cf67bf2b13fd65f27088d78b7e883c8759' +
  'd2c4f5c65adb7553878ad575f9fad878e80a0c9ba63bcbcc2732e69485bbc9c90bfbd62481d9089beccf80cfe2df16a2cf65bd92dd597b07' +
  '07e0917af48bbb75fed413d238f5555a7a569d80c3414a8d0859dc65a46128bab27af87a71314f318c782b23ebfe808b82b0ce26401d2e22' +
  'f04d83d1255dc51addd3b75a2b1ae0784504df543af8969be3ea7082ff7fc9888c144da2af58429ec96031dbcad3dad9af0dcbaaaf268cb8' +
  'fcffead94f3c7ca495e056a9b47acdb751fb73e666c6c655ade8297297d07ad1ba5e43f1bca32301651339e22904cc8c42f58c30c04aafdb' +
  '038dda0847dd988dcda6f3bfd15c4b4c4525004aa06eeff8ca61783aacec57fb3d1f92b0fe2fd1a85f6724517b65e614ad6808d6f6ee34df' +
  'f7310fdc82aebfd904b01e1dc54b2927094b2db68d6f903b68401adebf5a7e08d78ff4ef5d63653a65040cf9bfd4aca7984a74d371459867' +
  '80fc0b16ac451649de6188a7dbdf191f64b5fc5e2ab47b57f7f7276cd419c17a3ca8e1b939ae49e488acba6b965610b5480109c8b17b80e1' +
  'b7b750dfc7598d5d5011fd2dcc5600a32ef5b52a1ecc820e308aa342721aac0943bf6686b64b2579376504ccc493d97e6aed3fb0f9cd71a4' +
  '3dd497f01f17c0e2cb3797aa2a2f256656168e6c496afc5fb93246f6b1116398a346f1a641f3b041e989f7914f90cc2c7fff357876e506b5' +
  '0d334ba77c225bc307ba537152f3f1610e4eafe595f6d9d90d11faa933a15ef1369546868a7f3a45a96768d40fd9d03412c091c6315cf4fd' +
  'e7cb68606937380db2eaaa707b4c4185c32eddcdd306705e4dc1ffc872eeee475a64dfac86aba41c0618983f8741c5ef68d3a101e8a3b8ca' +
  'c60c905c15fc910840b94c00a0b9d0';

/** RFC 8032 section 7.1: name, seed, public key, message, signature. */
const RFC_8032: [string, string, string, string, string][] = [
  [
    'TEST 1',
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155' +
      '5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    'TEST 2',
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'TEST 3',
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac' +
      '18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    'TEST 1024',
    'f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5',
    '278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e',
    MESSAGE_1024,
    '0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e460fec350' +
      'aa5371b1508f9f4528ecea23c436d94b5e8fcd4f681e30a6ac00a9704a188a03',
  ],
  [
    'TEST SHA(abc)',
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
      '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589' +
      '09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
];

test('keys, signatures and verdicts of RFC 8032', async (t) => {
  for (const [name, seedHex, publicKey, messageHex, signatureHex] of RFC_8032) {
    const seed = fromHex(seedHex, 32);
    const message = fromHex(messageHex);
    const signature = fromHex(signatureHex, 64);
    const signer = createSigner(seed);
    t.equal(publicKeyOf(seed), publicKey, name);
    t.equal(signer.publicKey, publicKey, name);
    t.same(signEd25519(seed, message), signature, name);
    t.same(signer.sign(message), signature, name);
    t.equal(verifyEd25519(publicKey as PublicKey, message, signature), true, name);
    t.equal(isValidPublicKey(fromHex(publicKey)), true, name);
    for (const library of [signatureLibrary, openssl]) {
      t.equal(library.createSigner(seed).publicKey, publicKey, `${name}, ${library.name}`);
      t.same(library.createSigner(seed).sign(message), signature, `${name}, ${library.name}`);
      t.equal(verifyEd25519Bytes(fromHex(publicKey), message, signature, library), true, `${name}, ${library.name}`);
    }
  }
});

test('both libraries and a pure JavaScript one make the same keys and signatures', async () => {
  const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(seeds, fc.uint8Array({ maxLength: 300 }), (seed, message) => {
      const { publicKey, sign } = createSigner(seed);
      const signature = sign(message);
      const other = openssl.createSigner(seed);
      const keys = new Set([publicKey, other.publicKey, toHex(ed25519.getPublicKey(seed))]);
      const signatures = new Set([signature, other.sign(message), ed25519.sign(message, seed)].map(toHex));
      return keys.size === 1 && signatures.size === 1 && verifyEd25519(publicKey, message, signature);
    }),
    { numRuns: 50 },
  );
});

/** github.com/novifinancial/ed25519-speccheck (Apache-2.0), `cases.json`: what, key, message, signature, verdict. */
const SPECCHECK: [string, string, string, string, boolean][] = [
  [
    '0: S = 0, A and R of small order',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a' +
      '0000000000000000000000000000000000000000000000000000000000000000',
    false,
  ],
  [
    '1: A of small order',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43' +
      'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
    false,
  ],
  [
    '2: R of small order',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa' +
      '8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
    false,
  ],
  [
    '3: A and R mixed, sum in the subgroup',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f' +
      '87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
    true,
  ],
  [
    '4: A and R mixed, sum outside',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512' +
      '5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
    false,
  ],
  [
    '5: A mixed, sum outside',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7' +
      'e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405',
    false,
  ],
  [
    '6: S > L',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e' +
      '547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
    false,
  ],
  [
    '7: S >> L',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    '8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942' +
      '7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22',
    false,
  ],
  [
    '8: R not canonical, hashed reduced',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff' +
      '03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f',
    false,
  ],
  [
    '9: R not canonical, hashed as is',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff' +
      'ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908',
    false,
  ],
  [
    '10: A not canonical, hashed reduced',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b',
    'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc' +
      'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
    false,
  ],
  [
    '11: A not canonical, hashed as is',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    '39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f',
    'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc' +
      'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
    false,
  ],
];

test('of the twelve cases of ed25519-speccheck the fourth is accepted', async (t) => {
  for (const [what, publicKey, message, signature, expected] of SPECCHECK) {
    t.equal(verifyEd25519(publicKey as PublicKey, fromHex(message), fromHex(signature)), expected, what);
    for (const library of [signatureLibrary, openssl]) {
      const verdict = verifyEd25519Bytes(fromHex(publicKey), fromHex(message), fromHex(signature), library);
      t.equal(verdict, expected, `${what}, ${library.name}`);
    }
  }
});

test('a seed of another length is our mistake', async (t) => {
  for (const length of [0, 31, 33, 64]) {
    t.throws(() => createSigner(new Uint8Array(length)), { name: 'AssertionError' });
    t.throws(() => publicKeyOf(new Uint8Array(length)), { name: 'AssertionError' });
    t.throws(() => signEd25519(new Uint8Array(length), new Uint8Array()), { name: 'AssertionError' });
  }
});

test('what has not the form of a key or signature is refused, not thrown at', async (t) => {
  const message = Uint8Array.of(1, 2, 3);
  const { publicKey, sign } = createSigner(new Uint8Array(32).fill(5));
  const signature = sign(message);
  t.equal(verifyEd25519(publicKey, message, signature), true);
  for (const key of [
    '',
    'ab',
    publicKey.toUpperCase(),
    `${publicKey}00`,
    ` ${publicKey}`,
    `${publicKey}\n`,
    'zz'.repeat(32),
  ]) {
    t.equal(verifyEd25519(key as PublicKey, message, signature), false, JSON.stringify(key));
  }
  for (const length of [0, 32, 63, 65, 128]) {
    const other = new Uint8Array(length);
    other.set(signature.subarray(0, length));
    t.equal(verifyEd25519(publicKey, message, other), false, `${length} bytes`);
    t.equal(verifyEd25519Bytes(other, message, signature), false, `a key of ${length} bytes`);
  }
});

const { Point } = ed25519;
const TORSION_8 = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');

test('a key of mixed order does not enter the ledger', async (t) => {
  for (let i = 1n; i <= 6n; i++) {
    let key = Point.BASE.multiply(i * 0x1234567890abcdefn);
    for (let torsion = 0; torsion < 8; torsion++) {
      t.equal(isValidPublicKey(key.toBytes()), torsion === 0, `${i}, ${torsion}`);
      for (const library of [signatureLibrary, openssl]) {
        t.equal(isValidPublicKeyBy(library, key.toBytes()), torsion === 0, `${library.name}, ${i}, ${torsion}`);
      }
      key = key.add(TORSION_8);
    }
  }
});

test('a key is valid where its point exists and the group order sends it to zero', async (t) => {
  const counts = { valid: 0, 'on the curve only': 0, 'off the curve': 0 };
  for (let i = 0; i < 300; i++) {
    const bytes = new Uint8Array(createHash('sha256').update(`candidate ${i}`).digest());
    const subgroup = subgroupMembership(bytes);
    const verdicts = [signatureLibrary, openssl].map((library) => isValidPublicKeyBy(library, bytes));
    if ([...verdicts, isValidPublicKey(bytes)].some((valid) => valid !== (subgroup === 'valid'))) t.fail(toHex(bytes));
    counts[subgroup]++;
  }
  t.same(counts, { valid: 15, 'on the curve only': 120, 'off the curve': 165 });
});

function subgroupMembership(bytes: Uint8Array): 'valid' | 'on the curve only' | 'off the curve' {
  try {
    return Point.fromBytes(bytes).isTorsionFree() ? 'valid' : 'on the curve only';
  } catch {
    return 'off the curve';
  }
}

test('a key that was made of its secret is known to be valid, and is', async (t) => {
  for (let i = 0; i < 64; i++) {
    const seed = new Uint8Array(createHash('sha256').update(`secret ${i}`).digest());
    const key = fromHex(publicKeyOf(seed));
    t.equal(isValidPublicKey(key), true);
    for (const library of [signatureLibrary, openssl]) t.equal(isValidPublicKeyBy(library, key), true, library.name);
  }
});

test('no key: small order, not canonical, another length', async (t) => {
  let torsion = Point.ZERO;
  for (let i = 0; i < 8; i++, torsion = torsion.add(TORSION_8)) {
    t.equal(isValidPublicKey(torsion.toBytes()), false, `torsion ${i}`);
    for (const library of [signatureLibrary, openssl]) t.equal(isValidPublicKeyBy(library, torsion.toBytes()), false);
  }
  for (let excess = 0n; excess < 19n; excess++) {
    for (const sign of [0n, 2n ** 255n]) {
      const bytes = littleEndian32(2n ** 255n - 19n + excess + sign);
      t.equal(isValidPublicKey(bytes), false, toHex(bytes));
      for (const library of [signatureLibrary, openssl]) t.equal(isValidPublicKeyBy(library, bytes), false);
      t.equal(isPointEncoding(bytes, 0), false, toHex(bytes));
    }
  }
  for (const length of [0, 31, 33]) t.equal(isValidPublicKey(new Uint8Array(length).fill(9)), false, `${length} bytes`);
});

test('the numbers behind the subgroup test', async (t) => {
  const p = 2n ** 255n - 19n;
  const k = 5n * GROUP_ORDER - 1n;
  t.equal(k % 8n, 0n, 'clears every point of small order, and X25519 keeps the low bits');
  t.equal(k >> 254n, 1n, 'X25519 keeps the high bits');
  const twistOrder = 2n * p + 2n - 8n * GROUP_ORDER;
  t.equal(gcd(k + 1n, twistOrder), 1n, 'k is not -1 on any point of the twist');
  t.equal(gcd(k - 1n, twistOrder), 1n, 'k is not 1 on any point of the twist');
});

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

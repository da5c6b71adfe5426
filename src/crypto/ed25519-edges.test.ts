/**
 * Edge cases of Ed25519, made here in the spirit of "Taming the many EdDSAs" (eprint 2020/1244): every way in which
 * published verifiers disagree. Three judges give a verdict on each vector and must agree: the verifier, the rule computed with
 * point arithmetic of another library, and, where the vector was built to pass or fail, its construction.
 */
import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { test } from 'tap';
import type { PublicKey } from '../types/index.ts';
import { createSigner, isValidPublicKey, verifyEd25519 } from './ed25519.ts';
import { fromHex, sha256, toHex } from './hash.ts';

const { Point } = ed25519;
type Point = typeof Point.BASE;

const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const P = 2n ** 255n - 19n;
const TOP_BIT = 2n ** 255n;
const TORSION = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
const INDEXES = [0, 1, 2, 3, 4, 5, 6, 7];

interface Vector {
  readonly family: string;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** Verdict known from the construction. */
  readonly expected: boolean;
}

// ---------------------------------------------------------------- the other judges

/** Steps 1 to 3 of the rule in other words: numbers and decoded points instead of bytes. */
function judgeForm({ publicKey, signature }: Vector): boolean {
  const a = decodeStrictly(publicKey);
  const r = decodeStrictly(signature.subarray(0, 32));
  if (signature.length !== 64 || a === null || r === null) return false;
  return fromLittleEndian(signature.subarray(32)) < L && !a.isSmallOrder() && !r.isSmallOrder();
}

/** Step 4 alone, by a decoder that takes every encoding: what steps 1 to 3 stand before. */
function judgeEquation({ publicKey, message, signature }: Vector): boolean {
  const [encodedR, s] = [signature.subarray(0, 32), fromLittleEndian(signature.subarray(32, 64))];
  try {
    const a = Point.fromBytes(publicKey, true).multiplyUnsafe(challenge(encodedR, publicKey, message));
    return Point.BASE.multiplyUnsafe(s % L)
      .subtract(a)
      .equals(Point.fromBytes(encodedR, true));
  } catch {
    return false;
  }
}

/** Decoding by RFC 8032 section 5.1.3: refuses y >= p and a sign on x = 0. */
function decodeStrictly(bytes: Uint8Array): Point | null {
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return null;
  }
}

/** The equation multiplied by the cofactor, as noble has it. */
function judgeCofactored({ publicKey, message, signature }: Vector): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

// ---------------------------------------------------------------- how vectors are made

function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed()) || '0'}`);
}

function littleEndian(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')).toReversed();
}

/** A scalar that depends on the name only: vectors are the same in every run. */
function scalar(name: string): bigint {
  return (fromLittleEndian(sha256(new TextEncoder().encode(name))) % (L - 1n)) + 1n;
}

function text(name: string): Uint8Array {
  return new TextEncoder().encode(name);
}

function challenge(encodedR: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  const digest = createHash('sha512').update(encodedR).update(publicKey).update(message).digest();
  return fromLittleEndian(digest) % L;
}

function torsion(index: number): Point {
  return index % 8 === 0 ? Point.ZERO : TORSION.multiplyUnsafe(BigInt(index % 8));
}

interface Recipe {
  readonly family: string;
  readonly name: string;
  /** A = aB + torsion(t), or the encoding given. */
  readonly a: bigint;
  readonly t: number;
  readonly encodedA?: Uint8Array;
  /** R = rB + torsion(u), or the encoding given. */
  readonly r: bigint;
  readonly u: number;
  readonly encodedR?: Uint8Array;
  /** Try messages until the torsion of R + hA vanishes. */
  readonly grind?: boolean;
  /** Whether rules 1 to 3 let it pass; then the torsion decides. */
  readonly admitted: boolean;
}

/** S = r + ha satisfies the equation up to torsion; exactly, where u + ht is a multiple of 8. */
function cook(recipe: Recipe): Vector {
  const { family, name, a, t, r, u, grind = false, admitted } = recipe;
  const publicKey = recipe.encodedA ?? Point.BASE.multiplyUnsafe(a).add(torsion(t)).toBytes();
  const encodedR = recipe.encodedR ?? Point.BASE.multiplyUnsafe(r).add(torsion(u)).toBytes();
  for (let attempt = 0; ; attempt++) {
    const message = text(`${family} ${name} ${attempt}`);
    const h = challenge(encodedR, publicKey, message);
    const exact = (BigInt(u) + h * BigInt(t)) % 8n === 0n;
    if (grind && !exact && attempt < 64) continue;
    const signature = new Uint8Array([...encodedR, ...littleEndian((r + h * a) % L)]);
    return { family, publicKey, message, signature, expected: admitted && exact };
  }
}

/** Every encoding some decoder takes for torsion(index): the canonical one, y + p where that fits, the sign on x = 0. */
function encodingsOfSmallOrder(): { index: number; bytes: Uint8Array }[] {
  return INDEXES.flatMap((index) => {
    const canonical = fromLittleEndian(torsion(index).toBytes());
    const y = canonical % TOP_BIT;
    const signs = torsion(index).x === 0n ? [0n, TOP_BIT] : [canonical - y];
    const ys = y + P < TOP_BIT ? [y, y + P] : [y];
    return signs.flatMap((sign) => ys.map((value) => ({ index, bytes: littleEndian(value + sign) })));
  });
}

const A = scalar('key');
const R = scalar('nonce');
const SMALL = encodingsOfSmallOrder();

function honest(): Vector[] {
  return Array.from({ length: 40 }, (_, i) => {
    const { publicKey, sign } = createSigner(sha256(text(`seed ${i}`)));
    const message = new Uint8Array(i * 7).fill(i);
    return { family: 'honest', publicKey: fromHex(publicKey), message, signature: sign(message), expected: true };
  });
}

function mixedOrder(): Vector[] {
  const pairs = INDEXES.flatMap((t) => INDEXES.map((u) => ({ t, u })));
  const grid = pairs.flatMap(({ t, u }) =>
    [0, 1, 2, 3].map((i) => cook({ family: 'mixed order', name: `${t} ${u} ${i}`, a: A, t, r: R, u, admitted: true })),
  );
  const ground = pairs.map(({ t, u }) =>
    cook({ family: 'mixed order, ground', name: `${t} ${u}`, a: A, t, r: R, u, grind: true, admitted: true }),
  );
  return [...grid, ...ground];
}

function smallOrder(): Vector[] {
  const common = { grind: true, admitted: false };
  const both = SMALL.flatMap((key, i) =>
    SMALL.map((nonce, j) => {
      const encodings = { encodedA: key.bytes, encodedR: nonce.bytes };
      const name = `${i} ${j}`;
      return cook({
        family: 'small A and R',
        name,
        a: 0n,
        t: key.index,
        r: 0n,
        u: nonce.index,
        ...encodings,
        ...common,
      });
    }),
  );
  const keys = SMALL.flatMap(({ index, bytes }, i) =>
    [0, 2, 5].map((u) =>
      cook({ family: 'small A', name: `${i} ${u}`, a: 0n, t: index, encodedA: bytes, r: R, u, ...common }),
    ),
  );
  const nonces = SMALL.flatMap(({ index, bytes }, i) =>
    [0, 2, 5].map((t) =>
      cook({ family: 'small R', name: `${i} ${t}`, a: A, t, r: 0n, u: index, encodedR: bytes, ...common }),
    ),
  );
  return [...both, ...keys, ...nonces];
}

/** An honest signature and what can be done to it. */
function altered(): Vector[] {
  const good = cook({ family: 'altered', name: 'base', a: A, t: 0, r: R, u: 0, admitted: true });
  const s = fromLittleEndian(good.signature.subarray(32));
  const encodedR = good.signature.subarray(0, 32);
  const refused = { ...good, expected: false };
  const withS = (family: string, value: bigint): Vector => {
    return { ...refused, family, signature: new Uint8Array([...encodedR, ...littleEndian(value)]) };
  };
  const multiples = Array.from({ length: 16 }, (_, i) => s + BigInt(i + 1) * L).filter((value) => value < 2n ** 256n);
  const bounds = [0n, 1n, L - s, L - 1n, L, L + 1n, P, TOP_BIT, 2n ** 256n - 1n];
  const bits = [252n, 253n, 254n, 255n].map((bit) => s + 2n ** bit);
  const flip = (bytes: Uint8Array, i: number): Uint8Array =>
    bytes.map((byte, j) => (j === i ? byte ^ (1 << (i % 8)) : byte));
  return [
    good,
    ...multiples.map((value) => withS('S + kL', value)),
    ...[...bounds, ...bits].map((value) => withS('other S', value)),
    ...Array.from(good.signature, (_, i) => ({
      ...refused,
      family: 'one bit of it',
      signature: flip(good.signature, i),
    })),
    ...Array.from(good.publicKey, (_, i) => ({
      ...refused,
      family: 'one bit of the key',
      publicKey: flip(good.publicKey, i),
    })),
    ...Array.from(good.message, (_, i) => ({
      ...refused,
      family: 'one bit of the message',
      message: flip(good.message, i),
    })),
    ...[0, 1, 32, 63, 65, 96].map((length) => {
      const signature = new Uint8Array(length);
      signature.set(good.signature.subarray(0, length));
      return { ...refused, family: 'length', signature };
    }),
  ];
}

/** All 19 values of y that have two encodings, in both, on a key or an R that nobody has a signature for. */
function ambiguous(): Vector[] {
  const good = cook({ family: 'ambiguous y', name: 'base', a: A, t: 0, r: R, u: 0, admitted: true });
  const ys = Array.from({ length: 19 }, (_, y) => BigInt(y));
  const encodings = ys.flatMap((y) => [y, y + P, y + TOP_BIT, y + P + TOP_BIT]).map(littleEndian);
  const s = good.signature.subarray(32);
  return encodings.flatMap((bytes) => [
    { ...good, publicKey: bytes, expected: false },
    { ...good, signature: new Uint8Array([...bytes, ...s]), expected: false },
  ]);
}

const vectors = [...honest(), ...mixedOrder(), ...smallOrder(), ...altered(), ...ambiguous()];

const equations = vectors.map(judgeEquation);
const verdicts = vectors.map(({ publicKey, message, signature }) =>
  verifyEd25519(toHex(publicKey) as PublicKey, message, signature),
);

// ---------------------------------------------------------------- verdicts

test('there are fourteen encodings of the eight points of small order', async (t) => {
  t.equal(new Set(SMALL.map(({ bytes }) => toHex(bytes))).size, 14);
  for (const { index, bytes } of SMALL) t.ok(Point.fromBytes(bytes, true).equals(torsion(index)), toHex(bytes));
});

test('the verifier, the rule and the construction agree on every vector', async (t) => {
  const disagreements = vectors.flatMap((vector, i) => {
    const found = [vector.expected, verdicts[i], judgeForm(vector) && equations[i]];
    const { family, publicKey, message, signature } = vector;
    return new Set(found).size === 1 ? [] : [{ family, found, bytes: [publicKey, message, signature].map(toHex) }];
  });
  t.same(disagreements, []);
});

test('the verdicts are pinned', async (t) => {
  // A change here changes which blocks are valid: it needs a new version of the rules.
  const rows = new Map<string, [vectors: number, equationHolds: number, accepted: number]>();
  for (const [i, vector] of vectors.entries()) {
    const [all, equal, accepted] = rows.get(vector.family) ?? [0, 0, 0];
    rows.set(vector.family, [all + 1, equal + Number(equations[i]), accepted + Number(verdicts[i])]);
  }
  t.same(
    [...rows],
    [
      ['honest', [40, 40, 40]],
      ['mixed order', [256, 40, 40]],
      ['mixed order, ground', [64, 43, 43]],
      ['small A and R', [196, 124, 0]],
      ['small A', [42, 26, 0]],
      ['small R', [42, 28, 0]],
      ['altered', [1, 1, 1]],
      ['S + kL', [15, 15, 0]],
      ['other S', [13, 0, 0]],
      ['one bit of it', [64, 0, 0]],
      ['one bit of the key', [32, 0, 0]],
      ['one bit of the message', [14, 0, 0]],
      ['length', [6, 2, 0]],
      ['ambiguous y', [152, 0, 0]],
    ],
  );
  t.equal(vectors.length, 937);
  const digests = vectors.map(({ publicKey, message, signature }, i) =>
    sha256(new Uint8Array([...sha256(publicKey), ...sha256(message), ...sha256(signature), verdicts[i] ? 1 : 0])),
  );
  t.equal(toHex(sha256(Buffer.concat(digests))), '2c51ab6c54dab5b8a323bccdfddac7329affbdfcd90a98387f9702a33b22037c');
});

test('a verifier that multiplies by the cofactor differs only where key or R are outside the subgroup', async (t) => {
  const disagreements = vectors.filter((vector, i) => verdicts[i] !== judgeCofactored(vector));
  t.equal(disagreements.length, 261);
  for (const vector of disagreements) {
    t.equal(judgeCofactored(vector), true, 'it is the one that accepts more');
    const points = [vector.publicKey, vector.signature.subarray(0, 32)];
    t.equal(points.every(isValidPublicKey), false, vector.family);
  }
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
  }
});

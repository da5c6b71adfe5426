/**
 * Edge cases of Ed25519, made here in the spirit of "Taming the many EdDSAs" (eprint 2020/1244): every way in which
 * published verifiers disagree. The judges give a verdict on each vector and must agree: the verifier with libsodium and with
 * OpenSSL, the rule computed with point arithmetic of another library, and, where the vector was built to pass or fail, its
 * construction. A release of either library with another rule fails here.
 */

import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { test } from 'tap';
import { fromHex, toHex } from '../codec/hex.ts';
import type { PublicKey } from '../types/index.ts';
import { createSigner, isValidPublicKey, verifyEd25519, verifyEd25519Bytes } from './ed25519.ts';
import { sha256 } from './hash.ts';
import { openssl, type SignatureLibrary, signatureLibrary } from './signature-library.ts';

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
/** Both where both are at hand; `signature-library.test.ts` says where that must be. */
const libraries = [...new Set([signatureLibrary, openssl])];

function verdictBy(library: SignatureLibrary, { publicKey, message, signature }: Vector): boolean {
  return verifyEd25519Bytes(publicKey, message, signature, library);
}

// ---------------------------------------------------------------- verdicts

test('there are fourteen encodings of the eight points of small order', async (t) => {
  t.equal(new Set(SMALL.map(({ bytes }) => toHex(bytes))).size, 14);
  for (const { index, bytes } of SMALL) t.ok(Point.fromBytes(bytes, true).equals(torsion(index)), toHex(bytes));
});

test('each library, the rule and the construction agree on every vector', async (t) => {
  const disagreements = vectors.flatMap((vector, i) => {
    const byLibrary = libraries.map((library) => verdictBy(library, vector));
    const found = [vector.expected, verdicts[i], ...byLibrary, judgeForm(vector) && equations[i]];
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

test('any points, of any order, spoiled in any byte or not, get one verdict', async (t) => {
  const scalars = fc.bigInt({ min: 1n, max: L - 1n });
  const torsions = fc.nat(7);
  const points = fc.record({ a: scalars, t: torsions, r: scalars, u: torsions, grind: fc.boolean() });
  // In the key, the signature or the message; zero spoils nothing.
  const spoils = fc.record({
    what: fc.nat(2),
    where: fc.nat(63),
    mask: fc.oneof(fc.constant(0), fc.integer({ max: 255 })),
  });
  let accepted = 0;
  fc.assert(
    fc.property(points, fc.string(), spoils, (recipe, name, { what, where, mask }) => {
      const vector = cook({ family: 'any', name, admitted: true, ...recipe });
      const parts = [vector.publicKey, vector.signature, vector.message].map((bytes, i) =>
        i === what ? bytes.map((byte, j) => (j === where % bytes.length ? byte ^ mask : byte)) : bytes,
      ) as [Uint8Array, Uint8Array, Uint8Array];
      const spoiled = { ...vector, publicKey: parts[0], signature: parts[1], message: parts[2] };
      const rule = judgeForm(spoiled) && judgeEquation(spoiled);
      accepted += Number(rule);
      return (
        libraries.every((library) => verdictBy(library, spoiled) === rule) &&
        ((mask & 255) !== 0 || rule === vector.expected)
      );
    }),
    { numRuns: 300 },
  );
  t.ok(accepted > 30, `${accepted} good ones among them`);
});

test('random bytes for a key, for R and for S get one verdict', async () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  // A high byte below 16 is what lets S pass, and most of y.
  const encoding = fc
    .tuple(bytes(31), fc.oneof(fc.nat(16), fc.nat(255)))
    .map(([low, high]) => Uint8Array.of(...low, high));
  fc.assert(
    fc.property(encoding, encoding, encoding, fc.uint8Array({ maxLength: 300 }), (publicKey, r, s, message) => {
      const vector = { family: 'random', publicKey, message, signature: Uint8Array.of(...r, ...s), expected: false };
      const rule = judgeForm(vector) && judgeEquation(vector);
      return libraries.every((library) => verdictBy(library, vector) === rule);
    }),
    { numRuns: 300 },
  );
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

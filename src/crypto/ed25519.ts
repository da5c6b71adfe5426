/**
 * Ed25519 (RFC 8032) with one verdict for every input. The rule, and the only one in Tonle:
 *
 *   1. the signature has 64 bytes, R || S, and the key 32;
 *   2. S < L;
 *   3. A and R are canonical encodings, and neither is of small order (encodings.ts);
 *   4. A is on the curve, and the encoding of [S]B - [h]A is R, with h = SHA-512(R || A || M) mod L.
 *
 * Step 4 is the equation without the cofactor, which OpenSSL computes, and the releases of libsodium up to 1.0.22. Others,
 * @noble/curves and libsodium's main branch among them, multiply both sides by 8 and so accept an R or an A with a small-order
 * component that step 4 refuses. Both equations are sound; what forks a ledger is one of them here and the other there. So
 * one of the two libraries of signature-library.ts verifies in every world, the simulator's and the tests' included, and a key
 * that enters the ledger is checked once, by `isValidPublicKey`, to have no such component. Steps 1 to 3 stand before it
 * because the libraries' own checks differ and change: of 914 published vectors (C2SP/CCTV) Node 20's OpenSSL alone accepts 208
 * and Node 24's 43; behind them, both accept 43.
 * "Taming the many EdDSAs" (eprint 2020/1244) tells the whole story.
 */

import { fromHex, isHex, toHex } from '../codec/hex.ts';
import type { Signer } from '../ports.ts';
import type { PublicKey } from '../types/index.ts';
import { isPointEncoding, isScalarEncoding } from './encodings.ts';
import { LruMap } from './lru.ts';
import { type SignatureLibrary, signatureLibrary } from './signature-library.ts';

/** Whether the signature is good by the rule above. Takes anything, never throws. */
export function verifyEd25519(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  // Decoding the hex takes 0.3 us, half a per cent of a verification: nothing that a cache could save.
  return isHex(publicKey, 32) && verifyEd25519Bytes(fromHex(publicKey), message, signature);
}

/** The same for a key in bytes. @param library with which to compute step 4; tests ask both. */
export function verifyEd25519Bytes(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  library: SignatureLibrary = signatureLibrary,
): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  if (!isScalarEncoding(signature, 32) || !isPointEncoding(signature, 0) || !isPointEncoding(publicKey, 0))
    return false;
  return library.verify(publicKey, message, signature);
}

/**
 * Whether the bytes may become an account's, a validator's or an officer's key: 32 bytes, canonical, on the curve, and in the
 * subgroup of prime order, where every honest key lies. Takes 0.06 ms with libsodium and 0.2 with OpenSSL, so it is asked when
 * a key enters the ledger.
 */
export function isValidPublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  const key = toHex(bytes);
  const known = checkedKeys.get(key);
  if (known !== undefined) return known.valid;
  const valid = isValidPublicKeyBy(signatureLibrary, bytes);
  checkedKeys.set(key, { valid });
  return valid;
}

/** The same for 32 bytes, asked of this library and not remembered; tests ask both. */
export function isValidPublicKeyBy({ isInSubgroup }: SignatureLibrary, bytes: Uint8Array): boolean {
  return isPointEncoding(bytes, 0) && isInSubgroup(bytes);
}

/** A transaction is checked when it is submitted and again in its block: by then its keys are here. */
const checkedKeys = new LruMap<string, { readonly valid: boolean }>(4_096);

/** The public key of a 32-byte seed (RFC 8032 section 5.1.5). */
export function publicKeyOf(seed: Uint8Array): PublicKey {
  const { publicKey } = createSigner(seed);
  // A multiple of the base point, whose factor is at least 2^254, divisible by 8 and less than 8 L, so not by L: it need not be
  // checked by whoever has just made it.
  checkedKeys.set(publicKey, { valid: true });
  return publicKey;
}

/** One signature; whoever signs more than once keeps a `createSigner`. */
export function signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return createSigner(seed).sign(message);
}

/** Holds the key of a 32-byte seed. Signatures are deterministic (RFC 8032 section 5.1.6), so every library makes the same. */
export function createSigner(seed: Uint8Array): Signer {
  return signatureLibrary.createSigner(seed);
}

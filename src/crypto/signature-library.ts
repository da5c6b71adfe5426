/**
 * The two libraries that can compute step 4 of the rule (ed25519.ts), and the one that this process uses: libsodium, which
 * takes half as long, where the optional package `sodium-native` has a binary for the machine, and OpenSSL elsewhere.
 *
 * Both have the equation without the cofactor; the verdicts of both are pinned (ed25519-edges.test.ts). The commits of
 * libsodium after 1.0.22 have the other equation, so the version is pinned too, and whatever loads is asked first for the
 * verdicts that tell the two equations apart, and for those on two keys.
 */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { versions } from 'node:process';
import { fromHex, toHex } from '../codec/hex.ts';
import { assert, CodedError } from '../errors.ts';
import type { Signer } from '../ports.ts';
import type { PublicKey } from '../types/index.ts';
import { LruMap } from './lru.ts';
import { loadSodium } from './sodium.ts';
import { isInSubgroup } from './subgroup.ts';

export interface SignatureLibrary {
  readonly name: 'libsodium' | 'OpenSSL';
  /** OpenSSL's own, or that of the package which brings libsodium. */
  readonly version: string;
  /** Step 4 of the rule, for a key and a signature that steps 1 to 3 let pass. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** Whether 32 bytes that `isPointEncoding` lets pass name a point of the curve that lies in the subgroup of prime order. */
  isInSubgroup(encoding: Uint8Array): boolean;
  createSigner(seed: Uint8Array): Signer;
}

/** @throws what Node says where the package or a binary of it for this machine is absent. */
function loadLibsodium(): SignatureLibrary {
  const { sodium, version } = loadSodium();
  return {
    name: 'libsodium',
    version,
    verify: (publicKey, message, signature) => sodium.crypto_sign_verify_detached(signature, message, publicKey),
    isInSubgroup: (encoding) => sodium.crypto_core_ed25519_is_valid_point(encoding),
    createSigner: (seed) => {
      checkSeed(seed);
      const [publicKey, secretKey] = [new Uint8Array(32), new Uint8Array(64)];
      sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed);
      return {
        publicKey: toHex(publicKey) as PublicKey,
        sign: (message) => {
          const signature = new Uint8Array(64);
          sodium.crypto_sign_detached(signature, message, secretKey);
          return signature;
        },
      };
    },
  };
}

/** RFC 8410: what stands before the 32 bytes of a public and of a private key in DER. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Keys in OpenSSL's form. An import costs a third of a verification and a key about 1 KiB: the wallets most in use stay
 * imported, in 16 MiB.
 */
const imported = new LruMap<string, KeyObject>(16_384);

export const openssl: SignatureLibrary = {
  name: 'OpenSSL',
  version: versions.openssl,
  verify: (publicKey, message, signature) => verify(null, message, importedKey(publicKey), signature),
  isInSubgroup,
  createSigner: (seed) => {
    checkSeed(seed);
    const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return {
      publicKey: toHex(spki.subarray(SPKI.length)) as PublicKey,
      sign: (message) => new Uint8Array(sign(null, message, key)),
    };
  },
};

/**
 * libsodium, or OpenSSL with the reason why not libsodium: it did not load (an `Error` of Node), or has another equation or
 * another subgroup (CodedError LIBSODIUM_OTHER_RULE).
 */
export function chooseLibrary(load: () => SignatureLibrary): { library: SignatureLibrary; whyNotLibsodium?: unknown } {
  try {
    const library = load();
    if (hasRule(library) && knowsSubgroup(library)) return { library };
    const sentence = `sodium-native ${library.version} verifies by another rule; OpenSSL is used instead.`;
    throw new CodedError('LIBSODIUM_OTHER_RULE', sentence);
  } catch (whyNotLibsodium) {
    return { library: openssl, whyNotLibsodium };
  }
}

/** Decided once, when this module loads; nodes tell it when they start. */
export const { library: signatureLibrary, whyNotLibsodium } = chooseLibrary(loadLibsodium);

/**
 * Two signatures by one key of mixed order (cases 3 and 4 of github.com/novifinancial/ed25519-speccheck, Apache-2.0). What the
 * key has beyond the subgroup cancels out in the first and not in the second; with the cofactor both are good.
 */
function hasRule({ verify }: SignatureLibrary): boolean {
  const key = fromHex('cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d');
  const good = verify(
    key,
    fromHex('9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79'),
    fromHex(
      '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f' +
        '87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
    ),
  );
  const bad = verify(
    key,
    fromHex('e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c'),
    fromHex(
      '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512' +
        '5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
    ),
  );
  return good && !bad;
}

/**
 * The base point, and the base point plus the point of order 2, which releases of libsodium before 2026 take for one of the
 * subgroup (CVE-2025-69277).
 */
function knowsSubgroup(library: SignatureLibrary): boolean {
  const [inside, outside] = [fromHex(`58${'66'.repeat(31)}`), fromHex(`95${'99'.repeat(31)}`)];
  return library.isInSubgroup(inside) && !library.isInSubgroup(outside);
}

function importedKey(publicKey: Uint8Array): KeyObject {
  const hex = toHex(publicKey);
  const known = imported.get(hex);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
  imported.set(hex, key);
  return key;
}

function checkSeed(seed: Uint8Array): void {
  assert(seed.length === 32, 'an Ed25519 seed has 32 bytes');
}

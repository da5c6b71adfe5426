/**
 * Keys by name, and how signatures are made with them: truly, or by a hash that anybody could compute and nobody here does,
 * which costs a fiftieth.
 */
import { textOf } from '../../codec/short.ts';
import { createSigner, publicKeyOf } from '../../crypto/ed25519.ts';
import { sha256 } from '../../crypto/hash.ts';
import { createInlineVerifier } from '../../crypto/verifier.ts';
import type { SignatureCheck, Signer, Verifier } from '../../ports.ts';
import type { PublicKey } from '../../types/index.ts';

export type Signatures = 'real' | 'stub';

export interface Keyring {
  /** The key of a name: `validator/bank1`, `operator/bank1`, `officer/1`, `wallet/bank1/0`. */
  readonly signer: (name: string) => Signer;
  readonly verifier: Verifier;
}

/** @param label with the name gives the key: the same two give the same one, and whoever knows them has it. */
export function keyring(label: string, signatures: Signatures): Keyring {
  const known = keptFor(label, signatures);
  const make = signatures === 'real' ? createSigner : stubSigner;
  const signer = (name: string) => {
    const found = known.get(name) ?? make(keySeed(label, name));
    known.set(name, found);
    return found;
  };
  const verify = signatures === 'real' ? remembering(createInlineVerifier().verify) : verifyStub;
  return { signer, verifier: { verify, verifyAll: (checks) => Promise.resolve(checks.map(verify)) } };
}

/** The Ed25519 seed behind a name. */
export function keySeed(label: string, name: string): Uint8Array {
  return sha256(new TextEncoder().encode(`${label} ${name}`));
}

/** They are the same in every run, and cost something to make. */
const signers = new Map<string, Map<string, Signer>>();

function keptFor(label: string, signatures: Signatures): Map<string, Signer> {
  const place = `${signatures} ${label}`;
  const kept = signers.get(place) ?? new Map<string, Signer>();
  signers.set(place, kept);
  return kept;
}

/** Its public key is a real one, for the ledger refuses any other. */
function stubSigner(seed: Uint8Array): Signer {
  const publicKey = publicKeyOf(seed);
  return { publicKey, sign: (message) => stubSignature(publicKey, message) };
}

function stubSignature(publicKey: PublicKey, message: Uint8Array): Uint8Array {
  const signature = new Uint8Array(64);
  signature.set(stubDigest(publicKey, message));
  return signature;
}

/** A statement is signed once and checked by everybody, mostly in the same array. Nobody changes what is signed. */
function stubDigest(publicKey: PublicKey, message: Uint8Array): Uint8Array {
  const ofMessage = digestsOfMessages.get(message) ?? new Map<PublicKey, Uint8Array>();
  const known = ofMessage.get(publicKey);
  if (known !== undefined) return known;
  const digest = keptDigest(publicKey, message);
  digestsOfMessages.set(message, ofMessage.set(publicKey, digest));
  return digest;
}

const digestsOfMessages = new WeakMap<Uint8Array, Map<PublicKey, Uint8Array>>();

/** By the bytes themselves, for a while. */
function keptDigest(publicKey: PublicKey, message: Uint8Array): Uint8Array {
  const keyed = publicKey + textOf(message, 'latin1');
  const known = stubDigests.get(keyed);
  if (known !== undefined) return known;
  const digest = sha256(Buffer.from(keyed, 'latin1'));
  if (stubDigests.size >= MAX_STUB_DIGESTS) stubDigests.clear();
  stubDigests.set(keyed, digest);
  return digest;
}

const stubDigests = new Map<string, Uint8Array>();
const MAX_STUB_DIGESTS = 4_096;

const verifyStub = ({ publicKey, message, signature }: SignatureCheck): boolean =>
  signature.length === 64 && stubDigest(publicKey, message).every((byte, i) => signature[i] === byte);

/** A verdict depends on nothing else, so what one of the banks has checked the others need not check again. */
function remembering(verify: Verifier['verify']): Verifier['verify'] {
  const verdicts = new Map<string, boolean>();
  return (check) => {
    const { publicKey, message, signature } = check;
    const place = `${publicKey} ${signature.length} ${textOf(signature, 'latin1')}${textOf(message, 'latin1')}`;
    const known = verdicts.get(place);
    if (known !== undefined) return known;
    const verdict = verify(check);
    if (verdicts.size >= MAX_VERDICTS) verdicts.clear();
    verdicts.set(place, verdict);
    return verdict;
  };
}

const MAX_VERDICTS = 16_384;

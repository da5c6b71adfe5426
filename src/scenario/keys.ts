/**
 * Keys of a story, out of its seed: the same on every engine, so that the same people sign the same bytes. Whoever knows the
 * seed has all of them. For stories and development, never for money.
 */
import { sha256 } from '../crypto/hash.ts';
import { type Keyring, keyring, keySeed } from '../simulator/world/keyring.ts';
import type { NetworkSpec } from './story.ts';

export function storyKeys(spec: Pick<NetworkSpec, 'seed' | 'signatures'>): Keyring {
  return keyring(labelOf(spec), spec.signatures);
}

/** The Ed25519 seed behind a name, for nodes that have their keys in files: `validator/aclb`. */
export function storyKeySeed(spec: Pick<NetworkSpec, 'seed'>, name: string): Uint8Array {
  return keySeed(labelOf(spec), name);
}

/** What the members share to make alias keys of phone numbers: 32 bytes. */
export function storyAliasSecret({ seed }: Pick<NetworkSpec, 'seed'>): Uint8Array {
  return sha256(new TextEncoder().encode(`tonle story ${seed} aliases`));
}

function labelOf({ seed }: Pick<NetworkSpec, 'seed'>): string {
  return `tonle story ${seed} key`;
}

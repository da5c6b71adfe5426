/**
 * Keys of a story, out of its seed: the same on every engine, so that the same people sign the same bytes. Whoever knows the
 * seed has all of them. For stories and development, never for money.
 */
import { sha256 } from '../crypto/hash.ts';
import { type Keyring, keyring } from '../simulator/world/keyring.ts';
import type { NetworkSpec } from './story.ts';

export function storyKeys({ seed, signatures }: Pick<NetworkSpec, 'seed' | 'signatures'>): Keyring {
  return keyring(`tonle story ${seed} key`, signatures);
}

/** What the members share to make alias keys of phone numbers: 32 bytes. */
export function storyAliasSecret({ seed }: Pick<NetworkSpec, 'seed'>): Uint8Array {
  return sha256(new TextEncoder().encode(`tonle story ${seed} aliases`));
}

/** Sends noise on every channel: random bytes, true messages with a bit flipped or their end cut off, and far too long ones. */
import { CodedError } from '../../errors.ts';
import type { Question, Topic } from '../../ports.ts';
import type { Chance } from '../world/random.ts';
import { type Actor, onNetwork } from './actor.ts';

const TOPICS: readonly Topic[] = ['proposals', 'votes', 'announcements', 'evidence'];
const QUESTIONS: readonly Question[] = ['batches', 'blocks', 'round', 'manifest', 'chunk'];

export const garbage: Actor = ({ chance, tell }) =>
  onNetwork((network) => ({
    ...network,
    publish(topic, bytes) {
      network.publish(topic, bytes);
      const peers = network.peers();
      if (peers.length === 0 || chance.happens(0.7)) return;
      const peer = chance.pick(peers);
      const noise = damaged(chance, bytes);
      if (chance.happens(0.2)) network.pushBatch(noise);
      else if (chance.happens(0.3)) {
        network.ask(peer, chance.pick(QUESTIONS), noise).catch((error: unknown) => {
          // Nobody answers noise.
          if (!(error instanceof CodedError)) throw error;
        });
      } else tell(peer, chance.pick(TOPICS), noise);
    },
  }));

/** Something that looks like a message, more or less. */
export function damaged(chance: Chance, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  switch (chance.below(4)) {
    case 0:
      return chance.bytes(chance.between(0, 300));
    case 1:
      return copy.subarray(0, chance.below(copy.length + 1));
    case 2:
      return new Uint8Array(200_000);
    default:
      if (copy.length > 0) {
        const at = chance.below(copy.length);
        copy[at] = (copy[at] ?? 0) ^ (1 << chance.below(8));
      }
      return copy;
  }
}

/**
 * Votes in the others' names, and proofs that they said two things, with signatures that are none: whoever does not check them
 * takes two voices for a quorum, and the honest for liars.
 */
import { decode, encode } from '../../codec/schema.ts';
import { vote as voteSchema } from '../../codec/vote.ts';
import { type Actor, onNetwork, proofOf } from './actor.ts';

const MAX_BYTES = 1 << 20;

export const forger: Actor = ({ chance, tell, validator, validators }) =>
  onNetwork((network) => ({
    ...network,
    publish(topic, bytes) {
      network.publish(topic, bytes);
      const peers = network.peers();
      if (topic !== 'votes' || peers.length === 0) return;
      const victim = (validator + chance.between(1, Math.max(1, validators - 1))) % validators;
      const forged = { ...decode(voteSchema, bytes, MAX_BYTES), validator: victim, signature: chance.bytes(64) };
      if (chance.happens(0.5)) tell(chance.pick(peers), topic, encode(voteSchema, forged));
      else
        tell(
          chance.pick(peers),
          'evidence',
          proofOf(forged, (said) => ({ ...forged, ...said })),
        );
    },
  }));

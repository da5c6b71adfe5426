/** Votes in the others' names, with signatures that are none: whoever does not check them takes two voices for a quorum. */
import { decode, encode } from '../../codec/schema.ts';
import { vote as voteSchema } from '../../codec/vote.ts';
import { type Actor, onNetwork } from './actor.ts';

const MAX_BYTES = 1 << 20;

export const forger: Actor = ({ chance, tell, validator, validators }) =>
  onNetwork((network) => ({
    ...network,
    publish(topic, bytes) {
      network.publish(topic, bytes);
      const peers = network.peers();
      if (topic !== 'votes' || peers.length === 0) return;
      const vote = decode(voteSchema, bytes, MAX_BYTES);
      const victim = (validator + chance.between(1, Math.max(1, validators - 1))) % validators;
      tell(chance.pick(peers), topic, encode(voteSchema, { ...vote, validator: victim, signature: chance.bytes(64) }));
    },
  }));

/** Says one thing to some and another to the rest: two blocks as a proposer, two votes as a voter; and forgets all it said. */
import { proposal as proposalSchema } from '../../codec/messages.ts';
import { decode, encode } from '../../codec/schema.ts';
import { vote as voteSchema } from '../../codec/vote.ts';
import { blockHash } from '../../crypto/ids.ts';
import type { Topic } from '../../ports.ts';
import type { BlockHash } from '../../types/index.ts';
import { type Accomplice, type Actor, onNetwork, signed } from './actor.ts';

const MAX_BYTES = 1 << 20;

export const equivocator: Actor = (inside) => {
  const { chance, tell } = inside;
  const blocks: BlockHash[] = [];
  const alter = onNetwork((network) => ({
    ...network,
    publish(topic, bytes) {
      const other = contradiction(inside, topic, bytes, blocks);
      if (other === null) return network.publish(topic, bytes);
      const peers = chance.shuffled(network.peers());
      const half = chance.between(0, peers.length);
      // Nobody, one or all of them hear both.
      const witnesses = chance.pick([0, 1, peers.length]);
      for (const [i, peer] of peers.entries()) {
        if (i < witnesses || i < half) tell(peer, topic, bytes);
        if (i < witnesses || i >= half) tell(peer, topic, other);
      }
    },
  }));
  const signState = { last: () => null, record: () => Promise.resolve(), close: () => Promise.resolve() };
  return (ports, self) => ({ ...alter(ports, self), signState });
};

/** The opposite of what it was about to say, or null where there is none. */
function contradiction(inside: Accomplice, topic: Topic, bytes: Uint8Array, blocks: BlockHash[]): Uint8Array | null {
  if (topic === 'proposals') {
    const { statement, block } = decode(proposalSchema, bytes, MAX_BYTES);
    const header = { ...block.header, timeMs: block.header.timeMs + 1 };
    const hash = blockHash(header);
    blocks.splice(0, blocks.length, statement.blockHash, hash);
    return encode(proposalSchema, {
      statement: signed(inside, { ...statement, blockHash: hash }),
      block: { ...block, header },
    });
  }
  if (topic !== 'votes') return null;
  const vote = decode(voteSchema, bytes, MAX_BYTES);
  const others = [null, ...blocks].filter((hash) => hash !== vote.blockHash);
  if (vote.blockHash !== null && !blocks.includes(vote.blockHash)) blocks.push(vote.blockHash);
  if (others.length === 0) return null;
  return encode(voteSchema, signed(inside, { ...vote, blockHash: inside.chance.pick(others) }));
}

/** Claims in later rounds that its new block had a polka in the round before: whoever believes it gives up a lock for nothing. */
import { proposal as proposalSchema } from '../../codec/messages.ts';
import { decode, encode } from '../../codec/schema.ts';
import { type Actor, onNetwork, signed } from './actor.ts';

const MAX_BYTES = 1 << 20;

export const pretender: Actor = (inside) =>
  onNetwork((network) => ({
    ...network,
    publish(topic, bytes) {
      const told = topic === 'proposals' ? decode(proposalSchema, bytes, MAX_BYTES) : null;
      if (told === null || told.statement.round === 0) return network.publish(topic, bytes);
      const { statement, block } = told;
      const pretended = signed(inside, { ...statement, validRound: statement.round - 1 });
      network.publish(topic, encode(proposalSchema, { statement: pretended, block }));
    },
  }));

/** Claims heights that do not exist, and answers those who ask with blocks that were tampered with. */
import { committedBlock } from '../../codec/block.ts';
import { announcement } from '../../codec/messages.ts';
import { decode, encode } from '../../codec/schema.ts';
import { type Actor, answering, onNetwork } from './actor.ts';
import { damaged } from './garbage.ts';

const MAX_BYTES = 1 << 24;

export const liar: Actor = ({ chance }) =>
  onNetwork((network) => ({
    ...answering(network, async (handlers, question, from, bytes) => {
      const answer = await handlers.onQuestion(question, from, bytes);
      if (question !== 'blocks' || answer === null) return answer;
      return answer.map((frame) => (chance.happens(0.5) ? forged(frame) : damaged(chance, frame)));
    }),
    publish(topic, bytes) {
      if (topic !== 'announcements' || chance.happens(0.5)) return network.publish(topic, bytes);
      const here = decode(announcement, bytes, MAX_BYTES);
      network.publish(topic, encode(announcement, { ...here, height: here.height + chance.between(1, 50) }));
    },
  }));

/** The same block a millisecond later, under the certificate of the true one. */
function forged(frame: Uint8Array): Uint8Array {
  const committed = decode(committedBlock, frame, MAX_BYTES);
  const { header } = committed.block;
  const block = { ...committed.block, header: { ...header, timeMs: header.timeMs + 1 } };
  return encode(committedBlock, { ...committed, block });
}

/**
 * Claims heights that do not exist, and answers those who ask with blocks that were tampered with: another block under the true
 * certificate, the same with the certificate made out for it, the true block with too few signatures or without its batches.
 */
import { committedBlock } from '../../codec/block.ts';
import { announcement } from '../../codec/messages.ts';
import { decode, encode } from '../../codec/schema.ts';
import { blockHash } from '../../crypto/ids.ts';
import type { CommittedBlock } from '../../types/index.ts';
import { type Actor, answering, onNetwork } from './actor.ts';
import { damaged } from './garbage.ts';

const MAX_BYTES = 1 << 24;

export const liar: Actor = ({ chance }) =>
  onNetwork((network) => ({
    ...answering(network, async (handlers, question, from, bytes) => {
      const answer = await handlers.onQuestion(question, from, bytes);
      if (question !== 'blocks' || answer === null) return answer;
      return answer.map((frame) => {
        if (chance.happens(0.2)) return damaged(chance, frame);
        return encode(committedBlock, chance.pick(LIES)(decode(committedBlock, frame, MAX_BYTES)));
      });
    }),
    publish(topic, bytes) {
      if (topic !== 'announcements' || chance.happens(0.5)) return network.publish(topic, bytes);
      const here = decode(announcement, bytes, MAX_BYTES);
      network.publish(topic, encode(announcement, { ...here, height: here.height + chance.between(1, 50) }));
    },
  }));

const LIES: readonly ((committed: CommittedBlock) => CommittedBlock)[] = [
  (committed) => ({ ...committed, block: later(committed) }),
  (committed) => {
    const block = later(committed);
    return { ...committed, block, certificate: { ...committed.certificate, blockHash: blockHash(block.header) } };
  },
  (committed) => {
    const { certificate } = committed;
    return { ...committed, certificate: { ...certificate, signatures: certificate.signatures.slice(0, -1) } };
  },
  (committed) => ({ ...committed, batches: [] }),
];

/** The same block a millisecond later. */
function later({ block }: CommittedBlock): CommittedBlock['block'] {
  return { ...block, header: { ...block.header, timeMs: block.header.timeMs + 1 } };
}

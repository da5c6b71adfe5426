/**
 * Claims heights that do not exist, with proofs against itself from there, and answers those who ask with what was tampered with.
 * Blocks: another one under the true certificate, the same with the certificate made out for it, the true one with too few
 * signatures or without its batches. Snapshots: of another height or another state, and chunks cut short.
 */
import { committedBlock } from '../../codec/block.ts';
import { announcement } from '../../codec/messages.ts';
import { decode, encode } from '../../codec/schema.ts';
import { type SnapshotManifest, snapshotManifest, stateChunk } from '../../codec/state.ts';
import { blockHash } from '../../crypto/ids.ts';
import type { Question } from '../../ports.ts';
import type { CommittedBlock } from '../../types/index.ts';
import type { Chance } from '../world/random.ts';
import { type Actor, answering, onNetwork, proofOf, signed } from './actor.ts';
import { damaged } from './garbage.ts';

const MAX_BYTES = 1 << 24;

export const liar: Actor = (inside) => {
  const { chance, validator } = inside;
  return onNetwork((network) => ({
    ...answering(network, async (handlers, question, from, bytes) => {
      const answer = await handlers.onQuestion(question, from, bytes);
      const tamper = TAMPERED[question];
      if (tamper === undefined || answer === null) return answer;
      return answer.map((frame) => (chance.happens(0.2) ? damaged(chance, frame) : tamper(chance, frame)));
    }),
    publish(topic, bytes) {
      if (topic !== 'announcements' || chance.happens(0.5)) return network.publish(topic, bytes);
      const here = decode(announcement, bytes, MAX_BYTES);
      const height = here.height + chance.between(1, 50);
      network.publish(topic, encode(announcement, { ...here, height }));
      const vote = { step: 'prevote', height, round: 0, blockHash: null, validRound: null, validator } as const;
      network.publish(
        'evidence',
        proofOf(vote, (said) => signed(inside, said)),
      );
    },
  }));
};

/** What it makes of each frame of an answer. */
const TAMPERED: Readonly<Partial<Record<Question, (chance: Chance, frame: Uint8Array) => Uint8Array>>> = {
  blocks: (chance, frame) =>
    encode(committedBlock, chance.pick(FALSE_BLOCKS)(decode(committedBlock, frame, MAX_BYTES))),
  manifest: (chance, frame) =>
    encode(snapshotManifest, chance.pick(FALSE_MANIFESTS)(decode(snapshotManifest, frame, MAX_BYTES))),
  chunk: (_, frame) => encode(stateChunk, decode(stateChunk, frame, MAX_BYTES).slice(1)),
};

const FALSE_BLOCKS: readonly ((committed: CommittedBlock) => CommittedBlock)[] = [
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

const FALSE_MANIFESTS: readonly ((manifest: SnapshotManifest) => SnapshotManifest)[] = [
  (manifest) => ({ ...manifest, height: manifest.height + 1 }),
  (manifest) => ({ ...manifest, entries: manifest.entries + 1 }),
  (manifest) => ({ ...manifest, chunkDigests: [...manifest.chunkDigests].reverse().slice(0, -1) }),
];

/** The same block a millisecond later. */
function later({ block }: CommittedBlock): CommittedBlock['block'] {
  return { ...block, header: { ...block.header, timeMs: block.header.timeMs + 1 } };
}

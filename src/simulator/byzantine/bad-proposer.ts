/** Proposes, when it is its turn, blocks that are wrong in one way each, and votes for them. */

import { toHex } from '../../codec/hex.ts';
import { MAX_BLOCK_BATCHES } from '../../codec/limits.ts';
import { proposal as proposalSchema } from '../../codec/messages.ts';
import { decode, encode } from '../../codec/schema.ts';
import { vote as voteSchema } from '../../codec/vote.ts';
import { blockHash, digestsRoot, evidenceRoot } from '../../crypto/ids.ts';
import type { Network, Topic } from '../../ports.ts';
import type {
  BatchDigest,
  Block,
  BlockHash,
  Evidence,
  Header,
  ParticipantId,
  SignedStatement,
} from '../../types/index.ts';
import { type Accomplice, type Actor, answering, onNetwork, signed } from './actor.ts';

const MAX_BYTES = 1 << 20;
const HOUR_MS = 3_600_000;

/** A way to make a block wrong; null where this block cannot be made wrong in this way. */
type Way = (block: Block, inside: Accomplice) => Block | null;

const aHash = <T extends string>({ chance }: Accomplice) => toHex(chance.bytes(32)) as T;

/** Only this field of the header is wrong. */
function header<K extends keyof Header>(key: K, value: (before: Header, inside: Accomplice) => Header[K]): Way {
  return (block, inside) => ({ ...block, header: { ...block.header, [key]: value(block.header, inside) } });
}

/** Other batches, under the right root of them. */
function batches(change: (before: readonly BatchDigest[], inside: Accomplice) => readonly BatchDigest[] | null): Way {
  return (block, inside) => {
    const changed = change(block.batches, inside);
    if (changed === null) return null;
    return { ...block, batches: changed, header: { ...block.header, batchesRoot: digestsRoot(changed) } };
  };
}

/** Evidence against somebody who is innocent of it, under the right root. */
function falseEvidence(about: (block: Block) => Pick<SignedStatement, 'height' | 'round' | 'step'>): Way {
  return (block, inside) => {
    const validator = (inside.validator + 1) % inside.validators;
    const say = (hash: BlockHash | null): SignedStatement => {
      const statement = { ...about(block), blockHash: hash, validRound: null, validator };
      return signed(inside, statement);
    };
    const evidence: Evidence[] = [{ first: say(null), second: say(aHash(inside)) }];
    return { ...block, evidence, header: { ...block.header, evidenceRoot: evidenceRoot(evidence) } };
  };
}

const WAYS: Readonly<Record<string, Way>> = {
  'another chain': header('chainId', (_, inside) => aHash(inside)),
  'the next height': header('height', ({ height }) => height + 1),
  'the height before': header('height', ({ height }) => Math.max(1, height - 1)),
  'another parent': header('parentHash', (_, inside) => aHash(inside)),
  'an hour early': header('timeMs', ({ timeMs }) => timeMs - HOUR_MS),
  'an hour late': header('timeMs', ({ timeMs }) => timeMs + HOUR_MS),
  "another's name": header('proposer', (_, { ids, self, chance }) => chance.pick(ids.filter((id) => id !== self))),
  "nobody's name": header('proposer', () => 'nobody' as ParticipantId),
  'a wrong validator set': header('validatorSetHash', (_, inside) => aHash(inside)),
  'a wrong root of batches': header('batchesRoot', (_, inside) => aHash(inside)),
  'a wrong root of evidence': header('evidenceRoot', (_, inside) => aHash(inside)),
  'a wrong root of transactions': header('transactionsRoot', (_, inside) => aHash(inside)),
  'a wrong root of receipts': header('receiptsRoot', (_, inside) => aHash(inside)),
  'a wrong root of writes': header('writesRoot', (_, inside) => aHash(inside)),
  'a wrong checkpoint': header('checkpointRoot', ({ checkpointRoot }, inside) =>
    checkpointRoot === null ? aHash(inside) : null,
  ),
  'a batch nobody has': batches((before, inside) =>
    before.length < MAX_BLOCK_BATCHES ? [...before, aHash(inside)] : null,
  ),
  'as many such as fit': batches((_, inside) => Array.from({ length: MAX_BLOCK_BATCHES }, () => aHash(inside))),
  'a batch twice': batches((before) => (before.length > 0 ? [...before.slice(0, 1), ...before] : null)),
  'a batch left out': (block) => (block.batches.length > 0 ? { ...block, batches: block.batches.slice(1) } : null),
  'forged evidence': falseEvidence(({ header: { height } }) => ({ height, round: 0, step: 'prevote' })),
  'evidence of a later height': falseEvidence((block) => ({
    height: block.header.height + 5,
    round: 0,
    step: 'precommit',
  })),
};

export const badProposer: Actor = (inside) => {
  const { chance, forged, tell } = inside;
  /** What it votes for instead, by what honest software would have. */
  const instead = new Map<BlockHash, BlockHash>();
  /** The block that it showed with another content to one of the others: it helps to lock it, and is never heard of again. */
  let lastWord: BlockHash | null = null;
  let isMute = false;
  const lie = (topic: Topic, network: Network, bytes: Uint8Array): boolean => {
    const { statement, block } = decode(proposalSchema, bytes, MAX_BYTES);
    const way = chance.pick(Object.keys(WAYS));
    const wrong = statement.validRound === null ? WAYS[way]?.(block, inside) : null;
    if (wrong === null || wrong === undefined) return false;
    const hash = blockHash(wrong.header);
    const message = encode(proposalSchema, {
      statement: signed(inside, { ...statement, blockHash: hash }),
      block: wrong,
    });
    if (hash === statement.blockHash) {
      lastWord = hash;
      for (const [i, peer] of chance.shuffled(network.peers()).entries()) tell(peer, topic, i === 0 ? message : bytes);
    } else {
      forged(hash, way);
      instead.set(statement.blockHash, hash);
      network.publish(topic, message);
    }
    return true;
  };
  return onNetwork((network) => ({
    ...answering(network, (handlers, ...asked) => (isMute ? Promise.resolve([]) : handlers.onQuestion(...asked))),
    ask: (...question) => (isMute ? new Promise(() => undefined) : network.ask(...question)),
    publish(topic, bytes) {
      if (isMute || (topic === 'proposals' && lie(topic, network, bytes))) return;
      if (topic !== 'votes') return network.publish(topic, bytes);
      const vote = decode(voteSchema, bytes, MAX_BYTES);
      const hash = vote.blockHash === null ? undefined : instead.get(vote.blockHash);
      isMute = lastWord !== null && vote.blockHash === lastWord;
      network.publish(
        topic,
        hash === undefined ? bytes : encode(voteSchema, signed(inside, { ...vote, blockHash: hash })),
      );
    },
  }));
};

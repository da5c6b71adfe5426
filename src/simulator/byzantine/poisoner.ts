/**
 * Makes batches with a transaction in them that no node can accept: with a wrong signature, or of another chain. It pushes
 * them, names them in its blocks, and gives them to whoever asks.
 */
import { batch as batchSchema } from '../../codec/block.ts';
import { toHex } from '../../codec/hex.ts';
import { MAX_BATCH_BYTES, MAX_BLOCK_BATCHES } from '../../codec/limits.ts';
import { batchesQuestion, proposal as proposalSchema } from '../../codec/messages.ts';
import { decode, encode } from '../../codec/schema.ts';
import { batchDigestOfBytes, blockHash, digestsRoot } from '../../crypto/ids.ts';
import type { Batch, BatchDigest, ChainId, Transaction } from '../../types/index.ts';
import { type Accomplice, type Actor, answering, onNetwork, signed } from './actor.ts';

const MAX_BYTES = 1 << 20;

export const poisoner: Actor = (inside) => {
  const { chance } = inside;
  const poisoned = new Map<BatchDigest, Uint8Array>();
  const poison = (bytes: Uint8Array) => {
    const bad = encode(batchSchema, withBadTransaction(inside, decode(batchSchema, bytes, MAX_BATCH_BYTES)));
    const digest = batchDigestOfBytes(bad);
    poisoned.set(digest, bad);
    return { bad, digest };
  };
  return onNetwork((network) => ({
    ...answering(network, async (handlers, question, from, bytes) => {
      const answer = await handlers.onQuestion(question, from, bytes);
      if (question !== 'batches' || answer === null) return answer;
      const wanted = decode(batchesQuestion, bytes, MAX_BYTES);
      return [...answer, ...wanted.map((digest) => poisoned.get(digest)).filter((found) => found !== undefined)];
    }),
    pushBatch(bytes) {
      network.pushBatch(bytes);
      const { bad } = poison(bytes);
      if (chance.happens(0.05)) network.pushBatch(bad);
    },
    publish(topic, bytes) {
      if (topic !== 'proposals') return network.publish(topic, bytes);
      const { statement, block } = decode(proposalSchema, bytes, MAX_BYTES);
      const digests = [...poisoned.keys()];
      if (digests.length === 0 || statement.validRound !== null || block.batches.length >= MAX_BLOCK_BATCHES) {
        return network.publish(topic, bytes);
      }
      const batches = chance.shuffled([...block.batches, chance.pick(digests)]);
      const header = { ...block.header, batchesRoot: digestsRoot(batches) };
      const hash = blockHash(header);
      inside.forged(hash, 'a batch with a bad transaction');
      const lie = {
        statement: signed(inside, { ...statement, blockHash: hash }),
        block: { ...block, batches, header },
      };
      network.publish(topic, encode(proposalSchema, lie));
    },
  }));
};

function withBadTransaction({ chance }: Accomplice, batch: Batch): Batch {
  const at = chance.below(batch.transactions.length);
  const isForeign = chance.happens(0.5);
  const bad = (transaction: Transaction): Transaction => {
    const { body, signatures } = transaction;
    if (isForeign) return { body: { ...body, chainId: toHex(chance.bytes(32)) as ChainId }, signatures };
    return { body, signatures: signatures.map((entry) => ({ ...entry, signature: chance.bytes(64) })) };
  };
  return { ...batch, transactions: batch.transactions.map((each, i) => (i === at ? bad(each) : each)) };
}

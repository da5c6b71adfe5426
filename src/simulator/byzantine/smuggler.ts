/**
 * Puts into its batches what no honest bank would have taken, all of it well signed by somebody: the others must run such a
 * batch and refuse what it asks for. Now and then a batch has a signature that is none, and then they must not take it at all.
 */
import { batch as batchSchema } from '../../codec/block.ts';
import { MAX_BATCH_BYTES } from '../../codec/limits.ts';
import { decode, encode } from '../../codec/schema.ts';
import type { Batch } from '../../types/index.ts';
import { onNetwork, type Swindler } from './actor.ts';

/** Pushes before the first false signature, after which nobody listens to it any more. */
const WELL_BEHAVED = 12;

export const smuggler = ({ chance, fraud, clock, self }: Swindler) => {
  let pushes = 0;
  return onNetwork((network) => ({
    ...network,
    pushBatch(bytes) {
      network.pushBatch(bytes);
      pushes += 1;
      const { chainId } = decode(batchSchema, bytes, MAX_BATCH_BYTES);
      const isForged = pushes > WELL_BEHAVED && chance.happens(0.2);
      const now = clock.now();
      const transactions = isForged
        ? [fraud.forged(now)]
        : Array.from({ length: chance.between(1, 4) }, () => fraud.next(now).transaction);
      const smuggled: Batch = { version: 1, chainId, author: self, transactions };
      network.pushBatch(encode(batchSchema, smuggled));
    },
  }));
};

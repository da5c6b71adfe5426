/** What every message costs on its way in and out. */
import { batch, header } from '../../../src/codec/block.ts';
import {
  MAX_BATCH_BYTES,
  MAX_PROPOSAL_BYTES,
  MAX_TRANSACTION_BYTES,
  MAX_VOTE_BYTES,
} from '../../../src/codec/limits.ts';
import { decode, encode, type Schema } from '../../../src/codec/schema.ts';
import { transaction } from '../../../src/codec/transaction.ts';
import { vote } from '../../../src/codec/vote.ts';
import { blockHash } from '../../../src/crypto/ids.ts';
import { type Benchmark, pure } from '../group.ts';
import { Town } from '../town.ts';

export const codecGroup = pure('codec', () => {
  const town = new Town();
  const payments = town.payments(1);
  const oneHeader = town.header(payments);
  const oneBatch = town.batch(256);
  const { transactions } = oneBatch;
  const [payment] = transactions;
  return [
    ...bothWays('a transfer', transaction, payment, MAX_TRANSACTION_BYTES),
    ...bothWays('a batch of 256 transfers', batch, oneBatch, MAX_BATCH_BYTES),
    ...bothWays('a header', header, oneHeader, MAX_PROPOSAL_BYTES),
    ...bothWays('a vote', vote, town.vote(blockHash(oneHeader)), MAX_VOTE_BYTES),
  ];
});

function bothWays<T>(name: string, schema: Schema<T>, value: T | undefined, maxBytes: number): readonly Benchmark[] {
  if (value === undefined) return [];
  const bytes = encode(schema, value);
  return [
    { name: `encode ${name} (${bytes.length} bytes)`, run: () => encode(schema, value) },
    { name: `decode ${name}`, run: () => decode(schema, bytes, maxBytes) },
  ];
}

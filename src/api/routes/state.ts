/**
 * `GET state`: a digest of the whole state after the last block. Two nodes at the same height that answer differently do not
 * agree on who has what.
 */
import type { FastifyInstance } from 'fastify';
import type { Api } from '../context.ts';
import { answer, failures, HASH, HEIGHT, object, orNull, responses } from '../schemas.ts';
import type { StateJson } from '../types.ts';

const schema = {
  tags: ['ledger'],
  summary: 'The Merkle root of the whole state after the last block',
  response: responses(
    {
      200: answer(
        'The same on every node at this height',
        object({ height: HEIGHT, blockHash: orNull(HASH), stateRoot: HASH }),
      ),
    },
    failures('STATE_MOVING'),
  ),
};

export function stateRoutes(app: FastifyInstance, { node }: Api): void {
  // It reads every entry there is: once a block at most, and one reading at a time, shared by all who ask meanwhile.
  let last: StateJson | null = null;
  let reading: Promise<StateJson> | null = null;
  const read = async (): Promise<StateJson> => {
    const { height, hash, stateRoot } = await node.queries.head();
    last = { height, blockHash: hash, stateRoot };
    return last;
  };
  app.get('/state', { schema }, (): Promise<StateJson> => {
    if (last !== null && last.height === node.status().height) return Promise.resolve(last);
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  });
}

/**
 * `GET state`: a digest of the whole state after the last block. Two nodes at the same height that answer differently do not
 * agree on who has what.
 */
import type { FastifyInstance } from 'fastify';
import type { Api } from '../context.ts';
import { Readings } from '../readings.ts';
import { answer, HASH, HEIGHT, object, orNull, responses } from '../schemas.ts';
import type { StateJson } from '../types.ts';

const schema = {
  tags: ['ledger'],
  summary: 'The Merkle root of the whole state after the last block',
  response: responses({
    200: answer(
      'The same on every node at this height',
      object({ height: HEIGHT, blockHash: orNull(HASH), stateRoot: HASH }),
    ),
  }),
};

export function stateRoutes(app: FastifyInstance, { node }: Api): void {
  const heads = new Readings(node, async (): Promise<StateJson> => {
    const { height, hash, stateRoot } = await node.queries.head();
    return { height, blockHash: hash, stateRoot };
  });
  app.get('/state', { schema }, () => heads.latest());
}

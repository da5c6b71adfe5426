/** `GET blocks/:height`: a block as the record keeps it, with what became of each transaction. */
import type { FastifyInstance } from 'fastify';
import { transactionToJson } from '../../codec/json.ts';
import { assert } from '../../errors.ts';
import type { Receipt } from '../../types/index.ts';
import type { Api } from '../context.ts';
import { fault } from '../errors.ts';
import { certificateJson, evidenceJson, receiptJson } from '../present.ts';
import { answer, failures, HASH, HEIGHT, list, object, PARAMETER_CODES, ref, responses } from '../schemas.ts';
import type { BlockJson, BlockTransactionJson } from '../types.ts';

/** The fullest block has 32,768 transactions: shown in pages, so that no answer holds up the node. */
const MAX_PAGE = 1_000;

interface Route {
  Params: { height: string };
  Querystring: { from: number; limit: number };
}

const schema = {
  tags: ['ledger'],
  summary: 'A block with its certificate, evidence, transactions and receipts',
  params: object({
    height: { type: 'string', pattern: '^(?:latest|[1-9]\\d{0,14})$', description: 'A height, or `latest`' },
  }),
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      from: { type: 'integer', minimum: 0, default: 0, description: 'Place of the first transaction to show' },
      limit: { type: 'integer', minimum: 0, maximum: MAX_PAGE, default: MAX_PAGE },
    },
  },
  response: responses(
    {
      200: answer(
        'The block',
        object({
          height: HEIGHT,
          hash: HASH,
          header: ref('Header'),
          certificate: ref('Certificate'),
          batches: list(HASH, 'Digests, in order'),
          evidence: list(ref('Evidence')),
          transactionCount: { type: 'integer', minimum: 0 },
          transactions: list(
            object({ id: HASH, receipt: ref('Receipt'), transaction: ref('Transaction') }),
            'Those that took part, in order',
          ),
        }),
      ),
    },
    failures(...PARAMETER_CODES, 'BLOCK_NOT_FOUND', 'HISTORY_PRUNED'),
  ),
};

export function blockRoutes(app: FastifyInstance, api: Api): void {
  app.get<Route>('/blocks/:height', { schema }, ({ params, query }) => {
    const { height: tip, knownFromHeight } = api.node.status();
    const height = params.height === 'latest' ? tip : Number(params.height);
    // Above the tip, the record may hold a block already whose results are not there yet.
    if (height < 1 || height > tip) throw fault('BLOCK_NOT_FOUND');
    if (height < knownFromHeight) throw fault('HISTORY_PRUNED', { details: { knownFromHeight } });
    return blockJson(api, height, query);
  });
}

async function blockJson(api: Api, height: number, { from, limit }: Route['Querystring']): Promise<BlockJson> {
  const committed = await api.node.queries.block(height);
  assert(committed !== null, 'every block from the first to the tip is in the record');
  const { block, certificate } = committed;
  const receipts = await api.node.queries.receipts(height);
  const shown = receipts.slice(from, from + limit);
  return {
    height,
    hash: certificate.blockHash,
    header: block.header,
    certificate: certificateJson(certificate),
    batches: block.batches,
    evidence: block.evidence.map(evidenceJson),
    transactionCount: receipts.length,
    transactions: await Promise.all(shown.map((receipt) => transactionJson(api, receipt))),
  };
}

async function transactionJson({ node, genesis }: Api, receipt: Receipt): Promise<BlockTransactionJson> {
  const id = receipt.transactionId;
  const indexed = await node.queries.transaction(id);
  assert(indexed !== null, 'a transaction with a receipt is in the index');
  return { id, receipt: receiptJson(receipt), transaction: transactionToJson(indexed.transaction, genesis.currencies) };
}

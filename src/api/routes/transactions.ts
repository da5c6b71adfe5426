/** `POST transactions` and `GET transactions/:id`: giving the network a transaction, and learning how it ended. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { textField, transactionFromJson, transactionToJson } from '../../codec/json.ts';
import { MAX_TRANSACTION_BYTES } from '../../codec/limits.ts';
import { parseHash } from '../../codec/text.ts';
import { decodeTransaction } from '../../codec/transaction.ts';
import { proofText } from '../../ledger/proof.ts';
import type { Currency, Transaction, TransactionId } from '../../types/index.ts';
import type { Api } from '../context.ts';
import { fault } from '../errors.ts';
import { goneSignal } from '../http.ts';
import { stateJson } from '../present.ts';
import {
  answer,
  BODY_CODES,
  failures,
  failuresAs,
  HASH,
  object,
  orNull,
  PARAMETER_CODES,
  REFUSALS,
  ref,
  responses,
  SUBMIT_CODES,
  TEXT,
  TRANSACTION_CODES,
} from '../schemas.ts';
import type { TransactionDetailsJson, TransactionStateJson } from '../types.ts';

const CBOR = 'application/cbor';

interface SubmitRoute {
  Querystring: { wait?: 'final'; timeoutMs?: number };
}

const submitSchema = (maxWaitMs: number) => ({
  tags: ['ledger'],
  summary: 'Submit a transaction; the same one again is no second payment and has the same receipt',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      wait: { enum: ['final'], description: 'Answer when it is final' },
      timeoutMs: { type: 'integer', minimum: 1, maximum: maxWaitMs, description: 'How long to wait' },
    },
  },
  response: responses(
    {
      200: answer('Final, and it took effect', ref('TransactionState')),
      202: answer('Taken; how it ends is not known yet, and nothing has failed', ref('TransactionState')),
    },
    [
      ...failures(...PARAMETER_CODES, ...BODY_CODES, ...TRANSACTION_CODES, ...SUBMIT_CODES),
      // On the chain and refused there: the receipt stands in the details.
      ...failuresAs(409, ...REFUSALS),
    ],
  ),
});

const documentedBody = {
  content: {
    'application/json': { schema: ref('Transaction') },
    [CBOR]: { schema: { type: 'string', format: 'binary', description: 'Canonical bytes' } },
  },
};

const detailsSchema = {
  tags: ['ledger'],
  summary: 'Where a transaction stands, its receipt, and the proof of it',
  params: object({ id: { ...TEXT, description: '64 hexadecimal digits' } }),
  response: responses(
    {
      200: answer(
        'As far as this node knows',
        object({
          id: HASH,
          state: { enum: ['final', 'pending', 'expired'] },
          receipt: orNull(ref('Receipt')),
          message: TEXT,
          transaction: orNull(ref('Transaction')),
          proof: orNull({ ...TEXT, description: 'A receipt file that convinces offline' }),
        }),
      ),
    },
    failures(...PARAMETER_CODES, 'HASH_MALFORMED', 'TRANSACTION_NOT_FOUND', 'HISTORY_PRUNED'),
  ),
};

export function transactionRoutes(app: FastifyInstance, api: Api): void {
  const { genesis, submissions, limits, closing } = api;
  const parser = { parseAs: 'buffer', bodyLimit: MAX_TRANSACTION_BYTES } as const;
  app.addContentTypeParser(CBOR, parser, (_request, body, done) => done(null, body));

  const options = { schema: submitSchema(limits.maxWaitMs), config: { documentedBody } };
  app.post<SubmitRoute>('/transactions', options, async (request, reply): Promise<TransactionStateJson> => {
    const { wait, timeoutMs = limits.defaultWaitMs } = request.query;
    const transaction = readTransaction(request.body, genesis.currencies);
    const waitMs = wait === undefined ? 0 : timeoutMs;
    return respond(reply, await submissions.submit(transaction, waitMs, goneSignal(reply, closing)));
  });

  app.get<{ Params: { id: string } }>('/transactions/:id', { schema: detailsSchema }, (request) =>
    details(api, request),
  );
}

/** 202 says that the end is not known. */
export function respond<T extends TransactionStateJson>(reply: FastifyReply, state: T): T {
  void reply.code(state.state === 'final' ? 200 : 202);
  return state;
}

function readTransaction(body: unknown, currencies: readonly Currency[]): Transaction {
  if (body === undefined || body === null) throw fault('BODY_MISSING');
  if (body instanceof Uint8Array) return decodeTransaction(body).value;
  return transactionFromJson(body, currencies);
}

async function details(
  { node, genesis }: Api,
  { params }: FastifyRequest<{ Params: { id: string } }>,
): Promise<TransactionDetailsJson> {
  const id = textField(params.id, 'id', parseHash) as TransactionId;
  const standing = await node.standing(id);
  if (standing.state === 'unknown') {
    const { knownFromHeight } = node.status();
    throw knownFromHeight === 1
      ? fault('TRANSACTION_NOT_FOUND')
      : fault('HISTORY_PRUNED', { details: { knownFromHeight } });
  }
  const state = stateJson(id, standing);
  if (standing.state !== 'final') return { ...state, transaction: null, proof: null };
  const proof = await node.queries.proof(id);
  return {
    ...state,
    transaction: transactionToJson(standing.indexed.transaction, genesis.currencies),
    proof: proof === null ? null : proofText(proof),
  };
}

/** `GET accounts/:id`: what an account holds, whose key signs for it, and what has touched it. */
import type { FastifyInstance } from 'fastify';
import { textField } from '../../codec/json.ts';
import type { AccountRecord } from '../../codec/state.ts';
import { parseAccountId, participantOf } from '../../codec/text.ts';
import { holdingOf } from '../../ledger/holdings.ts';
import { dailyLimit, dayOf, spentOn } from '../../ledger/tiers.ts';
import type { AccountId } from '../../types/index.ts';
import type { Api } from '../context.ts';
import { ledgerFault } from '../errors.ts';
import { entryJson, moneyJson } from '../present.ts';
import {
  ACCOUNT,
  answer,
  failures,
  HEIGHT,
  KEY,
  list,
  object,
  orNull,
  PARAMETER_CODES,
  ref,
  responses,
  TEXT,
  TIER,
} from '../schemas.ts';
import type { AccountJson } from '../types.ts';

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

interface Route {
  Params: { id: string };
  Querystring: { limit: number; before?: string };
}

const schema = {
  tags: ['ledger'],
  summary: 'Balances, daily limits, key and history of an account',
  params: object({ id: ACCOUNT }),
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      limit: { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE },
      before: { type: 'string', pattern: '^\\d{1,16}\\.\\d{1,6}$', description: '`next` of the page before' },
    },
  },
  response: responses(
    {
      200: answer(
        'The account',
        object({
          account: ACCOUNT,
          participant: TEXT,
          publicKey: KEY,
          openedAtHeight: HEIGHT,
          tier: orNull(TIER),
          balances: list(ref('Balance'), 'One for each currency of the network'),
          daily: list(
            object({ currency: TEXT, limit: ref('Money'), left: ref('Money') }),
            'What the tier lets out in a day, and what is left of it today; one for each currency that it limits',
          ),
          history: object({ entries: list(ref('Entry'), 'Newest first'), next: orNull(TEXT) }),
        }),
      ),
    },
    failures(...PARAMETER_CODES, 'ACCOUNT_MALFORMED', 'ACCOUNT_NOT_FOUND'),
  ),
};

export function accountRoutes(app: FastifyInstance, api: Api): void {
  app.get<Route>('/accounts/:id', { schema }, async ({ params, query }): Promise<AccountJson> => {
    const id = textField(params.id, 'id', parseAccountId);
    const record = await api.node.queries.account(id);
    if (record === null) throw ledgerFault('ACCOUNT_NOT_FOUND');
    return {
      account: id,
      participant: participantOf(id),
      publicKey: record.publicKey,
      openedAtHeight: record.openedAtHeight,
      tier: record.tier,
      balances: balances(api, record),
      daily: daily(api, record),
      history: await history(api, id, query.limit, query.before ?? null),
    };
  });
}

function balances({ genesis }: Api, record: AccountRecord): AccountJson['balances'] {
  return genesis.currencies.map((currency) => {
    return { currency: currency.code, ...moneyJson(holdingOf(record, currency.code).minor, currency) };
  });
}

function daily({ genesis, clock }: Api, record: AccountRecord): AccountJson['daily'] {
  const day = dayOf(clock.now(), genesis.rules);
  return genesis.currencies.flatMap((currency) => {
    const { code } = currency;
    const limit = dailyLimit(genesis, record.tier, code);
    if (limit === null) return [];
    const left = limit - spentOn(day, holdingOf(record, code).spent);
    // A tier that was lowered today may lie below what went out before.
    return [{ currency: code, limit: moneyJson(limit, currency), left: moneyJson(left > 0n ? left : 0n, currency) }];
  });
}

async function history(
  { node, genesis }: Api,
  id: AccountId,
  limit: number,
  before: string | null,
): Promise<AccountJson['history']> {
  const { entries, next } = await node.queries.history(id, limit, before);
  const shown = entries.map(({ id: transaction, indexed }) =>
    entryJson(transaction, indexed, indexed.transaction, genesis.currencies),
  );
  return { entries: shown, next };
}

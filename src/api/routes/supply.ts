/** `GET supply`: money issued, redeemed and circulating; with `audit`, held against the sum of all balances. */
import type { FastifyInstance } from 'fastify';
import type { SupplyRecord } from '../../codec/state.ts';
import { assert } from '../../errors.ts';
import type { Currency } from '../../types/index.ts';
import type { Api } from '../context.ts';
import { moneyJson } from '../present.ts';
import { Readings } from '../readings.ts';
import { answer, failures, HEIGHT, list, object, PARAMETER_CODES, ref, responses, TEXT } from '../schemas.ts';
import type { CurrencySupplyJson, SupplyJson } from '../types.ts';

const schema = {
  tags: ['ledger'],
  summary: 'Money issued, redeemed and circulating',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      audit: {
        type: 'boolean',
        default: false,
        description: 'Adds the sum of all balances, which reads the whole state',
      },
    },
  },
  response: responses(
    {
      200: answer(
        'One entry a currency',
        object(
          {
            height: { ...HEIGHT, description: 'With an audit: the block after which all of it was counted' },
            supply: list(
              object(
                {
                  currency: TEXT,
                  issued: ref('Money'),
                  redeemed: ref('Money'),
                  circulating: ref('Money'),
                  balances: ref('Money'),
                },
                ['balances'],
              ),
            ),
          },
          ['height'],
        ),
      ),
    },
    failures(...PARAMETER_CODES),
  ),
};

export function supplyRoutes(app: FastifyInstance, api: Api): void {
  const { genesis, node } = api;
  const plain = async (): Promise<SupplyJson> => {
    const supply = genesis.currencies.map(async (currency) =>
      supplyJson(currency, await node.queries.supply(currency.code)),
    );
    return { supply: await Promise.all(supply) };
  };
  const audits = new Readings(node, () => audit(api));
  app.get<{ Querystring: { audit: boolean } }>('/supply', { schema }, (request) =>
    request.query.audit ? audits.latest() : plain(),
  );
}

async function audit({ genesis, node }: Api): Promise<SupplyJson & { readonly height: number }> {
  const { height, currencies } = await node.queries.books();
  const supply = genesis.currencies.map((currency) => {
    const book = currencies.get(currency.code);
    assert(book !== undefined, 'the books are of every currency of the network');
    return { ...supplyJson(currency, book), balances: moneyJson(book.sumMinor, currency) };
  });
  return { height, supply };
}

function supplyJson(currency: Currency, { issuedMinor, redeemedMinor }: SupplyRecord): CurrencySupplyJson {
  return {
    currency: currency.code,
    issued: moneyJson(issuedMinor, currency),
    redeemed: moneyJson(redeemedMinor, currency),
    circulating: moneyJson(issuedMinor - redeemedMinor, currency),
  };
}

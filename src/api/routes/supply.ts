/** `GET supply`: money issued, redeemed and circulating; with `audit`, held against the sum of all balances. */
import type { FastifyInstance } from 'fastify';
import type { SupplyRecord } from '../../codec/state.ts';
import type { Currency } from '../../types/index.ts';
import type { Api } from '../context.ts';
import { moneyJson } from '../present.ts';
import { answer, failures, list, object, PARAMETER_CODES, ref, responses, TEXT } from '../schemas.ts';
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
        object({
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
        }),
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
  // One audit at a time, shared by all who ask meanwhile: it reads every balance there is.
  let auditing: Promise<SupplyJson> | null = null;
  const audited = () => {
    auditing ??= audit(api).finally(() => {
      auditing = null;
    });
    return auditing;
  };
  app.get<{ Querystring: { audit: boolean } }>('/supply', { schema }, (request) =>
    request.query.audit ? audited() : plain(),
  );
}

async function audit(api: Api): Promise<SupplyJson> {
  const supply: CurrencySupplyJson[] = [];
  for (const currency of api.genesis.currencies) supply.push(await auditedSupply(api, currency));
  return { supply };
}

/**
 * Issued and redeemed only rise, so where they are the same before and after, the sum between belongs to them; where they
 * are not, an issue came in between, which is rare, and it is counted again.
 */
async function auditedSupply({ node }: Api, currency: Currency): Promise<CurrencySupplyJson> {
  for (;;) {
    const before = await node.queries.supply(currency.code);
    const sum = await node.queries.sumOfBalances(currency.code);
    const after = await node.queries.supply(currency.code);
    const moved = before.issuedMinor !== after.issuedMinor || before.redeemedMinor !== after.redeemedMinor;
    if (!moved) return { ...supplyJson(currency, after), balances: moneyJson(sum, currency) };
  }
}

function supplyJson(currency: Currency, { issuedMinor, redeemedMinor }: SupplyRecord): CurrencySupplyJson {
  return {
    currency: currency.code,
    issued: moneyJson(issuedMinor, currency),
    redeemed: moneyJson(redeemedMinor, currency),
    circulating: moneyJson(issuedMinor - redeemedMinor, currency),
  };
}

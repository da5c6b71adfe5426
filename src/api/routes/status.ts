/** `GET status`: where this node is, and what a wallet must know of the network before it can sign. */
import type { FastifyInstance } from 'fastify';
import { formatAmount } from '../../codec/amount.ts';
import type { Api } from '../context.ts';
import { answer, HASH, HEIGHT, list, object, orNull, responses, TEXT, TIER, TIME_MS } from '../schemas.ts';
import type { StatusJson, TierJson } from '../types.ts';

const COUNT = { type: 'integer', minimum: 0 };

const schema = {
  tags: ['ledger'],
  summary: 'Where this node is, and the rules of its network',
  response: responses({
    200: answer(
      'The status of this node',
      object({
        version: TEXT,
        participant: TEXT,
        network: TEXT,
        chainId: HASH,
        height: HEIGHT,
        blockHash: orNull(HASH),
        blockTimeMs: orNull(TIME_MS),
        knownFromHeight: { ...HEIGHT, description: 'First block that this node can show' },
        stateProof: {
          type: 'string',
          enum: ['proved', 'pending', 'none'],
          description:
            'Whether the state, which answers are made of, was proved by a certified snapshot since the start of the node or made ' +
            'from its record then; is being proved; or has nothing on the disk that proves it',
        },
        highestKnownHeight: HEIGHT,
        timeMs: TIME_MS,
        maxValidityMs: COUNT,
        currencies: list(object({ code: TEXT, exponent: COUNT, maxAmount: TEXT })),
        tiers: list(
          object({ name: TIER, limits: list(object({ currency: TEXT, maxDaily: TEXT })) }),
          'What wallets may pay out in a day; a currency that is not listed has no limit',
        ),
        consensus: object({ height: HEIGHT, round: COUNT, step: TEXT }),
        peers: list(TEXT),
        pool: object({ transactions: COUNT, batches: COUNT }),
      }),
    ),
  }),
};

export function statusRoutes(app: FastifyInstance, { node, genesis, version, clock }: Api): void {
  const { maxValidityMs } = genesis.rules;
  const currencies = genesis.currencies.map(({ code, exponent, maxAmountMinor }) => {
    return { code, exponent, maxAmount: formatAmount(maxAmountMinor, exponent) };
  });
  const tiers = genesis.tiers.map(({ name, limits }): TierJson => {
    const exponentOf = (code: string) => currencies.find((entry) => entry.code === code)?.exponent ?? 0;
    const shown = limits.map(({ currency, maxDailyMinor }) => ({
      currency,
      maxDaily: formatAmount(maxDailyMinor, exponentOf(currency)),
    }));
    return { name, limits: shown };
  });
  app.get('/status', { schema }, (): StatusJson => {
    return { version, ...node.status(), timeMs: clock.now(), maxValidityMs, currencies, tiers };
  });
}

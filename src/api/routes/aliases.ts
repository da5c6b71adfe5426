/**
 * `GET aliases/:phone`: the account that payments to a phone number go to. Limited per client, so that numbers cannot be
 * tried out one after the other; what is not bound and what never was answer alike.
 */
import type { FastifyInstance } from 'fastify';
import { textField } from '../../codec/json.ts';
import type { AliasRecord } from '../../codec/state.ts';
import { aliasKey } from '../../crypto/alias.ts';
import { lapseOf, openClaim } from '../../ledger/claims.ts';
import type { Api } from '../context.ts';
import { fault, ledgerFault } from '../errors.ts';
import { parsePhone } from '../phone.ts';
import {
  ACCOUNT,
  answer,
  failures,
  HASH,
  object,
  orNull,
  PARAMETER_CODES,
  responses,
  TEXT,
  TIME_MS,
} from '../schemas.ts';
import type { AliasJson, ClaimJson } from '../types.ts';

const schema = {
  tags: ['ledger'],
  summary: 'The account behind a phone number',
  params: object({
    phone: { ...TEXT, description: 'E.164, or as written within Cambodia', examples: ['+85512345678', '012 345 678'] },
  }),
  response: responses(
    {
      200: answer(
        'What a payment to this number names: it fails if the number is bound anew before it takes effect',
        object({
          account: ACCOUNT,
          epoch: { type: 'integer', minimum: 1 },
          aliasKey: HASH,
          claim: orNull(object({ account: ACCOUNT, dueMs: TIME_MS, lapsesMs: TIME_MS })),
        }),
      ),
    },
    failures(...PARAMETER_CODES, 'PHONE_MALFORMED', 'ALIAS_NOT_FOUND', 'RATE_LIMITED'),
  ),
};

export function aliasRoutes(app: FastifyInstance, api: Api): void {
  const { node, aliasSecret, limits } = api;
  const rateLimit = {
    max: limits.aliasLookupsPerMinute,
    timeWindow: 60_000,
    errorResponseBuilder: () => fault('RATE_LIMITED'),
  };
  app.get<{ Params: { phone: string } }>(
    '/aliases/:phone',
    { schema, config: { rateLimit } },
    async ({ params }): Promise<AliasJson> => {
      const key = aliasKey(aliasSecret, textField(params.phone, 'phone', parsePhone));
      const record = await node.queries.alias(key);
      if (record === null || record.account === null) throw ledgerFault('ALIAS_NOT_FOUND');
      const { account, epoch } = record;
      return { account, epoch, aliasKey: key, claim: claimJson(api, record) };
    },
  );
}

/** A claim that has not lapsed by this node's clock. */
function claimJson({ genesis, clock }: Api, record: AliasRecord): ClaimJson | null {
  const claim = openClaim(record, clock.now(), genesis.rules);
  return claim === null ? null : { ...claim, lapsesMs: lapseOf(claim, genesis.rules) };
}

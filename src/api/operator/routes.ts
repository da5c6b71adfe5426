/** The operator API: what the bank's staff and systems ask of their own node, with the bank's token. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { fromHex } from '../../codec/hex.ts';
import { amountFromJson, fieldsOf, textField, transactionFromJson } from '../../codec/json.ts';
import { MAX_NAME_BYTES, MAX_TRANSACTION_BYTES } from '../../codec/limits.ts';
import { decode } from '../../codec/schema.ts';
import { parseAccountId, parseHash, parseNonce, parsePublicKey, parseTier } from '../../codec/text.ts';
import { transaction as transactionSchema } from '../../codec/transaction.ts';
import { CodedError } from '../../errors.ts';
import type { AliasKey, Currency, Transaction } from '../../types/index.ts';
import type { Api, OperatorOptions } from '../context.ts';
import { fault } from '../errors.ts';
import { goneSignal } from '../http.ts';
import { parsePhone } from '../phone.ts';
import { respond } from '../routes/transactions.ts';
import type {
  ActionJson,
  AliasKeyJson,
  BindingJson,
  CustomersJson,
  TransactionStateJson,
  UnsubmittedJson,
} from '../types.ts';
import { Bank } from './bank.ts';
import {
  aliasKeyOf,
  attest,
  bindingOf,
  customers,
  fund,
  openAccount,
  redeem,
  rejectClaim,
  setTier,
} from './schemas.ts';
import { requireToken } from './token.ts';

export function operatorRoutes(app: FastifyInstance, api: Api, operator: OperatorOptions): void {
  const bank = new Bank(api, operator);
  const { currencies } = api.genesis;
  const gone = (reply: FastifyReply) => goneSignal(reply, api.closing);
  app.addHook('onRequest', requireToken(operator.token));

  app.get('/accounts', customers, async (): Promise<CustomersJson> => {
    return { customers: await bank.customers() };
  });

  app.post('/accounts', openAccount, async ({ body }, reply): Promise<ActionJson> => {
    const fields = fieldsOf(present(body), '', ['name', 'publicKey', 'displayName'], ['tier']);
    const account = textField(fields.name, 'name', (name) => bank.accountOf(name));
    const publicKey = textField(fields.publicKey, 'publicKey', parsePublicKey);
    const displayName = textField(fields.displayName, 'displayName', parseDisplayName);
    const tier = fields.tier === undefined ? null : textField(fields.tier, 'tier', parseTier);
    return respond(reply, await bank.openAccount({ account, publicKey, tier }, displayName, gone(reply)));
  });

  app.post('/tier', setTier, async ({ body }, reply): Promise<TransactionStateJson> => {
    const fields = fieldsOf(present(body), '', ['account', 'tier']);
    const account = textField(fields.account, 'account', parseAccountId);
    const tier = textField(fields.tier, 'tier', parseTier);
    return respond(reply, await bank.setTier(account, tier, gone(reply)));
  });

  app.post('/alias-key', aliasKeyOf, ({ body }): AliasKeyJson => {
    const { phone } = fieldsOf(present(body), '', ['phone']);
    return bank.aliasKeyOf(textField(phone, 'phone', parsePhone));
  });

  app.get<{ Params: { aliasKey: string } }>(
    '/aliases/:aliasKey',
    bindingOf,
    async ({ params }): Promise<BindingJson> => {
      return await bank.binding(textField(params.aliasKey, 'aliasKey', parseHash) as AliasKey);
    },
  );

  app.post('/attest', attest, async ({ body }, reply): Promise<ActionJson> => {
    const fields = fieldsOf(present(body), '', ['transaction', 'phone']);
    const phone = textField(fields.phone, 'phone', parsePhone);
    const transaction = transactionOf(fields.transaction, currencies);
    return respond(reply, await bank.attest(transaction, phone, gone(reply)));
  });

  app.post('/reject-claim', rejectClaim, async ({ body }, reply): Promise<TransactionStateJson> => {
    const fields = fieldsOf(present(body), '', ['account', 'phone']);
    const account = textField(fields.account, 'account', parseAccountId);
    const phone = textField(fields.phone, 'phone', parsePhone);
    return respond(reply, await bank.rejectClaim(account, phone, gone(reply)));
  });

  app.post('/fund', fund, async ({ body }, reply): Promise<TransactionStateJson> => {
    const fields = fieldsOf(present(body), '', ['account', 'amount'], ['nonce']);
    const to = textField(fields.account, 'account', parseAccountId);
    const amount = amountFromJson(fields.amount, 'amount', currencies);
    const nonce = fields.nonce === undefined ? null : textField(fields.nonce, 'nonce', parseNonce);
    return respond(reply, await bank.fund(to, amount, nonce, gone(reply)));
  });

  app.post('/redeem', redeem, ({ body }): UnsubmittedJson => {
    const { amount } = fieldsOf(present(body), '', ['amount']);
    return bank.redeem(amountFromJson(amount, 'amount', currencies));
  });
}

function present(body: unknown): unknown {
  if (body === undefined || body === null) throw fault('BODY_MISSING');
  return body;
}

/** Canonical bytes in hex, or the JSON form. */
function transactionOf(value: unknown, currencies: readonly Currency[]): Transaction {
  if (typeof value !== 'string') return transactionFromJson(value, currencies);
  const bytes = textField(value, 'transaction', fromHex);
  return decode(transactionSchema, bytes, MAX_TRANSACTION_BYTES);
}

function parseDisplayName(text: string): string {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > 0 && bytes <= MAX_NAME_BYTES && !/\p{Cc}/u.test(text)) return text;
  throw new CodedError('FIELD_INVALID', `expected a printable name of up to ${MAX_NAME_BYTES} bytes`);
}

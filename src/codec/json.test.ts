import fc from 'fast-check';
import t from 'tap';
import { transaction as anyTransaction } from '../testing/arbitraries.ts';
import { testNetwork } from '../testing/genesis.ts';
import { transactionOf, transfer } from '../testing/transactions.ts';
import type { Currency, CurrencyCode, Transaction } from '../types/index.ts';
import { toHex } from './hex.ts';
import { commandToJson, FormError, transactionFromJson, transactionToJson } from './json.ts';
import { MAX_COMMANDS, MAX_MINOR, MAX_SIGNATURES } from './limits.ts';
import { CodecError, encode } from './schema.ts';
import { transaction as transactionSchema } from './transaction.ts';

const network = testNetwork();
const { currencies } = network.genesis;
const payment = transactionOf(network, ['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', 5_000n)]);
/** A fresh copy, as a JSON parser makes it. */
const form = () => JSON.parse(JSON.stringify(transactionToJson(payment, currencies)));
const bytesOf = (transaction: Transaction) => toHex(encode(transactionSchema, transaction));

/** Every currency that the transaction names, with some number of places. */
function currenciesOf({ body }: Transaction): Currency[] {
  const codes = body.commands.flatMap((command) => ('amount' in command ? [command.amount.currency] : []));
  return [...new Set(codes)].map((code) => {
    const exponent = (code.codePointAt(0) ?? 0) % 5;
    return { code, exponent, maxAmountMinor: MAX_MINOR, maxSupplyMinor: MAX_MINOR };
  });
}

t.test('any transaction comes back from its JSON text with the same bytes', async (t) => {
  fc.assert(
    fc.property(anyTransaction, (transaction) => {
      const known = currenciesOf(transaction);
      const text = JSON.stringify(transactionToJson(transaction, known));
      return bytesOf(transactionFromJson(JSON.parse(text), known)) === bytesOf(transaction);
    }),
    { numRuns: 300 },
  );
  t.pass('300 transactions');
});

t.test('what is read and written again is the same JSON, so it has one form', async (t) => {
  fc.assert(
    fc.property(anyTransaction, (transaction) => {
      const known = currenciesOf(transaction);
      const json = transactionToJson(transaction, known);
      return JSON.stringify(transactionToJson(transactionFromJson(json, known), known)) === JSON.stringify(json);
    }),
    { numRuns: 100 },
  );
  t.pass('100 transactions');
});

t.test('any JSON is either a transaction or refused with a code', async (t) => {
  const mutated = fc.tuple(fc.jsonValue(), fc.nat()).map(([value, at]) => {
    const json = form();
    const paths = pathsOf(json);
    const [parent, key] = paths[at % paths.length]!;
    parent[key] = value;
    return json as unknown;
  });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), mutated), (json) => {
      try {
        return bytesOf(transactionFromJson(json, currencies)).length > 0;
      } catch (error) {
        return error instanceof FormError || error instanceof CodecError;
      }
    }),
    { numRuns: 500 },
  );
  t.pass('500 values');
});

t.test('the form of a payment', async (t) => {
  t.match(form(), {
    version: 1,
    commands: [
      { type: 'transfer', from: 'dara@aclb', to: 'bopha@cnb', amount: { currency: 'KHR', value: '5000' }, alias: null },
    ],
    signatures: [{ publicKey: network.signer('wallet/dara').publicKey, signature: /^[0-9a-f]{128}$/ }],
  });
});

const SET_TIER = { type: 'setTier', account: 'dara@aclb', tier: 'full' };

type Edit = (json: ReturnType<typeof form>) => unknown;

const refused: readonly (readonly [name: string, code: string, field: string, edit: Edit])[] = [
  ['no object', 'FIELD_INVALID', '', () => 'text'],
  ['null', 'FIELD_INVALID', '', () => null],
  ['a list', 'FIELD_INVALID', '', () => []],
  ['an unknown field', 'FIELD_UNKNOWN', 'fee', (json) => ({ ...json, fee: 1 })],
  ['a missing field', 'FIELD_MISSING', 'nonce', ({ nonce: _, ...json }) => json],
  ['another version', 'VERSION_UNKNOWN', 'version', (json) => ({ ...json, version: 2 })],
  ['a version as text', 'VERSION_UNKNOWN', 'version', (json) => ({ ...json, version: '1' })],
  ['a short chain id', 'HASH_MALFORMED', 'chainId', (json) => ({ ...json, chainId: 'ab' })],
  ['a chain id in capitals', 'HASH_MALFORMED', 'chainId', (json) => ({ ...json, chainId: json.chainId.toUpperCase() })],
  ['a time as text', 'FIELD_INVALID', 'validUntilMs', (json) => ({ ...json, validUntilMs: '1' })],
  ['a time with a fraction', 'FIELD_INVALID', 'validUntilMs', (json) => ({ ...json, validUntilMs: 1.5 })],
  ['a negative time', 'FIELD_INVALID', 'validUntilMs', (json) => ({ ...json, validUntilMs: -1 })],
  ['a time that no number holds', 'FIELD_INVALID', 'validUntilMs', (json) => ({ ...json, validUntilMs: 2 ** 53 })],
  ['a short nonce', 'NONCE_MALFORMED', 'nonce', (json) => ({ ...json, nonce: '00' })],
  ['commands that are no list', 'FIELD_INVALID', 'commands', (json) => ({ ...json, commands: {} })],
  ['too many commands', 'FIELD_INVALID', 'commands', (json) => ({ ...json, commands: many(json.commands[0]) })],
  ['nobody signed', 'SIGNATURE_MISSING', 'signatures', (json) => ({ ...json, signatures: [] })],
  ['too many signatures', 'FIELD_INVALID', 'signatures', (json) => ({ ...json, signatures: many(json.signatures[0]) })],
  ['an unknown command', 'FIELD_INVALID', 'commands[0].type', command((old) => ({ ...old, type: 'mint' }))],
  ['a command of a prototype', 'FIELD_INVALID', 'commands[0].type', command((old) => ({ ...old, type: 'toString' }))],
  ['a command that is null', 'FIELD_INVALID', 'commands[0].type', command(() => null)],
  [
    'a field of another command',
    'FIELD_UNKNOWN',
    'commands[0].publicKey',
    command((old) => ({ ...old, publicKey: '' })),
  ],
  ['no memo', 'FIELD_MISSING', 'commands[0].memo', command(({ memo: _, ...old }) => old)],
  ['half a character', 'FIELD_INVALID', 'commands[0].memo', command((old) => ({ ...old, memo: '\ud800' }))],
  ['a payer in capitals', 'ACCOUNT_MALFORMED', 'commands[0].from', command((old) => ({ ...old, from: 'Dara@aclb' }))],
  ['a payee that is a number', 'FIELD_INVALID', 'commands[0].to', command((old) => ({ ...old, to: 7 }))],
  ['an alias that is a number', 'FIELD_INVALID', 'commands[0].alias', command((old) => ({ ...old, alias: 7 }))],
  [
    'an epoch as text',
    'FIELD_INVALID',
    'commands[0].alias.epoch',
    command((old) => ({ ...old, alias: { aliasKey: 'ab'.repeat(32), epoch: '1' } })),
  ],
  ['an account without a tier', 'FIELD_MISSING', 'commands[0].tier', opening({})],
  ['a tier that is a number', 'FIELD_INVALID', 'commands[0].tier', opening({ tier: 1 })],
  ['a tier in capitals', 'TIER_MALFORMED', 'commands[0].tier', opening({ tier: 'Full' })],
  ['a tier that takes none', 'FIELD_INVALID', 'commands[0].tier', command(() => ({ ...SET_TIER, tier: null }))],
  ['an amount that is a number', 'FIELD_INVALID', 'commands[0].amount', command((old) => ({ ...old, amount: 5 }))],
  ['an unknown currency', 'CURRENCY_UNKNOWN', 'commands[0].amount.currency', amount({ currency: 'EUR' })],
  ['a currency in small letters', 'CURRENCY_MALFORMED', 'commands[0].amount.currency', amount({ currency: 'khr' })],
  ['a number as value', 'AMOUNT_NOT_TEXT', 'commands[0].amount.value', amount({ value: 5000 })],
  ['an exponent', 'AMOUNT_MALFORMED', 'commands[0].amount.value', amount({ value: '5e3' })],
  ['a plus sign', 'AMOUNT_MALFORMED', 'commands[0].amount.value', amount({ value: '+5' })],
  ['a leading zero', 'AMOUNT_MALFORMED', 'commands[0].amount.value', amount({ value: '05' })],
  ['nothing', 'AMOUNT_MALFORMED', 'commands[0].amount.value', amount({ value: '' })],
  ['less than nothing', 'AMOUNT_NEGATIVE', 'commands[0].amount.value', amount({ value: '-5' })],
  ['half a riel', 'AMOUNT_TOO_PRECISE', 'commands[0].amount.value', amount({ value: '5000.5' })],
  ['a tenth of a cent', 'AMOUNT_TOO_PRECISE', 'commands[0].amount.value', amount({ currency: 'USD', value: '0.001' })],
  ['more than can be counted', 'AMOUNT_OVERFLOW', 'commands[0].amount.value', amount({ value: '9223372036854775808' })],
  ['a short signature', 'SIGNATURE_MALFORMED', 'signatures[0].signature', signature({ signature: 'ab' })],
  ['a key that is no hex', 'KEY_MALFORMED', 'signatures[0].publicKey', signature({ publicKey: 'zz'.repeat(32) })],
];

for (const [name, code, field, edit] of refused) {
  t.test(`${name}: ${code}`, async (t) => {
    const error = thrownBy(() => transactionFromJson(edit(form()), currencies));
    t.match(error, { name: 'FormError', code, field });
    t.ok(error.message.startsWith(field), error.message);
  });
}

t.test('the limits are those of the canonical bytes', async (t) => {
  const cases: readonly (readonly [string, Edit])[] = [
    ['no command', (json) => ({ ...json, commands: [] })],
    ['a long memo', command((old) => ({ ...old, memo: 'x'.repeat(65) }))],
    ['a memo of two lines', command((old) => ({ ...old, memo: 'a\nb' }))],
    ['epoch 0', command((old) => ({ ...old, alias: { aliasKey: 'ab'.repeat(32), epoch: 0 } }))],
    ['a key that signs twice', (json) => ({ ...json, signatures: [json.signatures[0], json.signatures[0]] })],
  ];
  for (const [name, edit] of cases) {
    const error = thrownBy(() => transactionFromJson(edit(form()), currencies));
    t.match(error, { name: 'CodecError', code: 'FIELD_INVALID' }, name);
  }
});

t.test('zero is left to the ledger, and an unknown currency shows minor units', async (t) => {
  const zero = transactionFromJson(amount({ value: '0' })(form()), currencies);
  t.match(zero.body.commands, [{ amount: { minor: 0n } }]);
  const foreign = commandToJson(transfer('dara@aclb', 'bopha@cnb', 150n, 'EUR' as CurrencyCode), currencies);
  t.match(foreign, { amount: { currency: 'EUR', value: '150' } });
});

function command(edit: (old: Record<string, unknown>) => unknown): Edit {
  return (json) => ({ ...json, commands: [edit(json.commands[0])] });
}

/** Of an account, whose tier is left to say. */
function opening(fields: Record<string, unknown>): Edit {
  return command(() => ({ type: 'openAccount', account: 'dara@aclb', publicKey: 'ab'.repeat(32), ...fields }));
}

function amount(fields: Record<string, unknown>): Edit {
  return command((old) => ({ ...old, amount: { ...(old['amount'] as object), ...fields } }));
}

function signature(fields: Record<string, unknown>): Edit {
  return (json) => ({ ...json, signatures: [{ ...json.signatures[0], ...fields }] });
}

function many<T>(item: T): T[] {
  return Array.from({ length: Math.max(MAX_COMMANDS, MAX_SIGNATURES) + 1 }, () => item);
}

function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was refused');
}

/** Every place in a JSON document where a value stands. */
function pathsOf(json: unknown): (readonly [parent: Record<string, unknown>, key: string])[] {
  if (typeof json !== 'object' || json === null) return [];
  const parent = json as Record<string, unknown>;
  return Object.keys(parent).flatMap((key) => [[parent, key] as const, ...pathsOf(parent[key])]);
}

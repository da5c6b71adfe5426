/** What a wallet signs, and what it does not sign although it is asked to. */
import fc from 'fast-check';
import { test } from 'tap';
import type { Client } from '../api/client.ts';
import type { AccountJson, EntryJson, TransactionDetailsJson } from '../api/types.ts';
import { toHex } from '../codec/hex.ts';
import { encode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { createSigner, verifyEd25519 } from '../crypto/ed25519.ts';
import { transactionId, transactionSigningBytes } from '../crypto/ids.ts';
import { signTransaction } from '../crypto/sign.ts';
import type {
  AccountId,
  Amount,
  ChainId,
  Command,
  CurrencyCode,
  Nonce,
  ParticipantId,
  Transaction,
} from '../types/index.ts';
import { findEarlier } from './references.ts';
import {
  bindAlias,
  claimAlias,
  finalOf,
  newNonce,
  nonceOf,
  readAmount,
  redeem,
  rejectClaim,
  releaseAlias,
  resolvePayee,
  sign,
  signPayment,
  type Terms,
} from './wallet.ts';

const KHR = 'KHR' as CurrencyCode;
const ALIAS_KEY = 'b'.repeat(64);
const signer = createSigner(new Uint8Array(32).fill(7));
const officer = createSigner(new Uint8Array(32).fill(9));
const dara = { account: 'dara@aclb' as AccountId, signer };
const payee = { account: 'sophea@cnb' as AccountId, alias: null, phone: null };

function termsAt(nowMs: number, maxValidityMs = 600_000): Terms {
  const bounds = { maxAmountMinor: 0n, maxSupplyMinor: 0n };
  const currencies = [
    { code: KHR, exponent: 0, ...bounds },
    { code: 'USD' as CurrencyCode, exponent: 2, ...bounds },
  ];
  return { chainId: 'c'.repeat(64) as ChainId, currencies, maxValidityMs, now: () => nowMs };
}

function amountOf(minor: bigint): Amount {
  return { currency: KHR, minor };
}

test('a payment is valid for a minute, and never for longer than the network allows', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 48 }), fc.integer({ min: 1_000, max: 86_400_000 }), (now, max) => {
      const terms = termsAt(now, max);
      const random = { bytes: (length: number) => new Uint8Array(length).fill(3) };
      const payment = { payee, amount: amountOf(1n), memo: '' };
      const once = signPayment(terms, dara, payment, newNonce(random)).body.validUntilMs;
      const repeatable = signPayment(terms, dara, payment, nonceOf('rent')).body.validUntilMs;
      return once === now + Math.min(60_000, max) && repeatable > now && repeatable <= now + max;
    }),
  );
  t.pass();
});

test('the same words make the same transaction for some minutes, other words another one', async (t) => {
  const idOf = (nowMs: number, reference: string, minor = 1n) =>
    transactionId(
      signPayment(termsAt(nowMs), dara, { payee, amount: amountOf(minor), memo: '' }, nonceOf(reference)).body,
    );
  t.equal(idOf(1_000_000_000, 'rent'), idOf(1_000_060_000, 'rent'), 'a minute later');
  t.not(idOf(1_000_000_000, 'rent'), idOf(1_000_000_000, 'Rent'));
  t.not(idOf(1_000_000_000, 'rent'), idOf(1_000_000_000, 'rent', 2n));
  t.match(nonceOf('ជួល').nonce, /^[0-9a-f]{32}$/);
  t.equal(
    nonceOf('rent').nonce,
    'fa6d79e49576f75bc449cede08adeaaf',
    'a script that runs after an upgrade pays once too',
  );
});

test('the signature is of the account and covers what was shown', async (t) => {
  const alias = { aliasKey: ALIAS_KEY, epoch: 3 } as never;
  const { body, signatures } = signPayment(
    termsAt(5),
    dara,
    { payee: { ...payee, alias }, amount: amountOf(70n), memo: 'rice' },
    nonceOf('x'),
  );
  t.strictSame(body.commands, [
    {
      type: 'transfer',
      from: 'dara@aclb',
      to: 'sophea@cnb',
      amount: { currency: 'KHR', minor: 70n },
      alias,
      memo: 'rice',
    },
  ]);
  const [entry] = signatures;
  t.equal(entry!.publicKey, signer.publicKey);
  t.ok(verifyEd25519(signer.publicKey, transactionSigningBytes(transactionId(body)), entry!.signature));
});

test('amounts are read in the currencies of the network', async (t) => {
  const terms = termsAt(0);
  t.strictSame(readAmount(terms, '1.5', 'usd'), { currency: 'USD', minor: 150n });
  t.strictSame(readAmount(terms, '0', 'KHR'), { currency: 'KHR', minor: 0n }, 'zero is for the ledger to refuse');
  const cases: readonly (readonly [value: string, currency: string, code: string])[] = [
    ['1', 'EUR', 'CURRENCY_UNKNOWN'],
    ['1', 'riel', 'CURRENCY_MALFORMED'],
    ['0.5', 'KHR', 'AMOUNT_TOO_PRECISE'],
    ['01', 'KHR', 'AMOUNT_MALFORMED'],
    ['1e3', 'KHR', 'AMOUNT_MALFORMED'],
    ['-1', 'KHR', 'AMOUNT_NEGATIVE'],
  ];
  for (const [value, currency, code] of cases)
    t.throws(() => readAmount(terms, value, currency), { code }, `${value} ${currency}`);
});

test('a payee is an account or a phone number', async (t) => {
  const asked: string[] = [];
  const client = {
    alias: (phone: string) => {
      asked.push(phone);
      return Promise.resolve({ account: 'sophea@cnb', epoch: 2, aliasKey: ALIAS_KEY });
    },
  } as unknown as Client;
  t.strictSame(await resolvePayee(client, 'sophea@cnb'), payee);
  for (const written of ['012 345 678', '+855 12 345 678', '+85512345678']) {
    t.strictSame(await resolvePayee(client, written), {
      account: 'sophea@cnb',
      alias: { aliasKey: ALIAS_KEY, epoch: 2 },
      phone: '+85512345678',
    });
  }
  t.strictSame(asked, ['+85512345678', '+85512345678', '+85512345678']);
  await t.rejects(resolvePayee(client, 'sophea'), { code: 'ACCOUNT_MALFORMED' });
  await t.rejects(resolvePayee(client, '12'), { code: 'PHONE_MALFORMED' });
});

test('a number is bound and released by the alias that the bank names', async (t) => {
  const final = (id: string) => Promise.resolve({ id, state: 'final', receipt: {}, message: '', customer: null });
  const asked: unknown[] = [];
  const random = { bytes: (length: number) => new Uint8Array(length).fill(3) };
  const client = (key: string) =>
    ({
      alias: (phone: string) => Promise.resolve({ account: phone, epoch: 1, aliasKey: key }),
      submit: ({ body }: Transaction) => {
        asked.push(body.commands);
        return final('r');
      },
      operator: {
        aliasKey: (phone: string) => Promise.resolve({ phone, aliasKey: key }),
        attest: ({ transaction, phone }: { readonly transaction: Transaction; readonly phone: string }) => {
          asked.push(transaction.body.commands, transaction.signatures.length, phone);
          return final('b');
        },
      },
    }) as unknown as Client;
  t.match(await bindAlias(client(ALIAS_KEY), termsAt(5), dara, '012 345 678', random), { id: 'b' });
  t.match(await releaseAlias(client(ALIAS_KEY), termsAt(5), dara, '012 345 678', random), { id: 'r' });
  t.strictSame(asked, [
    [{ type: 'registerAlias', aliasKey: ALIAS_KEY, account: 'dara@aclb' }],
    1,
    '+85512345678',
    [{ type: 'releaseAlias', aliasKey: ALIAS_KEY, account: 'dara@aclb' }],
  ]);
  asked.length = 0;
  t.match(await claimAlias(client(ALIAS_KEY), termsAt(5), dara, '012 345 678', random), { id: 'b' });
  t.match(await rejectClaim(client(ALIAS_KEY), termsAt(5), dara, '012 345 678', random), { id: 'r' });
  t.strictSame(asked, [
    [{ type: 'claimAlias', aliasKey: ALIAS_KEY, account: 'dara@aclb' }],
    1,
    '+85512345678',
    [{ type: 'rejectClaim', aliasKey: ALIAS_KEY, account: 'dara@aclb' }],
  ]);
  await t.rejects(bindAlias(client('b'), termsAt(5), dara, '012 345 678', random), { code: 'HASH_MALFORMED' });
  await t.rejects(bindAlias(client(ALIAS_KEY), termsAt(5), dara, '12', random), { code: 'PHONE_MALFORMED' });
  t.equal(asked.length, 4, 'nothing was signed');
});

test('officers sign the redemption that was asked for, and nothing else', async (t) => {
  const terms = termsAt(0);
  const bank = createSigner(new Uint8Array(32).fill(8));
  const asked: Command = { type: 'redeem', from: 'settlement@aclb' as AccountId, amount: amountOf(5n) };
  const submitted: Transaction[] = [];
  const desk = (commands: readonly Command[], chainId = terms.chainId) => {
    const body = { version: 1, chainId, validUntilMs: 1, nonce: '0'.repeat(32) as Nonce, commands } as const;
    const transaction = toHex(encode(transactionSchema, signTransaction(body, [bank])));
    return {
      operator: { redeem: () => Promise.resolve({ id: '', transaction, validUntilMs: 1 }) },
      submit: (given: Transaction) => {
        submitted.push(given);
        return Promise.resolve({ id: 'd', state: 'final', receipt: {}, message: '' });
      },
    } as unknown as Client;
  };
  const request = { from: 'aclb' as ParticipantId, amount: amountOf(5n) };
  await redeem(desk([asked]), terms, [officer], request);
  const keys = submitted[0]!.signatures.map(({ publicKey }) => publicKey);
  t.strictSame(keys, [bank.publicKey, officer.publicKey].sort());

  const wrong: readonly (readonly [what: string, commands: readonly Command[], chainId?: ChainId])[] = [
    ['more of it', [{ ...asked, amount: amountOf(6n) }]],
    ['another currency', [{ ...asked, amount: { currency: 'USD' as CurrencyCode, minor: 5n } }]],
    ['from another bank', [{ ...asked, from: 'settlement@cnb' as AccountId }]],
    ['an issue', [{ type: 'issue', to: 'settlement@aclb' as AccountId, amount: amountOf(5n) }]],
    ['an issue beside it', [asked, { type: 'issue', to: 'settlement@aclb' as AccountId, amount: amountOf(9n) }]],
    ['on another network', [asked], 'd'.repeat(64) as ChainId],
  ];
  for (const [what, commands, chainId] of wrong) {
    await t.rejects(redeem(desk(commands, chainId), terms, [officer], request), { code: 'REDEEM_UNEXPECTED' }, what);
  }
  t.equal(submitted.length, 1);
});

test('only a final answer with a receipt is final', async (t) => {
  const receipt = {
    transactionId: 'd',
    height: 1,
    index: 0,
    status: { code: 0, name: 'OK' },
    failedCommand: null,
    message: '',
  };
  t.equal(finalOf({ id: 'd', state: 'final', receipt, message: '' }).receipt.height, 1);
  for (const state of ['pending', 'unknown'] as const) {
    const answer = { id: 'd', state, receipt: null, message: '' };
    t.throws(() => finalOf(answer), { code: 'UNKNOWN_OUTCOME', message: /tonle tx d/ });
  }
  t.throws(() => finalOf({ id: 'd', state: 'expired', receipt: null, message: 'Too late.' }), { code: 'EXPIRED' });
});

test('an earlier payment is found by its reference, through the pages of a history', async (t) => {
  const amount = { currency: 'KHR', value: '70' };
  const transfer = { type: 'transfer', from: 'dara@aclb', to: 'sophea@cnb', amount, alias: null, memo: '' } as const;
  const entry = (id: string, command: object) => ({ id, commands: [command] }) as unknown as EntryJson;
  const pages: Readonly<Record<string, { entries: EntryJson[]; next: string | null }>> = {
    '': { entries: [entry('1', { ...transfer, to: 'bopha@wing' }), entry('2', transfer)], next: '5.0' },
    '5.0': {
      entries: [entry('3', { ...transfer, amount: { currency: 'USD', value: '70' } }), entry('4', transfer)],
      next: null,
    },
  };
  const nonces: Readonly<Record<string, string>> = { 2: nonceOf('other').nonce, 4: nonceOf('rent').nonce };
  const looked: string[] = [];
  const client = {
    account: (_: string, { before = '' }: { before?: string }) =>
      Promise.resolve({ history: pages[before] } as unknown as AccountJson),
    transaction: (id: string) => {
      looked.push(id);
      return Promise.resolve({ id, transaction: { nonce: nonces[id] } } as TransactionDetailsJson);
    },
  } as unknown as Client;
  const wanted = { from: dara.account, to: payee.account, amount };
  t.match(await findEarlier(client, { ...wanted, nonce: nonceOf('rent').nonce }), { id: '4' });
  t.strictSame(looked, ['2', '4'], 'only payments that could be it are looked at');
  t.equal(await findEarlier(client, { ...wanted, nonce: nonceOf('none').nonce }), null);
});

test('what several keys sign carries one signature each', async (t) => {
  const command: Command = { type: 'issue', to: 'settlement@aclb' as AccountId, amount: amountOf(1n) };
  const { signatures } = sign(termsAt(0), [command], nonceOf('x'), [signer, officer]);
  t.strictSame(
    signatures.map(({ publicKey }) => publicKey),
    [signer.publicKey, officer.publicKey].sort(),
  );
});

/** What a bank's answers mean to who waits: over HTTP, from a server that says what the test wants. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { settlementAccount } from '../../codec/text.ts';
import { signTransaction } from '../../crypto/sign.ts';
import type { AliasKey, ChainId, CurrencyCode, Nonce, ParticipantId, Transaction } from '../../types/index.ts';
import { storyKeys } from '../keys.ts';
import { HttpBank } from './bank.ts';
import { StoryTime } from './time.ts';

const ACLB = 'aclb' as ParticipantId;
const ID = 'ab'.repeat(32);
const RECEIPT = { transactionId: ID, height: 3, index: 1, status: { code: 0, name: 'OK' }, failedCommand: null };
const REFUSED = { ...RECEIPT, status: { code: 40, name: 'INSUFFICIENT_FUNDS' }, failedCommand: 0 };

type Answer = readonly [status: number, body: object] | 'hangs up';

/** A bank whose node gives these answers in turn, the last one for ever; and what it was asked. */
async function bankOf(t: Test, ...answers: readonly Answer[]) {
  const asked: { readonly url: string; readonly token: string | undefined }[] = [];
  let waits = 0;
  const handler: RequestListener = (request, response) => {
    asked.push({ url: request.url ?? '', token: request.headers.authorization });
    const answer = answers[Math.min(asked.length, answers.length) - 1] ?? 'hangs up';
    request.resume();
    if (answer === 'hangs up') return void request.socket.destroy();
    response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]));
  };
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  // Each look at the clock finds it a second later: patience ends after some answers, whatever the machine.
  let nowMs = 0;
  const clock = { now: () => (nowMs += 1_000), schedule: () => () => undefined };
  const door = { url: `http://127.0.0.1:${port}`, token: 'secret' };
  const catchUp = () => {
    waits += 1;
    return Promise.resolve();
  };
  const bank = new HttpBank({ id: ACLB, door, clock, time: new StoryTime(clock, 0), catchUp });
  return { bank, asked, caughtUp: () => waits, close: () => new Promise((resolve) => server.close(resolve)) };
}

const error = (code: string, details?: object) => ({ error: { code, message: 'A sentence.', details } });
const state = (kind: string, receipt: object | null = null) => ({ id: ID, state: kind, receipt, message: '' });
const receiptOf = (status: number, failedCommand: number | null) => {
  return { version: 1, transactionId: ID, height: 3, index: 1, status, failedCommand };
};
const refused = (code: string, receipt: object | null = null) => {
  return { kind: 'refused', code, message: 'A sentence.', receipt };
};

const cases: readonly (readonly [name: string, answers: readonly Answer[], ending: object])[] = [
  ['final', [[200, state('final', RECEIPT)]], { kind: 'final', receipt: receiptOf(0, null) }],
  ['pending until the patience is over', [[202, state('pending')]], { kind: 'pending' }],
  [
    'pending, asked again, final',
    [
      [202, state('pending')],
      [200, state('final', RECEIPT)],
    ],
    { kind: 'final' },
  ],
  [
    'refused on the chain',
    [[409, error('INSUFFICIENT_FUNDS', { id: ID, receipt: REFUSED })]],
    refused('INSUFFICIENT_FUNDS', receiptOf(40, 0)),
  ],
  ['refused at the door', [[422, error('INSUFFICIENT_FUNDS', { failedCommand: 0 })]], refused('INSUFFICIENT_FUNDS')],
  ['refused by a full pool', [[429, error('POOL_FULL')]], refused('POOL_FULL')],
  ['too late at the door', [[422, error('EXPIRED')]], refused('EXPIRED')],
  ['run out of time while it waited', [[422, error('EXPIRED', { id: ID })]], { kind: 'expired' }],
  [
    'run out of time between two waits',
    [
      [202, state('pending')],
      [422, error('EXPIRED')],
    ],
    { kind: 'expired' },
  ],
  ['cut off', ['hangs up'], { kind: 'unreachable' }],
  ['cut off between two waits', [[202, state('pending')], 'hangs up'], { kind: 'unreachable' }],
];

for (const [name, answers, ending] of cases) {
  t.test(`a transaction that is ${name}`, async (t) => {
    const { bank, caughtUp } = await bankOf(t, ...answers);
    t.match(await bank.submit(transaction(), 10_000), ending);
    t.equal(caughtUp(), 1, 'the journal has what led to it');
  });
}

t.test('an answer that no node gives is an error, not an ending', async (t) => {
  const { bank } = await bankOf(t, [500, { nonsense: true }]);
  await t.rejects(bank.account(settlementAccount(ACLB)), { code: 'NOT_A_NODE' });
  t.match(await bank.submit(transaction(), 1_000).catch((thrown: unknown) => thrown), { code: 'NOT_A_NODE' });
});

t.test('questions: answered, nothing there, or nobody', async (t) => {
  const key = 'cd'.repeat(32) as AliasKey;
  const { bank, asked } = await bankOf(t, [200, { aliasKey: key, account: 'dara@aclb', epoch: 2 }]);
  t.strictSame(await bank.alias(key), { account: 'dara@aclb', epoch: 2 });
  t.strictSame(asked, [{ url: `/operator/v1/aliases/${key}`, token: 'Bearer secret' }]);

  const nothing = await bankOf(t, [404, error('ALIAS_NOT_FOUND')], [404, error('ACCOUNT_NOT_FOUND')]);
  t.equal(await nothing.bank.alias(key), null);
  t.equal(await nothing.bank.account(settlementAccount(ACLB)), null);

  const money = { value: '1', minor: '1' };
  const books = { supply: [{ currency: 'KHR', issued: money, redeemed: money, circulating: money, balances: money }] };
  const supply = await bankOf(t, [200, books]);
  t.strictSame(await supply.bank.supply('KHR' as CurrencyCode), { issuedMinor: 1n, redeemedMinor: 1n, sumMinor: 1n });
  await t.rejects(supply.bank.supply('USD' as CurrencyCode), { code: 'CURRENCY_UNKNOWN' });

  const silent = await bankOf(t, 'hangs up');
  await t.rejects(silent.bank.head(), { code: 'UNREACHABLE', message: 'aclb does not answer' });
  await silent.close();
  await t.rejects(silent.bank.head(), { code: 'UNREACHABLE' });
  t.strictSame(await silent.bank.submit(transaction(), 1_000), { kind: 'unreachable' });
});

function transaction(): Transaction {
  const { signer } = storyKeys({ seed: 1, signatures: 'real' });
  const from = settlementAccount(ACLB);
  const amount = { currency: 'KHR' as CurrencyCode, minor: 1n };
  const commands = [{ type: 'redeem', from, amount }] as const;
  const nonce = '0'.repeat(32) as Nonce;
  const body = { version: 1, chainId: ID as ChainId, validUntilMs: 1, nonce, commands } as const;
  return signTransaction(body, [signer('operator/aclb')]);
}

/** A bank's own work over HTTP: opening accounts, attesting numbers, funding, redeeming; and what is kept where. */
import t, { type Test } from 'tap';
import { fromHex, toHex } from '../../codec/hex.ts';
import { transactionToJson } from '../../codec/json.ts';
import { MAX_TRANSACTION_BYTES } from '../../codec/limits.ts';
import { decode, encode } from '../../codec/schema.ts';
import { transaction as transactionSchema } from '../../codec/transaction.ts';
import { aliasKey } from '../../crypto/alias.ts';
import { transactionId } from '../../crypto/ids.ts';
import { cosign } from '../../crypto/sign.ts';
import { Cluster } from '../../testing/cluster.ts';
import { account, issue, settlement, transactionOf } from '../../testing/transactions.ts';
import type { Transaction } from '../../types/index.ts';
import { DEFAULT_LIMITS } from '../context.ts';
import { TEST_ALIAS_SECRET, TEST_TOKEN, type TestApi, testApi } from '../testing.ts';
import type {
  AccountJson,
  ActionJson,
  AliasJson,
  AliasKeyJson,
  BindingJson,
  CustomersJson,
  ErrorJson,
  SupplyJson,
  TransactionStateJson,
  UnsubmittedJson,
} from '../types.ts';

const auth = { authorization: `Bearer ${TEST_TOKEN}` };
const PHONE = '+85512345678';
const KEY = aliasKey(TEST_ALIAS_SECRET, PHONE);

class Bank {
  readonly cluster: Cluster;
  readonly api: TestApi;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.api = testApi(cluster, 'aclb');
  }

  operate<T = ErrorJson>(path: string, body: unknown) {
    return this.api.post<T>(`/operator/v1/${path}`, body, auth);
  }

  open<T = ActionJson>(name = 'dara', displayName = 'Sok Dara', key = `wallet/${name}`) {
    const { publicKey } = this.cluster.network.signer(key);
    return this.operate<T>('accounts', { name, publicKey, displayName });
  }

  /** Signed by the wallet only. */
  binding(): Transaction {
    const command = { type: 'registerAlias', aliasKey: KEY, account: account('dara@aclb') } as const;
    return transactionOf(this.cluster.network, ['wallet/dara'], [command]);
  }

  async issued(minor: bigint): Promise<void> {
    const transaction = transactionOf(
      this.cluster.network,
      ['officer/1', 'officer/2'],
      [issue(settlement('aclb'), minor)],
    );
    await this.api.post('/api/v1/transactions?wait=final', encode(transactionSchema, transaction));
  }

  async balance(id: string): Promise<string | undefined> {
    return (await this.api.get<AccountJson>(`/api/v1/accounts/${id}`)).body.balances[0]?.value;
  }
}

async function withBank(t: Test, work: (bank: Bank) => Promise<void>): Promise<void> {
  const cluster = new Cluster();
  await cluster.startAll();
  const bank = new Bank(cluster);
  t.teardown(async () => {
    await bank.api.app.close();
    await cluster.stop();
  });
  await work(bank);
  t.strictSame(bank.api.undocumented, [], 'every answer was as documented');
}

t.test('an account is opened, and the bank knows whose it is', (t) =>
  withBank(t, async (bank) => {
    const { status, body } = await bank.open();
    t.equal(status, 200);
    t.match(body, {
      state: 'final',
      receipt: { status: { name: 'OK' } },
      customer: { account: 'dara@aclb', displayName: 'Sok Dara', phones: [] },
    });
    const opened = (await bank.api.get<AccountJson>('/api/v1/accounts/dara@aclb')).body;
    t.equal(opened.publicKey, bank.cluster.network.signer('wallet/dara').publicKey);
    await bank.open('bopha', 'Chan Bopha');
    t.match((await bank.api.get<CustomersJson>('/operator/v1/accounts', auth)).body.customers, [
      { account: 'bopha@aclb', displayName: 'Chan Bopha' },
      { account: 'dara@aclb', displayName: 'Sok Dara' },
    ]);
    const everywhere = await Promise.all(['cnb', 'nbc'].map((id) => ledgerText(bank.cluster, id)));
    for (const text of everywhere) t.notMatch(text, /Sok|Chan/, 'names are nowhere on the ledger');
  }),
);

t.test('asked again, the first receipt; another key or name is refused', (t) =>
  withBank(t, async (bank) => {
    const first = await bank.open();
    t.strictSame((await bank.open()).body, first.body);
    t.match(await bank.open('dara', 'Sok Dara', 'wallet/x'), {
      status: 409,
      body: { error: { code: 'ACCOUNT_EXISTS' } },
    });
    t.match(await bank.open('dara', 'Somebody'), { status: 409, body: { error: { code: 'ACCOUNT_EXISTS' } } });
  }),
);

t.test('an answer that came too late is made good by asking again', (t) =>
  withBank(t, async (bank) => {
    const { cluster, api } = bank;
    cluster.wires.fate = () => null;
    const unknown = await bank.open();
    t.match(unknown, { status: 202, body: { state: 'pending', receipt: null, customer: null } });
    t.equal(await api.customers.get(account('dara@aclb')), null);
    cluster.wires.fate = () => 1;
    const state = async () => (await api.get(`/api/v1/transactions/${unknown.body.id}`)).body;
    await cluster.until(async () => (await cluster.get('aclb').node.queries.account(account('dara@aclb'))) !== null);
    t.match(await state(), { state: 'final' });
    const again = await bank.open();
    t.match(again, {
      status: 200,
      body: { id: unknown.body.id, state: 'final', customer: { displayName: 'Sok Dara' } },
    });
    t.match(await api.customers.get(account('dara@aclb')), { name: 'Sok Dara' });
  }),
);

t.test('the alias of a number is the same however it is written, and bound to nobody by asking', (t) =>
  withBank(t, async (bank) => {
    for (const phone of [PHONE, '012 345 678', '012345678']) {
      const { status, body } = await bank.operate<AliasKeyJson>('alias-key', { phone });
      t.equal(status, 200);
      t.strictSame(body, { phone: PHONE, aliasKey: KEY });
    }
    t.match(await bank.api.get('/api/v1/aliases/012345678'), { status: 404 });
    const other = await bank.operate<AliasKeyJson>('alias-key', { phone: '+85512345679' });
    t.match(other.body.aliasKey, /^[0-9a-f]{64}$/);
    t.not(other.body.aliasKey, KEY);
  }),
);

t.test('a number is attested, in either form, once', (t) =>
  withBank(t, async (bank) => {
    await bank.open();
    const transaction = bank.binding();
    const hex = toHex(encode(transactionSchema, transaction));
    const bound = await bank.operate<ActionJson>('attest', { transaction: hex, phone: '012 345 678' });
    t.match(bound, { status: 200, body: { state: 'final', customer: { account: 'dara@aclb', phones: [PHONE] } } });
    t.strictSame((await bank.api.get<AliasJson>('/api/v1/aliases/012345678')).body, {
      account: 'dara@aclb',
      epoch: 1,
      aliasKey: KEY,
      claim: null,
    });
    const json = transactionToJson(transaction, bank.cluster.network.genesis.currencies);
    const again = await bank.operate<ActionJson>('attest', { transaction: json, phone: PHONE });
    t.strictSame(again.body, bound.body);
    const another = toHex(encode(transactionSchema, bank.binding()));
    t.match(await bank.operate('attest', { transaction: another, phone: PHONE }), {
      status: 409,
      body: { error: { code: 'ALIAS_TAKEN' } },
    });
    t.notMatch(await ledgerText(bank.cluster, 'nbc'), /12345678/, 'the number is nowhere on the ledger');
  }),
);

t.test('what stands under an alias key is told to the bank as often as it asks', (t) =>
  withBank(t, async (bank) => {
    await bank.open();
    const binding = () => bank.api.get<BindingJson>(`/operator/v1/aliases/${KEY}`, auth);
    t.match(await binding(), { status: 404, body: { error: { code: 'ALIAS_NOT_FOUND' } } });
    const transaction = toHex(encode(transactionSchema, bank.binding()));
    await bank.operate('attest', { transaction, phone: PHONE });
    for (let i = 0; i <= DEFAULT_LIMITS.aliasLookupsPerMinute; i += 1) {
      const { status, body } = await binding();
      if (status !== 200) t.fail(JSON.stringify(body));
    }
    t.strictSame((await binding()).body, { aliasKey: KEY, account: 'dara@aclb', epoch: 1 });
    const release = { type: 'releaseAlias', aliasKey: KEY, account: account('dara@aclb') } as const;
    await bank.api.post(
      '/api/v1/transactions?wait=final',
      encode(transactionSchema, transactionOf(bank.cluster.network, ['wallet/dara'], [release])),
    );
    t.strictSame((await binding()).body, { aliasKey: KEY, account: null, epoch: 1 });
  }),
);

t.test('an unsigned wish is not attested', (t) =>
  withBank(t, async (bank) => {
    await bank.open();
    const { body } = bank.binding();
    const byStranger = transactionOf(bank.cluster.network, ['wallet/x'], body.commands);
    const transaction = toHex(encode(transactionSchema, byStranger));
    t.match(await bank.operate('attest', { transaction, phone: PHONE }), {
      status: 403,
      body: { error: { code: 'ACCOUNT_SIGNATURE_MISSING' } },
    });
    t.strictSame((await bank.api.customers.get(account('dara@aclb')))?.phones, []);
  }),
);

t.test('two numbers attested at once are both kept', (t) =>
  withBank(t, async (bank) => {
    await bank.open();
    const phones = ['+85512345678', '+85517123456'];
    const requests = phones.map((phone) => {
      const command = {
        type: 'registerAlias',
        aliasKey: aliasKey(TEST_ALIAS_SECRET, phone),
        account: account('dara@aclb'),
      };
      const transaction = transactionOf(bank.cluster.network, ['wallet/dara'], [command as never]);
      return bank.operate('attest', { transaction: toHex(encode(transactionSchema, transaction)), phone });
    });
    for (const { status } of await Promise.all(requests)) t.equal(status, 200);
    t.strictSame([...((await bank.api.customers.get(account('dara@aclb')))?.phones ?? [])].sort(), phones);
  }),
);

t.test('funding pays once for each nonce', (t) =>
  withBank(t, async (bank) => {
    await bank.issued(1_000n);
    await bank.open();
    const amount = { currency: 'KHR', value: '300' };
    t.match(await bank.operate<TransactionStateJson>('fund', { account: 'dara@aclb', amount }), { status: 200 });
    const request = { account: 'dara@aclb', amount, nonce: 'ab'.repeat(16) };
    t.match(await bank.operate('fund', request), { status: 200 });
    t.match(await bank.operate('fund', request), { status: 409, body: { error: { code: 'REFERENCE_REUSED' } } });
    t.equal(await bank.balance('dara@aclb'), '600');
    t.equal(await bank.balance('settlement@aclb'), '400');
  }),
);

t.test('a redemption is signed by the bank, cosigned by officers, then final', (t) =>
  withBank(t, async (bank) => {
    const { cluster, api } = bank;
    await bank.issued(1_000n);
    const { status, body } = await bank.operate<UnsubmittedJson>('redeem', {
      amount: { currency: 'KHR', value: '400' },
    });
    t.equal(status, 200);
    t.equal(await bank.balance('settlement@aclb'), '1000', 'nothing has happened yet');
    const unsigned = decode(transactionSchema, fromHex(body.transaction), MAX_TRANSACTION_BYTES);
    t.equal(transactionId(unsigned.body), body.id);
    t.equal(unsigned.body.validUntilMs, body.validUntilMs);
    const early = await api.post('/api/v1/transactions', encode(transactionSchema, unsigned));
    t.match(early, { status: 403, body: { error: { code: 'OFFICER_QUORUM_MISSING' } } });
    const officers = ['officer/1', 'officer/3'].map((name) => cluster.network.signer(name));
    const signed = officers.reduce(cosign, unsigned);
    t.match(await api.post('/api/v1/transactions?wait=final', encode(transactionSchema, signed)), { status: 200 });
    const { supply } = (await api.get<SupplyJson>('/api/v1/supply?audit=true')).body;
    t.match(supply[0], { issued: { value: '1000' }, redeemed: { value: '400' }, balances: { value: '600' } });
  }),
);

t.test('nothing of the operator API is open without the token', (t) =>
  withBank(t, async (bank) => {
    for (const [method, url] of [
      ['GET', '/operator/v1/accounts'],
      ['POST', '/operator/v1/accounts'],
      ['GET', `/operator/v1/aliases/${KEY}`],
      ['POST', '/operator/v1/alias-key'],
      ['POST', '/operator/v1/attest'],
      ['POST', '/operator/v1/tier'],
      ['POST', '/operator/v1/reject-claim'],
      ['POST', '/operator/v1/fund'],
      ['POST', '/operator/v1/redeem'],
    ] as const) {
      const none = await bank.api.send<ErrorJson>({ method, url });
      t.match(none, { status: 401, body: { error: { code: 'TOKEN_MISSING' } } });
      t.match(none.headers['www-authenticate'], /^Bearer/);
      for (const token of ['x', TEST_TOKEN.slice(0, -1), `${TEST_TOKEN}0`, TEST_TOKEN.toUpperCase()]) {
        const wrong = await bank.api.send({ method, url, headers: { authorization: `Bearer ${token}` } });
        t.match(wrong, { status: 401, body: { error: { code: 'TOKEN_WRONG' } } });
      }
    }
    const spelled = await bank.api.get('/operator/v1/accounts', { authorization: `bearer ${TEST_TOKEN}` });
    t.equal(spelled.status, 200, 'the name of the scheme has no case (RFC 9110 section 11.1)');
  }),
);

/** All that a node's ledger holds, as text. */
async function ledgerText(cluster: Cluster, id: string): Promise<string> {
  const { chain } = cluster.get(id);
  await cluster.allAt(chain.tip.height);
  let text = '';
  for (let height = 1; height <= chain.tip.height; height++) {
    const bytes = await chain.log.read(height);
    text += Buffer.from(bytes ?? []).toString('latin1');
  }
  await chain.hold(async ({ pages }) => {
    for await (const page of pages) {
      for (const { key, value } of page) text += key + Buffer.from(value).toString('latin1');
    }
  });
  return text;
}

/** The client against a real server, and against everything that is none. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createSocketServer } from 'node:net';
import t, { type Test } from 'tap';
import { fromHex } from '../codec/hex.ts';
import { MAX_TRANSACTION_BYTES } from '../codec/limits.ts';
import { decode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { aliasKey } from '../crypto/alias.ts';
import { transactionId } from '../crypto/ids.ts';
import { cosign } from '../crypto/sign.ts';
import { Cluster } from '../testing/cluster.ts';
import { account, issue, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import { createClient } from './client.ts';
import { TEST_ALIAS_SECRET, TEST_TOKEN, testApi } from './testing.ts';

const PHONE = '+85512345678';

async function world(t: Test) {
  const cluster = new Cluster();
  await cluster.startAll();
  // Until its peers have spoken, a node is not sure of what it would refuse.
  await cluster.pass(100);
  const api = testApi(cluster, 'aclb');
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(async () => {
    await api.app.close();
    await cluster.stop();
  });
  const { port } = api.app.server.address() as AddressInfo;
  /** Virtual time passes while a request is under way, and no further than a millisecond a turn. */
  const asking: typeof fetch = async (input, init) => {
    let settled = false;
    const answer = fetch(input, init).finally(() => {
      settled = true;
    });
    answer.catch(() => undefined);
    while (!settled) await cluster.pass(1);
    return answer;
  };
  const client = createClient(`http://127.0.0.1:${port}`, { token: TEST_TOKEN, fetch: asking });
  return { cluster, client, api };
}

t.test('a bank and its customer, from opening to redeeming', async (t) => {
  const { cluster, client, api } = await world(t);
  const { network } = cluster;
  const officers = ['officer/1', 'officer/2'];
  const issued = await client.submit(transactionOf(network, officers, [issue(settlement('aclb'), 1_000n)]));
  t.match(issued, { state: 'final', receipt: { status: { name: 'OK' } } });
  const { publicKey } = network.signer('wallet/dara');
  await client.operator.openAccount({ name: 'dara', publicKey, displayName: 'Sok Dara' });
  await client.operator.fund({ account: 'dara@aclb', amount: { currency: 'KHR', value: '500' } });
  const key = aliasKey(TEST_ALIAS_SECRET, PHONE);
  t.strictSame(await client.operator.aliasKey('012 345 678'), { phone: PHONE, aliasKey: key });
  const bind = { type: 'registerAlias', aliasKey: key, account: account('dara@aclb') } as const;
  await client.operator.attest({ transaction: transactionOf(network, ['wallet/dara'], [bind]), phone: '012 345 678' });
  t.match(await client.operator.customers(), { customers: [{ account: 'dara@aclb', phones: [PHONE] }] });
  t.strictSame(await client.operator.binding(key), { aliasKey: key, account: 'dara@aclb', epoch: 1 });
  t.match(await client.alias('012 345 678'), { account: 'dara@aclb', epoch: 1, aliasKey: key });

  const payment = transactionOf(network, ['wallet/dara'], [transfer('dara@aclb', 'settlement@cnb', 20n)]);
  const state = await client.submit(payment, { timeoutMs: 5_000 });
  t.match(state, { id: transactionId(payment.body), state: 'final' });
  t.strictSame(await client.submit(payment), state);
  t.match(await client.transaction(state.id), { state: 'final', proof: /tonle-receipt/, receipt: state.receipt });
  t.match((await client.account('dara@aclb', { limit: 1 })).history, {
    entries: [{ id: state.id }],
    next: /^\d+\.\d+$/,
  });
  t.match(await client.block('latest'), { height: state.receipt?.height });
  t.match(await client.block(1, { from: 0, limit: 1 }), { height: 1, transactions: [{ id: issued.id }] });

  const unsigned = await client.operator.redeem({ amount: { currency: 'KHR', value: '100' } });
  const bySelf = decode(transactionSchema, fromHex(unsigned.transaction), MAX_TRANSACTION_BYTES);
  const redemption = officers.map(network.signer).reduce(cosign, bySelf);
  t.match(await client.submit(redemption), { id: unsigned.id, state: 'final' });
  t.match((await client.supply({ audit: true })).supply[0], {
    circulating: { value: '900' },
    balances: { value: '900' },
  });
  t.match((await client.supply()).supply[0], { circulating: { value: '900' } });

  const status = await client.status();
  t.match(status, { participant: 'aclb', height: status.height });
  t.match(await client.state(), { height: status.height, blockHash: status.blockHash });
  t.match(await client.health(), { height: status.height });
  t.equal((await client.participants()).participants.length, 4);
  t.equal((await client.validators()).quorum, 3);
  t.strictSame(api.undocumented, []);
});

t.test('a refusal has the code, the status and the details of the node', async (t) => {
  const { cluster, client } = await world(t);
  const transaction = transactionOf(cluster.network, ['wallet/dara'], [transfer('dara@aclb', 'settlement@cnb', 1n)]);
  await t.rejects(client.submit(transaction), {
    name: 'ApiError',
    code: 'ACCOUNT_NOT_FOUND',
    httpStatus: 404,
    details: { failedCommand: 0 },
  });
  await t.rejects(client.account('Dara@aclb'), { code: 'ACCOUNT_MALFORMED', httpStatus: 400, field: 'id' });
  await t.rejects(client.alias('117'), { code: 'PHONE_MALFORMED', field: 'phone' });
  await t.rejects(client.transaction('../status'), { code: 'HASH_MALFORMED' });
  const stranger = createClient(client.baseUrl, { token: 'wrong' });
  await t.rejects(stranger.operator.customers(), { code: 'TOKEN_WRONG', httpStatus: 401 });
  await t.rejects(createClient(client.baseUrl).operator.customers(), { code: 'TOKEN_MISSING' });
});

t.test('a wait that ends first is pending, not failed', async (t) => {
  const { cluster, client } = await world(t);
  cluster.wires.fate = () => null;
  const transaction = transactionOf(cluster.network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 1n)]);
  const id = transactionId(transaction.body);
  t.match(await client.submit(transaction, { timeoutMs: 100 }), { id, state: 'pending', receipt: null });
  t.match(await client.submit(transaction, { wait: false }), { id, state: 'pending' });
  t.match(await client.transaction(id), { state: 'pending', proof: null });
});

t.test('nobody listens there: NODE_UNREACHABLE, and nothing was sent', async (t) => {
  const baseUrl = await freedAddress();
  const client = createClient(baseUrl);
  const { network } = new Cluster();
  const transaction = transactionOf(network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 1n)]);
  await t.rejects(client.status(), { code: 'NODE_UNREACHABLE', httpStatus: null, message: new RegExp(baseUrl) });
  await t.rejects(client.submit(transaction), { code: 'NODE_UNREACHABLE' });
  await t.rejects(client.events().next(), { code: 'NODE_UNREACHABLE' });
});

t.test('the connection breaks after the request: unknown, and never a failure', async (t) => {
  const server = createSocketServer((socket) => socket.once('data', () => socket.destroy()));
  const client = createClient(await addressOf(t, server));
  const { network } = new Cluster();
  const transaction = transactionOf(network, ['officer/1', 'officer/2'], [issue(settlement('aclb'), 1n)]);
  const state = await client.submit(transaction);
  t.match(state, { id: transactionId(transaction.body), state: 'unknown', receipt: null, message: /it is safe/ });
  await t.rejects(client.status(), { code: 'NO_ANSWER' });
});

t.test('something else answers there', async (t) => {
  for (const [status, type, body] of [
    [200, 'text/html', '<html></html>'],
    [404, 'application/json', '{"message":"nothing"}'],
    [200, 'application/json', 'null'],
  ] as const) {
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    const client = createClient(await addressOf(t, server));
    await t.rejects(client.status(), { code: 'NOT_A_NODE', httpStatus: status }, body);
  }
  t.throws(() => createClient('localhost:7400x'), { code: 'URL_INVALID' });
});

type Listener = {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
  close(done: () => void): unknown;
};

async function addressOf(t: Test, server: Listener): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise<void>((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address that was just free. */
async function freedAddress(): Promise<string> {
  const server = createSocketServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

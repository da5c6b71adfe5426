/** The ledger API, asked over HTTP, of a bank in a network of four. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { transactionToJson } from '../codec/json.ts';
import { encode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { aliasKey } from '../crypto/alias.ts';
import { chainIdOf, transactionId } from '../crypto/ids.ts';
import { createInlineVerifier } from '../crypto/verifier.ts';
import { parseProofText, proofProblem } from '../ledger/proof.ts';
import { Cluster } from '../testing/cluster.ts';
import { account, issue, open, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import type { Transaction } from '../types/index.ts';
import type { ApiOptions } from './context.ts';
import { TEST_ALIAS_SECRET, type TestApi, testApi } from './testing.ts';
import type {
  AccountJson,
  AliasJson,
  BlockJson,
  ErrorJson,
  ParticipantsJson,
  StateJson,
  StatusJson,
  SupplyJson,
  TransactionDetailsJson,
  TransactionStateJson,
  ValidatorsJson,
} from './types.ts';

const SUBMIT = '/api/v1/transactions';
const FINAL = '/api/v1/transactions?wait=final';
const OFFICERS = ['officer/1', 'officer/2'];
const PHONE = '+85512345678';

interface World {
  readonly cluster: Cluster;
  readonly api: TestApi;
}

/** Runs a test against a bank's API, and holds every answer against the description. */
async function withApi(
  t: Test,
  work: (world: World) => Promise<void>,
  changes: Partial<ApiOptions> = {},
  cluster = new Cluster(),
): Promise<void> {
  await cluster.startAll();
  const api = testApi(cluster, 'aclb', changes);
  t.teardown(async () => {
    await api.app.close();
    await cluster.stop();
  });
  await work({ cluster, api });
  t.strictSame(api.undocumented, [], 'every answer was as documented');
}

const bytesOf = (transaction: Transaction) => encode(transactionSchema, transaction);

async function final({ api }: World, transaction: Transaction): Promise<TransactionStateJson> {
  const { status, body } = await api.post<TransactionStateJson>(FINAL, bytesOf(transaction));
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body;
}

/** dara@aclb with this much money, and bopha@cnb with none. */
async function funded(world: World, minor = 10_000n): Promise<void> {
  const { network } = world.cluster;
  await final(world, transactionOf(network, OFFICERS, [issue(settlement('aclb'), minor)]));
  const welcome = [open(network, 'dara@aclb'), transfer('settlement@aclb', 'dara@aclb', minor)];
  await final(world, transactionOf(network, ['operator/aclb'], welcome));
  await final(world, transactionOf(network, ['operator/cnb'], [open(network, 'bopha@cnb')]));
}

const pay = ({ cluster }: World, minor: bigint) =>
  transactionOf(cluster.network, ['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', minor)]);

t.test('what the network is, before anything has happened', (t) =>
  withApi(t, async ({ api, cluster }) => {
    const { genesis } = cluster.network;
    t.match((await api.get<StatusJson>('/api/v1/status')).body, {
      version: '1.2.3',
      participant: 'aclb',
      chainId: chainIdOf(genesis),
      height: 0,
      blockHash: null,
      maxValidityMs: genesis.rules.maxValidityMs,
      currencies: [
        { code: 'KHR', exponent: 0, maxAmount: '1000000000' },
        { code: 'USD', exponent: 2, maxAmount: '1000000.00' },
      ],
      peers: ['nbc', 'cnb', 'wing'],
    });
    const { participants } = (await api.get<ParticipantsJson>('/api/v1/participants')).body;
    t.strictSame(
      participants.map(({ id, kind, settlementAccount, connected }) => [id, kind, settlementAccount, connected]),
      [
        ['nbc', 'centralBank', 'settlement@nbc', true],
        ['aclb', 'bank', 'settlement@aclb', true],
        ['cnb', 'bank', 'settlement@cnb', true],
        ['wing', 'bank', 'settlement@wing', true],
      ],
    );
    const validators = (await api.get<ValidatorsJson>('/api/v1/validators')).body;
    t.match(validators, { quorum: 3, validators: [{ index: 0, participant: 'nbc' }, { index: 1 }, {}, {}] });
    t.match(await api.get('/api/v1/blocks/latest'), { status: 404, body: { error: { code: 'BLOCK_NOT_FOUND' } } });
    cluster.kill('wing');
    const now = (await api.get<ParticipantsJson>('/api/v1/participants')).body.participants;
    t.strictSame(
      now.filter(({ connected }) => !connected).map(({ id }) => id),
      ['wing'],
    );
  }),
);

t.test('a payment: submitted, final, seen from every side, and proved', (t) =>
  withApi(t, async (world) => {
    const { api, cluster } = world;
    await funded(world);
    const payment = pay(world, 2_500n);
    const id = transactionId(payment.body);
    const { status, body } = await api.post<TransactionStateJson>(FINAL, bytesOf(payment));
    t.equal(status, 200);
    t.match(body, { id, state: 'final', message: 'Done.' });
    t.match(body.receipt, { height: 4, index: 0, status: { code: 0, name: 'OK' }, failedCommand: null });

    const payer = (await api.get<AccountJson>('/api/v1/accounts/dara@aclb')).body;
    t.match(payer.balances, [
      { currency: 'KHR', value: '7500', minor: '7500' },
      { currency: 'USD', value: '0.00', minor: '0' },
    ]);
    t.match(payer, { participant: 'aclb', openedAtHeight: 2 });
    t.equal(payer.publicKey, cluster.network.signer('wallet/dara').publicKey);
    t.match(payer.history.entries[0], { id, height: 4, status: { name: 'OK' } });
    t.match(payer.history.entries[0]?.commands, [
      { type: 'transfer', from: 'dara@aclb', to: 'bopha@cnb', amount: { currency: 'KHR', value: '2500' } },
    ]);

    const details = (await api.get<TransactionDetailsJson>(`${SUBMIT}/${id}`)).body;
    t.strictSame(details.receipt, body.receipt);
    t.strictSame(details.transaction, transactionToJson(payment, cluster.network.genesis.currencies));
    const proof = parseProofText(details.proof ?? '');
    t.equal(proofProblem(cluster.network.genesis, proof, createInlineVerifier()), null);

    const block = (await api.get<BlockJson>('/api/v1/blocks/4')).body;
    t.match(block, { height: 4, header: { height: 4 }, transactionCount: 1, transactions: [{ id }], evidence: [] });
    t.ok(block.certificate.signatures.length >= 3);
    t.strictSame((await api.get<BlockJson>('/api/v1/blocks/latest')).body, block);
    const none = (await api.get<BlockJson>('/api/v1/blocks/4?from=1&limit=5')).body;
    t.match(none, { transactionCount: 1, transactions: [] });
    t.match((await api.get<StatusJson>('/api/v1/status')).body, { height: 4, blockHash: block.hash });

    const { supply } = (await api.get<SupplyJson>('/api/v1/supply?audit=true')).body;
    t.match(supply[0], {
      currency: 'KHR',
      issued: { value: '10000', minor: '10000' },
      redeemed: { value: '0' },
      circulating: { value: '10000' },
      balances: { value: '10000', minor: '10000' },
    });
    t.notOk('balances' in (await api.get<SupplyJson>('/api/v1/supply')).body.supply[0]!);
  }),
);

t.test('the state of every node at one height has one root, read once a block', (t) =>
  withApi(t, async (world) => {
    const { api, cluster } = world;
    const state = (of = api) => of.get<StateJson>('/api/v1/state');
    t.match(await state(), { status: 200, body: { height: 0, blockHash: null, stateRoot: /^[0-9a-f]{64}$/ } });
    await funded(world);
    const { body } = await state();
    const status = (await api.get<StatusJson>('/api/v1/status')).body;
    t.match(body, { height: status.height, blockHash: status.blockHash });
    await cluster.allAt(body.height);
    t.strictSame((await state(testApi(cluster, 'cnb'))).body, body);

    const { chain } = cluster.get('aclb');
    let readings = 0;
    let goOn = Promise.resolve();
    const hold = chain.hold.bind(chain);
    chain.hold = (read) => {
      readings += 1;
      return hold(async (held) => {
        await goOn;
        return await read(held);
      });
    };
    await Promise.all([state(), state()]);
    t.equal(readings, 0, 'what was told of a block is kept');
    await api.post(FINAL, bytesOf(pay(world, 5n)));
    const later = await Promise.all([state(), state(), state()]);
    t.equal(readings, 1, 'who asks at once shares one reading');
    t.strictSame(
      later.map((each) => each.body),
      Array(3).fill(later[0]?.body),
    );
    t.not(later[0]?.body.stateRoot, body.stateRoot);

    const supply = () => api.get<SupplyJson>('/api/v1/supply?audit=true');
    for (const ask of [state, supply]) {
      readings = 0;
      const gate = Promise.withResolvers<void>();
      goOn = gate.promise;
      await api.post(FINAL, bytesOf(pay(world, 6n)));
      const { height } = chain.tip;
      const early = ask();
      await api.post(FINAL, bytesOf(pay(world, 7n)));
      const late = [ask(), ask(), ask()];
      t.equal(readings, 1, 'one reading at a time');
      gate.resolve();
      t.match(
        await early,
        { status: 200, body: { height } },
        'the block at which it was asked, though one came meanwhile',
      );
      for (const { body } of await Promise.all(late))
        t.match(body, { height: height + 1 }, 'who asked later hears of it');
      t.equal(readings, 2);
      t.match((await ask()).body, { height: height + 1 });
      t.equal(readings, 2, 'what was told of a block is kept');
    }
  }),
);

t.test('the JSON form is the same transaction', (t) =>
  withApi(t, async (world) => {
    await funded(world);
    const payment = pay(world, 5n);
    const json = transactionToJson(payment, world.cluster.network.genesis.currencies);
    const first = await world.api.post<TransactionStateJson>(FINAL, json);
    t.match(first, { status: 200, body: { id: transactionId(payment.body), state: 'final' } });
    const again = await world.api.post<TransactionStateJson>(SUBMIT, bytesOf(payment));
    t.strictSame(again.body, first.body);
  }),
);

t.test('submitted again, before and after it is final: one effect, the same receipt', (t) =>
  withApi(t, async (world) => {
    const { api } = world;
    await funded(world);
    const bytes = bytesOf(pay(world, 100n));
    const taken = await api.post<TransactionStateJson>(SUBMIT, bytes);
    t.match(taken, { status: 202, body: { state: 'pending', receipt: null } });
    t.match(taken.body.message, /not failed/);
    const all = await Promise.all([1, 2, 3].map(() => api.post<TransactionStateJson>(FINAL, bytes)));
    for (const { status, body } of all) {
      t.equal(status, 200);
      t.strictSame(body, all[0]?.body);
    }
    const { balances } = (await api.get<AccountJson>('/api/v1/accounts/bopha@cnb')).body;
    t.equal(balances[0]?.value, '100');
  }),
);

t.test('a wait that ends first says that nothing is known, and asks again later', (t) =>
  withApi(t, async (world) => {
    const { api, cluster } = world;
    await funded(world);
    cluster.wires.fate = () => null;
    const payment = pay(world, 7n);
    const id = transactionId(payment.body);
    const started = cluster.clock.now();
    const waited = await api.post<TransactionStateJson>(`${FINAL}&timeoutMs=250`, bytesOf(payment));
    t.match(waited, { status: 202, body: { id, state: 'pending', receipt: null } });
    t.match(waited.body.message, new RegExp(`not known yet; it has not failed.*${id}`));
    t.ok(cluster.clock.now() - started >= 250);
    t.match(await api.get(`${SUBMIT}/${id}`), {
      status: 200,
      body: { state: 'pending', proof: null, transaction: null },
    });
    cluster.wires.fate = () => 1;
    t.match(await api.post(FINAL, bytesOf(payment)), { status: 200, body: { state: 'final' } });
  }),
);

t.test('refused in the block: 409 with the receipt and its code, again and again', (t) =>
  withApi(t, async (world) => {
    const { api, cluster } = world;
    await funded(world, 100n);
    // Both are possible alone, so both are taken; whichever comes second in the block finds the money gone.
    const two = [pay(world, 80n), pay(world, 81n)];
    const answers = await Promise.all(
      two.map((each) => api.post<TransactionStateJson & ErrorJson>(FINAL, bytesOf(each))),
    );
    const refused = answers.findIndex(({ status }) => status === 409);
    t.strictSame(answers.map(({ status }) => status).sort(), [200, 409]);
    const { error } = answers[refused]!.body;
    t.match(error, { code: 'INSUFFICIENT_FUNDS', details: { id: transactionId(two[refused]!.body) } });
    t.match(error.details?.['receipt'], { status: { code: 40, name: 'INSUFFICIENT_FUNDS' }, failedCommand: 0 });
    const again = await api.post<ErrorJson>(SUBMIT, bytesOf(two[refused]!));
    t.equal(again.status, 409);
    t.strictSame(again.body.error, error);
    const id = transactionId(two[refused]!.body);
    t.match(await api.get(`${SUBMIT}/${id}`), {
      status: 200,
      body: { state: 'final', receipt: { status: { code: 40 } } },
    });
    t.match(await api.get('/metrics'), { body: /tonle_transactions_total\{status="INSUFFICIENT_FUNDS"\} 1/ });
    t.equal(cluster.fatal.length, 0);
  }),
);

t.test('expired while somebody waits: said so, and final', (t) =>
  withApi(t, async (world) => {
    const { api, cluster } = world;
    await funded(world);
    const { network, wires, clock } = cluster;
    const soon = clock.now() + 2_000;
    const payment = transactionOf(network, ['wallet/dara'], [transfer('dara@aclb', 'bopha@cnb', 1n)], soon);
    wires.fate = () => null;
    await api.post(SUBMIT, bytesOf(payment));
    await cluster.pass(3_000);
    const waiting = api.post<ErrorJson>(FINAL, bytesOf(payment));
    wires.fate = () => 1;
    const answer = await waiting;
    t.match(answer, {
      status: 422,
      body: { error: { code: 'EXPIRED', details: { id: transactionId(payment.body) } } },
    });
    t.match(await api.get(`${SUBMIT}/${transactionId(payment.body)}`), { status: 200, body: { state: 'expired' } });
    t.match(await api.post(SUBMIT, bytesOf(payment)), { status: 422, body: { error: { code: 'EXPIRED' } } });
  }),
);

t.test('history by pages, newest first, each entry once', (t) =>
  withApi(t, async (world) => {
    const { api } = world;
    await funded(world);
    for (let i = 0; i < 5; i++) await final(world, pay(world, 1n));
    const ids: string[] = [];
    let url = '/api/v1/accounts/dara@aclb?limit=2';
    for (let page = 0; page < 10; page++) {
      const { entries, next } = (await api.get<AccountJson>(url)).body.history;
      ids.push(...entries.map(({ id }) => id));
      t.ok(entries.length <= 2);
      if (next === null) break;
      url = `/api/v1/accounts/dara@aclb?limit=2&before=${next}`;
    }
    t.equal(ids.length, 6);
    t.equal(new Set(ids).size, 6);
    const all = (await api.get<AccountJson>('/api/v1/accounts/dara%40aclb')).body.history;
    t.strictSame(
      all.entries.map(({ id }) => id),
      ids,
    );
  }),
);

t.test('an alias: found however the number is written, gone when released', (t) =>
  withApi(t, async (world) => {
    const { api, cluster } = world;
    await funded(world);
    const key = aliasKey(TEST_ALIAS_SECRET, PHONE);
    const registerAlias = { type: 'registerAlias', aliasKey: key, account: account('dara@aclb') } as const;
    await final(world, transactionOf(cluster.network, ['wallet/dara', 'operator/aclb'], [registerAlias]));
    for (const text of ['+85512345678', '012 345 678', '012345678', '012-345-678']) {
      const { status, body } = await api.get<AliasJson>(`/api/v1/aliases/${encodeURIComponent(text)}`);
      t.equal(status, 200, text);
      t.strictSame(body, { account: 'dara@aclb', epoch: 1, aliasKey: key, claim: null });
    }
    await final(world, transactionOf(cluster.network, ['wallet/dara'], [{ ...registerAlias, type: 'releaseAlias' }]));
    const released = await api.get('/api/v1/aliases/012345678');
    const never = await api.get('/api/v1/aliases/017123456');
    t.match(released, { status: 404, body: { error: { code: 'ALIAS_NOT_FOUND' } } });
    t.strictSame(released.body, never.body, 'nobody can tell a released number from one that never was');
  }),
);

t.test('numbers cannot be tried out one after the other', (t) =>
  withApi(
    t,
    async ({ api }) => {
      const lookUp = (i: number) => api.get<ErrorJson>(`/api/v1/aliases/01234567${i}`);
      for (let i = 0; i < 3; i++) t.equal((await lookUp(i)).status, 404);
      const limited = await lookUp(3);
      t.match(limited, { status: 429, body: { error: { code: 'RATE_LIMITED' } } });
      t.ok(Number(limited.headers['retry-after']) > 0);
      t.equal((await api.get('/api/v1/status')).status, 200, 'other questions are answered');
    },
    { limits: { aliasLookupsPerMinute: 3 } },
  ),
);

t.test('health: yes when caught up, no with the reason when behind', (t) =>
  withApi(t, async (world) => {
    const { api, cluster } = world;
    t.match(await api.get('/healthz'), { status: 200, body: { height: 0, highestKnownHeight: 0 } });
    t.match(await api.send({ method: 'HEAD', url: '/healthz' }), { status: 200, body: '' });
    const { node } = cluster.get('aclb');
    const behind = { ...node.status(), height: 10, highestKnownHeight: 14 };
    const other = testApi(cluster, 'aclb', {
      node: {
        queries: node.queries,
        submit: (transaction) => node.submit(transaction),
        submitAll: (applicants) => node.submitAll(applicants),
        room: node.room,
        standing: (id) => node.standing(id),
        settled: (id, signal) => node.settled(id, signal),
        subscribe: (listener) => node.subscribe(listener),
        status: () => behind,
      },
    });
    t.teardown(() => other.app.close());
    const answer = await other.get('/healthz');
    t.match(answer, { status: 503, body: { error: { code: 'NODE_BEHIND', message: /4 blocks behind/ } } });
    t.strictSame(other.undocumented, []);
  }),
);

t.test('metrics parse, and count what happened', (t) =>
  withApi(t, async (world) => {
    await funded(world);
    await world.api.get('/nowhere');
    await world.api.get('/api/v1/accounts/dara@aclb');
    const { status, headers, body } = await world.api.get<string>('/metrics');
    t.equal(status, 200);
    t.match(headers['content-type'], /^text\/plain/);
    const samples = parseMetrics(body);
    t.equal(samples.get('tonle_height'), 3);
    t.equal(samples.get('tonle_peers'), 3);
    t.equal(samples.get('tonle_pool_transactions'), 0);
    t.equal(samples.get('tonle_transactions_total{status="OK"}'), 3);
    t.equal(samples.get('tonle_blocks_total{via="consensus"}'), 3);
    t.equal(samples.get('tonle_finality_seconds_count'), 3);
    t.ok((samples.get('tonle_finality_seconds_sum') ?? 0) > 0);
    t.equal(samples.get('tonle_rounds_above_zero_total'), 0);
    const requests = [...samples].filter(([name]) => name.startsWith('tonle_http_request_seconds_count'));
    t.strictSame(requests, [
      ['tonle_http_request_seconds_count{method="POST",route="/api/v1/transactions",status="200"}', 3],
      ['tonle_http_request_seconds_count{method="GET",route="(unknown)",status="404"}', 1],
      ['tonle_http_request_seconds_count{method="GET",route="/api/v1/accounts/:id",status="200"}', 1],
    ]);
    t.ok(samples.has('process_resident_memory_bytes'));
  }),
);

t.test('the description lists every route, and every reference in it leads somewhere', (t) =>
  withApi(t, async ({ api }) => {
    const { body } = await api.get<OpenApi>('/openapi.json');
    t.equal(body.openapi, '3.1.0');
    const described = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    t.strictSame(described.sort(), [
      'GET /api/v1/accounts/{id}',
      'GET /api/v1/aliases/{phone}',
      'GET /api/v1/blocks/{height}',
      'GET /api/v1/events',
      'GET /api/v1/participants',
      'GET /api/v1/state',
      'GET /api/v1/status',
      'GET /api/v1/supply',
      'GET /api/v1/transactions/{id}',
      'GET /api/v1/validators',
      'GET /healthz',
      'GET /metrics',
      'GET /openapi.json',
      'GET /operator/v1/accounts',
      'GET /operator/v1/aliases/{aliasKey}',
      'POST /api/v1/transactions',
      'POST /api/v1/transactions/stream',
      'POST /operator/v1/accounts',
      'POST /operator/v1/alias-key',
      'POST /operator/v1/attest',
      'POST /operator/v1/fund',
      'POST /operator/v1/redeem',
      'POST /operator/v1/reject-claim',
      'POST /operator/v1/tier',
    ]);
    for (const methods of Object.values(body.paths)) {
      for (const [method, { summary, responses, requestBody }] of Object.entries(methods)) {
        t.ok(summary.length > 0, method);
        t.equal(requestBody !== undefined, method === 'post', `${summary}: a body where one is taken`);
        for (const [status, { description, content }] of Object.entries(responses)) {
          t.ok(description.length > 0 && Object.keys(content).length > 0, `${summary} ${status}`);
        }
      }
    }
    const references = [...JSON.stringify(body).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');
    t.ok(references.length > 10);
    for (const reference of new Set(references)) t.ok(resolves(body, reference), reference);
  }),
);

t.test('without a bank behind it, a node has no operator API', (t) =>
  withApi(
    t,
    async ({ api }) => {
      t.match(await api.get('/operator/v1/accounts'), { status: 404, body: { error: { code: 'ROUTE_NOT_FOUND' } } });
      const { paths } = (await api.get<OpenApi>('/openapi.json')).body;
      t.notOk(Object.keys(paths).some((path) => path.startsWith('/operator')));
    },
    { operator: null },
  ),
);

t.test('a failure of ours: 500 with an id and nothing else, one line in the log', async (t) => {
  const { log, lines } = recordedLog('info');
  await withApi(
    t,
    async ({ api, cluster }) => {
      const { node } = cluster.get('aclb');
      node.queries.account = () => Promise.reject(new Error('the disk says: secret detail'));
      const { status, body } = await api.get('/api/v1/accounts/dara@aclb');
      t.equal(status, 500);
      const id = String(body.error.details?.['id']);
      t.match(body.error, { code: 'INTERNAL', message: new RegExp(id) });
      t.match(id, /^[0-9a-f]{16}$/);
      t.notMatch(JSON.stringify(body), /secret/);
      t.equal(lines.length, 1);
      t.match(JSON.parse(lines[0]!), {
        level: 50,
        id,
        route: 'GET /api/v1/accounts/:id',
        err: { message: /secret detail/ },
      });
    },
    { log },
  );
});

t.test('bad input leaves no line, and phone numbers never do', async (t) => {
  const quiet = recordedLog('info');
  const loud = recordedLog('trace');
  for (const { log, lines } of [quiet, loud]) {
    await withApi(
      t,
      async ({ api }) => {
        const urls = [
          '/aliases/012345678',
          '/aliases/+85512345678',
          '/aliases/0123',
          '/aliases/012345678/x',
          '/a?p=012345678',
        ];
        for (const url of urls) await api.get(`/api/v1${url}`);
        await api.get('/api/v1/aliases/012345678%zz');
        await api.post('/operator/v1/attest', { phone: '012345678' }, { authorization: 'Bearer wrong-012345678' });
        t.notMatch(lines.join(''), /12345678|0123/);
      },
      { log },
    );
  }
  t.strictSame(quiet.lines, []);
  t.ok(loud.lines.length > 7, 'the same at level trace');
  t.match(loud.lines.join(''), /"route":"GET \/api\/v1\/aliases\/:phone"/);
});

t.test('closing ends what waits', (t) =>
  withApi(t, async (world) => {
    const { api, cluster } = world;
    await funded(world);
    cluster.wires.fate = () => null;
    const { promise: waits, resolve } = Promise.withResolvers<void>();
    const { node } = cluster.get('aclb');
    const settled = node.settled.bind(node);
    node.settled = (id, signal) => {
      resolve();
      return settled(id, signal);
    };
    const waiting = api.app.inject({
      method: 'POST',
      url: FINAL,
      headers: { 'content-type': 'application/cbor' },
      body: Buffer.from(bytesOf(pay(world, 1n))),
    });
    const answer = waiting.then((response) => response);
    await waits;
    await api.app.close();
    t.match(await answer, { statusCode: 202 });
  }),
);

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly summary: string;
            readonly requestBody?: object;
            readonly responses: Readonly<Record<string, { readonly description: string; readonly content: object }>>;
          }
        >
      >
    >
  >;
}

/** Follows `#/components/schemas/Money`. */
function resolves(document: object, reference: string): boolean {
  let at: unknown = document;
  for (const name of reference.split('/').slice(1)) {
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined;
  }
  return typeof at === 'object';
}

/** Samples of the text format; throws for a line that is none. */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || /^# (?:HELP|TYPE) \w+ .+/.test(line)) continue;
    const found = /^(\w+(?:\{[^}]*\})?) (-?[\d.e+-]+|NaN|[+-]Inf)$/.exec(line);
    if (found === null) throw new Error(`not a sample: ${line}`);
    samples.set(found[1] ?? '', Number(found[2]));
  }
  return samples;
}

function recordedLog(level: string) {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { log: pino({ level }, sink), lines };
}

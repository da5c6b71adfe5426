/** Over HTTP: tiers with what is left of the day, and a number that goes over by a claim, with everybody's part in it. */
import t, { type Test } from 'tap';
import { toHex } from '../../codec/hex.ts';
import { encode } from '../../codec/schema.ts';
import { transaction as transactionSchema } from '../../codec/transaction.ts';
import { aliasKey } from '../../crypto/alias.ts';
import { Cluster } from '../../testing/cluster.ts';
import { TIERS, testNetwork } from '../../testing/genesis.ts';
import { account, issue, settlement, transactionOf, transfer } from '../../testing/transactions.ts';
import type { AliasKey, Command } from '../../types/index.ts';
import { TEST_ALIAS_SECRET, TEST_TOKEN, type TestApi, testApi } from '../testing.ts';
import type { AccountJson, ActionJson, AliasJson, ErrorJson, StatusJson, TransactionStateJson } from '../types.ts';

const auth = { authorization: `Bearer ${TEST_TOKEN}` };
const PHONE = '+85512345678';
const KEY: AliasKey = aliasKey(TEST_ALIAS_SECRET, PHONE);
const DELAY_MS = 30_000;
const WINDOW_MS = 20_000;
const RULES = {
  aliasClaimDelayMs: DELAY_MS,
  aliasClaimWindowMs: WINDOW_MS,
  // The next day begins within a minute of the network's first.
  dayStartOffsetMinutes: 1_439,
};

/** A network with tiers, and the desks of two of its banks. */
class Scene {
  readonly cluster: Cluster;
  readonly aclb: TestApi;
  readonly cnb: TestApi;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.aclb = testApi(cluster, 'aclb');
    this.cnb = testApi(cluster, 'cnb');
  }

  open<T = ActionJson>(bank: TestApi, name: string, tier?: unknown) {
    const { publicKey } = this.cluster.network.signer(`wallet/${name}`);
    const body = { name, publicKey, displayName: name };
    return bank.post<T>('/operator/v1/accounts', tier === undefined ? body : { ...body, tier }, auth);
  }

  /** Final, by the network's own time. */
  submit(signers: readonly string[], command: Command) {
    const transaction = this.signed(signers, command);
    return this.aclb.post<TransactionStateJson | ErrorJson>('/api/v1/transactions?wait=final', transaction);
  }

  /** Signed by the wallet, attested by its bank. */
  attest<T = ActionJson>(bank: TestApi, type: 'registerAlias' | 'claimAlias', id: string) {
    const name = id.slice(0, id.indexOf('@'));
    const transaction = toHex(this.signed([`wallet/${name}`], { type, aliasKey: KEY, account: account(id) }));
    return bank.post<T>('/operator/v1/attest', { transaction, phone: PHONE }, auth);
  }

  /** What every bank answers, once all have heard of it. */
  async read<T>(path: string): Promise<T> {
    await this.cluster.allAt(Math.max(...[...this.cluster.members.values()].map(({ chain }) => chain.tip.height)));
    return (await this.cnb.get<T>(`/api/v1/${path}`)).body;
  }

  alias(): Promise<AliasJson> {
    return this.read('aliases/012345678');
  }

  signed(signers: readonly string[], command: Command): Uint8Array {
    const validUntilMs = this.cluster.clock.now() + 60_000;
    return encode(transactionSchema, transactionOf(this.cluster.network, signers, [command], validUntilMs));
  }
}

async function withScene(t: Test, work: (scene: Scene) => Promise<void>): Promise<void> {
  const cluster = new Cluster(testNetwork(4, RULES, TIERS));
  await cluster.startAll();
  const scene = new Scene(cluster);
  t.teardown(async () => {
    await Promise.all([scene.aclb.app.close(), scene.cnb.app.close()]);
    await cluster.stop();
  });
  await work(scene);
  t.strictSame([...scene.aclb.undocumented, ...scene.cnb.undocumented], [], 'every answer was as documented');
}

t.test('tiers are shown, and what is left of the day', (t) =>
  withScene(t, async (scene) => {
    const { aclb } = scene;
    t.strictSame((await aclb.get<StatusJson>('/api/v1/status')).body.tiers, [
      {
        name: 'basic',
        limits: [
          { currency: 'KHR', maxDaily: '500' },
          { currency: 'USD', maxDaily: '0.00' },
        ],
      },
      { name: 'full', limits: [{ currency: 'KHR', maxDaily: '1000' }] },
    ]);
    t.match(await scene.open(aclb, 'dara', 'basic'), { status: 200 });
    await scene.submit(['officer/1', 'officer/2'], issue(settlement('aclb'), 5_000n));
    await scene.submit(['operator/aclb'], transfer(settlement('aclb'), 'dara@aclb', 2_000n));
    t.match(await scene.submit(['wallet/dara'], transfer('dara@aclb', settlement('aclb'), 400n)), { status: 200 });
    t.match(await scene.submit(['wallet/dara'], transfer('dara@aclb', settlement('aclb'), 101n)), {
      status: 422,
      body: { error: { code: 'DAILY_LIMIT' } },
    });
    const read = (id: string) => scene.read<AccountJson>(`accounts/${id}`);
    const dara = await read('dara@aclb');
    t.equal(dara.tier, 'basic');
    t.strictSame(dara.daily, [
      { currency: 'KHR', limit: { value: '500', minor: '500' }, left: { value: '100', minor: '100' } },
      { currency: 'USD', limit: { value: '0.00', minor: '0' }, left: { value: '0.00', minor: '0' } },
    ]);
    t.match(await read('settlement@aclb'), { tier: null, daily: [] });
    const raise = (tier: unknown, id = 'dara@aclb', bank = aclb) =>
      bank.post<TransactionStateJson>('/operator/v1/tier', { account: id, tier }, auth);
    t.match(await raise('full'), { status: 200, body: { receipt: { status: { name: 'OK' } } } });
    t.match(await read('dara@aclb'), { tier: 'full', daily: [{ currency: 'KHR', left: { value: '600' } }] });
    const refused: [unknown, string, TestApi, number, string][] = [
      ['gold', 'dara@aclb', aclb, 422, 'TIER_UNKNOWN'],
      ['Full', 'dara@aclb', aclb, 400, 'TIER_MALFORMED'],
      [7, 'dara@aclb', aclb, 400, 'FIELD_INVALID'],
      ['full', 'settlement@aclb', aclb, 422, 'ACCOUNT_RESERVED'],
      ['full', 'nobody@aclb', aclb, 404, 'ACCOUNT_NOT_FOUND'],
      ['full', 'dara@aclb', scene.cnb, 422, 'ACCOUNT_NOT_OURS'],
    ];
    for (const [tier, id, bank, status, code] of refused)
      t.match(await raise(tier, id, bank), { status, body: { error: { code } } }, code);
    // After what went out, the lower tier leaves nothing; from midnight on it leaves all of it.
    await scene.submit(['wallet/dara'], transfer('dara@aclb', settlement('aclb'), 200n));
    await raise('basic');
    t.match((await read('dara@aclb')).daily[0], { left: { value: '0' } });
    await scene.cluster.pass(60_000);
    t.match((await read('dara@aclb')).daily[0], { left: { value: '500' } });
  }),
);

t.test('an account of a network with tiers has one, and asking again means the same one', (t) =>
  withScene(t, async (scene) => {
    const refused: [unknown, number, string][] = [
      [undefined, 422, 'TIER_UNKNOWN'],
      ['gold', 422, 'TIER_UNKNOWN'],
      ['', 400, 'TIER_MALFORMED'],
      [null, 400, 'FIELD_INVALID'],
    ];
    for (const [tier, status, code] of refused)
      t.match(await scene.open(scene.aclb, 'dara', tier), { status, body: { error: { code } } }, code);
    const first = await scene.open(scene.aclb, 'dara', 'full');
    t.strictSame((await scene.open(scene.aclb, 'dara', 'full')).body, first.body);
    t.match(await scene.open(scene.aclb, 'dara', 'basic'), {
      status: 409,
      body: { error: { code: 'ACCOUNT_EXISTS' } },
    });
  }),
);

t.test('a lost phone: claimed, due, registered anew; the holder and its bank could have objected', (t) =>
  withScene(t, async (scene) => {
    const { aclb, cnb, cluster } = scene;
    await scene.open(aclb, 'dara', 'full');
    await scene.open(cnb, 'bopha', 'full');
    t.match(await scene.attest(aclb, 'registerAlias', 'dara@aclb'), { status: 200 });
    t.match(await scene.attest(cnb, 'registerAlias', 'bopha@cnb'), {
      status: 409,
      body: { error: { code: 'ALIAS_TAKEN' } },
    });
    const claimed = await scene.attest(cnb, 'claimAlias', 'bopha@cnb');
    t.match(claimed, { status: 200, body: { customer: { account: 'bopha@cnb', phones: [] } } });
    const { claim, ...still } = await scene.alias();
    t.strictSame(still, { account: 'dara@aclb', epoch: 1, aliasKey: KEY });
    t.match(claim, { account: 'bopha@cnb', dueMs: Number, lapsesMs: (claim?.dueMs ?? 0) + WINDOW_MS });
    t.match(await scene.attest(cnb, 'registerAlias', 'bopha@cnb'), {
      status: 409,
      body: { error: { code: 'CLAIM_NOT_DUE' } },
    });
    t.match(await scene.attest(cnb, 'claimAlias', 'bopha@cnb'), {
      status: 409,
      body: { error: { code: 'CLAIM_OPEN' } },
    });

    const object = (bank: TestApi, id: string, phone = PHONE) =>
      bank.post<ErrorJson>('/operator/v1/reject-claim', { account: id, phone }, auth);
    t.match(await object(cnb, 'dara@aclb'), { status: 422, body: { error: { code: 'ACCOUNT_NOT_OURS' } } });
    t.match(await object(cnb, 'bopha@cnb'), { status: 403, body: { error: { code: 'ALIAS_NOT_YOURS' } } });
    t.match(await object(aclb, 'dara@aclb', '1'), { status: 400, body: { error: { code: 'PHONE_MALFORMED' } } });
    t.match(await object(aclb, 'dara@aclb', '017 123 456'), {
      status: 404,
      body: { error: { code: 'ALIAS_NOT_FOUND' } },
    });
    t.match(await object(aclb, 'dara@aclb'), { status: 200 });
    t.equal((await scene.alias()).claim, null);
    t.match(await object(aclb, 'dara@aclb'), { status: 404, body: { error: { code: 'CLAIM_NOT_FOUND' } } });

    const reject: Command = { type: 'rejectClaim', aliasKey: KEY, account: account('dara@aclb') };
    await scene.attest(cnb, 'claimAlias', 'bopha@cnb');
    t.match(await scene.submit(['operator/cnb'], reject), {
      status: 403,
      body: { error: { code: 'HOLDER_SIGNATURE_MISSING' } },
    });
    t.match(await scene.submit(['wallet/dara'], reject), { status: 200 });

    await scene.attest(cnb, 'claimAlias', 'bopha@cnb');
    t.match(await scene.attest(aclb, 'claimAlias', 'dara@aclb'), {
      status: 409,
      body: { error: { code: 'ALIAS_YOURS' } },
    });
    await cluster.pass(DELAY_MS);
    t.match(await scene.attest(cnb, 'registerAlias', 'bopha@cnb'), {
      status: 200,
      body: { customer: { phones: [PHONE] } },
    });
    t.strictSame(await scene.alias(), { account: 'bopha@cnb', epoch: 2, aliasKey: KEY, claim: null });

    await scene.attest(aclb, 'claimAlias', 'dara@aclb');
    await cluster.pass(DELAY_MS + WINDOW_MS);
    t.equal((await scene.alias()).claim, null, 'a claim that has lapsed is not shown');
  }),
);

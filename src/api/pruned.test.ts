/** What a node says whose record begins at a snapshot: neither a wrong «unknown» nor a failure, but where to ask. */
import t from 'tap';
import { encode } from '../codec/schema.ts';
import { transaction as transactionSchema } from '../codec/transaction.ts';
import { transactionId } from '../crypto/ids.ts';
import { Cluster } from '../testing/cluster.ts';
import { testNetwork } from '../testing/genesis.ts';
import { issue, settlement, transactionOf } from '../testing/transactions.ts';
import type { Transaction } from '../types/index.ts';
import { testApi } from './testing.ts';
import type { BlockJson, StatusJson, TransactionDetailsJson } from './types.ts';

const BLOCKS = 73;

t.test('heights and transactions before the record are elsewhere, and those after it are here', async (t) => {
  const cluster = new Cluster(testNetwork(4, { checkpointInterval: 10 }));
  await cluster.startAll();
  const pay = async (): Promise<Transaction> => {
    const { node } = cluster.get('nbc');
    const paid = transactionOf(cluster.network, ['officer/1', 'officer/2'], [issue(settlement('nbc'), 1n)]);
    const { id } = await cluster.during(node.submit(paid));
    await cluster.until(async () => (await node.standing(id)).state === 'final');
    return paid;
  };
  const old = await pay();
  while (cluster.get('nbc').chain.tip.height < BLOCKS) await pay();
  cluster.wipe('wing');
  const { chain } = await cluster.start('wing');
  await cluster.until(() => chain.tip.height === BLOCKS);
  const recent = await pay();
  await cluster.until(() => chain.tip.height === BLOCKS + 1);
  const api = testApi(cluster, 'wing');
  const known = chain.log.first() + 1;
  t.ok(known > 50);
  t.match((await api.get<StatusJson>('/api/v1/status')).body, { height: BLOCKS + 1, knownFromHeight: known });

  const pruned = { status: 404, body: { error: { code: 'HISTORY_PRUNED', details: { knownFromHeight: known } } } };
  for (const height of [1, known - 2, known - 1])
    t.match(await api.get(`/api/v1/blocks/${height}`), pruned, `${height}`);
  t.match(await api.get(`/api/v1/transactions/${transactionId(old.body)}`), pruned);
  t.match(await api.get('/api/v1/events', { 'last-event-id': '3' }), pruned);
  t.match(await api.post('/api/v1/transactions', encode(transactionSchema, old)), {
    status: 409,
    body: { error: { code: 'HISTORY_ELSEWHERE' } },
  });

  t.match((await api.get<BlockJson>(`/api/v1/blocks/${known}`)).body, { height: known, transactionCount: 1 });
  t.match(await api.get('/api/v1/blocks/99'), { status: 404, body: { error: { code: 'BLOCK_NOT_FOUND' } } });
  const details = await api.get<TransactionDetailsJson>(`/api/v1/transactions/${transactionId(recent.body)}`);
  t.match(details, { status: 200, body: { state: 'final', receipt: { height: BLOCKS + 1 } } });
  t.strictSame(api.undocumented, []);
  await api.app.close();
  await cluster.stop();
});

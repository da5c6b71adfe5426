/** A block of many batches: what a key keeps of it when it locks is as large as the block, and has to fit beside it. */
import t from 'tap';
import { Cluster } from '../testing/cluster.ts';
import { funding } from '../testing/hostile-forge.ts';
import { settlement, transactionOf, transfer } from '../testing/transactions.ts';

t.test('validators lock on a block larger than any proposal, restart on it, and go on', async (t) => {
  const cluster = new Cluster();
  const { network } = cluster;
  await cluster.startAll();
  await cluster.during(cluster.get('nbc').node.submit(funding(cluster, 'aclb')));
  await cluster.allAt(1);
  const payment = { ...transfer('settlement@aclb', settlement('cnb'), 1n), memo: 'x'.repeat(64) };
  const bulk = () =>
    transactionOf(
      network,
      ['operator/aclb'],
      Array.from({ length: 128 }, () => payment),
    );
  const { node, chain } = cluster.get('aclb');
  await cluster.during(Promise.all(Array.from({ length: 40 }, () => node.submit(bulk()))));
  await cluster.until(() => node.status().pool.transactions === 0, 'all of them are final');
  const sizes = await Promise.all(
    Array.from({ length: chain.tip.height }, async (_, i) => (await chain.log.read(i + 1))?.length ?? 0),
  );
  t.ok(Math.max(...sizes) > 400_000, `blocks of ${sizes.join(', ')} bytes`);
  for (const id of cluster.ids) {
    cluster.kill(id);
    await cluster.start(id);
  }
  const { height } = cluster.get('aclb').chain.tip;
  await cluster.during(cluster.get('nbc').node.submit(funding(cluster, 'cnb')));
  await cluster.allAt(height + 1);
  t.strictSame(cluster.fatal, []);
  await cluster.stop();
});

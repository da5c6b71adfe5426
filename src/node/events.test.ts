/** What the nodes tell of a payment's way, from its bank to the block that it is in. */
import t from 'tap';
import { transactionId } from '../crypto/ids.ts';
import { Cluster } from '../testing/cluster.ts';
import { testNetwork } from '../testing/genesis.ts';
import { issue, settlement, transactionOf } from '../testing/transactions.ts';
import { DEFAULT_TIMINGS } from './context.ts';
import type { NodeEvent } from './events.ts';

const OFFICERS = ['officer/1', 'officer/2'];

t.test('a payment can be followed from its bank into a block', async (t) => {
  const cluster = new Cluster();
  await cluster.startAll();
  t.teardown(() => cluster.stop());
  const transaction = transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]);
  const id = transactionId(transaction.body);
  await cluster.during(cluster.get('aclb').node.submit(transaction));
  await cluster.allAt(1);
  await cluster.pass(1_000);

  const [batched, ...noMore] = heard(cluster, 'aclb', 'batched');
  t.match(batched?.transactions, [{ id }]);
  t.strictSame(noMore, []);
  const digest = batched?.digest;
  t.strictSame(heard(cluster, 'aclb', 'batchHeld'), [], 'its own batch is not somebody else’s');
  for (const other of ['nbc', 'cnb', 'wing']) {
    t.strictSame(heard(cluster, other, 'batched'), []);
    t.strictSame(heard(cluster, other, 'batchHeld'), [{ type: 'batchHeld', digest, author: 'aclb' }]);
  }
  const [committed] = heard(cluster, 'nbc', 'committed');
  const place = { height: 1, round: 0, blockHash: committed?.blockHash };
  const proposer = committed?.committed.block.header.proposer;
  for (const each of cluster.ids) {
    t.strictSame(heard(cluster, each, 'proposal'), [{ type: 'proposal', ...place, proposer, batches: [digest] }], each);
    t.strictSame(
      heard(cluster, each, 'voted').map(({ step, ...rest }) => [step, rest]),
      [
        ['prevote', { type: 'voted', ...place }],
        ['precommit', { type: 'voted', ...place }],
      ],
    );
    const [told] = heard(cluster, each, 'committed');
    t.strictSame(told?.accused, []);
    t.ok((told?.signers.length ?? 0) >= 3);
    t.ok(told?.signers.every((signer) => cluster.ids.includes(signer)));
  }
});

t.test('a batch that was fetched is told of like one that was pushed', async (t) => {
  const cluster = new Cluster(testNetwork(), DEFAULT_TIMINGS, (ports, self) =>
    self === 'aclb' ? { ...ports, network: { ...ports.network, pushBatch: () => undefined } } : ports,
  );
  await cluster.startAll();
  t.teardown(() => cluster.stop());
  const transaction = transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]);
  await cluster.during(cluster.get('aclb').node.submit(transaction));
  await cluster.allAt(1);
  const [batched] = heard(cluster, 'aclb', 'batched');
  t.strictSame(heard(cluster, 'wing', 'batchHeld'), [{ type: 'batchHeld', digest: batched?.digest, author: 'aclb' }]);
});

t.test('a round that fails is told of with its votes for no block', async (t) => {
  const cluster = new Cluster();
  await cluster.startAll();
  t.teardown(() => cluster.stop());
  // The proposer of height 1: nobody hears it, and nobody notices.
  cluster.wires.mute(
    [cluster.get('aclb').id],
    cluster.ids.map((id) => cluster.get(id).id),
    'test',
  );
  await cluster.during(
    cluster.get('nbc').node.submit(transactionOf(cluster.network, OFFICERS, [issue(settlement('nbc'), 1n)])),
  );
  await cluster.until(() => cluster.get('nbc').chain.tip.height === 1);
  t.match(heard(cluster, 'nbc', 'voted'), [
    { step: 'prevote', round: 0, blockHash: null },
    { step: 'precommit', round: 0, blockHash: null },
    { step: 'prevote', round: 1, blockHash: String },
    { step: 'precommit', round: 1, blockHash: String },
  ]);
  t.match(heard(cluster, 'aclb', 'proposal')[0], { round: 0, proposer: 'aclb' });
  t.match(heard(cluster, 'nbc', 'proposal'), [{ round: 1, proposer: 'cnb' }]);
});

function heard<T extends NodeEvent['type']>(cluster: Cluster, id: string, type: T) {
  return cluster.get(id).events.filter((event): event is Extract<NodeEvent, { type: T }> => event.type === type);
}

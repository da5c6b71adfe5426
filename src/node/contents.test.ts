/** What took part in a block is the same, whether it was kept from the commit or read from index and record. */
import t from 'tap';
import { openMemoryStateStore } from '../storage/index.ts';
import { Cluster } from '../testing/cluster.ts';
import { GENESIS_TIME_MS, testNetwork } from '../testing/genesis.ts';
import { batchBy, idOf, issue, open, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import type { BlockHash, CommittedBlock, Nonce, PublicKey } from '../types/index.ts';
import { Contents } from './contents.ts';
import { indexOf, NO_INDEX } from './indexes.ts';

const OFFICERS = ['officer/1', 'officer/2'];

t.test('receipts, transactions, proofs and histories are the same after a restart, pools empty', async (t) => {
  const cluster = new Cluster(testNetwork(1));
  await cluster.startAll();
  const { network } = cluster;
  const submit = async (signers: string[], ...commands: Parameters<typeof transactionOf>[2]) => {
    const { node } = cluster.get('nbc');
    const { id } = await cluster.during(node.submit(transactionOf(network, signers, commands)));
    await cluster.until(async () => (await node.standing(id)).state === 'final');
    return id;
  };
  const ids = [
    await submit(OFFICERS, issue(settlement('nbc'), 1_000n)),
    await submit(['operator/nbc'], open(network, 'dara@nbc'), open(network, 'bopha@nbc')),
  ];
  for (const minor of [10n, 20n, 30n]) {
    ids.push(await submit(['operator/nbc'], transfer(settlement('nbc'), 'dara@nbc', minor)));
  }
  const told = async () => {
    const { node, chain } = cluster.get('nbc');
    const { queries } = node;
    const all = async <T>(of: (id: (typeof ids)[number]) => Promise<T>) => await Promise.all(ids.map(of));
    const found = {
      standings: await all((id) => queries.standing(id)),
      transactions: await all((id) => queries.transaction(id)),
      proofs: await all((id) => queries.proof(id)),
      receipts: await Promise.all([1, 2, 3, 4, 5].map((height) => queries.receipts(height))),
      history: await queries.history(settlement('nbc'), 2, null),
      next: await queries.history(settlement('nbc'), 2, '4.0'),
      nextButOne: await queries.history(settlement('nbc'), 2, '3.999999'),
    };
    t.equal(chain.tip.height, 5);
    t.equal((await queries.history(settlement('nbc'), 2, 'nonsense')).entries.length, 2);
    t.strictSame(await queries.receipts(6), []);
    t.equal(await queries.proof('00'.repeat(32) as (typeof ids)[number]), null);
    return found;
  };
  const before = await told();
  t.strictSame(
    before.history.entries.map(({ id }) => id),
    [ids[4], ids[3]],
  );
  t.equal(before.history.next, '4.0');
  t.strictSame(
    before.next.entries.map(({ id }) => id),
    [ids[2], ids[0]],
  );
  t.strictSame(before.nextButOne, { ...before.next, entries: before.next.entries }, 'from the end of block 3');
  const { node } = cluster.get('nbc');
  t.equal(
    await node.queries.byReference({ publicKey: '0'.repeat(64) as PublicKey, nonce: '0'.repeat(32) as Nonce }),
    null,
  );
  // As good as the id of a transaction, and not it.
  const alike = `${ids[0]?.slice(0, 40)}${'0'.repeat(24)}` as (typeof ids)[number];
  t.strictSame(await node.queries.standing(alike), { state: 'unknown' });
  t.strictSame([await node.queries.transaction(alike), await node.queries.proof(alike)], [null, null]);
  cluster.kill('nbc');
  await cluster.start('nbc');
  t.strictSame(await told(), before);
  await cluster.stop();
});

t.test('what came twice and what was left out keep their places from those that took part', async (t) => {
  const cluster = new Cluster(testNetwork(1));
  await cluster.startAll();
  const { network } = cluster;
  const { chain } = cluster.get('nbc');
  const made = (minor: bigint, validUntilMs?: number) =>
    transactionOf(network, OFFICERS, [issue(settlement('nbc'), minor)], validUntilMs);
  const [first, second, third] = [made(1n), made(2n), made(3n)];
  const late = made(4n, GENESIS_TIME_MS - 1);
  const signedByOthers = { ...first, signatures: [...second.signatures] };
  const batches = [batchBy('nbc', late, first, second), batchBy('aclb', second, signedByOthers, late, third)];
  const execution = await chain.execute(GENESIS_TIME_MS + 5, batches, []);
  t.strictSame(execution.positions, [1, 2, 6]);
  t.strictSame(
    execution.transactions.map(({ transaction }) => transaction),
    [first, second, third],
  );
  const store = openMemoryStateStore();
  const { receipts, writes } = execution.result;
  const index = indexOf({ hash: '01'.repeat(32) as BlockHash, height: 1, receipts, ...execution });
  await store.apply(0, { entries: [], forget: null }, NO_INDEX, chain.chainId);
  await store.apply(1, writes, index, chain.chainId);
  const committed = {
    block: { header: { height: 1 } },
    batches: batches.map(({ batch }) => batch),
  } as unknown as CommittedBlock;
  let reads = 0;
  const contents = new Contents({
    store,
    read: () => {
      reads += 1;
      return Promise.resolve(committed);
    },
  });
  const found = await Promise.all([contents.of(1), contents.of(1)]);
  t.strictSame(found[0]?.receipts, receipts);
  t.strictSame(found[0]?.transactions, [first, second, third]);
  t.strictSame(
    found[0]?.receipts.map(({ transactionId }) => transactionId),
    [first, second, third].map(idOf),
  );
  t.equal(found[1], found[0]);
  t.equal(await contents.of(1), found[0]);
  t.equal(reads, 1, 'read once for all that ask');
  t.equal(await contents.of(2), null);
  contents.clear();
  await contents.of(1);
  t.equal(reads, 2);
  await cluster.stop();
});

t.test('only so many blocks are kept: those that were asked for last', async (t) => {
  const store = openMemoryStateStore();
  const chainId = 'c1'.repeat(32) as BlockHash;
  await store.apply(0, { entries: [], forget: null }, NO_INDEX, chainId as never);
  const committedAt = (height: number) => ({ block: { header: { height } }, batches: [] }) as unknown as CommittedBlock;
  const reads: number[] = [];
  const contents = new Contents({
    store,
    read: (height) => {
      reads.push(height);
      return Promise.resolve(committedAt(height));
    },
  });
  for (let height = 1; height <= 100; height++) {
    const index = indexOf({ hash: chainId, height, receipts: [], transactions: [], positions: [] });
    await store.apply(height, { entries: [], forget: null }, index, chainId as never);
    contents.add({ committed: committedAt(height), receipts: [], transactions: [] });
    await contents.of(1);
  }
  t.strictSame(reads, [], 'asked for again and again, the first is still there');
  await contents.of(100);
  await contents.of(2);
  t.strictSame(reads, [2]);
  const full = Array.from({ length: 20_000 }, () => ({}) as never);
  contents.add({ committed: committedAt(101), receipts: full, transactions: full });
  await contents.of(101);
  await contents.of(1);
  t.strictSame(reads, [2, 1], 'a full block is kept alone');
});

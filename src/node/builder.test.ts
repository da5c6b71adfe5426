/** The next block, prepared while one is voted on: the same as one made afterwards, or not used. */
import t, { type Test } from 'tap';
import { proposerIndex } from '../consensus/index.ts';
import { BatchPool, type KnownBatch } from '../mempool/batch-pool.ts';
import { Cluster } from '../testing/cluster.ts';
import { GENESIS_TIME_MS, testNetwork } from '../testing/genesis.ts';
import { OFFICERS } from '../testing/joining.ts';
import { batchBy, issue, redeem, settlement, transactionOf } from '../testing/transactions.ts';
import type { ParticipantId } from '../types/index.ts';
import { Builder, type BuiltBlock } from './builder.ts';
import type { Chain } from './chain.ts';

const AT_MS = GENESIS_TIME_MS + 1_000;

/** A chain at its genesis, and the builder of whoever proposes the block after the next one. */
async function scene(t: Test) {
  const cluster = new Cluster(testNetwork(4));
  await cluster.startAll();
  t.teardown(() => cluster.stop());
  const { chain } = cluster.get('nbc');
  const proposer = (height: number) =>
    chain.validators[proposerIndex(height, 0, chain.validators.length)]?.participant as ParticipantId;
  const pool = new BatchPool();
  const verifier = { verify: () => true, verifyAll: () => Promise.reject(new Error('nobody asks')) };
  const builderOf = (self: ParticipantId) => new Builder({ chain, pool, verifier, self });
  const add = (author: string, ...bodies: Parameters<typeof transactionOf>[2][]): KnownBatch => {
    const [first, ...rest] = bodies.map((commands) =>
      transactionOf(cluster.network, [...OFFICERS, 'operator/nbc'], commands),
    );
    if (first === undefined) throw new Error('a batch has a transaction');
    const known = batchBy(author, first, ...rest);
    pool.add(known);
    return known;
  };
  const [own, other] = [builderOf(proposer(2)), builderOf(proposer(3))];
  return { chain, pool, own, other, add };
}

/** Nothing asks for its certificate here. */
async function commit(chain: Chain, pool: BatchPool, { block, blockHash, execution }: BuiltBlock): Promise<void> {
  const batches = block.batches.map((digest) => pool.get(digest)?.batch);
  const certificate = { height: block.header.height, round: 0, blockHash, signatures: [] };
  await chain.commit({ block, certificate, batches: batches.filter((batch) => batch !== undefined) }, execution);
  pool.commit(
    block.batches,
    execution.result.receipts.map(({ transactionId }) => transactionId),
  );
}

t.test('what was prepared is the next block, and every validator finds it valid', async (t) => {
  const { chain, pool, own, other, add } = await scene(t);
  add('nbc', [issue(settlement('nbc'), 100n)]);
  const first = await other.build(AT_MS, []);
  // It spends what only the block before brings.
  const second = add('aclb', [redeem(settlement('nbc'), 70n)]);
  await own.prepare(first.block, first.blockHash, first.execution, AT_MS + 20);
  await commit(chain, pool, first);
  const built = await own.build(AT_MS + 500, []);
  t.equal(built.block.header.timeMs, AT_MS + 20, 'it is the prepared one');
  t.strictSame(built.block.batches, [second.digest]);
  t.strictSame(
    built.execution.result.receipts.map(({ status }) => status),
    [0],
  );
  t.match(await other.judge(built.block, AT_MS + 500), { verdict: 'valid' });
  t.not((await own.build(AT_MS + 600, [])).block.header.timeMs, AT_MS + 20, 'once');
});

t.test('nothing is proposed of it where another block came, or the block took all there was', async (t) => {
  const { chain, pool, own, other, add } = await scene(t);
  const nbc = add('nbc', [issue(settlement('nbc'), 100n)]);
  const first = await other.build(AT_MS, []);
  const rival = await other.build(AT_MS + 1, []);
  const second = add('aclb', [redeem(settlement('nbc'), 70n)]);
  const prepared = () => own.prepare(first.block, first.blockHash, first.execution, AT_MS + 20);
  await prepared();
  await commit(chain, pool, rival);
  t.equal((await own.build(AT_MS + 30, [])).block.header.timeMs, AT_MS + 30, 'on another parent');
  t.notOk(pool.holds(nbc.digest));
  const after = await other.build(AT_MS + 40, []);
  await own.prepare(after.block, after.blockHash, after.execution, AT_MS + 50);
  t.equal(after.block.batches.includes(second.digest), true);
  await commit(chain, pool, after);
  t.strictSame((await own.build(AT_MS + 60, [])).block.batches, [], 'nothing was left to prepare');
});

t.test('what nobody may propose in this turn is not prepared; what came meanwhile is not passed by', async (t) => {
  const { chain, pool, own, other, add } = await scene(t);
  add('nbc', [issue(settlement('nbc'), 100n)]);
  const first = await other.build(AT_MS, []);
  const second = add('aclb', [redeem(settlement('nbc'), 70n)]);
  for (const builder of [own, other]) await builder.prepare(first.block, first.blockHash, first.execution, AT_MS + 20);
  const more = add('wing', [issue(settlement('nbc'), 1n)], [issue(settlement('nbc'), 2n)]);
  await commit(chain, pool, first);
  t.equal((await other.build(AT_MS + 30, [])).block.header.timeMs, AT_MS + 30, 'not its turn');
  const built = await own.build(AT_MS + 30, []);
  t.strictSame(built.block.batches, [second.digest, more.digest], 'three times what was prepared waits');
  t.match(await other.judge(built.block, AT_MS + 30), { verdict: 'valid' });
});

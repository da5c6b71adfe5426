import fc from 'fast-check';
import t from 'tap';
import { GENESIS_TIME_MS, testNetwork } from '../testing/genesis.ts';
import { batchBy, idOf, issue, settlement, transactionOf } from '../testing/transactions.ts';
import type { Transaction, TransactionId } from '../types/index.ts';
import { BatchPool, type KnownBatch } from './batch-pool.ts';
import { TransactionPool } from './transaction-pool.ts';

const network = testNetwork();
const make = (validUntilMs = GENESIS_TIME_MS + 60_000) =>
  transactionOf(network, ['officer/1'], [issue(settlement('aclb'), 1n)], validUntilMs);
const pooled = (transaction: Transaction, bytes = 100) => ({ id: idOf(transaction), transaction, bytes });

t.test('a transaction is offered once, by id and by reference, while there is room', async (t) => {
  const pool = new TransactionPool(2);
  const first = make();
  t.equal(pool.offer(pooled(first)), 'added');
  t.equal(pool.offer(pooled(first)), 'known');
  const second = make(GENESIS_TIME_MS + 70_000);
  const sameReference = { ...second, body: { ...second.body, nonce: first.body.nonce } };
  t.equal(pool.offer(pooled(sameReference)), 'referenceTaken');
  t.equal(pool.offer(pooled(second)), 'added');
  t.equal(pool.offer(pooled(make())), 'full');
  pool.settle(idOf(first));
  t.equal(pool.has(idOf(first)), false);
  t.equal(pool.offer(pooled(sameReference)), 'added', 'the reference is free again');
});

t.test('batches are cut by count and by bytes, oldest first, without what is settled', async (t) => {
  const pool = new TransactionPool();
  const all = Array.from({ length: 6 }, () => pooled(make()));
  for (const entry of all) pool.offer(entry);
  pool.settle(all[1]?.id as never);
  const ids = (entries: readonly { id: string }[]) =>
    entries.map((entry) => all.findIndex((each) => each.id === entry.id));
  t.strictSame(ids(pool.takeBatch(2, 1_000)), [0, 2]);
  t.strictSame(ids(pool.takeBatch(10, 250)), [3, 4]);
  t.strictSame(ids(pool.takeBatch(10, 50)), []);
  t.equal(pool.waiting, 1);
  t.ok(pool.has(all[0]?.id as never), 'what is under way stays known');
});

t.test('what has expired is named and forgotten', async (t) => {
  const pool = new TransactionPool();
  const early = pooled(make(GENESIS_TIME_MS + 10));
  const late = pooled(make(GENESIS_TIME_MS + 20));
  for (const entry of [early, late]) pool.offer(entry);
  t.strictSame(
    pool.expire(GENESIS_TIME_MS + 11).map(({ id }) => id),
    [early.id],
  );
  t.equal(pool.waiting, 1);
  t.equal(pool.has(late.id), true);
});

t.test('property: each transaction is named once, by the first block after its end', async (t) => {
  const step = fc.record({ offer: fc.array(fc.nat(20), { maxLength: 3 }), timeMs: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const pool = new TransactionPool();
      let held: { id: string; endMs: number }[] = [];
      for (const { offer, timeMs } of steps) {
        for (const endMs of offer) {
          const entry = pooled(make(GENESIS_TIME_MS + endMs));
          pool.offer(entry);
          held.push({ id: entry.id, endMs });
        }
        const due = held.filter(({ endMs }) => endMs < timeMs).map(({ id }) => id);
        held = held.filter(({ endMs }) => endMs >= timeMs);
        t.strictSame(
          pool.expire(GENESIS_TIME_MS + timeMs).map(({ id }) => id),
          due,
        );
        t.equal(pool.size, held.length);
      }
    }),
    { numRuns: 30 },
  );
});

t.test("one author's flood leaves the others their room", async (t) => {
  const [a, b, c] = [batchBy('aclb', make()), batchBy('aclb', make()), batchBy('aclb', make())];
  const pool = new BatchPool({ maxBytesPerAuthor: a.bytes.length + b.bytes.length, maxCommitted: 2, maxSettled: 2 });
  t.strictSame(
    [a, b, c].map((each) => pool.add(each)),
    [true, true, false],
  );
  t.equal(pool.add(c, true), true, 'a batch that a block names is always taken');
  t.equal(pool.add(batchBy('cnb', make())), true);
  t.equal(pool.add(a), false, 'once');
  t.strictSame(pool.oldest(2), [a, b]);
});

t.test('a committed batch does not come back as new', async (t) => {
  const pool = new BatchPool({ maxBytesPerAuthor: 9_999, maxCommitted: 2, maxSettled: 2 });
  const batches = [1, 2, 3].map(() => batchBy('aclb', make()));
  for (const each of batches) pool.add(each);
  pool.commit(
    batches.map(({ digest }) => digest),
    [],
  );
  t.equal(pool.size, 0);
  const [oldest, , newest] = batches;
  if (oldest === undefined || newest === undefined) throw new Error('three batches');
  t.equal(pool.has(newest.digest), true);
  t.equal(pool.add(newest), false);
  t.equal(pool.add(newest, true), true, 'but a later block may name it again');
  t.equal(pool.has(oldest.digest), false, 'only so many are remembered');
});

t.test('a batch whose transactions blocks brought in others is no work any more', async (t) => {
  const [first, second, third] = [make(), make(), make()];
  const pool = new BatchPool();
  const both = batchBy('aclb', first, second);
  const same = batchBy('cnb', second, first);
  const more = batchBy('wing', first, third);
  for (const each of [both, same, more]) pool.add(each);
  pool.commit([both.digest], idsOf(both));
  t.strictSame(pool.oldest(9), [more]);
  t.equal(pool.holds(same.digest), false);
  t.equal(pool.add(batchBy('nbc', second)), false, 'nor does it come back');
  const named = batchBy('nbc', first);
  t.equal(pool.add(named, true), true, 'but for a block that names it it is there');
  t.strictSame(pool.oldest(9), [more]);
  pool.commit([], idsOf(more));
  t.equal(pool.hasWork, false);
  t.equal(pool.size, 0);
});

t.test('a batch that was tried in vain is there until the height ends: a block may name it', async (t) => {
  const pool = new BatchPool();
  const tried = batchBy('aclb', make());
  pool.add(tried);
  pool.putAside(tried.digest);
  t.equal(pool.hasWork, false);
  t.strictSame(pool.oldest(9), []);
  t.equal(pool.get(tried.digest), tried);
  pool.commit([], []);
  t.equal(pool.get(tried.digest), undefined);
});

t.test('a batch of which all has expired is dropped', async (t) => {
  const pool = new BatchPool();
  const gone = batchBy('aclb', make(GENESIS_TIME_MS + 1));
  const half = batchBy('aclb', make(GENESIS_TIME_MS + 1), make(GENESIS_TIME_MS + 99));
  for (const each of [gone, half]) pool.add(each);
  t.strictSame(pool.expire(GENESIS_TIME_MS + 2), [gone]);
  t.strictSame(pool.oldest(9), [half]);
});

function idsOf({ transactions }: KnownBatch): TransactionId[] {
  return transactions.map(({ id }) => id);
}

/** Transactions that are handed in together are looked at together, and each is answered by itself. */
import t, { type Test } from 'tap';
import { signTransaction } from '../crypto/sign.ts';
import { CodedError } from '../errors.ts';
import type { StateStore, Verifier } from '../ports.ts';
import { Cluster } from '../testing/cluster.ts';
import { testNetwork } from '../testing/genesis.ts';
import { idOf, issue, settlement, transactionOf, transfer } from '../testing/transactions.ts';
import type { Transaction } from '../types/index.ts';
import type { Node } from './node.ts';

const OFFICERS = ['officer/1', 'officer/2'];

interface World {
  readonly cluster: Cluster;
  readonly node: Node;
  /** How many signatures were checked, and rows looked up, at a time. */
  readonly checked: number[];
  readonly looked: number[];
}

/** A bank with a thousand riel whose verifier and store tell what they are asked. */
async function running(t: Test): Promise<World> {
  const checked: number[] = [];
  const looked: number[] = [];
  const cluster: Cluster = new Cluster(testNetwork(), undefined, (ports, id) => {
    if (id !== 'aclb') return ports;
    return { ...ports, verifier: counting(ports.verifier, checked), store: watched(ports.store, looked) };
  });
  await cluster.startAll();
  t.teardown(() => cluster.stop());
  const { node } = cluster.get('aclb');
  await cluster.during(node.submit(transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1_000n)])));
  await cluster.allAt(1);
  checked.length = 0;
  looked.length = 0;
  return { cluster, node, checked, looked };
}

function counting(verifier: Verifier, checked: number[]): Verifier {
  return {
    verify: (check) => verifier.verify(check),
    verifyAll: (checks) => {
      checked.push(checks.length);
      return verifier.verifyAll(checks);
    },
  };
}

function watched(store: StateStore, looked: number[]): StateStore {
  const { lastPlaces } = store;
  store.lastPlaces = (keys) => {
    looked.push(keys.length);
    return lastPlaces.call(store, keys);
  };
  return store;
}

const pay = ({ cluster }: World, minor = 1n) =>
  transactionOf(cluster.network, ['operator/aclb'], [transfer('settlement@aclb', 'settlement@cnb', minor)]);

/** Hands them in at once. `answers` has what became of each: where it stands, or the code of its refusal. */
function handIn({ node, cluster }: World, transactions: readonly Transaction[]) {
  const answers: string[] = transactions.map(() => '');
  const order: number[] = [];
  const answer = (at: number, what: string) => {
    if (answers[at] !== '') throw new Error('answered twice');
    answers[at] = what;
    order.push(at);
  };
  node.submitAll(
    transactions.map((transaction, at) => ({
      transaction,
      admitted: (_id, { state }) => answer(at, state),
      refused: (error) => answer(at, error instanceof CodedError ? error.code : String(error)),
    })),
  );
  return { answers, order, all: () => cluster.until(() => order.length === transactions.length) };
}

t.test('a thousand take a few rounds, and are in the pool in the order they came', async (t) => {
  const world = await running(t);
  const { room } = world.node;
  const sent = Array.from({ length: 1_000 }, () => pay(world));
  const { answers, order, all } = handIn(world, sent);
  t.equal(world.node.room, room - 1_000, 'what is on its way in takes room as well');
  await all();
  t.ok(answers.every((answer) => answer === 'pending'));
  t.strictSame(
    order,
    order.map((_, at) => at),
  );
  t.strictSame(world.checked.slice(0, 4), [256, 256, 256, 232]);
  t.ok(world.looked.length <= 12, `${world.looked} rows at a time`);
  await world.cluster.until(() => world.node.status().pool.transactions === 0);
  const receipts = await world.node.queries.receipts(2);
  t.equal(receipts[0]?.transactionId, idOf(sent[0]!));
  t.equal(world.node.room, room);
});

t.test('one alone waits for nobody', async (t) => {
  const world = await running(t);
  const { answers, all } = handIn(world, [pay(world)]);
  const startMs = world.cluster.clock.now();
  await all();
  t.strictSame([answers, world.cluster.clock.now()], [['pending'], startMs]);
});

t.test('each is refused for what is wrong with it, and the others are not', async (t) => {
  const world = await running(t);
  const { cluster, node } = world;
  const known = pay(world);
  await cluster.during(node.submit(known));
  await cluster.until(() => node.status().pool.transactions === 0);
  const elsewhere = testNetwork(4, { checkpointInterval: 99 });
  const commands = [transfer('settlement@aclb', 'settlement@cnb', 3n)];
  const twice = pay(world);
  const sent = [
    known,
    pay(world),
    { ...pay(world), signatures: known.signatures },
    transactionOf(elsewhere, ['operator/aclb'], commands),
    transactionOf(cluster.network, ['operator/aclb'], commands, 1),
    signTransaction({ ...known.body, commands }, [cluster.network.signer('operator/aclb')]),
    twice,
    twice,
    signTransaction({ ...twice.body, commands }, [cluster.network.signer('operator/aclb')]),
    pay(world),
  ];
  const { answers, all } = handIn(world, sent);
  await all();
  t.strictSame(answers, [
    'final',
    'pending',
    'SIGNATURE_INVALID',
    'CHAIN_MISMATCH',
    'EXPIRED',
    'REFERENCE_REUSED',
    'pending',
    'pending',
    'REFERENCE_REUSED',
    'pending',
  ]);
});

t.test('what the state refuses waits for blocks that may change it; nothing else waits for that', async (t) => {
  const world = await running(t);
  const { cluster } = world;
  const funds = transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 5_000n)]);
  const tooMuch = pay(world, 1_000_000n);
  const { answers, order, all } = handIn(world, [funds, pay(world, 3_000n), pay(world), tooMuch]);
  await cluster.until(() => answers[1] === 'pending');
  t.strictSame(order.slice(0, 2), [0, 2], 'held until the money is there');
  await all();
  t.equal(answers[3], 'INSUFFICIENT_FUNDS');
  const startMs = cluster.clock.now();
  await cluster.until(() => !world.node.isBusy);
  const idle = handIn(world, [pay(world, 1_000_000n)]);
  await idle.all();
  t.equal(idle.answers[0], 'INSUFFICIENT_FUNDS');
  t.ok(cluster.clock.now() - startMs < 5_000, 'on an idle network no block is waited for');
});

t.test('a block that comes while they are looked at may bring some of them', async (t) => {
  const world = await running(t);
  const { cluster, node } = world;
  const [shared, own] = [pay(world), pay(world)];
  const { store } = cluster.get('aclb').chain;
  const get = store.get.bind(store);
  let isHeld = false;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  // The state is read as it was before the block, and given when the block is there.
  store.get = async (keys) => {
    const found = await get(keys);
    if (isHeld) return found;
    isHeld = true;
    await released;
    return found;
  };
  const { answers, all } = handIn(world, [shared, own]);
  await cluster.until(() => isHeld);
  await cluster.during(cluster.get('cnb').node.submit(shared));
  await cluster.until(() => cluster.get('aclb').chain.tip.height === 2);
  release();
  await all();
  t.strictSame(answers, ['final', 'pending']);
  await cluster.until(() => node.status().pool.transactions === 0, 'the pool keeps nothing that no block settles');
});

t.test('a verifier or a store that fails refuses those that it was asked about', async (t) => {
  const world = await running(t);
  const { cluster } = world;
  const { store } = cluster.get('aclb').chain;
  const failing = (method: 'get' | 'lastPlaces', code: string) => {
    const { [method]: before } = store;
    Object.assign(store, {
      [method]: () => {
        Object.assign(store, { [method]: before });
        return Promise.reject(new CodedError(code, 'on purpose'));
      },
    });
  };
  for (const method of ['get', 'lastPlaces'] as const) {
    failing(method, 'STATE_FAILED');
    const { answers, all } = handIn(world, [pay(world), pay(world)]);
    await all();
    t.strictSame(answers, ['STATE_FAILED', 'STATE_FAILED'], method);
  }
  const { verifyAll } = cluster.verifier;
  cluster.verifier.verifyAll = () => Promise.reject(new CodedError('VERIFIER_BUSY', 'on purpose'));
  const busy = handIn(world, [pay(world)]);
  await busy.all();
  t.strictSame(busy.answers, ['VERIFIER_BUSY']);
  cluster.verifier.verifyAll = verifyAll;
  const after = handIn(world, [pay(world)]);
  await after.all();
  t.strictSame(after.answers, ['pending'], 'the next ones are taken');
});

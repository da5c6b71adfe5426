/** The proof of the state beside the node's work: who does not wait for it, what it finds, and how it ends. */
import t, { type Test } from 'tap';
import type { Alter } from '../simulator/world/machine.ts';
import { KEEP_UNSYNCED } from '../storage/index.ts';
import { withBalance } from '../testing/balances.ts';
import { Cluster, type Member } from '../testing/cluster.ts';
import { testNetwork } from '../testing/genesis.ts';
import { contentOf, INTERVAL, pay, spoilFirstChunk } from '../testing/joining.ts';
import { Pace } from './pace.ts';
import type { ProofEnd } from './state-proof.ts';

/** Block 16 carries the root of the state after block 10, block 26 that of 20. */
const HEIGHT = 27;
/** What every payment of these tests changes, and what none does. */
const BUSY = 'account/settlement@aclb';
const QUIET = 'account/settlement@cnb';

/** Where it is on as `wing` starts, the first who reads a state that its store holds gets no page before `release`: its proof. */
class Brake {
  isOn = false;
  readonly #released = Promise.withResolvers<void>();
  readonly #reached = Promise.withResolvers<void>();

  /** Resolves when a page was asked for. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  release(): void {
    this.#released.resolve();
  }

  readonly alter: Alter = (ports, self) => {
    if (self !== 'wing' || !this.isOn) return ports;
    const hold = ports.store.hold.bind(ports.store);
    let isFirst = true;
    ports.store.hold = (read) => {
      const isBraked = isFirst;
      isFirst = false;
      return hold((held) => read(isBraked ? { ...held, pages: this.#braked(held.pages) } : held));
    };
    return ports;
  };

  async *#braked<T>(pages: AsyncIterable<T>): AsyncGenerator<T> {
    this.#reached.resolve();
    await this.#released.promise;
    yield* pages;
  }
}

/** Four banks with a past, of which `wing` is down, and its brake on. */
async function grown(): Promise<{ readonly cluster: Cluster; readonly brake: Brake }> {
  const brake = new Brake();
  const cluster = new Cluster(testNetwork(4, { checkpointInterval: INTERVAL }), undefined, brake.alter);
  await cluster.startAll();
  while (cluster.get('nbc').chain.tip.height < HEIGHT) await pay(cluster);
  await cluster.allAt(HEIGHT);
  cluster.kill('wing');
  brake.isOn = true;
  return { cluster, brake };
}

async function endOf(cluster: Cluster, { chain }: Member): Promise<ProofEnd> {
  if (chain.proofEnd === null) throw new Error('nothing is being proved');
  return await cluster.during(chain.proofEnd);
}

/** Lets `wing` end by itself. */
async function ended(
  t: Test,
  cluster: Cluster,
  error: { readonly code: string; readonly message: RegExp },
): Promise<void> {
  await t.rejects(
    cluster.until(() => false),
    error,
  );
  t.equal(cluster.fatal.length, 1);
  t.equal(cluster.machine('wing').isUp, false);
  cluster.fatal.length = 0;
  cluster.kill('wing');
}

/** After it was given up, a state is made anew and the same as everybody's. */
async function rebuilt(t: Test, cluster: Cluster, brake: Brake): Promise<void> {
  brake.isOn = false;
  const wing = await cluster.start('wing');
  t.match(wing.chain.bootReport, { verifiedFrom: 1, stateProof: 'proved', rebuilt: 'the state is empty' });
  await pay(cluster);
  await cluster.allAt(cluster.get('nbc').chain.tip.height);
  t.strictSame(contentOf(cluster, 'wing'), contentOf(cluster, 'nbc'));
}

t.test('a node votes and follows before its state is proved, which is that of its start', async (t) => {
  const { cluster, brake } = await grown();
  const wing = await cluster.start('wing');
  t.match(wing.chain.bootReport, {
    verifiedFrom: 20,
    replayed: 0,
    provedBy: null,
    stateProof: 'pending',
    rebuilt: null,
  });
  await cluster.during(brake.reached);
  // Nobody can do without its vote.
  cluster.kill('aclb');
  for (let i = 0; i < 3; i++) await pay(cluster);
  await cluster.allAt(HEIGHT + 3);
  t.equal(wing.node.status().stateProof, 'pending');
  brake.release();
  t.match(await endOf(cluster, wing), { is: 'over', height: HEIGHT, by: 20 });
  t.equal(wing.node.status().stateProof, 'proved');
  await cluster.until(() => wing.events.some(({ type }) => type === 'stateProved'));
  t.match(
    wing.events.filter(({ type }) => type === 'stateProved'),
    [{ height: HEIGHT, by: 20 }],
  );
  await cluster.stop();
});

t.test('a false state is found beside, given up, and made anew by the next start', async (t) => {
  const { cluster, brake } = await grown();
  const { entries } = cluster.machine('wing').state;
  entries.set(QUIET, withBalance(entries.get(QUIET), 7n));
  const wing = await cluster.start('wing');
  t.equal(wing.node.status().stateProof, 'pending');
  await pay(cluster);
  await pay(cluster);
  await cluster.allAt(HEIGHT + 2);
  brake.release();
  await ended(t, cluster, { code: 'STATE_CORRUPT', message: /settlement@cnb.*start the node again/ });
  t.equal(cluster.machine('wing').state.tip, null, 'it is marked');
  await rebuilt(t, cluster, brake);
  await cluster.stop();
});

for (const [what, value] of [
  ['another one', (bytes: Uint8Array | undefined) => withBalance(bytes, 9_999n)],
  ['none', () => Uint8Array.of(0xff)],
] as const) {
  t.test(`a value that a block needs and that is ${what} is found before the proof is, and just so`, async (t) => {
    const { cluster, brake } = await grown();
    const { entries } = cluster.machine('wing').state;
    entries.set(BUSY, value(entries.get(BUSY)));
    await cluster.start('wing');
    const paid = pay(cluster).then(
      () => undefined,
      () => undefined,
    );
    await ended(t, cluster, { code: 'STATE_CORRUPT', message: /start the node again/ });
    await paid;
    t.equal(cluster.machine('wing').state.tip, null);
    await rebuilt(t, cluster, brake);
    await cluster.stop();
  });
}

t.test('a stop ends the proof, and the next start begins it again', async (t) => {
  const { cluster, brake } = await grown();
  const wing = await cluster.start('wing');
  await cluster.during(brake.reached);
  const stopped = cluster.during(wing.node.stop());
  brake.release();
  await stopped;
  t.match(await endOf(cluster, wing), { is: 'stopped' });
  t.strictSame(cluster.fatal, []);
  cluster.kill('wing');
  const again = await cluster.start('wing');
  t.match(await endOf(cluster, again), { is: 'over', by: 20 });
  await cluster.stop();
});

t.test('a crash in the middle of it changes nothing', async (t) => {
  const { cluster, brake } = await grown();
  await cluster.start('wing');
  await cluster.during(brake.reached);
  cluster.kill('wing');
  brake.release();
  const again = await cluster.start('wing');
  t.match(again.chain.bootReport, { stateProof: 'pending', rebuilt: null });
  t.match(await endOf(cluster, again), { is: 'over', by: 20 });
  await cluster.stop();
});

t.test(
  'a snapshot that is damaged where only its reader sees it is set aside, and the one before proves',
  async (t) => {
    const { cluster, brake } = await grown();
    brake.isOn = false;
    /** What is left of it while the node is down, to be harmed. */
    const disk = () => {
      const machine = cluster.machine('wing');
      machine.disk = machine.disk.afterCrash(KEEP_UNSYNCED);
      return machine.disk;
    };
    await spoilFirstChunk(cluster, disk(), 20);
    const wing = await cluster.start('wing');
    t.match(await endOf(cluster, wing), { is: 'over', height: HEIGHT, by: INTERVAL });
    t.ok(cluster.machine('wing').disk.list().includes('20.snapshot.damaged-1'));
    cluster.kill('wing');
    await spoilFirstChunk(cluster, disk(), INTERVAL);
    const again = await cluster.start('wing');
    t.match(await endOf(cluster, again), { is: 'over', height: HEIGHT, by: null });
    t.equal(again.node.status().stateProof, 'none');
    await cluster.stop();
  },
);

t.test('a snapshot stays as long as a proof reads it', async (t) => {
  const { cluster, brake } = await grown();
  const wing = await cluster.start('wing');
  await cluster.during(brake.reached);
  while (cluster.get('nbc').chain.tip.height < 46) await pay(cluster);
  await cluster.allAt(46);
  t.strictSame(cluster.get('nbc').chain.snapshots.heights(), [30, 40]);
  t.strictSame(wing.chain.snapshots.heights(), [20, 30, 40]);
  brake.release();
  t.match(await endOf(cluster, wing), { is: 'over', by: 20 });
  await cluster.stop();
});

t.test('work ends in the middle of a pause, and takes none where nobody waits', async (t) => {
  const stop = new AbortController();
  let cancelled = 0;
  const clock = {
    now: () => 0,
    schedule: () => () => {
      cancelled += 1;
    },
  };
  const pace = new Pace(clock, stop.signal);
  await pace.entries(1);
  const paused = pace.block(1_000);
  stop.abort(new Error('enough'));
  await t.rejects(paused, { message: 'enough' });
  t.equal(cancelled, 1);
  const free = new Pace(null);
  for (let i = 0; i < 100; i++) await free.entries(1_000);
});

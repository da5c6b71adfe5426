/** Checkpoints behind the back of the blocks: what waits for them and what does not, and how a restart takes them up. */
import t from 'tap';
import { MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES, MAX_MANIFEST_BYTES } from '../codec/limits.ts';
import { decode, encode } from '../codec/schema.ts';
import { snapshotManifest, stateChunk } from '../codec/state.ts';
import { chainIdOf } from '../crypto/ids.ts';
import type { Clock } from '../ports.ts';
import type { Alter } from '../simulator/world/machine.ts';
import { KEEP_UNSYNCED, MemoryDisk, openBlockLog, openMemoryStateStore, openSnapshots } from '../storage/index.ts';
import { Cluster } from '../testing/cluster.ts';
import { testNetwork } from '../testing/genesis.ts';
import { contentOf, INTERVAL, OFFICERS, pay, spoilFirstChunk } from '../testing/joining.ts';
import { issue, settlement, transactionOf } from '../testing/transactions.ts';
import type { StateKey } from '../types/index.ts';
import { Checkpoints, certifierOf, checkpointIn, isHalfwayToCertifier, openCheckpoint } from './checkpoints.ts';
import { stateRoot } from './snapshot.ts';

t.test('each checkpoint is open until one block carries its root, and never two of them', async (t) => {
  for (const interval of [1, 2, 3, 10, 1_000]) {
    let open: number | null = null;
    for (let height = 1; height <= 3 * interval; height++) {
      const carried = checkpointIn(height, interval);
      t.equal(carried !== null, carried === open && open !== null && height === certifierOf(open, interval));
      if (carried !== null) open = null;
      if (height % interval === 0) {
        t.equal(open, null, `${interval}: the one before ${height} was carried`);
        open = height;
      }
      t.equal(openCheckpoint(height, interval), open, `${height} of ${interval}`);
    }
  }
});

/** A store whose readings of the whole state, once begun, give nothing before `release` is called. */
function holding(): { readonly alter: Alter; readonly release: () => void; readonly begun: () => number } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  const alter: Alter = (ports) => {
    const hold = ports.store.hold.bind(ports.store);
    ports.store.hold = (read) => {
      begun += 1;
      return hold(async (state) => {
        await promise;
        return await read(state);
      });
    };
    return ports;
  };
  return { alter, release: resolve, begun: () => begun };
}

t.test('blocks do not wait for the reading of a state, but for the one that carries its root', async (t) => {
  const { alter, release, begun } = holding();
  const cluster = new Cluster(testNetwork(4, { checkpointInterval: INTERVAL }), undefined, alter);
  await cluster.startAll();
  const { chain } = cluster.get('nbc');
  const due = certifierOf(INTERVAL, INTERVAL);
  while (chain.tip.height < due - 1) await pay(cluster);
  await cluster.allAt(due - 1);
  t.equal(begun(), 4, 'every node began, when its block was there');
  t.strictSame(chain.snapshots.heights(), []);
  const paid = pay(cluster).then(() => true);
  await cluster.pass(30_000);
  t.equal(chain.tip.height, due - 1, 'the next block waits');
  release();
  t.ok(await paid);
  t.equal(chain.tip.height, due);
  const [manifest] = await manifests(cluster, INTERVAL);
  t.ok(manifest);
  t.equal(new Set(await manifests(cluster, INTERVAL)).size, 1, 'of the state of then, on every node');
  await cluster.stop();
});

t.test('what keeps a checkpoint from being made ends the node', async (t) => {
  const failing: Alter = (ports, self) => {
    const { begin } = ports.snapshots;
    if (self === 'wing') {
      ports.snapshots.begin = async (height) => ({
        ...(await begin.call(ports.snapshots, height)),
        append: () => Promise.reject(new Error('no more room')),
      });
    }
    return ports;
  };
  const cluster = new Cluster(testNetwork(4, { checkpointInterval: INTERVAL }), undefined, failing);
  await cluster.startAll();
  const grow = async () => {
    while (cluster.get('nbc').chain.tip.height <= INTERVAL) await pay(cluster);
  };
  await t.rejects(grow(), { message: 'no more room' });
  t.equal(cluster.fatal.length, 1);
  t.equal(cluster.machine('wing').isUp, false);
});

t.test(
  'a stop in the middle of a reading leaves nothing of it and no error, and the next start takes it up',
  async (t) => {
    const { alter, release } = holding();
    const network = testNetwork(1, { checkpointInterval: INTERVAL });
    const one = async () => {
      const { node } = cluster.get('nbc');
      const { id } = await cluster.during(
        node.submit(transactionOf(network, OFFICERS, [issue(settlement('nbc'), 1n)])),
      );
      await cluster.until(async () => (await node.standing(id)).state === 'final');
    };
    let isHeld = true;
    const cluster = new Cluster(network, undefined, (ports, self) => (isHeld ? alter(ports, self) : ports));
    await cluster.startAll();
    while (cluster.get('nbc').chain.tip.height < INTERVAL) await one();
    const stopped = cluster.get('nbc').node.stop();
    release();
    await stopped;
    t.strictSame(cluster.fatal, []);
    t.strictSame(snapshotsOn(cluster.machine('nbc').disk), []);
    cluster.kill('nbc');
    isHeld = false;
    const { chain } = await cluster.start('nbc');
    while (chain.tip.height < certifierOf(INTERVAL, INTERVAL)) await one();
    t.strictSame(chain.snapshots.heights(), [INTERVAL]);
    await cluster.stop();
  },
);

const OPEN = 2 * INTERVAL;
const PROVED = { rebuilt: null, stateProof: 'pending' };
const CASES: readonly (readonly [what: string, height: number, harm: Harm, report: object])[] = [
  ['with its snapshot', OPEN + 2, () => undefined, { ...PROVED, replayed: 0 }],
  ['at its block', OPEN, ({ disk }) => disk.remove(`${OPEN}.snapshot`), PROVED],
  ['without its snapshot', OPEN + 2, ({ disk }) => disk.remove(`${OPEN}.snapshot`), { ...PROVED, replayed: 0 }],
  [
    'with a damaged one',
    OPEN + 2,
    ({ disk }) => disk.write(`${OPEN}.snapshot`, new Uint8Array(99)),
    { ...PROVED, replayed: 0 },
  ],
  [
    'without any snapshot',
    OPEN + 2,
    async ({ disk }) => {
      for (const name of snapshotsOn(disk)) await disk.remove(name);
    },
    { stateProof: 'proved', rebuilt: /not written down/, replayed: OPEN + 2 },
  ],
  [
    'with a state that lost the blocks since',
    OPEN + 2,
    async ({ disk, state }) => {
      await disk.remove(`${OPEN}.snapshot`);
      state.loseNewest(5);
    },
    { ...PROVED, replayed: 5 },
  ],
];
type Harm = (machine: ReturnType<Cluster['machine']>) => Promise<void> | void;

for (const [what, height, harm, report] of CASES) {
  t.test(`a restart before a block carries the root, ${what}`, async (t) => {
    const cluster = await grownTo(height);
    kill(cluster);
    await harm(cluster.machine('wing'));
    const wing = await cluster.start('wing');
    t.match(wing.chain.bootReport, report);
    const proof = wing.chain.proofEnd;
    if (proof !== null) t.match(await cluster.during(proof), { is: 'over', height, by: INTERVAL });
    t.equal(wing.chain.stateStanding, 'proved');
    // Nobody can do without its vote, and so without its root.
    cluster.kill('aclb');
    while (cluster.get('nbc').chain.tip.height <= certifierOf(OPEN, INTERVAL)) await pay(cluster);
    await cluster.allAt(cluster.get('nbc').chain.tip.height);
    const certifier = await wing.chain.read(certifierOf(OPEN, INTERVAL));
    t.ok(certifier?.certificate.signatures.some(({ validator }) => validator === 3));
    t.equal(new Set(await manifests(cluster, OPEN)).size, 1);
    t.strictSame(contentOf(cluster, 'wing'), contentOf(cluster, 'nbc'));
    await cluster.stop();
  });
}

t.test('a state that is another one is given up with the snapshot that was taken of it', async (t) => {
  const cluster = await grownTo(OPEN + 2);
  kill(cluster);
  cluster.machine('wing').state.entries.delete('supply/KHR');
  await cluster.start('wing');
  await t.rejects(
    cluster.until(() => false),
    { code: 'STATE_CORRUPT', message: /lacks supply/ },
  );
  cluster.fatal.length = 0;
  kill(cluster);
  t.strictSame(snapshotsOn(cluster.machine('wing').disk), [`${INTERVAL}.snapshot`]);
  t.ok(cluster.machine('wing').disk.list().includes(`${OPEN}.snapshot.damaged-1`));
  const wing = await cluster.start('wing');
  t.match(wing.chain.bootReport, { stateProof: 'proved', rebuilt: /empty/, replayed: OPEN + 2 });
  t.strictSame(contentOf(cluster, 'wing'), contentOf(cluster, 'nbc'));
  cluster.kill('aclb');
  while (cluster.get('nbc').chain.tip.height <= certifierOf(OPEN, INTERVAL)) await pay(cluster);
  await cluster.allAt(cluster.get('nbc').chain.tip.height);
  t.equal(new Set(await manifests(cluster, OPEN)).size, 1);
  await cluster.stop();
});

t.test(
  'a checkpoint that cannot be made from a damaged snapshot ends the node, and the next start does without',
  async (t) => {
    const cluster = await grownTo(OPEN + 2);
    kill(cluster);
    const { disk } = cluster.machine('wing');
    await disk.remove(`${OPEN}.snapshot`);
    await spoilFirstChunk(cluster, disk, INTERVAL);
    await cluster.start('wing');
    await t.rejects(
      cluster.until(() => false),
      { code: 'SNAPSHOT_CORRUPT', message: /start the node again/ },
    );
    cluster.fatal.length = 0;
    kill(cluster);
    const wing = await cluster.start('wing');
    t.match(wing.chain.bootReport, { stateProof: 'proved', rebuilt: /not written down/, replayed: OPEN + 2 });
    await cluster.stop();
  },
);

t.test('a false snapshot of its own costs a node one start, and never a false block', async (t) => {
  const cluster = await grownTo(OPEN + 2);
  kill(cluster);
  await falsify(cluster.machine('wing').disk, cluster);
  await cluster.start('wing');
  const due = certifierOf(OPEN, INTERVAL);
  const grow = async () => {
    while (cluster.get('nbc').chain.tip.height <= due) await pay(cluster);
    await cluster.allAt(due);
  };
  await t.rejects(grow(), { name: 'AssertionError', message: /another one here/ });
  t.equal(cluster.machine('wing').isUp, false);
  cluster.fatal.length = 0;
  cluster.kill('wing');
  t.ok(cluster.machine('wing').disk.list().includes(`${OPEN}.snapshot.damaged-1`));
  const wing = await cluster.start('wing');
  await grow();
  t.equal(wing.chain.tip.hash, cluster.get('nbc').chain.tip.hash);
  t.equal(new Set(await manifests(cluster, OPEN)).size, 1);
  await cluster.stop();
});

/** Checkpoints of a state of five chunks, by a clock whose timers do not fire. */
async function resting() {
  let nowMs = 0;
  const delays: number[] = [];
  const clock: Clock = {
    now: () => (nowMs += 10),
    schedule: (delayMs) => {
      delays.push(delayMs);
      return () => undefined;
    },
  };
  const { genesis } = testNetwork(1);
  const chainId = chainIdOf(genesis);
  const store = openMemoryStateStore();
  const entries = Array.from({ length: 5 * MAX_CHUNK_ENTRIES }, (_, n) => ({
    key: `r/${10_000 + n}` as StateKey,
    value: Uint8Array.of(n % 256),
  }));
  await store.fill(entries);
  await store.seal(INTERVAL, chainId);
  const disk = new MemoryDisk();
  const snapshots = await openSnapshots(disk, chainId);
  const log = await openBlockLog(disk, chainId);
  return { parts: { store, snapshots, log, inUse: () => [] }, clock, delays };
}

for (const what of ['hurry', 'root'] as const) {
  t.test(`a reading that rests does not once ${what} is called, and gives the same root`, async (t) => {
    const { parts, clock, delays } = await resting();
    const due = await parts.store.hold(({ chunks }) => stateRoot(chunks));
    const checkpoints = new Checkpoints({ ...parts, clock });
    checkpoints.begin(INTERVAL);
    while (delays.length === 0) await new Promise(setImmediate);
    t.strictSame(parts.snapshots.heights(), []);
    if (what === 'hurry') checkpoints.hurry();
    t.equal(await checkpoints.root(INTERVAL), due);
    t.equal(delays.length, 1, 'the first rest was the last');
    t.strictSame(parts.snapshots.heights(), [INTERVAL]);
  });
}

t.test('a reading that rests ends at once when it is stopped', async (t) => {
  const { parts, clock, delays } = await resting();
  const checkpoints = new Checkpoints({ ...parts, clock });
  checkpoints.onFailure(() => t.fail('a stop is no failure'));
  checkpoints.begin(INTERVAL);
  while (delays.length === 0) await new Promise(setImmediate);
  await checkpoints.stop();
  t.strictSame(parts.snapshots.heights(), []);
  t.notOk(checkpoints.has(INTERVAL));
});

t.test('halfway to the block that carries a root, once between each checkpoint and it', (t) => {
  const at = Array.from({ length: 2_000 }, (_, n) => n + 1).filter((height) => isHalfwayToCertifier(height, 1_000));
  t.strictSame(at, [250, 1_250]);
  t.equal(certifierOf(1_000, 1_000), 1_501);
  t.end();
});

/** Its disk stays, to be harmed. */
function kill(cluster: Cluster): void {
  cluster.kill('wing');
  const machine = cluster.machine('wing');
  machine.disk = machine.disk.afterCrash(KEEP_UNSYNCED);
}

async function grownTo(height: number): Promise<Cluster> {
  const cluster = new Cluster(testNetwork(4, { checkpointInterval: INTERVAL }));
  await cluster.startAll();
  while (cluster.get('nbc').chain.tip.height < height) await pay(cluster);
  await cluster.allAt(height);
  return cluster;
}

/** The manifest of a snapshot on each node that is up; «none» where there is none. */
async function manifests(cluster: Cluster, height: number): Promise<string[]> {
  const found: string[] = [];
  for (const { chain } of cluster.members.values()) {
    const bytes = await chain.snapshots.manifest(height);
    found.push(bytes === null ? 'none' : Buffer.from(bytes).toString('hex'));
  }
  return found;
}

/** Puts a snapshot of another state in the place of the true one: well-formed, and in order with itself. */
async function falsify(disk: MemoryDisk, cluster: Cluster): Promise<void> {
  const snapshots = await openSnapshots(disk, chainIdOf(cluster.network.genesis));
  const chunk = (await snapshots.chunk(OPEN, 0)) ?? new Uint8Array();
  const manifest = decode(snapshotManifest, (await snapshots.manifest(OPEN)) ?? new Uint8Array(), MAX_MANIFEST_BYTES);
  const [, ...rest] = decode(stateChunk, chunk, MAX_CHUNK_BYTES);
  const writer = await snapshots.begin(OPEN);
  await writer.append(encode(stateChunk, rest));
  await writer.finish(encode(snapshotManifest, { ...manifest, entries: manifest.entries - 1 }));
  await snapshots.close();
}

function snapshotsOn(disk: MemoryDisk): string[] {
  return disk.list().filter((name) => name.endsWith('.snapshot'));
}

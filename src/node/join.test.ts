/** Coming back through a snapshot: from honest peers, after a crash at every point, and past peers that have none. */
import t from 'tap';
import { chunkQuestion, manifestQuestion } from '../codec/messages.ts';
import { encode } from '../codec/schema.ts';
import type { Question } from '../ports.ts';
import { KEEP_UNSYNCED, LOSE_UNSYNCED } from '../storage/index.ts';
import { Cluster } from '../testing/cluster.ts';
import { KHR, testNetwork } from '../testing/genesis.ts';
import {
  BLOCKS,
  clusterOfLiars,
  contentOf,
  grown,
  INTERVAL,
  type Lie,
  level,
  OFFICERS,
  pay,
} from '../testing/joining.ts';
import { issue, settlement, transactionOf } from '../testing/transactions.ts';
import type { ParticipantId } from '../types/index.ts';
import { certifierOf } from './checkpoints.ts';
import { Refusal } from './refusals.ts';

/** The block that vouches for the snapshot of the first checkpoint. */
const CERTIFIER = certifierOf(INTERVAL, INTERVAL);

/** The newest snapshot that a joiner can get from a record of this height. */
function newestCertified(height: number): number {
  const since = height - CERTIFIER + INTERVAL;
  return since - (since % INTERVAL);
}

t.test('a wiped bank comes back through a snapshot, votes again, and knows what it does not know', async (t) => {
  const cluster = await grown(clusterOfLiars(new Map()));
  const old = transactionOf(cluster.network, OFFICERS, [issue(settlement('wing'), 5n)]);
  await pay(cluster, old);
  for (let i = 0; i < 2 * INTERVAL; i++) await pay(cluster);
  await level(cluster);
  cluster.wipe('wing');
  const wing = await cluster.start('wing');
  await level(cluster);
  const { tip } = cluster.get('nbc').chain;
  const first = wing.chain.log.first();
  t.equal(first, newestCertified(tip.height));
  t.match(
    wing.events.filter(({ type }) => type === 'joining' || type === 'joined'),
    [
      { type: 'joining', height: first },
      { type: 'joined', height: first },
    ],
  );
  t.strictSame(contentOf(cluster, 'wing'), contentOf(cluster, 'nbc'));
  t.equal(wing.node.status().knownFromHeight, first + 1);
  t.equal(await wing.node.queries.block(first - 1), null);

  // What took effect before it is not admitted anew.
  await t.rejects(cluster.during(wing.node.submit(old)), { code: 'HISTORY_ELSEWHERE' });
  await cluster.during(wing.node.submit(old)).catch((error: unknown) => t.ok(error instanceof Refusal));
  t.equal(wing.node.status().pool.transactions, 0);

  // Without its vote there are two of four.
  cluster.kill('cnb');
  await pay(cluster);
  t.ok((await cluster.get('nbc').node.queries.balances(settlement('aclb'))).get(KHR));
  await cluster.until(() => cluster.get('wing').chain.tip.height === cluster.get('nbc').chain.tip.height);
  const certificate = (await cluster.get('nbc').chain.read(cluster.get('nbc').chain.tip.height))?.certificate;
  t.ok(
    certificate?.signatures.some(({ validator }) => validator === 3),
    'it voted',
  );

  // And what it has now outlasts its process.
  cluster.kill('wing');
  const again = await cluster.start('wing');
  t.match(again.chain.bootReport, { stateProof: 'pending', verifiedFrom: first, rebuilt: null });
  t.match(await cluster.during(again.chain.proofEnd ?? Promise.reject(new Error('none'))), { is: 'over', by: first });

  // The snapshot that the record begins with stays, for a state that is lost is made of it.
  for (let i = 0; i < 3 * INTERVAL; i++) await pay(cluster);
  const { height } = cluster.get('nbc').chain.tip;
  await cluster.until(() => cluster.get('wing').chain.tip.height === height);
  const newest = height - (height % INTERVAL);
  t.strictSame(cluster.get('wing').chain.snapshots.heights(), [first, newest - INTERVAL, newest]);
  cluster.kill('wing');
  cluster.machine('wing').state.clear();
  const refilled = await cluster.start('wing');
  t.match(refilled.chain.bootReport, { verifiedFrom: first, height, replayed: height - first, rebuilt: /empty/ });
  t.strictSame(contentOf(cluster, 'wing'), contentOf(cluster, 'nbc'));

  // Without both it starts over, and joins once more.
  cluster.kill('wing');
  cluster.machine('wing').state.clear();
  cluster.machine('wing').disk.write(`${first}.snapshot`, new Uint8Array());
  const anew = await cluster.start('wing');
  t.match(anew.chain.bootReport, { verifiedFrom: 1, height: 0, rebuilt: /starting over/ });
  await cluster.until(() => anew.chain.tip.hash === cluster.get('nbc').chain.tip.hash);
  t.equal(anew.chain.log.first(), newestCertified(height));
  await cluster.stop();
});

t.test('where nobody can give a snapshot, all blocks are fetched', async (t) => {
  const lies = new Map<string, Lie>();
  const cluster = await grown(clusterOfLiars(lies));
  // Removed everywhere in the middle of the fetching.
  for (const id of ['nbc', 'aclb', 'cnb']) lies.set(id, (question, frames) => (question === 'chunk' ? [] : frames));
  cluster.wipe('wing');
  const wing = await cluster.start('wing');
  await level(cluster);
  t.equal(wing.chain.log.first(), 1);
  t.strictSame(cluster.wires.bans, []);
  await cluster.stop();
});

t.test('a crash at each thing that a join does to disk and network, and it still ends well', async (t) => {
  const cluster = await grown(clusterOfLiars(new Map()));
  let points = 0;
  for (let effect = 1; ; effect++) {
    cluster.wipe('wing');
    const started = cluster.start('wing').catch(() => null);
    cluster.machine('wing').crashAtEffect(effect);
    await Promise.race([started, cluster.until(() => !cluster.machine('wing').isUp)]);
    const isDone = () => cluster.members.get('wing')?.chain.tip.height === cluster.get('nbc').chain.tip.height;
    await cluster.until(() => isDone() || !cluster.machine('wing').isUp, `effect ${effect}`);
    if (cluster.machine('wing').isUp) break;
    points += 1;
    cluster.machine('wing').crash(effect % 2 === 0 ? KEEP_UNSYNCED : LOSE_UNSYNCED, effect % 3);
    const wing = await cluster.start('wing');
    await cluster.until(() => wing.chain.tip.height === cluster.get('nbc').chain.tip.height, `after effect ${effect}`);
    t.equal(wing.chain.tip.hash, cluster.get('nbc').chain.tip.hash);
    t.strictSame(contentOf(cluster, 'wing'), contentOf(cluster, 'nbc'), `after effect ${effect}`);
  }
  t.ok(points > 20, `${points} points`);
  t.strictSame(cluster.wires.bans, []);
  await cluster.stop();
});

t.test('a peer whose record begins later is neither banned nor disbelieved, and another one is asked', async (t) => {
  const cluster = new Cluster(testNetwork(4, { checkpointInterval: INTERVAL }));
  await cluster.startAll();
  while (cluster.get('nbc').chain.tip.height < 5) await pay(cluster);
  await cluster.allAt(5);
  cluster.kill('aclb');
  while (cluster.get('nbc').chain.tip.height < BLOCKS) await pay(cluster);
  cluster.wipe('wing');
  const wing = await cluster.start('wing');
  await cluster.until(() => wing.chain.tip.height >= BLOCKS);
  t.ok(wing.chain.log.first() > 5);

  // From the full record of one peer, beside one that begins later.
  await cluster.start('aclb');
  await level(cluster);
  t.equal(cluster.get('aclb').chain.log.first(), 1);
  t.strictSame(cluster.wires.bans, []);
  await cluster.stop();
});

t.test('a chain whose next block nobody has any more begins at a snapshot, and its record is kept aside', async (t) => {
  const lies = new Map<string, Lie>();
  const cluster = clusterOfLiars(lies);
  await cluster.startAll();
  while (cluster.get('nbc').chain.tip.height < 5) await pay(cluster);
  await cluster.allAt(5);
  cluster.kill('aclb');
  while (cluster.get('nbc').chain.tip.height < BLOCKS) await pay(cluster);
  await cluster.until(
    () => cluster.get('cnb').chain.tip.height >= BLOCKS && cluster.get('wing').chain.tip.height >= BLOCKS,
  );
  for (const id of ['wing', 'cnb']) {
    cluster.wipe(id);
    const member = await cluster.start(id);
    await cluster.until(() => member.chain.tip.height >= BLOCKS);
  }
  cluster.kill('nbc');
  const record = cluster.machine('aclb').disk.peek('blocks.log');
  const aclb = await cluster.start('aclb');
  await cluster.until(() => aclb.chain.tip.hash === cluster.get('wing').chain.tip.hash, 'aclb is level');
  t.ok(aclb.chain.log.first() > 5);
  t.strictSame(cluster.machine('aclb').disk.peek('blocks.log.replaced-1'), record);
  t.strictSame(cluster.wires.bans, []);
  await cluster.stop();
});

t.test('malformed questions are nobody honest asks; those for what is not there have empty answers', async (t) => {
  const cluster = new Cluster(testNetwork(4, { checkpointInterval: INTERVAL }));
  await cluster.startAll();
  while (cluster.get('nbc').chain.tip.height < CERTIFIER - 1) await pay(cluster);
  const { chain } = cluster.get('nbc');
  t.strictSame(chain.snapshots.heights(), [INTERVAL]);
  const stranger = cluster.wires.join('stranger' as ParticipantId);
  await stranger.start({
    onGossip: () => Promise.resolve('ignore'),
    onBatch: () => Promise.resolve('ignore'),
    onQuestion: () => Promise.resolve([]),
    onPeer: () => undefined,
  });
  const ask = (question: Question, bytes: Uint8Array) =>
    cluster.during(stranger.ask('nbc' as ParticipantId, question, bytes));
  t.strictSame(await ask('manifest', encode(manifestQuestion, { above: 0 })), [], 'no block vouches for it yet');
  await pay(cluster);
  t.equal((await ask('manifest', encode(manifestQuestion, { above: INTERVAL - 1 }))).length, 1);
  t.strictSame(await ask('manifest', encode(manifestQuestion, { above: INTERVAL })), []);
  t.equal((await ask('chunk', encode(chunkQuestion, { height: INTERVAL, index: 0 }))).length, 1);
  t.strictSame(await ask('chunk', encode(chunkQuestion, { height: INTERVAL, index: 1 })), []);
  t.strictSame(await ask('chunk', encode(chunkQuestion, { height: 2 * INTERVAL, index: 0 })), []);
  for (const question of ['manifest', 'chunk'] as const) {
    for (const bytes of [new Uint8Array(), new Uint8Array(300), new Uint8Array([0x81]), new Uint8Array([0x82, 0, 0])]) {
      cluster.wires.heal();
      cluster.wires.bans.length = 0;
      await t.rejects(ask(question, bytes));
      t.match(cluster.wires.bans, [{ by: 'nbc', peer: 'stranger' }]);
    }
  }
  await cluster.stop();
});

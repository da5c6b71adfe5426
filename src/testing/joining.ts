/** A grown cluster whose members can lie, for the tests of joining. */
import { chainIdOf } from '../crypto/ids.ts';
import type { Question } from '../ports.ts';
import { answering } from '../simulator/byzantine/actor.ts';
import { type MemoryDisk, openSnapshots } from '../storage/index.ts';
import type { Transaction } from '../types/index.ts';
import { Cluster } from './cluster.ts';
import { testNetwork } from './genesis.ts';
import { issue, open, settlement, transactionOf } from './transactions.ts';

export const OFFICERS = ['officer/1', 'officer/2'];
export const INTERVAL = 10;
/** More than `MAX_SYNC_BLOCKS`, so that an empty chain asks for a snapshot. */
export const BLOCKS = 73;

export type Frames = readonly Uint8Array[];
/** What a liar makes of a true answer. */
export type Lie = (question: Question, frames: Frames, asked: Uint8Array) => Frames | Promise<Frames>;

/** A cluster whose members lie as told. */
export function clusterOfLiars(lies: Map<string, Lie>): Cluster {
  const network = testNetwork(4, { checkpointInterval: INTERVAL });
  return new Cluster(network, undefined, (ports, self) => ({
    ...ports,
    network: answering(ports.network, async (handlers, question, from, bytes) => {
      const answer = await handlers.onQuestion(question, from, bytes);
      const lie = lies.get(self);
      return answer === null || lie === undefined ? answer : await lie(question, answer, bytes);
    }),
  }));
}

export async function pay(cluster: Cluster, tx?: Transaction): Promise<void> {
  const { node } = cluster.get(tx === undefined ? 'nbc' : 'aclb');
  const paid = tx ?? transactionOf(cluster.network, OFFICERS, [issue(settlement('aclb'), 1n)]);
  const { id } = await cluster.during(node.submit(paid));
  await cluster.until(async () => (await node.standing(id)).state === 'final', 'a payment is final');
}

export async function grown(cluster: Cluster, accounts = 0): Promise<Cluster> {
  await cluster.startAll();
  for (let made = 0; made < accounts; made += 128) {
    const commands = Array.from({ length: 128 }, (_, i) => open(cluster.network, `a${made + i}@aclb`));
    await pay(cluster, transactionOf(cluster.network, ['operator/aclb'], commands));
  }
  while (cluster.get('nbc').chain.tip.height < BLOCKS) await pay(cluster);
  await level(cluster);
  return cluster;
}

export async function level(cluster: Cluster): Promise<void> {
  await cluster.until(() => {
    const hashes = [...cluster.members.values()].map(({ chain }) => chain.tip.hash);
    return new Set(hashes).size === 1 && cluster.get('nbc').chain.tip.height >= BLOCKS;
  }, 'all are level');
}

export const contentOf = (cluster: Cluster, id: string) =>
  cluster
    .machine(id)
    .state.entries.entries()
    .map(([key, value]) => [key, Buffer.from(value).toString('hex')]);

/** Puts a snapshot in the place of one: well-formed and with its manifest, but its first chunk is not the one that this speaks of. */
export async function spoilFirstChunk(cluster: Cluster, disk: MemoryDisk, height: number): Promise<void> {
  const snapshots = await openSnapshots(disk, chainIdOf(cluster.network.genesis));
  const manifest = (await snapshots.manifest(height)) ?? new Uint8Array();
  const chunk = (await snapshots.chunk(height, 0)) ?? new Uint8Array();
  const writer = await snapshots.begin(height);
  await writer.append(chunk.map((byte, at) => (at === 10 ? byte ^ 1 : byte)));
  await writer.finish(manifest);
  await snapshots.close();
}

/** A network of honest nodes with one hostile member, and the laws that hold there whatever it does. */

import type { ParticipantId } from '../types/index.ts';
import { Cluster } from './cluster.ts';
import { funding } from './hostile-forge.ts';
import { HostilePeer } from './hostile-peer.ts';

const HOSTILE = 'wing';
/** Of the core and the engine, for four validators: see `consensus/log.ts` and `MAX_EARLY`. */
const BOUNDS = {
  early: 256,
  rounds: 16,
  proposals: 64,
  votes: 512,
  blocks: 64,
  waiting: 64,
  evidence: 64,
  timers: 512,
};

export interface Scene {
  readonly cluster: Cluster;
  readonly peer: HostilePeer;
  readonly honest: readonly ParticipantId[];
  /** Handlers that threw. */
  readonly failures: unknown[];
}

export async function scene(): Promise<Scene> {
  const cluster = new Cluster();
  const failures: unknown[] = [];
  const quiet = () => undefined;
  cluster.wires.wiretap = {
    sent: quiet,
    delivered: quiet,
    banned: quiet,
    failed: (_at, error) => failures.push(error),
  };
  const honest = cluster.ids.filter((id) => id !== HOSTILE) as ParticipantId[];
  for (const id of honest) await cluster.start(id);
  const peer = new HostilePeer(cluster, HOSTILE);
  await peer.start();
  await pay({ cluster, peer, honest, failures });
  return { cluster, peer, honest, failures };
}

/** One more payment becomes final on every honest node. */
export async function pay({ cluster, honest }: Pick<Scene, 'cluster' | 'honest'> & Partial<Scene>): Promise<void> {
  const [first = ''] = honest;
  const { node } = cluster.get(first);
  const transaction = funding(cluster, 'aclb');
  const { id } = await cluster.during(node.submit(transaction));
  const onAll = () =>
    Promise.all(honest.map(async (each) => (await cluster.get(each).node.standing(id)).state === 'final'));
  await cluster.until(async () => (await onAll()).every((isFinal) => isFinal), 'a payment is final everywhere');
}

/** What broke a law that holds at any time, or null. */
export function broken({ cluster, honest, failures }: Scene): string | null {
  if (failures.length > 0) return `a handler threw: ${(failures[0] as Error).stack}`;
  if (cluster.fatal.length > 0) return `a node ended: ${(cluster.fatal[0] as Error).stack}`;
  const framed = cluster.wires.bans.find(({ by, peer }) => peer !== HOSTILE && honest.includes(by));
  if (framed !== undefined) return `${framed.by} banned ${framed.peer}: ${framed.reason}`;
  for (const id of honest) {
    const { held } = cluster.get(id).node;
    const over = Object.entries(BOUNDS).find(([what, bound]) => held[what as keyof typeof held] > bound);
    if (over !== undefined) return `${id} keeps ${JSON.stringify(held)}`;
  }
  const accused = honest.flatMap((id) =>
    cluster.get(id).events.flatMap((event) => (event.type === 'evidence' ? [event.participant] : [])),
  );
  return accused.some((id) => id !== HOSTILE) ? `${accused.join(', ')} were accused` : null;
}

/** What the honest nodes have in common at the end. */
export async function agreement({ cluster, honest }: Scene): Promise<boolean> {
  const chains = honest.map((id) => cluster.get(id).chain);
  const height = Math.min(...chains.map(({ tip }) => tip.height));
  const logs = await Promise.all(chains.map(async ({ log }) => await log.read(height)));
  const hashes = await Promise.all(chains.map(async (chain) => (await chain.read(height))?.certificate.blockHash));
  return logs.every((log) => log !== null) && hashes.every((block) => block !== undefined && block === hashes[0]);
}

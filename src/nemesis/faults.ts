/** Does to a network what the plan says, and undoes it: when a strike resolves, everything runs and every link is whole. */
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { exitCode } from '../cli/exit-codes.ts';
import { homePaths } from '../cli/home.ts';
import type { Wires } from '../cli/links/wires.ts';
import { describeEnd, type NodeEnd } from '../cli/node-child.ts';
import type { LocalNetworkHandle } from '../cli/start-local-network.ts';
import { wait } from '../cli/system.ts';
import { assert } from '../errors.ts';
import type { Clock } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import type { Fault } from './plan.ts';
import type { Witness } from './witness.ts';

export interface Field {
  readonly network: LocalNetworkHandle;
  readonly wires: Wires;
  readonly witness: Witness;
  readonly clock: Clock;
  /** For copies of data folders. */
  readonly scratch: string;
  /** Cuts the quiet parts short. */
  readonly signal: AbortSignal;
  /** Something that must not be. */
  readonly report: (name: ProcessViolation, what: string) => void;
}

type ProcessViolation = 'badEnd' | 'noQuorum' | 'stuck';

/** After all were killed: milliseconds from the start of the first process. */
export interface Restart {
  /** Until all had their ports open. */
  readonly readyMs: number;
  /** Until the first block that was made after the restart was seen; null where none came within a minute. */
  readonly firstCommitMs: number | null;
}

/** What was under way when a partition began may still arrive: certificates, votes already given. */
const SETTLE_MS = 1_000;
/** Between two resets of `drop`. */
const DROP_EVERY_MS = 700;
/** How long a copy of a data folder has to grow old, in blocks. */
const OLDER_BY_BLOCKS = 5;
const PATIENCE_MS = 60_000;

/** @throws CodedError where a node does not start again. */
export async function strike(fault: Fault, field: Field): Promise<Restart | null> {
  const { network, signal } = field;
  const { nodes, forMs } = fault;
  switch (fault.kind) {
    case 'killOne':
    case 'killSome':
      await killAll(nodes, network);
      await pauseFor(forMs, field);
      await startAll(nodes, network);
      return null;
    case 'killAll':
      return await killEveryone(fault, field);
    case 'pause':
    case 'block':
      await Promise.all(nodes.map((id) => network.kill(id, 'SIGSTOP')));
      await pauseFor(forMs, field);
      await Promise.all(nodes.map((id) => network.kill(id, 'SIGCONT')));
      return null;
    case 'stop':
    case 'rolling':
      for (const id of nodes) {
        await restart(id, field);
        if (fault.kind === 'rolling') await caughtUp(id, field);
        if (signal.aborted) break;
        await pauseFor(forMs, field);
      }
      return null;
    case 'wipe':
      await wipe(fault, field);
      return null;
    case 'restore':
      await restore(fault, field);
      return null;
    default:
      try {
        await disturb(fault, field);
      } finally {
        for (const [a, b] of links(network)) field.wires.mend(a, b);
      }
      return null;
  }
}

async function killEveryone({ nodes, forMs }: Fault, field: Field): Promise<Restart> {
  const { network, clock, witness } = field;
  await killAll(nodes, network);
  await pauseFor(forMs, field);
  const atMs = clock.now();
  const firstCommit = witness.firstBlockAfter(atMs, PATIENCE_MS);
  await startAll(nodes, network);
  const readyMs = clock.now() - atMs;
  const firstCommitAtMs = await firstCommit;
  return { readyMs, firstCommitMs: firstCommitAtMs === null ? null : firstCommitAtMs - atMs };
}

/** SIGTERM: it has to end in order, and comes back at once. */
async function restart(id: ParticipantId, { network, report }: Field): Promise<void> {
  const end = await network.kill(id, 'SIGTERM');
  if (end !== null && !endedInOrder(end)) report('badEnd', `after SIGTERM ${describeEnd(end)}`);
  await network.start(id);
}

export function endedInOrder({ code }: NodeEnd): boolean {
  return code === exitCode('OK');
}

async function wipe({ nodes, forMs }: Fault, field: Field): Promise<void> {
  const { network, witness } = field;
  for (const id of nodes) {
    await network.kill(id, 'SIGKILL');
    await rm(dataOf(id, network), { recursive: true });
    witness.readAgain(id);
    await pauseFor(forMs, field);
    await network.start(id);
    // Until then it counts as damaged, and nobody else may be.
    await caughtUp(id, field);
  }
}

/** The copy is taken while the node is stopped: a copy of a running LevelDB would be no backup at all. */
async function restore({ nodes, forMs }: Fault, field: Field): Promise<void> {
  const { network, witness, scratch } = field;
  for (const id of nodes) {
    const backup = path.join(scratch, `backup-of-${id}`);
    const end = await network.kill(id, 'SIGTERM');
    if (end !== null && !endedInOrder(end)) field.report('badEnd', `after SIGTERM ${describeEnd(end)}`);
    await cp(dataOf(id, network), backup, { recursive: true });
    await network.start(id);
    await caughtUp(id, field);
    await pauseFor(forMs, field);
    await witness.grows(witness.height + OLDER_BY_BLOCKS, PATIENCE_MS);
    await network.kill(id, 'SIGKILL');
    await rm(dataOf(id, network), { recursive: true });
    await cp(backup, dataOf(id, network), { recursive: true });
    await rm(backup, { recursive: true });
    witness.readAgain(id);
    await network.start(id);
    await caughtUp(id, field);
  }
}

async function disturb(fault: Fault, field: Field): Promise<void> {
  const { network, wires } = field;
  const { nodes, forMs, kind, delayMs } = fault;
  const [a, b] = nodes;
  assert(a !== undefined, 'a fault strikes somebody');
  switch (kind) {
    case 'cut':
      if (b !== undefined) wires.cut(a, b);
      break;
    case 'clogLink':
      if (b !== undefined) clog([[a, b]], wires);
      break;
    case 'oneWay':
      if (b !== undefined) wires.clog(a, b);
      break;
    case 'clogNode':
      clog(linksOf(a, network), wires);
      break;
    case 'slow':
      for (const [one, other] of links(network)) {
        wires.slow(one, other, delayMs);
        wires.slow(other, one, delayMs);
      }
      break;
    case 'drop':
      return await dropAgain(forMs, field);
    case 'swizzle':
      return await swizzle(fault, field);
    case 'partition':
      return await part(fault, field);
    default:
      assert(false, `${kind} is no fault of links`);
  }
  await pauseFor(forMs, field);
}

async function dropAgain(forMs: number, field: Field): Promise<void> {
  const { clock, network, wires, signal } = field;
  const untilMs = clock.now() + forMs;
  while (clock.now() < untilMs && !signal.aborted) {
    for (const [one, other] of links(network)) wires.drop(one, other);
    await pauseFor(DROP_EVERY_MS, field);
  }
}

async function swizzle({ nodes, forMs }: Fault, field: Field): Promise<void> {
  const { network, wires } = field;
  for (const id of nodes) {
    clog(linksOf(id, network), wires);
    await pauseFor(forMs, field);
  }
  const clogged = new Set(nodes);
  for (const id of [...nodes].sort()) {
    clogged.delete(id);
    for (const [one, other] of linksOf(id, network)) if (!clogged.has(other)) wires.mend(one, other);
    await pauseFor(forMs, field);
  }
}

/** Neither half has a quorum: once what was under way has arrived, nothing may become final. */
async function part({ nodes, forMs }: Fault, field: Field): Promise<void> {
  const { network, wires, witness, report, signal } = field;
  const here = new Set(nodes);
  clog(
    links(network).filter(([one, other]) => here.has(one) !== here.has(other)),
    wires,
  );
  await pauseFor(SETTLE_MS, field);
  const { height } = witness;
  await pauseFor(forMs, field);
  if (!signal.aborted && witness.height > height && isWithoutQuorum(here.size, network.nodes().length)) {
    report('noQuorum', `heights ${height + 1} to ${witness.height} became final in a network cut in halves`);
  }
}

function isWithoutQuorum(here: number, all: number): boolean {
  return here * 3 <= all * 2 && (all - here) * 3 <= all * 2;
}

/** Waits until the node has shown a block that was made after it came back. */
async function caughtUp(id: ParticipantId, { witness, report }: Field): Promise<void> {
  const late = await witness.reaches([id], witness.height, PATIENCE_MS);
  if (late.length > 0)
    report('stuck', `${id} has not caught up with height ${witness.height} in ${PATIENCE_MS / 1_000} s`);
}

async function killAll(nodes: readonly ParticipantId[], network: LocalNetworkHandle): Promise<void> {
  await Promise.all(nodes.map((id) => network.kill(id, 'SIGKILL')));
}

async function startAll(nodes: readonly ParticipantId[], network: LocalNetworkHandle): Promise<void> {
  await Promise.all(nodes.map((id) => network.start(id)));
}

/** Until the time is over, or the run is. */
async function pauseFor(forMs: number, { clock, signal }: Field): Promise<void> {
  await wait(clock, forMs, signal).catch(() => undefined);
}

type Link = readonly [ParticipantId, ParticipantId];

function clog(between: readonly Link[], wires: Wires): void {
  for (const [one, other] of between) {
    wires.clog(one, other);
    wires.clog(other, one);
  }
}

/** Each two once. */
function links(network: LocalNetworkHandle): readonly Link[] {
  const ids = network.nodes().map(({ participant }) => participant);
  return ids.flatMap((one, i) => ids.slice(i + 1).map((other): Link => [one, other]));
}

function linksOf(id: ParticipantId, network: LocalNetworkHandle): readonly Link[] {
  return network
    .nodes()
    .filter(({ participant }) => participant !== id)
    .map(({ participant }): Link => [id, participant]);
}

function dataOf(id: ParticipantId, network: LocalNetworkHandle): string {
  const node = network.nodes().find(({ participant }) => participant === id);
  assert(node !== undefined, `there is ${id}`);
  return homePaths(node.home).data;
}

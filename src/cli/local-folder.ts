/**
 * The folder of a local network, taken for one process: made on first use, emptied where that was asked for, and its
 * nodes given ports that are free now. Whatever is not surely of an earlier `tonle up` is left as it is.
 */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { chainIdOf } from '../crypto/ids.ts';
import { CodedError } from '../errors.ts';
import type { Clock, Random } from '../ports.ts';
import { openLevelDatabase } from '../storage/leveldb.ts';
import { defaultMembers, type Member } from '../types/defaults.ts';
import { freePorts, isFreePort } from './free-ports.ts';
import { createHome, homePaths, makeEmptyFolder } from './home.ts';
import {
  findLocalNetwork,
  type LocalNetwork,
  type LocalNode,
  markLocalNetwork,
  writeLocalNetwork,
} from './local-network.ts';
import { configOf, makeNetwork, type NetworkTemplate, type Place } from './make-network.ts';
import { nodeConfigToJson } from './node-config.ts';

export interface LocalFolderOptions {
  /** Absent, empty, or made by an earlier start. */
  readonly data: string;
  /** Null takes what is there, or 4 where nothing is. */
  readonly participants: number | null;
  /** Of the first API; the next ones follow. 0 takes free ports; null those of the last start, or 7400 at the first. */
  readonly port: number | null;
  /** What a new network is made of; the default one of so many participants where absent. */
  readonly template?: NetworkTemplate;
  /** Forgets an earlier network in the folder. */
  readonly reset: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

export interface LocalFolder {
  /** Absolute path. */
  readonly data: string;
  readonly network: LocalNetwork;
  /** Lets others use the folder. */
  close(): Promise<void>;
}

const DEFAULT_PARTICIPANTS = 4;
const DEFAULT_PORT = 7_400;
/** All that `tonle up` and the commands beside it make in the folder. */
const OURS = ['homes', 'homes.new', 'wallets', 'network.json', 'network.json.new'];
const LOCK = 'lock';

/** What other commands may have left there before the first `tonle up`. */
const OTHERS: ReadonlySet<string> = new Set(['runs']);

/** @throws CodedError `NOT_A_LOCAL_NETWORK`, `FOLDER_IN_USE`, `FOLDER_UNUSABLE`, `PORT_TAKEN`, `USAGE`. */
export async function openLocalFolder(options: LocalFolderOptions): Promise<LocalFolder> {
  const data = path.resolve(options.data);
  if ((await findLocalNetwork(data)) === null) {
    await assertEmpty(data);
    await markLocalNetwork(data);
  }
  const close = await lock(data);
  try {
    if (options.reset) await empty(data);
    const found = await findLocalNetwork(data);
    const isNew = found === null || found === 'unfinished';
    const network = isNew ? await makeAll(data, options) : await resume(data, found, options);
    await writeLocalNetwork(data, network);
    return { data, network, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function assertEmpty(data: string): Promise<void> {
  try {
    const present = await readdir(data).catch(() => []);
    if (present.length > 0 && present.every((name) => OTHERS.has(name))) return;
    await makeEmptyFolder(data);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'FOLDER_NOT_EMPTY') throw error;
    throw new CodedError(
      'NOT_A_LOCAL_NETWORK',
      `${data} holds something else than a local network; name another folder with --data`,
      { cause: error },
    );
  }
}

/** LevelDB's lock ends with the process, however that ends, so none is ever left behind. */
async function lock(data: string): Promise<() => Promise<void>> {
  try {
    const database = await openLevelDatabase(path.join(data, LOCK));
    return () => database.close();
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'FOLDER_IN_USE') throw error;
    const advice = 'stop that one, or name another folder with --data';
    throw new CodedError('FOLDER_IN_USE', `a local network runs in ${data} already; ${advice}`, { cause: error });
  }
}

/** The mark goes last and comes back first: a folder is never left that the next start would not know. */
async function empty(data: string): Promise<void> {
  for (const name of OURS) {
    if (name !== 'network.json') await rm(path.join(data, name), { recursive: true, force: true });
  }
  await markLocalNetwork(data);
}

async function makeAll(data: string, options: LocalFolderOptions): Promise<LocalNetwork> {
  const { participants, port, clock, random } = options;
  const template = options.template ?? defaultTemplate(participants ?? DEFAULT_PARTICIPANTS);
  const { members } = template;
  const places = await placesOf(members.length, port, null, random);
  const placed = members.map((member, i) => ({ ...member, ...(places[i] as Place) }));
  const made = makeNetwork({ ...template, members: placed, password: null, clock, random });
  const fresh = path.join(data, 'homes.new');
  await rm(fresh, { recursive: true, force: true });
  await rm(path.join(data, 'homes'), { recursive: true, force: true });
  for (const [participant, content] of made.homes) await createHome(path.join(fresh, participant), content);
  await rename(fresh, path.join(data, 'homes'));
  return { chainId: chainIdOf(made.genesis), furnished: false, nodes: placed.map((member) => nodeOf(data, member)) };
}

/** One officer: whoever tries it out is the whole central bank. */
function defaultTemplate(participants: number): Omit<NetworkTemplate, 'terms' | 'secretOf'> {
  return { network: 'tonle-local', members: defaultMembers(participants), officers: 1, quorum: 1 };
}

/** The same nodes and keys; ports that somebody took meanwhile are replaced where nobody relies on them. */
async function resume(data: string, found: LocalNetwork, options: LocalFolderOptions): Promise<LocalNetwork> {
  const { participants, port, random } = options;
  if (participants !== null && participants !== found.nodes.length) {
    throw new CodedError(
      'USAGE',
      `the network in ${data} has ${found.nodes.length} participants, not ${participants}; ` +
        'forget it with --reset, or name another folder with --data',
    );
  }
  const places = await placesOf(found.nodes.length, port, found.nodes, random);
  const placed = found.nodes.map(({ participant, name, kind }, i) => {
    return { id: participant, name, kind, ...(places[i] as Place) };
  });
  for (const member of placed) {
    const file = homePaths(homeOf(data, member)).config;
    const text = nodeConfigToJson(configOf(member, placed));
    if ((await readFile(file, 'utf8')) !== text) await replaceFile(file, text);
  }
  return { ...found, nodes: placed.map((member) => nodeOf(data, member)) };
}

async function placesOf(
  count: number,
  port: number | null,
  earlier: readonly LocalNode[] | null,
  random: Random,
): Promise<Place[]> {
  const apiPorts = await apiPortsOf(count, port, earlier, random);
  const before = (earlier ?? []).map(({ p2pAddress }) => portOfAddress(p2pAddress));
  const kept = await Promise.all(before.map(async (known) => known > 0 && (await isFreePort(known))));
  const fresh = await freePorts(count, random, [...apiPorts, ...before]);
  return apiPorts.map((apiPort, i) => {
    const p2pPort = kept[i] ? before[i] : fresh[i];
    const address = `/ip4/127.0.0.1/tcp/${p2pPort}`;
    return { listen: address, address, apiHost: '127.0.0.1', apiPort };
  });
}

async function apiPortsOf(
  count: number,
  port: number | null,
  earlier: readonly LocalNode[] | null,
  random: Random,
): Promise<number[]> {
  if (port === 0) return await freePorts(count, random);
  const known = port === null && earlier !== null ? earlier.map(({ apiUrl }) => Number(new URL(apiUrl).port)) : null;
  const wanted = known ?? Array.from({ length: count }, (_, i) => (port ?? DEFAULT_PORT) + i);
  for (const each of wanted) {
    if (each > 65_535) throw new CodedError('USAGE', `${count} ports from ${wanted[0]} on would go beyond 65535`);
    if (!(await isFreePort(each))) throw portTaken(each, wanted);
  }
  return wanted;
}

function portTaken(port: number, wanted: readonly number[]): CodedError {
  const last = wanted.at(-1);
  const which = wanted.length === 1 ? `port ${port}` : `port ${port} (of ${wanted[0]} to ${last}, one an API)`;
  return new CodedError(
    'PORT_TAKEN',
    `${which} is taken; choose others with --port <first>, or --port 0 for free ones`,
  );
}

function portOfAddress(address: string): number {
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1] ?? 0);
}

function nodeOf(data: string, member: Member & Place): LocalNode {
  return {
    participant: member.id,
    name: member.name,
    kind: member.kind,
    home: homeOf(data, member),
    apiUrl: `http://${member.apiHost}:${member.apiPort}`,
    p2pAddress: member.address,
    pid: null,
  };
}

function homeOf(data: string, { id }: Member): string {
  return path.join(data, 'homes', id);
}

async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/**
 * What `tonle up` leaves for the other commands: `network.json` in the data folder names the nodes of the local network
 * and where they answer. It is also what marks the folder as one that `tonle up` made, and may empty.
 *
 * | file | what it is |
 * |---|---|
 * | `network.json` | this file |
 * | `homes/<participant>/` | the home folder of each node, see `home.ts`, and its `node.log` |
 * | `wallets/<name>.json` | key files of wallets |
 * | `lock/` | held while `tonle up` runs |
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../errors.ts';
import type { ChainId, Participant, ParticipantId } from '../types/index.ts';

export interface LocalNode {
  readonly participant: ParticipantId;
  /** As shown to people. */
  readonly name: string;
  readonly kind: Participant['kind'];
  /** Absolute path. */
  readonly home: string;
  /** `http://127.0.0.1:7400`. */
  readonly apiUrl: string;
  /** TCP multiaddr. */
  readonly p2pAddress: string;
  /** Of its process, or null while it does not run. */
  readonly pid: number | null;
}

export interface LocalNetwork {
  readonly chainId: ChainId;
  readonly nodes: readonly LocalNode[];
  /** Whether the development wallets were opened. */
  readonly furnished: boolean;
}

const FILE = 'network.json';
const FORMAT = 'tonle-local-network';

/** What the file holds: homes are relative to the folder, so that it can be moved. */
interface Document {
  readonly format: typeof FORMAT;
  readonly version: 1;
  readonly chainId: ChainId | null;
  readonly furnished: boolean;
  readonly nodes: readonly LocalNode[];
}

/** @throws CodedError `NO_NETWORK` where `tonle up` has not made one in this folder. */
export async function readLocalNetwork(data: string): Promise<LocalNetwork> {
  const found = await findLocalNetwork(data);
  if (found === null || found === 'unfinished') {
    throw new CodedError(
      'NO_NETWORK',
      `there is no local network in ${data}; start one with \`tonle up\`, or name a node with --url`,
    );
  }
  return found;
}

/**
 * @returns null where the folder is absent or empty; `unfinished` where a first start was cut short.
 * @throws CodedError `NOT_A_LOCAL_NETWORK` where the folder holds something else.
 */
export async function findLocalNetwork(data: string): Promise<LocalNetwork | 'unfinished' | null> {
  const text = await readIfThere(path.join(data, FILE));
  if (text === null) return null;
  const document = parseDocument(text);
  if (document === null) {
    throw new CodedError('NOT_A_LOCAL_NETWORK', `${path.join(data, FILE)} was not written by this program`);
  }
  if (document.chainId === null) return 'unfinished';
  const nodes = document.nodes.map((node) => ({ ...node, home: path.resolve(data, node.home) }));
  return { chainId: document.chainId, nodes, furnished: document.furnished };
}

/** Marks a new folder as one that `tonle up` makes, before anything else is put there. */
export async function markLocalNetwork(data: string): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  await writeDocument(data, { format: FORMAT, version: 1, chainId: null, furnished: false, nodes: [] });
}

export async function writeLocalNetwork(data: string, { chainId, nodes, furnished }: LocalNetwork): Promise<void> {
  const relative = nodes.map((node) => ({ ...node, home: path.relative(data, node.home) }));
  await writeDocument(data, { format: FORMAT, version: 1, chainId, furnished, nodes: relative });
}

/** Under another name first: a reader never finds half of it. */
async function writeDocument(data: string, document: Document): Promise<void> {
  const file = path.join(data, FILE);
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(document, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

function parseDocument(text: string): Document | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isDocument(value) ? value : null;
}

/** Whether it has what is used of it: a file that somebody edited must not be half believed. */
function isDocument(value: unknown): value is Document {
  if (typeof value !== 'object' || value === null) return false;
  const { format, chainId, furnished, nodes }: { readonly [Name in keyof Document]?: unknown } = value;
  const isHead =
    format === FORMAT && (chainId === null || typeof chainId === 'string') && typeof furnished === 'boolean';
  return isHead && Array.isArray(nodes) && nodes.every(isNode);
}

function isNode(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { participant, name, home, apiUrl, p2pAddress, pid }: { readonly [Name in keyof LocalNode]?: unknown } = value;
  const texts = [participant, name, home, apiUrl, p2pAddress];
  return texts.every((text) => typeof text === 'string') && (pid === null || typeof pid === 'number');
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT') return null;
    throw new CodedError('NOT_A_LOCAL_NETWORK', `${file} cannot be read (${String(code)})`, { cause: error });
  }
}

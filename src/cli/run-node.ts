/**
 * The composition root: opens what a home folder holds, puts the real world behind the node's ports, and starts it. The
 * order matters: nothing is touched before the folder is known to be this node's; LevelDB's lock on the state comes first
 * of what is opened; the chain is verified before the network is; and the node is ready only when it can be reached.
 */
import type { AddressInfo } from 'node:net';
import { createApi } from '../api/server.ts';
import { CodecError } from '../codec/schema.ts';
import { whyNotLibsodium } from '../crypto/signature-library.ts';
import { createVerifier } from '../crypto/verifier.ts';
import { CodedError } from '../errors.ts';
import { SEEN_PREFIX } from '../ledger/keys.ts';
import { createNetwork, type LibP2pNetwork } from '../network/index.ts';
import { Chain } from '../node/chain.ts';
import { Node, type NodeOptions } from '../node/node.ts';
import type { Clock, Random, SignState, Verifier } from '../ports.ts';
import { openCustomerStore } from '../storage/customer-store.ts';
import {
  closeData,
  openData,
  openFileDisk,
  openStateStore,
  SIGN_STATE_FILE,
  setAsideStateStore,
} from '../storage/index.ts';
import { type Home, homePaths } from './home.ts';
import { type Diary, factsOf, logEvent } from './log.ts';

export interface RunNodeOptions {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: Random;
  readonly diary: Diary;
  /** Of the program. */
  readonly version: string;
  /** The node has stopped for good: whoever runs it ends the process, and nothing is written any more. */
  readonly onFatal: (error: unknown) => void;
}

export interface RunningNode {
  /** `http://127.0.0.1:7400`. */
  readonly apiUrl: string;
  /** TCP multiaddrs with the peer's id. */
  readonly p2pAddresses: readonly string[];
  readonly height: () => number;
  stop(): Promise<void>;
}

const LOOPBACK = /^\/ip4\/127\.|^\/ip6\/::1\//;
/** A refused connection to this very machine costs nothing, and a local network is waited for by a person. */
const LOCAL_RETRY_MS = 250;

type Api = ReturnType<typeof createApi>;

/** What was opened, and is closed in the opposite order. */
type Opened = { readonly name: string; readonly close: () => Promise<unknown> }[];

/**
 * Starts the node of a home folder; resolves when it listens for peers and for requests.
 *
 * @throws CodedError `FOLDER_FOREIGN`, `FOLDER_IN_USE`, `SIGN_STATE_LOST`, `PORT_TAKEN`, and whatever storage, chain and
 *   network refuse with; what was opened is closed again.
 */
export async function runNode(options: RunNodeOptions): Promise<RunningNode> {
  const opened: Opened = [];
  try {
    return await open(options, opened);
  } catch (error) {
    await closeAll(opened, options.diary);
    throw error;
  }
}

async function open(options: RunNodeOptions, opened: Opened): Promise<RunningNode> {
  const { home, clock, random, diary, version, onFatal } = options;
  const { genesis, participant, aliasSecret, operator, operatorToken } = home;
  // The same verdicts in twice the time: worth a line where somebody asks why a node is slow.
  if (whyNotLibsodium !== undefined) diary.log.info('node.opensslVerifies', { reason: String(whyNotLibsodium) });
  const verifier = createVerifier();
  opened.push({ name: 'verifier', close: () => verifier.close() });
  const { chain, signState } = await openChain(options, verifier, opened);
  const customers = await openCustomerStore(homePaths(home.folder).customers);
  opened.push({ name: 'customers', close: () => customers.close() });
  const network = networkOf(options);
  const self = participant.id;
  const node = createNode({ self, chain, signer: home.validator, signState, network, clock, verifier, onFatal });
  node.subscribe((event) => logEvent(diary.log, event));
  const back = { signer: operator, token: operatorToken, customers };
  const api = createApi({
    node,
    genesis,
    aliasSecret,
    clock,
    random,
    log: diary.pino,
    version,
    operator: back,
  });
  // The API's requests wait for the node: they are ended first, so that the node does not wait for them.
  opened.push({ name: 'node', close: () => node.stop() });
  opened.push({ name: 'api', close: () => api.close() });
  const apiUrl = await listening(api, home);
  await node.start().catch((cause: unknown) => {
    throw cause instanceof CodedError && cause.code === 'NETWORK_LISTEN' ? p2pPortTaken(home, cause) : cause;
  });
  return {
    apiUrl,
    p2pAddresses: network.addresses(),
    height: () => chain.tip.height,
    stop: () => closeAll(opened, diary),
  };
}

/** The record, verified, and what this key has signed. */
async function openChain(
  { home, clock, diary: { log: diary }, onFatal }: RunNodeOptions,
  verifier: Verifier,
  opened: Opened,
): Promise<{ readonly chain: Chain; readonly signState: SignState }> {
  const { genesis, chainId } = home;
  const paths = homePaths(home.folder);
  const data = await openData({
    disk: await openFileDisk(paths.data),
    chainId,
    openState: () => openStateStore(paths.state, { growing: SEEN_PREFIX, onFailure: onFatal }),
    setAsideState: () => setAsideStateStore(paths.state),
    hasPeers: genesis.participants.length > 1,
  });
  opened.push({ name: 'data', close: () => closeData(data) });
  for (const { part, reason, setAside } of data.repairs) diary.warn('node.repaired', { part, reason, setAside });
  const { signState, log, snapshots, store } = data;
  const chain = await Chain.open({ genesis, log, snapshots, store, verifier, clock });
  opened.push({ name: 'chain', close: () => chain.stop() });
  const { rebuilt, ...report } = chain.bootReport;
  diary.info('node.opened', { ...report });
  if (rebuilt !== null) diary.warn('node.stateRebuilt', { reason: rebuilt });
  return { chain, signState };
}

function networkOf({ home, clock, random, diary }: RunNodeOptions): LibP2pNetwork {
  const { genesis, chainId, participant, config, networkSeed } = home;
  return createNetwork({
    chainId,
    self: participant.id,
    privateKey: networkSeed,
    members: genesis.participants.map(({ id, networkKey }) => ({ participant: id, networkKey })),
    listen: config.p2p.listen,
    dial: config.p2p.peers,
    clock,
    random,
    log: diary.log,
    ...(config.p2p.peers.every(({ address }) => LOOPBACK.test(address)) ? { retryMaxMs: LOCAL_RETRY_MS } : {}),
  });
}

/** What the key signed last must be readable, or nobody knows what it may sign next. */
function createNode(options: NodeOptions): Node {
  try {
    return new Node(options);
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause;
    throw new CodedError(
      'SIGN_STATE_CORRUPT',
      `the last entry of ${SIGN_STATE_FILE} cannot be read (${cause.message}); restore the file as it was when the node ` +
        'stopped, or give this participant a new validator key',
      { cause },
    );
  }
}

async function listening(api: Api, { config, folder }: Home): Promise<string> {
  const { host, port } = config.api;
  try {
    await api.listen({ host, port });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const file = homePaths(folder).config;
    throw new CodedError(
      'PORT_TAKEN',
      `the API cannot listen on port ${port} of ${host} (${reason}); free the port, or set another api.port in ${file}`,
      { cause },
    );
  }
  const { address, port: bound } = api.server.address() as AddressInfo;
  return `http://${reachable(address)}:${bound}`;
}

/** As somebody on this machine reaches it. */
function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}

function p2pPortTaken({ folder }: Home, cause: CodedError): CodedError {
  const advice = `free the port, or set another p2p.listen in ${homePaths(folder).config} and tell the other members`;
  return new CodedError('PORT_TAKEN', `the node ${cause.message}; ${advice}`, { cause });
}

async function closeAll(opened: Opened, { log }: Diary): Promise<void> {
  for (let last = opened.pop(); last !== undefined; last = opened.pop()) {
    try {
      await last.close();
    } catch (error) {
      // What is durable was synced when it was written; the rest still has to be closed.
      log.warn('node.closeFailed', { what: last.name, ...factsOf(error) });
    }
  }
}

/**
 * A network of nodes on this machine, each a process of its own: what `tonle up`, `tonle demo` and the end-to-end tests
 * stand on. It makes the homes on first use and resumes them later, and it is the one place that starts and ends nodes.
 */
import { createClient } from '../api/client.ts';
import { assert, CodedError } from '../errors.ts';
import type { ChainId, ParticipantId } from '../types/index.ts';
import { type LocalFolder, type LocalFolderOptions, openLocalFolder } from './local-folder.ts';
import { type LocalNode, writeLocalNetwork } from './local-network.ts';
import type { LogLevel } from './log-level.ts';
import { NodeChild, type NodeChildOptions, type NodeEnd } from './node-child.ts';
import { wait } from './system.ts';

export interface LocalNetworkOptions extends LocalFolderOptions {
  readonly logLevel: LogLevel;
  /** Of the nodes' processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
  /** Called with the homes in place and before any node runs: whoever puts itself between the nodes does so here. */
  readonly beforeStart?: (nodes: readonly LocalNode[]) => Promise<void>;
  /** How long a node may take until it is ready; a minute unless told otherwise. A large state takes longer to prove. */
  readonly readyWithinMs?: number;
  /** Words before the command of a node's process; see `NodeChildOptions.under`. */
  readonly under?: (participant: ParticipantId) => readonly string[];
}

export interface LocalNetworkHandle {
  /** Absolute path. */
  readonly data: string;
  readonly chainId: ChainId;
  /** Whether the development wallets were opened, now or by an earlier start. */
  readonly furnished: boolean;
  /** Remembers that they were. */
  setFurnished(): Promise<void>;
  nodes(): readonly LocalNode[];
  /** Tells of nodes that ended although nobody asked them to. @returns what ends the subscription. */
  onExit(listener: (end: NodeEnd) => void): () => void;
  /** Sends a signal; resolves with the end of the process, or with null at once where it only stops or continues it. */
  kill(participant: ParticipantId, signal: NodeJS.Signals): Promise<NodeEnd | null>;
  /** Starts a node that was killed or has ended; resolves when it is ready, connected or not. */
  start(participant: ParticipantId): Promise<void>;
  /** Stops all nodes in order. */
  stop(): Promise<void>;
}

/** Loading the program takes a second or two where four do it at once on two cores; a laptop under load needs longer. */
const READY_WITHIN_MS = 60_000;
const POLL_MS = 25;
/** A node stops within two seconds, or is ended. */
const STOP_WITHIN_MS = 3_000;

/**
 * Resolves when all nodes are ready and connected to each other.
 *
 * @throws CodedError `NOT_A_LOCAL_NETWORK`, `FOLDER_IN_USE`, `PORT_TAKEN`, `USAGE` (another number of participants than
 *   there are), `NODE_NOT_STARTED`, or the code of the node that did not start. No process is left behind.
 */
export async function startLocalNetwork(options: LocalNetworkOptions): Promise<LocalNetworkHandle> {
  const folder = await openLocalFolder(options);
  const network = new LocalProcesses(options, folder);
  try {
    await options.beforeStart?.(network.nodes());
    await network.startAll();
    return network;
  } catch (error) {
    await network.stop();
    throw error;
  }
}

class LocalProcesses implements LocalNetworkHandle {
  readonly data: string;
  readonly chainId: ChainId;
  readonly #options: LocalNetworkOptions;
  readonly #folder: LocalFolder;
  readonly #nodes: Map<ParticipantId, LocalNode>;
  readonly #children = new Map<ParticipantId, NodeChild>();
  readonly #spawning = new Set<Promise<NodeChild>>();
  /** Children that were asked to end: their end is no news. */
  readonly #expected = new Set<NodeChild>();
  readonly #listeners = new Set<(end: NodeEnd) => void>();
  #furnished: boolean;
  #saved: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | null = null;

  constructor(options: LocalNetworkOptions, folder: LocalFolder) {
    this.data = folder.data;
    this.chainId = folder.network.chainId;
    this.#furnished = folder.network.furnished;
    this.#options = options;
    this.#folder = folder;
    this.#nodes = new Map(folder.network.nodes.map((node) => [node.participant, node]));
  }

  get furnished(): boolean {
    return this.#furnished;
  }

  setFurnished(): Promise<void> {
    this.#furnished = true;
    return this.#save();
  }

  nodes(): readonly LocalNode[] {
    return [...this.#nodes.values()];
  }

  onExit(listener: (end: NodeEnd) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async startAll(): Promise<void> {
    const started = this.nodes().map((node) => this.start(node.participant));
    await this.#unlessAborted(Promise.all(started));
    await this.#connected();
  }

  async start(participant: ParticipantId): Promise<void> {
    const node = this.#node(participant);
    assert(!this.#children.has(participant), `${participant} is started where it does not run`);
    const { logLevel, env, under } = this.#options;
    const words = under?.(participant) ?? [];
    const child = await this.#spawn({ participant, home: node.home, logLevel, env, under: words });
    const ready = await this.#soon(child.ready, `${participant} is not ready`);
    if (this.#stopped !== null) throw new CodedError('NODE_NOT_STARTED', `${participant} was stopped`);
    const [p2pAddress = node.p2pAddress] = ready.p2pAddresses;
    this.#nodes.set(participant, { ...node, apiUrl: ready.apiUrl, p2pAddress, pid: child.pid });
    await this.#save();
  }

  async kill(participant: ParticipantId, signal: NodeJS.Signals): Promise<NodeEnd | null> {
    const child = this.#children.get(participant);
    if (child === undefined) return null;
    const ends = signal !== 'SIGSTOP' && signal !== 'SIGCONT';
    if (ends) this.#expected.add(child);
    child.signal(signal);
    // `#childEnded` hears of it first, so the node can be started again as soon as this resolves.
    return ends ? await child.ended : null;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  /** What is being made when everything is stopped is waited for, and ended with the others. */
  async #spawn(options: NodeChildOptions): Promise<NodeChild> {
    assert(this.#stopped === null, `${options.participant} is started before the network is stopped`);
    const spawning = NodeChild.start(options).then((child) => {
      this.#children.set(child.participant, child);
      void child.ended.then((end) => this.#childEnded(child, end));
      return child;
    });
    this.#spawning.add(spawning);
    return await spawning.finally(() => this.#spawning.delete(spawning));
  }

  async #stopAll(): Promise<void> {
    await Promise.allSettled(this.#spawning);
    const children = [...this.#children.values()];
    const cancel = this.#options.clock.schedule(STOP_WITHIN_MS, () => {
      for (const child of children) child.signal('SIGKILL');
    });
    try {
      await Promise.all(children.map((child) => this.kill(child.participant, 'SIGTERM')));
      await this.#save();
    } finally {
      cancel();
      await this.#folder.close();
    }
  }

  #node(participant: ParticipantId): LocalNode {
    const node = this.#nodes.get(participant);
    if (node !== undefined) return node;
    throw new CodedError('PARTICIPANT_UNKNOWN', `there is no ${participant} in the network in ${this.data}`);
  }

  #childEnded(child: NodeChild, end: NodeEnd): void {
    this.#children.delete(child.participant);
    this.#nodes.set(child.participant, { ...this.#node(child.participant), pid: null });
    if (this.#expected.delete(child)) return;
    void this.#save();
    for (const listener of this.#listeners) listener(end);
  }

  /** Every node has a usable connection to each other. */
  async #connected(): Promise<void> {
    const others = this.#nodes.size - 1;
    const all = this.nodes().map(async ({ participant, apiUrl }) => {
      for (;;) {
        if (!this.#children.has(participant)) throw new CodedError('NODE_NOT_STARTED', `${participant} has ended`);
        if ((await peersOf(apiUrl)) >= others) return;
        await wait(this.#options.clock, POLL_MS, this.#options.signal);
      }
    });
    await this.#soon(Promise.all(all), 'the nodes are not connected to each other');
  }

  /** @throws CodedError where it takes longer than any start should. */
  async #soon<T>(work: Promise<T>, otherwise: string): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const { clock, readyWithinMs = READY_WITHIN_MS } = this.#options;
    const late = () => reject(new CodedError('NODE_NOT_STARTED', `${otherwise} after ${readyWithinMs / 1_000} s`));
    const cancel = clock.schedule(readyWithinMs, late);
    try {
      return await Promise.race([work, promise]);
    } finally {
      cancel();
    }
  }

  async #unlessAborted<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#options;
    if (signal === undefined) return await work;
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    try {
      return await Promise.race([work, promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** One write after the other: each ends with the state of its own time. */
  #save(): Promise<void> {
    const { data, chainId } = this;
    this.#saved = this.#saved.then(() =>
      writeLocalNetwork(data, { chainId, nodes: this.nodes(), furnished: this.#furnished }),
    );
    return this.#saved;
  }
}

/** How many others the node has a connection to; none while it does not answer. */
async function peersOf(apiUrl: string): Promise<number> {
  try {
    return (await createClient(apiUrl).status()).peers.length;
  } catch (error) {
    // It has ended, or is busy: the next poll tells.
    if (error instanceof CodedError) return 0;
    throw error;
  }
}

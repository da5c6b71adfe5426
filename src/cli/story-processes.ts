/**
 * The banks of a story as processes of this machine: a local network after the story's template, in a folder that is gone when
 * the story is over. What the engine of `scenario/net` stands on.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseGenesis } from '../codec/genesis-json.ts';
import { assert } from '../errors.ts';
import type { Clock, Random } from '../ports.ts';
import { storyAliasSecret, storyKeySeed } from '../scenario/keys.ts';
import type { DiaryLine, Door, ProcessNetwork, StartProcesses } from '../scenario/net/process-network.ts';
import type { NetworkSpec } from '../scenario/story.ts';
import { termsOf } from '../scenario/terms.ts';
import type { Genesis, ParticipantId } from '../types/index.ts';
import { DiaryTail } from './diary-tail.ts';
import { homePaths, readSecret } from './home.ts';
import { layProxies } from './links/proxy-wires.ts';
import type { Wires } from './links/wires.ts';
import type { LocalNode } from './local-network.ts';
import type { NetworkTemplate } from './make-network.ts';
import { describeEnd, type NodeEnd } from './node-child.ts';
import { type LocalNetworkHandle, startLocalNetwork } from './start-local-network.ts';

export interface StoryProcessesOptions {
  /** For the homes of the banks: absent or empty, and left there at the end. Null takes one that nobody sees. */
  readonly folder: string | null;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the nodes' processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/** @throws what `startLocalNetwork` throws; then neither a process nor a folder is left. */
export function storyProcesses(options: StoryProcessesOptions): StartProcesses {
  return async (spec, { withLinks }) => {
    const { clock, random, env, signal } = options;
    const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'tonle-story-')));
    const remove = () => (options.folder === null ? rm(folder, { recursive: true, force: true }) : Promise.resolve());
    let wires: Wires | null = null;
    try {
      const network = await startLocalNetwork({
        data: folder,
        participants: null,
        template: templateOf(spec),
        port: 0,
        reset: false,
        // What a payment went through stands there, for the journal.
        logLevel: 'debug',
        env,
        clock,
        random,
        ...(signal === undefined ? {} : { signal }),
        beforeStart: async (nodes) => {
          if (withLinks) wires = await layProxies(nodes, clock);
        },
      });
      return await StoryProcesses.of(network, wires, remove);
    } catch (error) {
      await (wires as Wires | null)?.close();
      await remove();
      throw error;
    }
  };
}

function templateOf(spec: NetworkSpec): NetworkTemplate {
  const { network, officers, ...terms } = termsOf(spec);
  const aliases = storyAliasSecret(spec);
  return {
    network,
    members: spec.members,
    officers: officers.keys.length,
    quorum: officers.quorum,
    terms,
    secretOf: (name) => (name === 'aliases' ? aliases : storyKeySeed(spec, name)),
  };
}

class StoryProcesses implements ProcessNetwork {
  readonly genesis: Genesis;
  readonly doors: ReadonlyMap<ParticipantId, Door>;
  readonly links: Wires | null;
  readonly #network: LocalNetworkHandle;
  readonly #remove: () => Promise<void>;
  readonly #tail = new DiaryTail();
  readonly #paused = new Set<ParticipantId>();
  /** Ends that nobody asked for, also from before somebody listens. */
  readonly #ends: readonly NodeEnd[];
  #closed: Promise<void> | null = null;

  private constructor(
    network: LocalNetworkHandle,
    known: Pick<ProcessNetwork, 'genesis' | 'doors'>,
    links: Wires | null,
    remove: () => Promise<void>,
    ends: readonly NodeEnd[],
  ) {
    this.#ends = ends;
    this.genesis = known.genesis;
    this.doors = known.doors;
    this.links = links;
    this.#network = network;
    this.#remove = remove;
  }

  static async of(network: LocalNetworkHandle, links: Wires | null, remove: () => Promise<void>) {
    const ends: NodeEnd[] = [];
    network.onExit((end) => ends.push(end));
    try {
      const nodes = network.nodes();
      const doors = nodes.map(async ({ participant, apiUrl: url, home }) => {
        return [participant, { url, token: await readSecret(homePaths(home).operatorToken) }] as const;
      });
      const [first] = nodes;
      assert(first !== undefined, 'a network has a bank');
      const genesis = parseGenesis(await readFile(homePaths(first.home).genesis, 'utf8'));
      const known = { genesis, doors: new Map(await Promise.all(doors)) };
      return new StoryProcesses(network, known, links, remove, ends);
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  isRunning(bank: ParticipantId): boolean {
    return this.#node(bank).pid !== null;
  }

  async start(bank: ParticipantId): Promise<void> {
    await this.#network.start(bank);
  }

  async end(bank: ParticipantId, how: 'orderly' | 'atOnce'): Promise<void> {
    // A process that is stopped hears nothing but a kill.
    if (how === 'orderly') await this.resume(bank);
    this.#paused.delete(bank);
    await this.#network.kill(bank, how === 'orderly' ? 'SIGTERM' : 'SIGKILL');
  }

  async pause(bank: ParticipantId): Promise<void> {
    this.#paused.add(bank);
    await this.#network.kill(bank, 'SIGSTOP');
  }

  async resume(bank: ParticipantId): Promise<void> {
    if (this.#paused.delete(bank)) await this.#network.kill(bank, 'SIGCONT');
  }

  async wipe(bank: ParticipantId): Promise<void> {
    assert(!this.isRunning(bank), `${bank} does not run while its disk is taken away`);
    await rm(homePaths(this.#node(bank).home).data, { recursive: true, force: true });
  }

  onEnd(listener: (bank: ParticipantId, why: string) => void): void {
    const tell = (end: NodeEnd) => listener(end.participant, describeEnd(end));
    this.#ends.forEach(tell);
    this.#network.onExit(tell);
  }

  async diaries(): Promise<readonly DiaryLine[]> {
    const lines = await this.#tail.read(this.#network.nodes());
    return lines.map(({ participant: bank, text }) => ({ bank, text }));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#paused].map((bank) => this.resume(bank)));
    await this.#network.stop();
    await this.links?.close();
    await this.#remove();
  }

  #node(bank: ParticipantId): LocalNode {
    const node = this.#network.nodes().find(({ participant }) => participant === bank);
    assert(node !== undefined, `there is ${bank}`);
    return node;
  }
}

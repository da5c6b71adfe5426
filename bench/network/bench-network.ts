/** A network of banks for a benchmark: real processes as `tonle up` starts them, with keys out of a seed, in a folder of its own. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Client, createClient } from '../../src/api/client.ts';
import type { StatusJson } from '../../src/api/types.ts';
import type { LocalNode } from '../../src/cli/local-network.ts';
import { defaultRules, type NetworkTemplate } from '../../src/cli/make-network.ts';
import { type LocalNetworkHandle, startLocalNetwork } from '../../src/cli/start-local-network.ts';
import { systemClock, systemRandom, wait } from '../../src/cli/system.ts';
import { CodedError } from '../../src/errors.ts';
import { DEFAULT_CURRENCIES, DEFAULT_TIERS, defaultMembers } from '../../src/types/defaults.ts';
import type { ChainId, Genesis, ParticipantId } from '../../src/types/index.ts';
import { withoutInterrupting } from '../machine.ts';
import { secretOf } from './people.ts';

export interface BenchNetworkOptions {
  /** For everything the network leaves on the disk; removed when it is closed. */
  readonly folder: string;
  readonly seed: number;
  readonly validators: number;
  /** How many it is made for. */
  readonly accounts: number;
  readonly rules?: Partial<Genesis['rules']>;
  /** Of the nodes' processes, on top of this one's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the homes in place and before any bank runs. */
  readonly beforeStart?: (nodes: readonly LocalNode[]) => Promise<void>;
}

/** Longer than those of `tonle init`: signing a long run takes a while. */
const MAX_VALIDITY_MS = 1_800_000;
/**
 * All nodes alike run below the priority of the generator, which needs its few milliseconds when they are due. Nothing else
 * runs beside them, so it takes nothing from them but those.
 */
const BELOW_GENERATOR = [...withoutInterrupting(), 'nice', '-n', '5'];
/** For what reads a whole state: to be ready, an audit. Four nodes that each read five million accounts take two cores some minutes. */
const WHOLE_STATE_MS = 600_000;
const POLL_MS = 100;
const LEVEL_WITHIN_MS = 60_000;

/** What such a network is made of. */
export function benchTemplate({
  seed,
  validators,
  accounts,
  rules,
}: Pick<BenchNetworkOptions, 'seed' | 'validators' | 'accounts' | 'rules'>): NetworkTemplate {
  const usual = { ...defaultRules(accounts), maxValidityMs: MAX_VALIDITY_MS };
  return {
    network: 'tonle-bench',
    members: defaultMembers(validators),
    officers: 1,
    quorum: 1,
    terms: { currencies: DEFAULT_CURRENCIES, tiers: DEFAULT_TIERS, rules: { ...usual, ...rules } },
    secretOf: (name) => secretOf(seed, name),
  };
}

export class BenchNetwork {
  readonly chainId: ChainId;
  readonly seed: number;
  readonly #network: LocalNetworkHandle;
  readonly #folder: string;
  /** Ends that nobody asked for. */
  readonly ends: string[] = [];

  private constructor(network: LocalNetworkHandle, options: BenchNetworkOptions) {
    this.#network = network;
    this.#folder = options.folder;
    this.chainId = network.chainId;
    this.seed = options.seed;
    network.onExit(({ participant, code, signal, lastLogLine }) => {
      this.ends.push(`${participant} ended by itself (${signal ?? code}): ${lastLogLine}`);
    });
  }

  static async start(options: BenchNetworkOptions): Promise<BenchNetwork> {
    const { folder, env, beforeStart } = options;
    await mkdir(folder, { recursive: true });
    const network = await startLocalNetwork({
      data: folder,
      participants: null,
      port: 0,
      reset: false,
      template: benchTemplate(options),
      logLevel: 'info',
      env: { ...process.env, ...env },
      clock: systemClock,
      random: systemRandom,
      under: () => BELOW_GENERATOR,
      readyWithinMs: WHOLE_STATE_MS,
      ...(beforeStart === undefined ? {} : { beforeStart }),
    });
    return new BenchNetwork(network, options);
  }

  nodes(): readonly LocalNode[] {
    return this.#network.nodes();
  }

  alive(): readonly LocalNode[] {
    return this.nodes().filter(({ pid }) => pid !== null);
  }

  get banks(): readonly ParticipantId[] {
    return this.nodes().map(({ participant }) => participant);
  }

  client({ apiUrl }: LocalNode): Client {
    return createClient(apiUrl, { patienceMs: WHOLE_STATE_MS });
  }

  async kill(bank: ParticipantId): Promise<void> {
    await this.#network.kill(bank, 'SIGKILL');
  }

  /** @returns milliseconds until the node said that it is ready. */
  async restart(bank: ParticipantId): Promise<number> {
    const before = performance.now();
    await this.#network.start(bank);
    return performance.now() - before;
  }

  /** Stops all processes in order; the folders stay. */
  async stop(): Promise<void> {
    await this.#network.stop();
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get folder(): string {
    return path.resolve(this.#folder);
  }

  /**
   * Waits until every bank has proved the state that it has started with. It does so once, beside its work, and what changes
   * meanwhile is written twice: that is the start of a network, not its speed.
   */
  async proved(): Promise<void> {
    const isDone = (all: readonly StatusJson[]) => all.every(({ stateProof }) => stateProof !== 'pending');
    await this.#until(isDone, WHOLE_STATE_MS, (all) => {
      const banks = all.filter(({ stateProof }) => stateProof === 'pending').map(({ participant }) => participant);
      const sentence = `banks that have not proved their state after ten minutes: ${banks.join(', ')}`;
      return new CodedError('STATE_NOT_PROVED', sentence);
    });
  }

  /** Waits until all living nodes are at one height and nothing is under way. */
  async level(): Promise<void> {
    const isLevel = (all: readonly StatusJson[]) =>
      all.every(({ height, pool }) => height === all[0]?.height && pool.transactions === 0);
    await this.#until(isLevel, LEVEL_WITHIN_MS, (all) => {
      const heights = all.map(({ participant, height }) => `${participant} ${height}`).join(', ');
      return new CodedError('NETWORK_NOT_LEVEL', `the banks are not at one height after a minute: ${heights}`);
    });
  }

  /** Asks all living nodes again and again. */
  async #until(
    isSo: (all: readonly StatusJson[]) => boolean,
    withinMs: number,
    problem: (all: readonly StatusJson[]) => CodedError,
  ): Promise<void> {
    const giveUpAtMs = systemClock.now() + withinMs;
    for (;;) {
      const all = await Promise.all(this.alive().map((node) => this.client(node).status()));
      if (isSo(all)) return;
      if (systemClock.now() > giveUpAtMs) throw problem(all);
      await wait(systemClock, POLL_MS);
    }
  }
}

/**
 * A network with its people, and the loads that are put on it one after the other. When it is left, everything that its loads
 * were told final is looked for on every node; what is wrong then takes the figures of all its runs away.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { checkLedgers, checkRecords } from './checks.ts';
import type { LoadPlan } from './load/plan.ts';
import { type LoadOptions, runLoad } from './load/run-load.ts';
import { BenchNetwork, type BenchNetworkOptions } from './network/bench-network.ts';
import { furnish } from './network/furnish.ts';
import type { People } from './network/people.ts';
import type { Row, Run, Setup } from './report.ts';

export interface StageOptions extends BenchNetworkOptions {
  /** Share of what is being done, from 0 to 1, and a few words. */
  readonly onProgress: (share: number, words: string) => void;
}

/** What of a plan differs from load to load. */
export type Load = Pick<LoadPlan, 'perS' | 'warmUpS' | 'measuredS'> &
  Partial<Pick<LoadPlan, 'arrivals' | 'capMs' | 'distribution'>>;

/** Beyond it a payer has put the phone away. */
const CAP_MS = 10_000;

export class Stage {
  readonly network: BenchNetwork;
  /** Seconds until the accounts were in all homes, before the banks started. */
  readonly furnishedS: number;
  /** Seconds from there until all banks were ready and connected: they verify that record. */
  readonly startedS: number;
  /** Seconds from there until all banks had proved the state that they started with. */
  readonly provedS: number;
  readonly #options: StageOptions;
  readonly #endsFiles: string[] = [];
  #dead = 0;
  #loads = 0;

  private constructor(
    options: StageOptions,
    network: BenchNetwork,
    { furnishedS, startedS, provedS }: Pick<Stage, 'furnishedS' | 'startedS' | 'provedS'>,
  ) {
    this.#options = options;
    this.network = network;
    this.furnishedS = furnishedS;
    this.startedS = startedS;
    this.provedS = provedS;
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { onProgress, accounts, seed, folder } = options;
    await mkdir(folder, { recursive: true });
    const beginMs = performance.now();
    let furnishedMs = beginMs;
    const network = await BenchNetwork.start({
      ...options,
      folder: path.join(folder, 'network'),
      beforeStart: async (nodes) => {
        const people: People = { seed, accounts, banks: nodes.map(({ participant }) => participant) };
        await furnish({
          homes: nodes.map(({ home }) => home),
          people,
          onProgress: (opened) => onProgress(opened / accounts, `opened ${opened} of ${accounts} accounts`),
        });
        furnishedMs = performance.now();
        onProgress(1, `starting ${options.validators} banks`);
      },
    });
    const startedMs = performance.now();
    onProgress(1, `${options.validators} banks prove their state`);
    await network.proved();
    return new Stage(options, network, {
      furnishedS: (furnishedMs - beginMs) / 1_000,
      startedS: (startedMs - furnishedMs) / 1_000,
      provedS: (performance.now() - startedMs) / 1_000,
    });
  }

  setup(load: Partial<Load> = {}): Setup {
    const { validators, accounts } = this.#options;
    const { distribution = 'uniform', arrivals = 'poisson' } = load;
    return {
      validators,
      dead: this.#dead,
      accounts,
      distribution,
      arrivals,
      checks: 'every validator checks every signature',
      sync: 'votes and blocks are synced (fdatasync) before they leave and before anyone is told «final»',
    };
  }

  /** Kills nodes for good, the last ones first. */
  async bury(count: number): Promise<void> {
    for (const { participant } of this.network.nodes().slice(-count)) await this.network.kill(participant);
    this.#dead = count;
  }

  async load(load: Load, during?: LoadOptions['during']): Promise<Run> {
    const { folder, seed, accounts, onProgress } = this.#options;
    const endsFile = path.join(folder, `ends-${this.#loads}`);
    this.#endsFiles.push(endsFile);
    const plan: LoadPlan = {
      capMs: CAP_MS,
      arrivals: 'poisson',
      distribution: 'uniform',
      ...load,
      // No two loads make the same payments.
      loadNumber: this.#loads++,
      seed,
      chainId: this.network.chainId,
      banks: this.network.banks,
      accounts,
    };
    return await runLoad({
      network: this.network,
      plan,
      endsFile,
      onProgress,
      ...(during === undefined ? {} : { during }),
    });
  }

  /** Checks everything and stops the network, whose folders stay until `close`. @returns the rows without figures where something is wrong. */
  async verified(rows: readonly Row[]): Promise<Row[]> {
    this.#options.onProgress(1, 'checking states and records');
    await this.network.level();
    const problems = await checkLedgers(this.network);
    await this.network.stop();
    problems.push(...(await checkRecords(this.network, this.#endsFiles)));
    return rows.map((row) => {
      if (problems.length === 0) return row;
      return {
        ...row,
        chosen: null,
        runs: row.runs.map((run) => ({ ...run, problems: [...run.problems, ...problems] })),
      };
    });
  }

  async close(): Promise<void> {
    await this.network.close();
  }
}

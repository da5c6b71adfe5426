/**
 * One load on one network: starts the generator, watches the processes meanwhile, and says what came of it. A run whose
 * generator was late, or in which a node ended unasked, is invalid and says why.
 */
import type { ParticipantId } from '../../src/types/index.ts';
import type { BenchNetwork } from '../network/bench-network.ts';
import { BankUse, useOf } from '../network/uses.ts';
import type { NodeUse, Run } from '../report.ts';
import { generate } from './generate.ts';
import type { Phase } from './generator.ts';
import type { LoadPlan } from './plan.ts';

export interface LoadOptions {
  readonly network: BenchNetwork;
  readonly plan: LoadPlan;
  /** Where the list of final payments goes. */
  readonly endsFile: string;
  /** Share of the plan, from 0 to 1, and a few words. */
  readonly onProgress: (share: number, words: string) => void;
  /** Called at each second of the measured time, from 0 on: what is done to the network meanwhile. */
  readonly during?: (second: number, reopen: (bank: ParticipantId) => void) => void;
}

/** Below it the generator did not offer what it says it did. */
const LEAST_SENT_SHARE = 0.99;
/** A generator that is itself late measures itself. */
const MOST_LAG_MS = 10;

export async function runLoad(options: LoadOptions): Promise<Run> {
  const { network, plan, endsFile, onProgress } = options;
  const watch = new Watch(network);
  const targets = network.nodes().map(({ apiUrl, pid }) => ({ apiUrl, isAlive: pid !== null }));
  const { figures, generator } = await generate(
    { plan, targets, endsFile },
    {
      onSigned: (count, of) => onProgress(0, `signing ${count} of ${of}`),
      onSecond: async ({ second, sent, ended, phase }, reopen) => {
        onProgress(Math.min(1, second / (plan.warmUpS + plan.measuredS)), `${phase}: ${sent} sent, ${ended} ended`);
        if (phase === 'measured') {
          options.during?.(second - plan.warmUpS - 1, (bank) => reopen(plan.banks.indexOf(bank)));
        }
        await watch.second(phase);
      },
    },
  );
  const { nodes, blocks } = await watch.result();
  const run = { offeredPerS: plan.perS, seconds: plan.measuredS, ...figures, nodes, generator, blocks };
  return { ...run, problems: [...problemsOf(run), ...network.ends] };
}

function problemsOf({ planned, sent, generator }: Omit<Run, 'problems'>): string[] {
  const problems: string[] = [];
  if (sent < planned * LEAST_SENT_SHARE) {
    problems.push(`the generator sent ${sent} of ${planned} payments in time: it offered less than it says`);
  }
  if (generator.lagP99Ms > MOST_LAG_MS) {
    problems.push(`the generator itself was late: its event loop lagged ${generator.lagP99Ms.toFixed(1)} ms at p99`);
  }
  return problems;
}

/** What the nodes used during the measured time, and how many blocks they made. */
class Watch {
  readonly #network: BenchNetwork;
  readonly #uses = new Map<string, BankUse>();
  #heights: [from: number, to: number] = [0, 0];
  #last: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(network: BenchNetwork) {
    this.#network = network;
  }

  second(phase: Phase): Promise<void> {
    if (phase === 'measured') this.#last = this.#last.then(() => this.#look(false));
    else if (phase !== 'warm-up' && !this.#isOver) {
      this.#isOver = true;
      this.#last = this.#last.then(() => this.#look(true));
    }
    return this.#last;
  }

  async #look(isEnd: boolean): Promise<void> {
    const isBegin = this.#uses.size === 0;
    for (const { participant, pid } of this.#network.alive()) {
      const use = pid === null ? null : await useOf(pid);
      if (pid === null || use === null) continue;
      const bank = this.#uses.get(participant) ?? new BankUse();
      this.#uses.set(participant, bank);
      bank.look(pid, use);
    }
    if (isBegin || isEnd) {
      const [first] = this.#network.alive();
      const height = first === undefined ? 0 : (await this.#network.client(first).status()).height;
      this.#heights = isBegin ? [height, height] : [this.#heights[0], height];
    }
  }

  async result(): Promise<{ readonly nodes: readonly NodeUse[]; readonly blocks: number }> {
    await this.#last;
    const nodes = [...this.#uses].map(([participant, { spent }]): NodeUse => {
      const { cpuS, threadsS, rssBytes, allWrittenBytes, diskWrittenBytes } = spent;
      return {
        participant,
        cpuS,
        threadsS,
        maxRssBytes: rssBytes,
        sentBytes: Math.max(0, allWrittenBytes - diskWrittenBytes),
        writtenBytes: diskWrittenBytes,
      };
    });
    return { nodes, blocks: this.#heights[1] - this.#heights[0] };
  }
}

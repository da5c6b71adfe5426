/**
 * One run of the nemesis: a real network of processes, people who pay, and faults one after the other, each begun when the
 * network has recovered from the one before, so that never more than f banks are down or damaged but where the fault says
 * so. At the end everything that any node shows is read once more from the first block on.
 */
import { setMaxListeners } from 'node:events';
import { describeEnd } from '../cli/node-child.ts';
import { wait } from '../cli/system.ts';
import type { ParticipantId } from '../types/index.ts';
import { VIOLATIONS } from './checker.ts';
import { Diaries } from './diaries.ts';
import { endedInOrder, type Field, type Restart, strike } from './faults.ts';
import { type Window, worstGaps } from './gaps.ts';
import { Memory } from './memory.ts';
import { describeFault, type Fault, type FaultKind, faultsOf } from './plan.ts';
import type { Occurrence, Report } from './report.ts';
import { type Stage, type StageOptions, setStage } from './stage.ts';

export interface NemesisOptions extends StageOptions {
  /** No fault begins later than so long after the first. */
  readonly forMs: number;
  /** So many faults at most. */
  readonly maxFaults?: number;
  readonly kinds?: readonly FaultKind[];
  /** One line for people. */
  readonly print: (line: string) => void;
}

/** What fails a run beside what the checker finds. */
const PROCESS_VIOLATIONS = {
  badEnd: 'a process did not end in order when it was asked to',
  unexpectedEnd: 'a process ended although nobody asked it to',
  notStarted: 'a process did not start again',
  alarm: 'a node logged an error, or named somebody for signing twice',
  noQuorum: 'something became final without a quorum',
  stuck: 'the network or a node did not go on in time',
  unresolved: 'it is not known of a payment how it ended, and nobody can tell any more',
} as const;

const ALL_VIOLATIONS = { ...VIOLATIONS, ...PROCESS_VIOLATIONS } as const;
type AnyViolation = { readonly name: keyof typeof ALL_VIOLATIONS; readonly what: string };

/** From the end of a fault until every node shows a block that was made after it. */
const RECOVER_WITHIN_MS = 60_000;
const LEVEL_WITHIN_MS = 60_000;
const STATUS_EVERY_MS = 10_000;
const FIRST_PAYMENTS = 10;
const POLL_MS = 50;

/** @returns what was seen; nothing runs any more. @throws what stops the network from starting at all. */
export async function runNemesis(options: NemesisOptions): Promise<Report> {
  // Waiters of every payer hang on the one signal.
  setMaxListeners(0, options.signal);
  const stage = await setStage(options);
  const run = new Run(options, stage);
  const killLeft = (): void => {
    for (const { pid } of stage.network.nodes()) if (pid !== null) process.kill(pid, 'SIGKILL');
  };
  process.on('exit', killLeft);
  try {
    await run.storm();
    await run.finish();
  } finally {
    await stage.witness.stop();
    await stage.network.stop();
    await stage.wires.close();
    process.off('exit', killLeft);
  }
  return run.report();
}

class Run {
  readonly #options: NemesisOptions;
  readonly #stage: Stage;
  readonly #field: Field;
  readonly #startedAtMs: number;
  readonly #violations: AnyViolation[] = [];
  readonly #occurrences: Occurrence[] = [];
  readonly #windows: Window[] = [];
  readonly #diaries = new Diaries();
  readonly #memory = new Memory();
  /** How many of the checker's findings were printed. */
  #told = 0;
  #now = 'quiet';

  constructor(options: NemesisOptions, stage: Stage) {
    this.#options = options;
    this.#stage = stage;
    this.#startedAtMs = options.clock.now();
    const { network, wires, witness } = stage;
    const { clock, folder, signal } = options;
    const report = (name: AnyViolation['name'], what: string) => this.#violate(name, what);
    this.#field = { network, wires, witness, clock, scratch: folder, signal, report };
    network.onExit((end) => this.#violate('unexpectedEnd', describeEnd(end)));
  }

  /** Faults, one after the other, until the time is over, something is found, or somebody asks for the end. */
  async storm(): Promise<void> {
    const { clock, seed, forMs, kinds, maxFaults = Number.POSITIVE_INFINITY, signal } = this.#options;
    const { network, witness, workload, checker } = this.#stage;
    witness.start();
    workload.start();
    await this.#memory.look(network.nodes());
    while (workload.tally.acknowledged < FIRST_PAYMENTS && !signal.aborted && !this.#found()) {
      if (clock.now() - this.#startedAtMs > RECOVER_WITHIN_MS)
        this.#violate('stuck', 'no payment was ever acknowledged');
      await wait(clock, POLL_MS);
    }
    this.#windows.push({ kind: 'none', from: 1, to: checker.height });
    const untilMs = clock.now() + forMs;
    const cancel = this.#statusLines();
    try {
      for (const fault of faultsOf(seed, this.#ids(), kinds)) {
        const quiet = checker.height;
        await wait(clock, fault.afterMs, signal).catch(() => undefined);
        this.#windows.push({ kind: 'none', from: quiet, to: checker.height });
        if (signal.aborted || clock.now() >= untilMs || this.#occurrences.length >= maxFaults) break;
        await this.#throw(fault);
        if (this.#found()) break;
      }
    } finally {
      cancel();
    }
  }

  /** Nothing new any more: everybody ends what was begun, and all that any node shows is checked. */
  async finish(): Promise<void> {
    const { network, witness, workload, checker } = this.#stage;
    this.#options.print(`${this.#time()}  the end: last payments, then every block of every node is read again`);
    await workload.stop();
    if (workload.tally.unresolved > 0) this.#violate('unresolved', `${workload.tally.unresolved} payments`);
    // A node that is down for good stays behind, however long it is waited for.
    const isUp = network.nodes().every(({ pid }) => pid !== null);
    if (!(await witness.isLevel(isUp ? LEVEL_WITHIN_MS : 0))) {
      this.#violate('stuck', `heights at the end: ${this.#heights()}, ${checker.height} known`);
    }
    await witness.stop();
    for (const node of network.nodes()) {
      witness.readAgain(node.participant);
      await this.#catching(async () => {
        await witness.readAll(node);
        await witness.audit(node);
        await witness.balances(node);
      });
    }
    checker.nothingIsLost(checker.missing());
    await this.#look();
    for (const id of this.#ids()) {
      const end = await network.kill(id, 'SIGTERM');
      if (end !== null && !endedInOrder(end)) this.#violate('badEnd', `after SIGTERM ${describeEnd(end)}`);
    }
    await this.#look();
  }

  report(): Report {
    const { checker, workload } = this.#stage;
    return {
      seed: this.#options.seed,
      banks: this.#ids().length,
      namespaces: this.#options.namespaces ?? false,
      forMs: this.#options.clock.now() - this.#startedAtMs,
      occurrences: this.#occurrences,
      violations: this.#all(),
      heights: checker.height,
      transactions: checker.transactions,
      payments: workload.tally,
      gaps: worstGaps(this.#windows, checker),
      memory: this.#memory.nodes,
      warnings: this.#diaries.warnings,
    };
  }

  async #throw(fault: Fault): Promise<void> {
    const { clock, print } = this.#options;
    const { witness, checker } = this.#stage;
    const atMs = clock.now();
    const from = checker.height;
    this.#now = fault.kind;
    let restart: Restart | null = null;
    await this.#catching(async () => {
      restart = await strike(fault, this.#field);
    });
    const healedMs = clock.now();
    const acknowledged = checker.missing();
    const target = Math.max(witness.height, checker.highestAcknowledged);
    const late = await witness.reaches(this.#ids(), target, RECOVER_WITHIN_MS);
    const recoveredMs = clock.now() - healedMs;
    if (late.length > 0) {
      this.#violate(
        'stuck',
        `${late.join(', ')} not above height ${target} ${RECOVER_WITHIN_MS / 1_000} s after ${describeFault(fault)}`,
      );
    } else checker.nothingIsLost(acknowledged);
    this.#windows.push({ kind: fault.kind, from, to: checker.height });
    await this.#look();
    const done: Occurrence = { fault, atMs: atMs - this.#startedAtMs, lastedMs: healedMs - atMs, recoveredMs, restart };
    this.#occurrences.push(done);
    this.#now = 'quiet';
    print(`${this.#time()}  ${lineOf(done, this.#occurrences.length)}`);
  }

  /** What can be looked at any time: audits, logs, memory. */
  async #look(): Promise<void> {
    const { network, witness } = this.#stage;
    for (const node of network.nodes()) if (node.pid !== null) await this.#catching(() => witness.audit(node));
    await this.#memory.look(network.nodes());
    const before = this.#diaries.alarms.length;
    await this.#diaries.read(network.nodes());
    for (const { participant, line } of this.#diaries.alarms.slice(before)) {
      this.#violate('alarm', `${participant}: ${line}`);
    }
    const { violations } = this.#stage.checker;
    for (const { name, what } of violations.slice(this.#told)) this.#tell(name, what);
    this.#told = violations.length;
  }

  /** A node that cannot be started or asked is a finding, and no reason to leave things running. */
  async #catching(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#violate('notStarted', error instanceof Error ? error.message : String(error));
    }
  }

  #statusLines(): () => void {
    const { clock, print } = this.#options;
    let cancel = (): void => undefined;
    const again = (): void => {
      cancel = clock.schedule(STATUS_EVERY_MS, () => {
        const { submitted, acknowledged, pending } = this.#stage.workload.tally;
        const payments = `${submitted} payments, ${acknowledged} acknowledged, ${pending} pending`;
        print(
          `${this.#time()}  heights ${this.#heights()}; ${payments}; ${this.#occurrences.length} faults, now ${this.#now}`,
        );
        again();
      });
    };
    again();
    return () => cancel();
  }

  #violate(name: AnyViolation['name'], what: string): void {
    this.#violations.push({ name, what });
    this.#tell(name, what);
  }

  #tell(name: AnyViolation['name'], what: string): void {
    this.#options.print(`${this.#time()}  VIOLATION ${name}, ${ALL_VIOLATIONS[name]}: ${what}`);
  }

  #all(): readonly AnyViolation[] {
    return [...this.#stage.checker.violations, ...this.#violations];
  }

  #found(): boolean {
    return this.#all().length > 0;
  }

  #ids(): readonly ParticipantId[] {
    return this.#stage.network.nodes().map(({ participant }) => participant);
  }

  #heights(): string {
    const heights = this.#stage.witness.heights();
    return this.#ids()
      .map((id) => heights.get(id) ?? '-')
      .join('/');
  }

  #time(): string {
    return `${((this.#options.clock.now() - this.#startedAtMs) / 1_000).toFixed(1).padStart(7)} s`;
  }
}

function lineOf({ fault, recoveredMs, restart }: Occurrence, number: number): string {
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  const first = restart?.firstCommitMs ?? null;
  const commit = first === null ? 'no commit' : `first commit ${seconds(first)}`;
  const back = restart === null ? '' : `; ready ${seconds(restart.readyMs)}, ${commit} after restart`;
  return `#${number} ${describeFault(fault)}; all well ${seconds(recoveredMs)} later${back}`;
}

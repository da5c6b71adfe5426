/**
 * What a run of the benchmark came to: the one form that the table, the page and `bench/results/` are made of. Durations of
 * payments are in milliseconds, of runs in seconds; rates are per second.
 */

export interface Report {
  readonly version: 1;
  /** `rows`: some rows of the matrix, chosen by hand. */
  readonly kind: 'quick' | 'full' | 'rows';
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationS: number;
  /** Hexadecimal, with `+changes` where the tree had uncommitted ones. */
  readonly commit: string;
  readonly seed: number;
  /** The words that make this report again. */
  readonly command: string;
  readonly machine: Machine;
  readonly limit: Limit | null;
  readonly postgresql: PostgresReport | Skipped;
  readonly rows: readonly Row[];
  readonly figures: readonly Figure[];
  /** Scenes that broke off, and why: their rows are missing. */
  readonly failures: readonly string[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly versions: Readonly<Record<string, string>>;
  /** One-minute load average before anything was started. */
  readonly loadAverage: number;
}

/** Left out, and why, in a sentence. */
export interface Skipped {
  readonly skipped: string;
}

/** What this machine can do at all, measured before everything else; searches measure the checks again, see `Row`. */
export interface Limit {
  /** All cores together, by the library that the nodes verify with. */
  readonly verificationsPerS: number;
  readonly library: string;
  readonly cores: number;
  /** The same by OpenSSL, for comparison. */
  readonly opensslPerS: number;
  /** One write of 4 KiB and its fdatasync, in the folder of the nodes' data. */
  readonly syncedWrite: Quantiles;
}

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface PostgresReport {
  readonly version: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly accounts: number;
  /** Of the ways to say a transfer, the one that was the faster in a trial. */
  readonly way: string;
  /** In the order they were made: before the network, and after it. */
  readonly runs: readonly PostgresRun[];
}

export interface PostgresRun {
  readonly clients: number;
  readonly seconds: number;
  readonly transfers: number;
  readonly transfersPerS: number;
  readonly failed: number;
  readonly latencyMs: {
    readonly mean: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Sum of balances before and after are equal, and each standby has replayed it all with the same sum. */
  readonly conserved: boolean;
}

/** One network under one load or a search of loads. */
export interface Row {
  /** What `--row` takes: `saturation-4`. */
  readonly name: string;
  readonly title: string;
  readonly kind: RowKind;
  readonly setup: Setup;
  /** In the order they were made; of a saturation search, all its steps. */
  readonly runs: readonly Run[];
  /** Index of the run that counts, or null where none is valid. */
  readonly chosen: number | null;
  /**
   * Signature checks a second on all cores, before each of the runs of which one counts and after the last: of a search, what it is
   * held against, as a shared machine is another one from minute to minute. Absent where it was not measured.
   */
  readonly verificationsPerS?: readonly number[];
  /** What else was measured, by name: `readyMs`, `diskBytes`, … */
  readonly measures: Readonly<Record<string, number>>;
  /** Sentences for the reader. */
  readonly notes: readonly string[];
}

/**
 * `saturation`: a search for the highest load; `paced`: one load; `soak`: one load for long; `kill`: one load, and a node is killed
 * under it.
 */
export type RowKind = 'saturation' | 'paced' | 'soak' | 'kill';

export interface Setup {
  readonly validators: number;
  /** Nodes that are killed before the load begins. */
  readonly dead: number;
  readonly accounts: number;
  readonly distribution: 'uniform' | 'zipf';
  readonly arrivals: 'poisson' | 'constant' | 'closed';
  readonly checks: string;
  readonly sync: string;
}

/** One load on one network. */
export interface Run {
  readonly offeredPerS: number;
  readonly seconds: number;
  readonly planned: number;
  readonly sent: number;
  /** Answered as taken or final. */
  readonly accepted: number;
  /** Final and took effect, among those planned in the measured time. */
  readonly final: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly timedOut: number;
  readonly finalPerS: number;
  /** From the planned sending to the client seeing finality; a timeout counts as the cap. */
  readonly latencyMs: Quantiles;
  /** The same distribution for a plot: share of payments, milliseconds; ascending. */
  readonly curve: readonly (readonly [share: number, ms: number])[];
  /** By second of the run. */
  readonly timeline: readonly {
    readonly second: number;
    readonly final: number;
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
  }[];
  /** What was done to the network during the run: marks on the timeline. None where absent. */
  readonly events?: readonly { readonly second: number; readonly what: string }[];
  readonly nodes: readonly NodeUse[];
  readonly generator: { readonly cpuS: number; readonly lagP99Ms: number; readonly maxRssBytes: number };
  readonly blocks: number;
  /** Longest time in which nothing was seen final. */
  readonly longestGapMs: number;
  /** By how many more the payments became, in the measured time, that were due and had no end: by the median of all pairs of samples. */
  readonly backlogGrowth: number;
  /** Why the run has no figure: an invalid generator or a failed check. Empty where it is valid. */
  readonly problems: readonly string[];
}

/**
 * What the threads of a node are for. `loop`: all of the node's own JavaScript, and the checks of votes and of small batches; `checks`:
 * those of other batches; `engine`: V8's compiler and collector; `storage`: files and the database.
 */
export const THREAD_KINDS = ['loop', 'checks', 'engine', 'storage', 'other'] as const;
export type ThreadKind = (typeof THREAD_KINDS)[number];

export interface NodeUse {
  readonly participant: string;
  readonly cpuS: number;
  /** The same by thread. */
  readonly threadsS: Readonly<Record<ThreadKind, number>>;
  readonly maxRssBytes: number;
  /** Written to sockets. */
  readonly sentBytes: number;
  /** Written to the disk. */
  readonly writtenBytes: number;
}

/** A line of the table of figures to reach. */
export interface Figure {
  readonly what: string;
  /** In words: `>= 0.45, aim 0.65`. */
  readonly toReach: string;
  /** In words with its unit: `0.47`, `p50 21 ms, p99 88 ms`. Null where it was not measured. */
  readonly reached: string | null;
  readonly verdict: 'reached' | 'aim reached' | 'missed' | 'not measured';
  /** What it is made of. */
  readonly how: string;
}

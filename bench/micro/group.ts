/** What is timed: functions that do one thing once, in groups that prepare what they need and put it away. */

export interface Benchmark {
  readonly name: string;
  /** Does it once. What it returns is kept from being optimised away; a promise is waited for. */
  readonly run: () => unknown;
  /** Where doing it more often would run into a limit. */
  readonly maxSamples?: number;
}

interface OpenGroup {
  readonly benchmarks: readonly Benchmark[];
  close(): Promise<void>;
}

export interface Group {
  readonly name: string;
  /** @param folder exists, and is empty and the group's own. */
  open(folder: string): Promise<OpenGroup>;
}

/** A group that leaves nothing to put away. */
export function pure(name: string, benchmarks: () => readonly Benchmark[]): Group {
  return { name, open: () => Promise.resolve({ benchmarks: benchmarks(), close: () => Promise.resolve() }) };
}

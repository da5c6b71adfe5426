/** What the faults of a list came to in many runs, as the table of ARCHITECTURE.md prints it. */
import { CATALOGUE } from './catalogue.ts';
import type { Totals } from './totals.ts';

interface ReportRow {
  readonly number: string;
  readonly fault: string;
  /** `planned` by a seed, `always` there, or not simulated at all (`never`). */
  readonly happens: 'planned' | 'always' | 'never';
  /** Where it is injected, or why it is not. */
  readonly where: string;
  readonly times: number;
  /** Runs in which it struck. */
  readonly seeds: number;
  /** What came of it, the most frequent first. */
  readonly led: string;
}

/** What is kept as JSON. */
export interface FaultReport {
  readonly seeds: string;
  readonly runs: number;
  readonly failed: number;
  readonly heights: number;
  readonly payments: number;
  readonly acknowledged: number;
  readonly rows: readonly ReportRow[];
}

/** The most consequences of a fault that are named. */
const MAX_LED = 6;

/** The file as it should be. @param seeds as they were asked for. */
export function reportOf(totals: Totals, seeds: string): string {
  const { failed, heights, payments, acknowledged, conspiracies } = totals;
  const rows = CATALOGUE.map(({ number, fault, where, kinds, led }): ReportRow => {
    if (kinds === null) return { number, fault, happens: 'never', where, times: 0, seeds: 0, led: '' };
    return {
      number,
      fault,
      happens: kinds.length === 0 ? 'always' : 'planned',
      where,
      times: kinds.reduce((sum, kind) => sum + (totals.struck.get(kind) ?? 0), 0),
      seeds: totals.runs.filter((run) => kinds.some((kind) => run.has(kind))).length,
      led: (led === 'forks' ? forksOf(totals) : consequences(totals, led)).join(', '),
    };
  });
  const runs = totals.seeds + conspiracies.runs;
  const report: FaultReport = { seeds, runs, failed, heights, payments, acknowledged, rows };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function forksOf({ conspiracies: { runs, forks, proved } }: Totals): string[] {
  return [`${runs} runs`, `${forks} forks`, `${proved} proved by two statements of every liar`];
}

function consequences({ tally }: Totals, prefixes: readonly string[]): string[] {
  const found = [...tally].filter(([what]) => prefixes.some((prefix) => what.startsWith(prefix)));
  const named = found
    .sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))
    .map(([what, count]) => {
      const prefix = prefixes.find((each) => what.startsWith(each) && each.endsWith(': ')) ?? '';
      return `${what.slice(prefix.length)} ${count}`;
    });
  return named.length <= MAX_LED ? named : [...named.slice(0, MAX_LED), `${named.length - MAX_LED} more`];
}

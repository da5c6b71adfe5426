/** What a run has shown, as data and as a page for people. */

import type { Restart } from './faults.ts';
import type { MemoryOfNode } from './memory.ts';
import { FAULTS, type Fault, type FaultKind } from './plan.ts';
import type { Tally } from './workload.ts';

/** One fault, as it went. */
export interface Occurrence {
  readonly fault: Fault;
  /** After the start of the run. */
  readonly atMs: number;
  /** From the first blow until everything ran and every link was whole. */
  readonly lastedMs: number;
  /** From then until every node showed a block made after it. */
  readonly recoveredMs: number;
  readonly restart: Restart | null;
}

export interface Report {
  readonly seed: number;
  readonly banks: number;
  readonly namespaces: boolean;
  readonly forMs: number;
  readonly occurrences: readonly Occurrence[];
  readonly violations: readonly { readonly name: string; readonly what: string }[];
  readonly heights: number;
  /** On the chain. */
  readonly transactions: number;
  readonly payments: Tally;
  /** Longest time between two blocks, by what was wrong at the time. */
  readonly gaps: ReadonlyMap<FaultKind | 'none', number>;
  readonly memory: ReadonlyMap<string, MemoryOfNode>;
  /** Of the nodes' logs, by event. */
  readonly warnings: ReadonlyMap<string, number>;
}

const SAFETY = { lost: 'lostPayment', forks: 'fork' } as const;
const CONSERVATION: ReadonlySet<string> = new Set(['moneyCreated', 'negativeBalance', 'otherBooks', 'unauthorised']);

export function reportToJson(report: Report): string {
  const plain = (_: string, value: unknown): unknown => (value instanceof Map ? Object.fromEntries(value) : value);
  return `${JSON.stringify(report, plain, 2)}\n`;
}

/** @returns lines. */
export function describeReport(report: Report): readonly string[] {
  const { violations, payments, heights, transactions, forMs, seed, banks } = report;
  const count = (name: string) => violations.filter((each) => each.name === name).length;
  const broken = violations.filter(({ name }) => CONSERVATION.has(name)).length;
  return [
    '',
    `seed ${seed}, ${banks} banks, ${(forMs / 60_000).toFixed(1)} min, ${heights} heights, ${transactions} transactions`,
    ...faultLines(report),
    ...paymentLines(payments),
    `lost         ${count(SAFETY.lost)}`,
    `forks        ${count(SAFETY.forks)}`,
    `conservation ${broken === 0 ? 'held' : `BROKEN ${broken} times`}`,
    ...restartLines(report),
    ...[...report.memory].map(([id, { startMiB, endMiB, highestMiB }]) => {
      return `memory       ${id.padEnd(8)} ${startMiB} MiB at the start, ${endMiB} at the end, ${highestMiB} at most`;
    }),
    `warnings     ${listOf(report.warnings)}`,
    report.namespaces
      ? 'links        as network namespaces (FAULTS 4 and 5 as N); not there: delays, resets'
      : 'links        through proxies; FAULTS 4 and 5 as N are skipped here and run with --namespaces',
    ...violations.map(({ name, what }) => `VIOLATION    ${name}: ${what}`),
    violations.length === 0 ? 'OK: nothing that must not be was seen' : `FAILED: ${violations.length} violations`,
  ];
}

function faultLines({ occurrences, gaps }: Report): readonly string[] {
  const kinds = (Object.keys(FAULTS) as FaultKind[]).filter((kind) =>
    occurrences.some(({ fault }) => fault.kind === kind),
  );
  const rows = kinds.map((kind) => {
    const all = occurrences.filter(({ fault }) => fault.kind === kind);
    const slowest = Math.max(...all.map(({ recoveredMs }) => recoveredMs));
    const gap = gaps.get(kind) ?? 0;
    const cells = [`${all.length} x`.padStart(5), kind.padEnd(10), `(${FAULTS[kind].number})`.padEnd(5)];
    return `${cells.join(' ')} worst gap ${inSeconds(gap)}, all well ${inSeconds(slowest)} after it at the latest`;
  });
  const quiet = `      no fault         worst gap ${inSeconds(gaps.get('none') ?? 0)}`;
  return [`faults       ${occurrences.length}`, ...rows, quiet];
}

function paymentLines(tally: Tally): readonly string[] {
  const { submitted, acknowledged, refused, expired, unknown, resolved, unresolved, twice } = tally;
  return [
    `payments     ${submitted} submitted (${twice} through two banks at once), ${acknowledged} acknowledged`,
    `refused      ${listOf(refused)}; expired ${expired}`,
    `unknown      ${unknown} at first; ${resolved} then resolved, ${unresolved} never`,
  ];
}

function restartLines({ occurrences }: Report): readonly string[] {
  const restarts = occurrences.flatMap(({ restart }) => (restart === null ? [] : [restart]));
  if (restarts.length === 0) return [];
  const shown = restarts.map(({ readyMs, firstCommitMs }) => {
    return `${firstCommitMs === null ? 'never' : inSeconds(firstCommitMs)} (ready ${inSeconds(readyMs)})`;
  });
  return [`restarts     of all after kill -9, to the first new commit: ${shown.join(', ')}`];
}

function listOf(counts: ReadonlyMap<string, number>): string {
  const shown = [...counts].sort().map(([name, count]) => `${name} ${count}`);
  return shown.length === 0 ? 'none' : shown.join(', ');
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** What a report's parts come to, and how figures are written: the one home for both the terminal's text and the page. */
import { count, grouped } from '../../src/scenario/words.ts';
import { limitPerS, verificationsPerS } from '../beside.ts';
import {
  type Limit,
  type Machine,
  type Report,
  type Row,
  type Run,
  type Setup,
  THREAD_KINDS,
  type ThreadKind,
} from '../report.ts';

/** The run that counts, or why the row has no figure. */
export type Outcome = { readonly run: Run; readonly problem: null } | { readonly run: null; readonly problem: string };

/** A run with problems has no figure, also where it was chosen. */
export function outcomeOf(row: Row): Outcome {
  const run = row.chosen === null ? undefined : row.runs[row.chosen];
  if (run !== undefined && run.problems.length === 0) return { run, problem: null };
  const problems = run === undefined ? row.runs.flatMap((other) => other.problems) : run.problems;
  if (problems.length > 0) return { run: null, problem: [...new Set(problems)].join('; ') };
  return { run: null, problem: row.runs.length === 0 ? 'it was not run' : 'none of its loads passed' };
}

/** Where the generator waited for answers the title says so: such latencies do not compare with others. */
export function titleOf({ title, setup }: Row): string {
  return setup.arrivals === 'closed' && !/closed loop/i.test(title) ? `${title} (closed loop)` : title;
}

/** `no figure: 94 % of the plan was sent`. */
export function noFigure(problem: string): string {
  return `no figure: ${problem}`;
}

/** Final over what signature checks allow, 0 to 1; null where the limit was not measured. */
export function shareOfLimit({ limit }: Report, row: Row, run: Run): number | null {
  return limit === null ? null : run.finalPerS / limitPerS(limit, row);
}

/** `29,113 (27,110, 32,613, 28,004)`: the signature checks a second that a row is held against; null where it has none of its own. */
export function checksWords(limit: Limit, row: Row): string | null {
  const own = row.verificationsPerS ?? [];
  return own.length === 0 ? null : `${number(verificationsPerS(limit, row))} (${own.map(number).join(', ')})`;
}

/** CPU microseconds a payment: of all nodes, the same by what their threads are for, and of the generator. */
export interface PaymentCpu {
  readonly nodes: number;
  readonly threads: Readonly<Record<ThreadKind, number>>;
  readonly generator: number;
}

/** Null where nothing became final. */
export function cpuPerPayment(run: Run): PaymentCpu | null {
  if (run.final === 0) return null;
  const each = (cpuS: readonly number[]) => (sum(cpuS) * 1e6) / run.final;
  const threads = THREAD_KINDS.map((kind) => [kind, each(run.nodes.map(({ threadsS }) => threadsS[kind]))]);
  return {
    nodes: each(run.nodes.map(({ cpuS }) => cpuS)),
    threads: Object.fromEntries(threads) as PaymentCpu['threads'],
    generator: each([run.generator.cpuS]),
  };
}

export function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

/** The memory of the node that took most, in bytes; null of a run without nodes. */
export function maxRssOf(run: Run): number | null {
  return run.nodes.length === 0 ? null : Math.max(...run.nodes.map(({ maxRssBytes }) => maxRssBytes));
}

/** Three digits or more, with separators: `1,234`, `12.3`, `0.61`. */
export function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return grouped(Math.round(value));
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** Milliseconds without the unit, always milliseconds, so that a column of them compares: `0.42`, `8.1`, `1,234`. */
export function millis(ms: number): string {
  if (ms >= 10 || ms === 0) return grouped(Math.round(ms));
  return ms.toFixed(ms >= 1 ? 1 : 2);
}

/** `0.47`. */
export function ratio(value: number): string {
  return value.toFixed(2);
}

/** `12.3 MB`, `8.2 GB`: millions and billions of bytes. */
export function size(bytes: number): string {
  return bytes < 1e9 ? `${megabytes(bytes)} MB` : `${Number((bytes / 1e9).toPrecision(3))} GB`;
}

/** Megabytes without the unit, for a column. */
export function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return value >= 100 || value === 0 ? grouped(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}

/** Days and minutes of the machine, in UTC: `2026-11-28 09:30 UTC`. */
export function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** `Some CPU at 2.60 GHz, 2 cores`. */
export function machineWords({ cpu, cores }: Machine): string {
  return `${cpu}, ${count(cores, 'core')}`;
}

/** `4 validators (1 dead), 1,000 accounts, uniform; poisson arrivals; checks: each node; sync: before the answer`. */
export function setupWords({ validators, dead, accounts, distribution, arrivals, checks, sync }: Setup): string {
  const killed = dead === 0 ? '' : ` (${grouped(dead)} dead)`;
  const network = `${count(validators, 'validator')}${killed}, ${count(accounts, 'account')}, ${distribution}`;
  const order = arrivals === 'closed' ? 'closed loop' : `${arrivals} arrivals`;
  return `${network}; ${order}; checks: ${checks}; sync: ${sync}`;
}

/** `readyMs`, 1234 -> `ready`, `1,234 ms`; the end of a name says its unit. */
export function measure(name: string, value: number): readonly [name: string, text: string] {
  const units: readonly (readonly [end: string, write: (value: number) => string])[] = [
    ['PerS', (perS) => `${number(perS)} a second`],
    ['Bytes', size],
    ['Ms', (ms) => `${millis(ms)} ms`],
    ['S', (s) => `${number(s)} s`],
  ];
  const found = units.find(([end]) => name.endsWith(end) && name.length > end.length);
  const words = (text: string) =>
    text.replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
  if (found === undefined) return [words(name), number(value)];
  return [words(name.slice(0, -found[0].length)), found[1](value)];
}

/** What the charts and tables show, computed from a run. */
import type { PaymentRecord, Run } from '../run.ts';
import { quantile } from '../words.ts';

/** Finality in buckets of which four make a doubling: 16 to 19 ms, 19 to 23 ms… */
export interface Histogram {
  readonly buckets: readonly { readonly fromMs: number; readonly toMs: number; readonly count: number }[];
  readonly total: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Buckets of the histogram while the time doubles. */
export const PER_DOUBLING = 4;

/** What of `kind: payment` came of a stretch of story time. */
export interface Slice {
  readonly fromMs: number;
  readonly toMs: number;
  readonly final: number;
  readonly refused: number;
  /** Expired, unreachable or still under way. */
  readonly other: number;
}

export function paymentsOf(run: Run): readonly PaymentRecord[] {
  return run.payments.filter((payment) => payment.kind === 'payment');
}

/** Null where no payment became final. */
export function histogramOf(run: Run): Histogram | null {
  const times = paymentsOf(run).flatMap(({ finalityMs }) => (finalityMs === null ? [] : [finalityMs]));
  if (times.length === 0) return null;
  times.sort((a, b) => a - b);
  const place = (ms: number) => Math.floor(Math.log2(Math.max(1, ms)) * PER_DOUBLING);
  const edge = (at: number) => 2 ** (at / PER_DOUBLING);
  const low = place(times[0] ?? 1);
  const high = place(times.at(-1) ?? 1);
  const counts = new Array<number>(high - low + 1).fill(0);
  for (const ms of times) counts[place(ms) - low] = (counts[place(ms) - low] ?? 0) + 1;
  return {
    buckets: counts.map((count, i) => ({ fromMs: edge(low + i), toMs: edge(low + i + 1), count })),
    total: times.length,
    p50Ms: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    p99Ms: quantile(times, 0.99),
    maxMs: times.at(-1) ?? 0,
  };
}

/** The run's time in equal slices. */
export function slicesOf(run: Run, slices: number): readonly Slice[] {
  const { startedAtMs, endedAtMs } = run;
  const widthMs = Math.max(1, endedAtMs - startedAtMs) / slices;
  const found = Array.from({ length: slices }, () => ({ final: 0, refused: 0, other: 0 }));
  for (const { submittedAtMs, ending } of paymentsOf(run)) {
    const at = Math.min(slices - 1, Math.max(0, Math.floor((submittedAtMs - startedAtMs) / widthMs)));
    const slice = found[at];
    if (slice === undefined) continue;
    if (ending === 'final') slice.final += 1;
    else if (ending === 'refused') slice.refused += 1;
    else slice.other += 1;
  }
  return found.map((slice, i) => ({
    fromMs: startedAtMs + i * widthMs,
    toMs: startedAtMs + (i + 1) * widthMs,
    ...slice,
  }));
}

/** How the payments ended: `final` -> 40, `refused ALIAS_NOT_FOUND` -> 1. */
export function endingsOf(run: Run): ReadonlyMap<string, number> {
  const endings = new Map<string, number>();
  for (const { ending, code } of paymentsOf(run)) {
    const name = code === null ? ending : `${ending} ${code}`;
    endings.set(name, (endings.get(name) ?? 0) + 1);
  }
  return new Map([...endings].sort(([a], [b]) => Number(b === 'final') - Number(a === 'final') || (a < b ? -1 : 1)));
}

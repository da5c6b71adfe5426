/** What a row of the matrix is held against: the limit of the machine, and PostgreSQL on it. */
import type { Limit, PostgresReport, PostgresRun, Row, Skipped } from './report.ts';

/** Payments a second that a row's network could make final at most, if nodes did nothing but check signatures; each checks all. */
export function limitPerS(limit: Limit, row: Pick<Row, 'setup' | 'verificationsPerS'>): number {
  return verificationsPerS(limit, row) / row.setup.validators;
}

/** The mean of what was measured between the row's own runs; of a row without such, what was measured before everything. */
export function verificationsPerS(
  limit: Limit,
  { verificationsPerS: own = [] }: Pick<Row, 'verificationsPerS'>,
): number {
  return mean(own) ?? limit.verificationsPerS;
}

export interface PostgresRate {
  readonly clients: number;
  /** Before the network, and after it. */
  readonly runs: number;
  /** Their mean. */
  readonly transfersPerS: number;
}

/** Of runs that have a figure, fewest clients first. */
export function postgresRates(postgresql: PostgresReport | Skipped): readonly PostgresRate[] {
  if (isSkipped(postgresql)) return [];
  const runs = postgresql.runs.filter(hasFigure);
  const clients = [...new Set(runs.map((run) => run.clients))].sort((a, b) => a - b);
  return clients.map((count) => {
    const rates = runs.filter((run) => run.clients === count).map((run) => run.transfersPerS);
    return { clients: count, runs: rates.length, transfersPerS: mean(rates) ?? 0 };
  });
}

export function isSkipped(postgresql: PostgresReport | Skipped): postgresql is Skipped {
  return 'skipped' in postgresql;
}

function hasFigure({ conserved, transfersPerS }: PostgresRun): boolean {
  return conserved && transfersPerS > 0;
}

/** Null of none. */
function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

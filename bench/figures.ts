/** The figures to reach, made of a report's rows: each a ratio within one run, or a time that a person waits. */
import { limitPerS, postgresRates } from './beside.ts';
import type { Figure, Limit, PostgresReport, Report, Row, Run, Skipped } from './report.ts';

export interface Measured {
  readonly limit: Limit | null;
  readonly postgresql: PostgresReport | Skipped;
  readonly rows: readonly Row[];
}

export function figuresOf(measured: Measured): Figure[] {
  const row = (name: string) => measured.rows.find((each) => each.name === name);
  const run = (name: string) => chosenOf(row(name));
  const saturated = run('saturation-4');
  return [
    overLimit(measured, row('saturation-4')),
    overPostgres(measured, saturated),
    latency('latency paced at 1,000 payments/s', run('paced-1000'), 30, 120, 'planned sending to seen final'),
    latency('latency at half of saturation', run('half-4'), 60, 250, 'planned sending to seen final'),
    idle(run('idle')),
    dead(saturated, run('dead-4'), run('half-4'), run('dead-4-half')),
    accounts(saturated, run('saturation-4-again'), run('accounts-1000000')),
    memory(row('soak')),
    restart(row('soak')),
  ];
}

/** What this run did not measure, as the last full one did, where there is one. */
export function completedBy(figures: readonly Figure[], full: Report | null): readonly Figure[] {
  if (full === null) return figures;
  const from = `full run of ${full.startedAt.slice(0, 10)}, commit ${full.commit}`;
  return figures.map((figure) => {
    const known = full.figures.find(({ what }) => what === figure.what);
    if (figure.verdict !== 'not measured' || known === undefined || known.reached === null) return figure;
    return { ...known, how: `${from}: ${known.how}` };
  });
}

/** The run of a row that counts; null where it was not made or has no figure. */
export function chosenRun(rows: readonly Row[], name: string): Run | null {
  return chosenOf(rows.find((row) => row.name === name));
}

function chosenOf(row: Row | undefined): Run | null {
  return row === undefined || row.chosen === null ? null : (row.runs[row.chosen] ?? null);
}

function overLimit({ limit }: Measured, row: Row | undefined): Figure {
  const what = 'final/s, 4 validators, over the limit c*v/n of the same run';
  const toReach = '>= 0.45, aim 0.65';
  const run = chosenOf(row);
  if (row === undefined || run === null || limit === null) return notMeasured(what, toReach);
  const most = limitPerS(limit, row);
  const samples = row.verificationsPerS?.length ?? 0;
  const measured = samples === 0 ? 'measured before everything' : `mean of ${samples} between its runs`;
  const how = `${Math.round(run.finalPerS)}/s of ${Math.round(most)}/s (${limit.library}, ${limit.cores} cores, ${measured})`;
  return ratio(what, toReach, run.finalPerS / most, 0.45, 0.65, how);
}

function overPostgres({ postgresql }: Measured, run: Run | null): Figure {
  const what = 'the same, over PostgreSQL with two quorum standbys in the same run (32 clients, unsigned)';
  const toReach = '>= 0.5, aim 0.8';
  const peer = postgresRates(postgresql).find(({ clients }) => clients === 32);
  if (run === null || peer === undefined) return notMeasured(what, toReach);
  const how = `${Math.round(run.finalPerS)}/s against ${Math.round(peer.transfersPerS)}/s${peer.runs > 1 ? ', mean of before and after' : ''}`;
  return ratio(what, toReach, run.finalPerS / peer.transfersPerS, 0.5, 0.8, how);
}

function latency(what: string, run: Run | null, p50: number, p99: number, how: string): Figure {
  const toReach = `p50 <= ${p50} ms, p99 <= ${p99} ms`;
  if (run === null) return notMeasured(what, toReach);
  const { latencyMs, finalPerS } = run;
  const isReached = latencyMs.p50 <= p50 && latencyMs.p99 <= p99;
  const reached = `p50 ${ms(latencyMs.p50)}, p99 ${ms(latencyMs.p99)}`;
  return {
    what,
    toReach,
    reached,
    verdict: isReached ? 'reached' : 'missed',
    how: `${how}, ${Math.round(finalPerS)}/s`,
  };
}

function idle(run: Run | null): Figure {
  const what = 'one payment on an idle network';
  if (run === null) return notMeasured(what, 'p50 <= 25 ms');
  const { p50 } = run.latencyMs;
  const verdict = p50 <= 25 ? 'reached' : 'missed';
  return {
    what,
    toReach: 'p50 <= 25 ms',
    reached: `p50 ${ms(p50)}`,
    verdict,
    how: `${run.latencyMs.count} payments, half a second apart`,
  };
}

function dead(all: Run | null, some: Run | null, half: Run | null, someHalf: Run | null): Figure {
  const what = 'f dead, against all alive';
  const toReach = '>= 0.8 of throughput, p99 <= 2x';
  if (all === null || some === null || half === null || someHalf === null) return notMeasured(what, toReach);
  const throughput = some.finalPerS / all.finalPerS;
  const slower = someHalf.latencyMs.p99 / half.latencyMs.p99;
  return {
    what,
    toReach,
    reached: `${throughput.toFixed(2)} of throughput, p99 ${slower.toFixed(2)}x`,
    verdict: throughput >= 0.8 && slower <= 2 ? 'reached' : 'missed',
    how: `${Math.round(some.finalPerS)}/s against ${Math.round(all.finalPerS)}/s; p99 at half of saturation ${ms(someHalf.latencyMs.p99)} against ${ms(half.latencyMs.p99)}`,
  };
}

/** A thousand are measured before a million and after them: a shared machine is another one in the minutes between. */
function accounts(few: Run | null, fewAgain: Run | null, many: Run | null): Figure {
  const what = '1 million accounts against 1 thousand';
  const toReach = '>= 0.9 of throughput';
  if (few === null || many === null) return notMeasured(what, toReach);
  const perS = fewAgain === null ? few.finalPerS : (few.finalPerS + fewAgain.finalPerS) / 2;
  const against = fewAgain === null ? '' : ` before and ${Math.round(fewAgain.finalPerS)}/s after`;
  const how = `${Math.round(many.finalPerS)}/s against ${Math.round(few.finalPerS)}/s${against}`;
  return ratio(what, toReach, many.finalPerS / perS, 0.9, null, how);
}

function memory(row: Row | undefined): Figure {
  const what = 'memory of a node at saturation for 10 minutes';
  const toReach = 'flat, under 600 MB';
  const run = chosenOf(row);
  if (row === undefined || run === null) return notMeasured(what, toReach);
  const { rssAfterOneMinuteBytes: early = 0, rssAtEndBytes: late = 0 } = row.measures;
  const most = Math.max(...run.nodes.map(({ maxRssBytes }) => maxRssBytes));
  // A collector that breathes is no leak; a quarter more in nine minutes is.
  const isFlat = late <= early * 1.25;
  const how = `the largest node after one minute ${megabytes(early)}, at the end ${megabytes(late)}; ${Math.round(run.finalPerS)}/s`;
  const reached = `${isFlat ? 'flat' : 'growing'}, at most ${megabytes(most)}`;
  return { what, toReach, reached, verdict: isFlat && most < 600e6 ? 'reached' : 'missed', how };
}

function restart(row: Row | undefined): Figure {
  const what = 'restart after a million payments';
  const toReach = 'ready in <= 5 s';
  if (row === undefined || row.chosen === null) return notMeasured(what, toReach);
  const { readyMs = 0, payments = 0 } = row.measures;
  const reached = `${(readyMs / 1_000).toFixed(1)} s`;
  return {
    what,
    toReach,
    reached,
    verdict: readyMs <= 5_000 ? 'reached' : 'missed',
    how: `killed after ${Math.round(payments)} payments`,
  };
}

function ratio(what: string, toReach: string, value: number, least: number, aim: number | null, how: string): Figure {
  const verdict = aim !== null && value >= aim ? 'aim reached' : verdictOf(value >= least);
  return { what, toReach, reached: value.toFixed(2), verdict, how };
}

function verdictOf(isReached: boolean): Figure['verdict'] {
  return isReached ? 'reached' : 'missed';
}

function notMeasured(what: string, toReach: string): Figure {
  return { what, toReach, reached: null, verdict: 'not measured', how: '' };
}

const ms = (value: number) => `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

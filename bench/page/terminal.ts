/** A report for a terminal: figures, what they stand next to, and a line for each row. No line is wider than 110 columns. */
import { count, duration, grouped } from '../../src/scenario/words.ts';
import { isSkipped, postgresRates } from '../beside.ts';
import type { PostgresRun, Report, Row, Run } from '../report.ts';
import { columns } from './columns.ts';
import {
  cpuPerPayment,
  machineWords,
  millis,
  moment,
  noFigure,
  number,
  outcomeOf,
  ratio,
  shareOfLimit,
  size,
  titleOf,
} from './values.ts';

const WIDTH = 110;

export function reportText(report: Report): string {
  const failures = report.failures.map((failure) => `Broken off: ${failure}`).join('\n');
  const parts = [figures(report), beside(report), rows(report), failures];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function figures({ figures: all }: Report): string {
  if (all.length === 0) return '';
  const lines = all.map(({ what, toReach, reached, verdict }) => [what, toReach, reached ?? '-', verdict]);
  return columns([['Figure', 'to reach', 'reached', 'verdict'], ...lines], { width: WIDTH });
}

/** What the figures were measured on and next to. */
function beside(report: Report): string {
  const { machine, limit, commit, startedAt, durationS, kind, seed } = report;
  const about = `${kind}, ${moment(startedAt)}, ${duration(durationS * 1_000)}, commit ${commit}, seed ${seed}`;
  const load = `load average ${number(machine.loadAverage)} before the start`;
  const onWhat = `${machineWords(machine)}, ${size(machine.memoryBytes)}, ${machine.kernel}, ${load}`;
  const lines = [
    ['Report', about],
    ['Again', report.command],
    ['Machine', onWhat],
    ['Limit', limit === null ? 'not measured' : limitLine(limit)],
    ['PostgreSQL', postgresqlWords(report)],
  ];
  return columns(lines, { width: WIDTH });
}

function limitLine(limit: NonNullable<Report['limit']>): string {
  const { library, cores, opensslPerS, syncedWrite } = limit;
  const checks = `${number(limit.verificationsPerS)} signature checks/s by ${library} on ${count(cores, 'core')}`;
  const write = `synced write p50 ${millis(syncedWrite.p50)} ms, p99 ${millis(syncedWrite.p99)} ms`;
  return `${checks} (OpenSSL ${number(opensslPerS)}); ${write}`;
}

function postgresqlWords({ postgresql }: Report): string {
  if (isSkipped(postgresql)) return `skipped: ${postgresql.skipped}`;
  const runs = postgresql.runs.map((run) => `${count(run.clients, 'client')} ${transfers(run)}`);
  return `${postgresql.version}: ${runs.join('; ')}`;
}

function transfers(run: PostgresRun): string {
  if (!run.conserved) return noFigure('its sum of balances changed');
  const { p50, p99 } = run.latencyMs;
  return `${number(run.transfersPerS)} transfers/s, p50 ${millis(p50)} ms, p99 ${millis(p99)} ms`;
}

/** A row without a figure says why in place of all its numbers. */
function rows(report: Report): string {
  if (report.rows.length === 0) return 'No rows were run.';
  const clients = postgresRates(report.postgresql).map(({ clients: n }) => grouped(n));
  const over = clients.length === 0 ? 'of PG' : `of PG ${clients.join(' / ')}`;
  const head = ['Row', 'final/s', 'of limit', over, 'p50 ms', 'p99 ms', 'CPU us', ''];
  const lines = report.rows.map((row) => {
    const { run, problem } = outcomeOf(row);
    return run === null ? [titleOf(row), noFigure(problem)] : [titleOf(row), ...valuesOf(report, row, run)];
  });
  const align = ['left', ...head.slice(1, -1).map(() => 'right' as const), 'left'] as const;
  const key = [
    'of limit: final/s × validators / signature checks/s, of a search those between its runs.',
    'of PG: final/s over PostgreSQL with so many clients, the mean of its runs before and after the four banks.',
    'CPU us: microseconds of CPU a payment, all nodes together.',
  ];
  return `${columns([head, ...lines], { width: WIDTH, align })}\n\n${key.join('\n')}`;
}

function valuesOf(report: Report, row: Row, run: Run): readonly string[] {
  const share = shareOfLimit(report, row, run);
  const over = postgresRates(report.postgresql).map(({ transfersPerS }) => ratio(run.finalPerS / transfersPerS));
  const cpu = cpuPerPayment(run);
  const voided = row.runs.filter(({ problems }) => problems.length > 0).length;
  return [
    number(run.finalPerS),
    share === null ? '-' : ratio(share),
    over.length === 0 ? '-' : over.join(' / '),
    millis(run.latencyMs.p50),
    millis(run.latencyMs.p99),
    cpu === null ? '-' : number(Math.round(cpu.nodes)),
    voided === 0 ? '' : `${voided} of ${count(row.runs.length, 'run')} void`,
  ];
}

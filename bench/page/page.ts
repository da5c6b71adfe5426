/** A benchmark's report as one page that needs nothing else: no script, no font, no network. It opens from a file and prints. */
import { htmlPage, section, table } from '../../src/scenario/report/html.ts';
import { STYLE } from '../../src/scenario/report/style.ts';
import { escaped } from '../../src/scenario/report/svg.ts';
import { count, duration, grouped } from '../../src/scenario/words.ts';
import { isSkipped } from '../beside.ts';
import type { Figure, PostgresReport, PostgresRun, Report } from '../report.ts';
import { type Chart, cpuChart, latencyCharts, searchCharts, throughputChart, timelineCharts } from './charts.ts';
import { costCharts } from './costs.ts';
import { rowDetails } from './details.ts';
import { BENCH_STYLE } from './style.ts';
import { machineWords, millis, moment, noFigure, number, outcomeOf, size, titleOf } from './values.ts';

const TITLE = 'How fast Tonle is';

/** @returns a whole HTML document. */
export function reportPage(report: Report): string {
  const { command, startedAt, rows } = report;
  const throughput = [throughputChart(report), cpuChart(report)].filter((chart) => chart !== null);
  const parts = [
    `<h1>${TITLE}</h1>`,
    `<p class="soft">${escaped(subtitle(report))}</p>`,
    problems(report),
    section('Figures', figures(report)),
    `<p class="soft" style="margin-top:20px">This makes the report again:</p><div class="command"><code>${escaped(command)}</code></div>`,
    section('How it was measured', HOW),
    section('What this was measured on and next to', machine(report) + beside(report)),
    section('Throughput, and what it takes', charts(throughput)),
    section('How long payments take', charts(latencyCharts(report))),
    section('What size costs', charts(costCharts(report))),
    section('Over time', charts(timelineCharts(report))),
    section('The searches for saturation', charts(searchCharts(report))),
    section('Every row', rows.map((row) => rowDetails(report, row)).join('')),
    rows.length === 0 ? '<p class="soft">No rows were run.</p>' : '',
  ];
  return htmlPage(`${TITLE}, ${startedAt.slice(0, 10)}`, STYLE + BENCH_STYLE, parts);
}

function subtitle({ kind, startedAt, durationS, commit, machine: on }: Report): string {
  const kinds = { quick: 'A quick run', full: 'The full matrix', rows: 'Some rows, chosen by hand' };
  return `${kinds[kind]}, ${moment(startedAt)}, in ${duration(durationS * 1_000)}; commit ${commit}; ${machineWords(on)}.`;
}

/** Rows without a figure stand first. */
function problems(report: Report): string {
  const broken = report.failures.map((failure) => `<div class="finding">✗ ${escaped(failure)}</div>`);
  const found = report.rows.flatMap((row) => {
    const { problem } = outcomeOf(row);
    if (problem === null) return [];
    return [`<div class="finding"><b>${escaped(titleOf(row))}</b><br>✗ ${escaped(noFigure(problem))}</div>`];
  });
  return [...broken, ...found].join('');
}

const MARKS: Readonly<Record<Figure['verdict'], readonly [style: string, mark: string]>> = {
  'aim reached': ['good', '★ aim reached'],
  reached: ['good', '✓ reached'],
  missed: ['bad', '✗ missed'],
  'not measured': ['none', '– not measured'],
};

function figures({ figures: all }: Report): string {
  if (all.length === 0) return '<p class="soft">No figures were measured.</p>';
  const rows = all.map(({ what, how, toReach, reached, verdict }) => {
    const [style, mark] = MARKS[verdict];
    return [
      `<tr><td>${escaped(what)}<br><span class="soft">${escaped(how)}</span></td>`,
      `<td data-title="To reach">${escaped(toReach)}</td><td data-title="Reached"><b>${escaped(reached ?? '–')}</b></td>`,
      `<td class="mark-word ${style}">${mark}</td></tr>`,
    ].join('');
  });
  return `<div class="figures">${table(['What', 'To reach', 'Reached', ''], rows)}</div>`;
}

const HOW = [
  '<p>Nodes, generator and PostgreSQL share one machine. The generator is a process of its own: it signs all payments first, then',
  'sends each at a moment that was planned ahead, however slow the answers are (an open loop; a row that waits for answers says so).',
  'Latency runs from the planned moment to the client seeing that the payment is final, and a payment that timed out counts as the',
  'longest wait. After each run everything under way comes to its end, and then money must be conserved, every node must have the same',
  'state, and every payment that was acknowledged must be on the chain. A run that fails this has no figure, nor has one whose generator',
  'was late or sent less than 99 % of the plan. A search for saturation raises the load until less than 99 % of it becomes final, the slowest',
  'hundredth takes too long, or a backlog grows; in a full run a second one of longer runs begins at what it has found, and has the',
  'figure. Signature checks are counted before everything, and, while the banks are idle, for a second before each run of the search that has',
  'the figure and after its last; its row is held against the mean of these. PostgreSQL is measured before the four banks and after them.',
  'A shared machine is another one from second to second: only ratios of what was measured side by side mean something.</p>',
].join(' ');

function machine({ machine: on, seed }: Report): string {
  const { cores, memoryBytes, kernel, versions, loadAverage } = on;
  const entries: readonly (readonly [string, string])[] = [
    ['Machine', machineWords(on)],
    ['Memory', size(memoryBytes)],
    ['System', kernel],
    ['Load average before the start', number(loadAverage)],
    [
      'Versions',
      Object.entries(versions)
        .map((pair) => pair.join(' '))
        .join(', '),
    ],
    ['Seed', String(seed)],
  ];
  const busy = `One core in two or more was busy before the start (load average ${number(loadAverage)}): figures are lower than they could be.`;
  const notice = loadAverage >= cores / 2 ? `<p class="notice">${escaped(busy)}</p>` : '';
  return `${facts(entries)}${notice}`;
}

function facts(entries: readonly (readonly [string, string])[]): string {
  return `<dl class="facts">${entries.map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`).join('')}</dl>`;
}

function beside({ limit, postgresql }: Report): string {
  const measured =
    limit === null
      ? '<p class="soft">The limit was not measured.</p>'
      : facts([
          [
            `Signature checks a second, ${limit.library}, ${count(limit.cores, 'core')}`,
            number(limit.verificationsPerS),
          ],
          ['The same by OpenSSL', number(limit.opensslPerS)],
          ['Synced write of 4 KiB, p50', `${millis(limit.syncedWrite.p50)} ms`],
          ['Synced write of 4 KiB, p99', `${millis(limit.syncedWrite.p99)} ms`],
        ]);
  const other = isSkipped(postgresql)
    ? `<p>PostgreSQL was left out: ${escaped(postgresql.skipped)}</p>`
    : postgres(postgresql);
  return `${measured}<h4>PostgreSQL</h4>${other}`;
}

function postgres({ version, settings, accounts, runs }: PostgresReport): string {
  const titles = ['#Clients', '#Transfers/s', '#p50 ms', '#p95', '#p99', '#max', '#Transfers', '#Failed'];
  const about = `PostgreSQL ${version}, transfers between two of ${count(accounts, 'account')}.`;
  return `<p>${escaped(about)}</p>${facts(Object.entries(settings))}${table(titles, runs.map(postgresRow))}`;
}

function postgresRow({ clients, transfersPerS, latencyMs, transfers, failed, conserved }: PostgresRun): string {
  if (!conserved) {
    const words = escaped(noFigure('its sum of balances changed'));
    return `<tr><td class="number">${grouped(clients)}</td><td class="bad" colspan="7">✗ ${words}</td></tr>`;
  }
  const { p50, p95, p99, max } = latencyMs;
  const values = [
    grouped(clients),
    number(transfersPerS),
    ...[p50, p95, p99, max].map(millis),
    grouped(transfers),
    grouped(failed),
  ];
  return `<tr>${values.map((value) => `<td class="number">${value}</td>`).join('')}</tr>`;
}

function charts(all: readonly Chart[]): string {
  return all.length === 0 ? '' : `<div class="charts">${all.map(chart).join('')}</div>`;
}

function chart({ title, about, pictures, key }: Chart): string {
  const entries = key.map(
    ({ colour, text }) => `<li><i style="background:${escaped(colour)}"></i>${escaped(text)}</li>`,
  );
  const list = entries.length === 0 ? '' : `<ul>${entries.join('')}</ul>`;
  return `<div class="chart"><h3>${escaped(title)}</h3><p>${escaped(about)}</p>${pictures.join('')}${list}</div>`;
}

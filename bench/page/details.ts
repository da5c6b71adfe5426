/** A row of the benchmark in full: folded, as few readers want all of them. */
import { table } from '../../src/scenario/report/html.ts';
import { escaped } from '../../src/scenario/report/svg.ts';
import { count, grouped } from '../../src/scenario/words.ts';
import { postgresRates } from '../beside.ts';
import type { NodeUse, Report, Row, Run } from '../report.ts';
import {
  checksWords,
  measure,
  megabytes,
  millis,
  noFigure,
  number,
  outcomeOf,
  ratio,
  setupWords,
  shareOfLimit,
  titleOf,
} from './values.ts';

/** @returns markup of a `<details>`. */
export function rowDetails(report: Report, row: Row): string {
  const { run, problem } = outcomeOf(row);
  const result =
    run === null
      ? `<span class="bad">✗ ${escaped(noFigure(problem))}</span>`
      : `<span>${number(run.finalPerS)} final/s, p50 ${millis(run.latencyMs.p50)} ms, p99 ${millis(run.latencyMs.p99)} ms</span>`;
  const parts = [
    `<p class="soft">${escaped(setupWords(row.setup))}. <code>--row ${escaped(row.name)}</code></p>`,
    ...row.notes.map((note) => `<p>${escaped(note)}</p>`),
    run === null ? '' : ratiosOf(report, row, run),
    checksOf(report, row),
    measuresOf(row),
    part('All runs', runsOf(row)),
    run === null ? '' : part('Nodes in the run that counts', nodesOf(run)),
    run === null ? '' : unhappy(run),
  ];
  const id = escaped(row.name);
  return `<details id="${id}"><summary><b>${escaped(titleOf(row))}</b>${result}</summary><div>${parts.join('')}</div></details>`;
}

function part(title: string, body: string): string {
  return body === '' ? '' : `<h4>${escaped(title)}</h4>${body}`;
}

function ratiosOf(report: Report, row: Row, run: Run): string {
  const share = shareOfLimit(report, row, run);
  const over = postgresRates(report.postgresql).map(
    ({ clients, transfersPerS }) =>
      `${ratio(run.finalPerS / transfersPerS)} of PostgreSQL with ${count(clients, 'client')}`,
  );
  const words = [...(share === null ? [] : [`${ratio(share)} of the limit`]), ...over];
  return words.length === 0 ? '' : `<p>${words.join(', ')}.</p>`;
}

/** Also beside a row without a figure: a machine that was slow then may be why. */
function checksOf({ limit }: Report, row: Row): string {
  const words = limit === null ? null : checksWords(limit, row);
  return words === null ? '' : `<p>Signature checks a second on all cores, between its runs: ${words}.</p>`;
}

function measuresOf({ measures }: Row): string {
  const words = Object.entries(measures).map(([name, value]) => measure(name, value).join(': '));
  return words.length === 0 ? '' : `<p>${escaped(words.join(' · '))}</p>`;
}

/** A run with problems has no number but the load that it was to bear. */
function runsOf({ runs, chosen }: Row): string {
  if (runs.length === 0) return '';
  const titles = ['', '#Offered/s', '#Final/s', '#p50 ms', '#p90', '#p95', '#p99', '#p99.9', '#max'];
  const more = ['#Seconds', '#Final', '#Refused', '#Timed out', '#Backlog', '#Blocks', '#Lag p99 ms'];
  const columns = titles.length + more.length - 2;
  const rows = runs.map((run, i) => {
    const sign =
      i === chosen && run.problems.length === 0 ? `<b title="the run that counts">${i + 1} ◉</b>` : String(i + 1);
    const head = `<td class="step">${sign}</td>${numbers([number(run.offeredPerS)])}`;
    if (run.problems.length === 0) return `<tr>${head}${numbers(valuesOf(run))}</tr>`;
    return `<tr>${head}<td class="bad" colspan="${columns}">✗ ${escaped(noFigure(run.problems.join('; ')))}</td></tr>`;
  });
  return table([...titles, ...more], rows);
}

function valuesOf(run: Run): readonly string[] {
  const { p50, p90, p95, p99, p999, max } = run.latencyMs;
  const refused = Object.values(run.refused).reduce((all, n) => all + n, 0);
  return [
    number(run.finalPerS),
    ...[p50, p90, p95, p99, p999, max].map(millis),
    number(run.seconds),
    grouped(run.final),
    grouped(refused),
    grouped(run.timedOut),
    grouped(run.backlogGrowth),
    grouped(run.blocks),
    millis(run.generator.lagP99Ms),
  ];
}

function nodesOf(run: Run): string {
  const titles = [
    '',
    '#CPU s',
    '#µs/payment',
    '#Memory MB',
    '#Sent MB',
    '#bytes/payment',
    '#Written MB',
    '#bytes/payment',
  ];
  const each = (value: number) => (run.final === 0 ? '' : number(Math.round(value / run.final)));
  const nodes = run.nodes.map(({ participant, cpuS, maxRssBytes, sentBytes, writtenBytes }: NodeUse) => {
    const values = [number(cpuS), each(cpuS * 1e6), megabytes(maxRssBytes)];
    const bytes = [megabytes(sentBytes), each(sentBytes), megabytes(writtenBytes), each(writtenBytes)];
    return `<tr><td>${escaped(participant)}</td>${numbers([...values, ...bytes])}</tr>`;
  });
  const { cpuS, maxRssBytes } = run.generator;
  const generator = numbers([number(cpuS), each(cpuS * 1e6), megabytes(maxRssBytes), '', '', '', '']);
  return table(titles, [...nodes, `<tr><td class="soft">generator</td>${generator}</tr>`]);
}

/** What did not become final in the run that counts. */
function unhappy(run: Run): string {
  const refused = Object.entries(run.refused).filter(([, n]) => n > 0);
  const codes = refused.map(([code, n]) => `<code>${escaped(code)}</code> ${grouped(n)}`).join(', ');
  const growth = `backlog grew by ${grouped(run.backlogGrowth)}`;
  return `<p>Refused: ${codes === '' ? 'none' : codes}. Timed out: ${grouped(run.timedOut)}. The ${growth}.</p>`;
}

function numbers(values: readonly string[]): string {
  return values.map((value) => `<td class="number">${value}</td>`).join('');
}

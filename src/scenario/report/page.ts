/** The report as one page that needs nothing else: no script, no font, no network. It opens from a file and prints. */
import type { PaymentRecord, Run, StepRecord } from '../run.ts';
import { count, duration, grouped, money, timeOfDay } from '../words.ts';
import { finalityChart, flowsChart, spanOf, timelineChart } from './charts.ts';
import { endingsOf, histogramOf, paymentsOf } from './figures.ts';
import { htmlPage, section, table } from './html.ts';
import { STYLE } from './style.ts';
import { escaped } from './svg.ts';

/** Rows of the table of payments; the JSON has them all. */
const MAX_PAYMENTS = 200;
/** Of these, rows that show before a reader asks for the others. */
const OPEN_PAYMENTS = 12;

/** @returns a whole HTML document. */
export function pageOf(run: Run): string {
  const { title, about } = run.story;
  const parts = [
    `<p><span class="verdict ${run.verdict}">${verdictOf(run)}</span></p>`,
    `<h1>${escaped(title)}</h1>`,
    `<p class="soft">${escaped(about)}</p>`,
    problems(run),
    facts(run),
    stubNotice(run),
    section('What happened when', timelineChart(run) + KEY),
    section('How fast payments became final', finalityChart(run)),
    ...run.currencies.map(({ code }) => section(`Where the ${code} went`, flowsChart(run, code))),
    section('Step by step', steps(run)),
    section('Expectations', expectations(run)),
    section('Who holds what in the end', holdings(run)),
    section('Settlement positions', positions(run)),
    section('Blocks', blocks(run)),
    section('Payments', payments(run)),
  ];
  return htmlPage(title, STYLE, parts);
}

function verdictOf({ verdict }: Run): string {
  const says = { held: 'Everything held', failed: 'An expectation did not hold', stopped: 'The story stopped' };
  return says[verdict];
}

const KEY = [
  '<p class="key"><i style="background:var(--accent)"></i>final<i style="background:var(--warn)"></i>refused',
  '<i style="background:var(--soft)"></i>unknown or expired<i style="background:var(--bad);opacity:.3"></i>fault',
  '<i style="background:var(--good)"></i>expectation held<i style="background:var(--bad)"></i>did not hold</p>',
].join('');

/** What went wrong stands first. */
function problems(run: Run): string {
  const stopped = run.problem === null ? [] : [`<div class="finding"><b>It stopped.</b> ${escaped(run.problem)}</div>`];
  const broken = run.expectations.filter(({ held }) => !held);
  const findings = broken.map(({ title, finding, place }) => {
    const where = place.line === 0 ? place.path : `${place.file}:${place.line}`;
    return [
      `<div class="finding"><b>Expected: ${escaped(title)}</b> <span class="soft">${escaped(where)}</span>`,
      `<pre>${escaped(finding ?? '')}</pre></div>`,
    ].join('');
  });
  return [...stopped, ...findings].join('');
}

function stubNotice({ engine }: Run): string {
  if (engine.signatures === 'real') return '';
  return '<p class="notice">Signatures are stubbed in this story: times on this page say nothing about cryptography.</p>';
}

function facts(run: Run): string {
  const { engine } = run;
  const endings = [...endingsOf(run)].map(([ending, n]) => `${grouped(n)} ${ending}`).join(', ');
  const histogram = histogramOf(run);
  const entries: readonly (readonly [string, string])[] = [
    ['Story time', spanOf(run)],
    ['Engine', engine.kind === 'sim' ? `simulated, seed ${engine.seed}` : 'real processes'],
    ['Took', duration(engine.realMs)],
    ['Banks', grouped(run.members.length)],
    ['Payments', endings === '' ? 'none' : endings],
    ['Final within', histogram === null ? '' : `p50 ${duration(histogram.p50Ms)}, p99 ${duration(histogram.p99Ms)}`],
    ['Blocks', grouped(run.blocks.length)],
    ['Trace', engine.traceHash === null ? '' : engine.traceHash.slice(0, 16)],
    ['Versions', `tonle ${engine.versions.tonle}, Node.js ${engine.versions.node}`],
  ];
  const shown = entries.filter(([, value]) => value !== '');
  return `<dl class="facts">${shown.map(([name, value]) => `<div><dt>${name}</dt><dd>${escaped(value)}</dd></div>`).join('')}</dl>`;
}

function steps(run: Run): string {
  const rows = run.steps.map((step) =>
    step.type === 'say'
      ? `<tr class="say"><td class="time">${timeOfDay(step.startedAtMs)}</td><td colspan="3">${escaped(step.title)}</td></tr>`
      : stepRow(step),
  );
  return table(['Time', '', 'Step', 'What came of it'], rows);
}

function stepRow(step: StepRecord): string {
  const sign = step.outcome === 'done' ? '<td class="good">✓</td>' : '<td class="bad">✗</td>';
  const note = step.note === null ? '' : `<br><span class="soft">${escaped(step.note)}</span>`;
  const time = `<td class="time">${timeOfDay(step.startedAtMs)}</td>`;
  return `<tr>${time}${sign}<td>${escaped(step.title)}${note}</td><td>${escaped(step.result)}</td></tr>`;
}

function expectations(run: Run): string {
  if (run.expectations.length === 0) return '';
  const rows = run.expectations.map(({ held, title, step }) => {
    const sign = held ? '<td class="good">✓ held</td>' : '<td class="bad">✗ did not hold</td>';
    return `<tr>${sign}<td>${escaped(title)}</td><td class="soft">step ${step}</td></tr>`;
  });
  return table(['', 'Expectation', ''], rows);
}

function holdings(run: Run): string {
  const codes = run.currencies.map(({ code }) => code);
  const rows = run.holdings.map(({ name, account, balances }) => {
    const cells = codes.map((code) => {
      const found = balances.find(({ currency }) => currency === code);
      return `<td class="number">${found === undefined ? '' : grouped(found.value)}</td>`;
    });
    return `<tr><td>${escaped(name)}</td><td class="soft">${escaped(account ?? '')}</td>${cells.join('')}</tr>`;
  });
  const supply = run.supply.map(({ currency, issued, redeemed, circulating }) => {
    const words = `${grouped(issued)} issued, ${grouped(redeemed)} redeemed, ${grouped(circulating)} circulating`;
    return `<p><b>${escaped(currency)}</b> ${words}</p>`;
  });
  return supply.join('') + table(['Name', 'Account', ...codes.map((code) => `#${code}`)], rows);
}

/** Of every bank that ever held something, at each moment that the story remembers, and in the end. */
function positions(run: Run): string {
  const held = (at: Run['positions'][number], bank: string) =>
    at.banks.find((entry) => entry.bank === bank)?.balances ?? [];
  const shown = run.members.filter(({ id }) => run.positions.some((at) => held(at, id).length > 0));
  if (run.positions.length < 2 || shown.length === 0) return '';
  const rows = run.positions.map((at) => {
    const cells = shown.map(({ id }) => `<td class="number">${held(at, id).map(money).map(escaped).join('<br>')}</td>`);
    return `<tr><td class="time">${timeOfDay(at.atMs)}</td>${cells.join('')}</tr>`;
  });
  return table(['Time', ...shown.map(({ id }) => `#${id}`)], rows);
}

function blocks(run: Run): string {
  const later = run.blocks.filter(({ round }) => round > 0).length;
  const proposers = new Map<string, number>();
  for (const { proposer } of run.blocks) proposers.set(proposer, (proposers.get(proposer) ?? 0) + 1);
  const shares = [...proposers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([bank, n]) => `${bank} ${grouped(n)}`);
  const accused = new Set(run.blocks.flatMap(({ evidenceAgainst }) => evidenceAgainst));
  const lines = [
    `${count(run.blocks.length, 'block')}, ${grouped(later)} of them agreed on in a later round than the first.`,
    `Proposed by: ${shares.join(', ')}.`,
    accused.size === 0 ? '' : `Proved to have signed twice: ${[...accused].join(', ')}.`,
  ];
  return lines.map((line) => (line === '' ? '' : `<p>${escaped(line)}</p>`)).join('');
}

/** Those that did not become final first: they are what one looks for. */
function payments(run: Run): string {
  const all = paymentsOf(run);
  if (all.length === 0) return '';
  const sorted = [...all].sort((a, b) => Number(a.ending === 'final') - Number(b.ending === 'final'));
  const rows = sorted.slice(0, MAX_PAYMENTS).map(paymentRow);
  const rest = all.length - rows.length;
  const more = rest > 0 ? `<p class="soft">And ${count(rest, 'other')}: all are in the JSON of this run.</p>` : '';
  const how = '<p class="soft">The way of one: <code>tonle scenario explain &lt;run&gt; &lt;payment&gt;</code></p>';
  const titles = ['Time', 'Payment', 'Memo', '#Amount', 'Ending', '#Final in', 'Id'];
  const [first, others] = [rows.slice(0, OPEN_PAYMENTS), rows.slice(OPEN_PAYMENTS)];
  const folded = `<details><summary>${count(others.length, 'payment')} more</summary>${table(titles, others)}${more}</details>`;
  return how + table(titles, first) + (others.length === 0 ? '' : folded);
}

function paymentRow(payment: PaymentRecord): string {
  const { submittedAtMs, title, memo, amount, ending, code, finalityMs, height, id } = payment;
  const where = height === null ? '' : ` in block ${height}`;
  const end = ending === 'final' ? `<td>final${where}</td>` : `<td class="bad">${escaped(code ?? ending)}${where}</td>`;
  return [
    `<tr><td class="time">${timeOfDay(submittedAtMs)}</td><td>${escaped(title)}</td><td>${escaped(memo)}</td>`,
    `<td class="number">${amount === null ? '' : escaped(money(amount))}</td>${end}`,
    `<td class="number">${finalityMs === null ? '' : duration(finalityMs)}</td><td><code>${id.slice(0, 12)}</code></td></tr>`,
  ].join('');
}

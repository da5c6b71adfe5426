import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { withTable } from '../../src/cli/docs/marks.ts';
import type { Report, Row } from '../report.ts';
import { linearAxis, logAxis, msAxis, percentileAxis } from './axes.ts';
import { columns } from './columns.ts';
import { reportPage } from './page.ts';
import { readReport, reportOf } from './read.ts';
import { figuresMarkdown } from './readme.ts';
import { EMPTY, REPORT, ROWS, run, SATURATION, WITHOUT_POSTGRESQL } from './sample.suite.ts';
import { reportText } from './terminal.ts';
import { checksWords, measure, millis, number, outcomeOf, setupWords, shareOfLimit, size, titleOf } from './values.ts';

const VOID = ROWS.find(({ name }) => name === 'saturation-7-dead')!;
const reports = { full: REPORT, 'without PostgreSQL': WITHOUT_POSTGRESQL, empty: EMPTY };

test('what a row comes to', async (t) => {
  await t.test('is its chosen run, or why there is none', async (t) => {
    const valid = run(100, 99);
    const late = run(100, 99, { problems: ['late'] });
    const rows: readonly (readonly [Partial<Row>, string | null])[] = [
      [{ runs: [valid], chosen: 0 }, null],
      [{ runs: [late, valid], chosen: 1 }, null],
      [{ runs: [late, valid], chosen: 0 }, 'late'],
      [{ runs: [late, late], chosen: null }, 'late'],
      [{ runs: [valid], chosen: null }, 'none of its loads passed'],
      [{ runs: [valid], chosen: 7 }, 'none of its loads passed'],
      [{ runs: [], chosen: null }, 'it was not run'],
    ];
    for (const [changes, problem] of rows) t.equal(outcomeOf({ ...SATURATION, ...changes }).problem, problem);
  });

  await t.test('stands next to the limit and PostgreSQL', async (t) => {
    t.equal(shareOfLimit(REPORT, SATURATION, run(1_580, 1_580)), 0.5);
    t.equal(shareOfLimit(EMPTY, SATURATION, run(1_580, 1_580)), null);
    t.equal(checksWords(REPORT.limit!, SATURATION), '12,640 (13,020, 12,260)');
    t.equal(checksWords(REPORT.limit!, VOID), null);
  });

  await t.test('says where the generator waited for answers', async (t) => {
    const closed = { ...SATURATION, setup: { ...SATURATION.setup, arrivals: 'closed' as const } };
    t.equal(titleOf(closed), '4 validators (closed loop)');
    t.equal(titleOf({ ...closed, title: 'Closed loop of 32' }), 'Closed loop of 32');
    t.equal(titleOf(SATURATION), '4 validators');
    t.match(setupWords(closed.setup), '1,000 accounts, uniform; closed loop; checks: every validator');
    t.match(
      setupWords({ ...SATURATION.setup, dead: 1 }),
      '4 validators (1 dead), 1,000 accounts, uniform; poisson arrivals;',
    );
  });

  await t.test('is written with as many digits as say something', async (t) => {
    t.same([1_234.4, 99.96, 12.34, 0.614, 3, 0].map(number), ['1,234', '100.0', '12.3', '0.61', '3', '0']);
    t.same([0.424, 8.06, 38.4, 1_234.4, 0].map(millis), ['0.42', '8.1', '38', '1,234', '0']);
    t.same([900, 12.34e6, 180e6, 8.2e9].map(size), ['0.00 MB', '12.3 MB', '180 MB', '8.2 GB']);
    t.same(measure('readyMs', 1_432.4), ['ready', '1,432 ms']);
    t.same(measure('diskBytes', 84.3e6), ['disk', '84.3 MB']);
    t.same(measure('blocksPerS', 18.2), ['blocks', '18.2 a second']);
    t.same(measure('longestGapS', 2), ['longest gap', '2 s']);
    t.same(measure('roundsAboveFirst', 3), ['rounds above first', '3']);
  });
});

test('axes', async (t) => {
  const texts = (axis: ReturnType<typeof linearAxis>) => axis.ticks.map(({ text }) => text);
  t.same(texts(linearAxis('', [0, 1_477])), ['0', '500', '1,000', '1,500']);
  t.same(texts(linearAxis('', [])), ['0', '0.5', '1']);
  t.same(texts(logAxis('', [1_000, 1_000_000])), ['1,000', '10,000', '100,000', '1 M']);
  t.same(texts(logAxis('', [])), ['1', '2', '5', '10']);
  t.same(texts(msAxis('', [22, 700])), ['20', '50', '100', '200', '500', '1,000']);
  t.same(texts(msAxis('', [0.5, 900])), ['1', '3', '10', '30', '100', '300', '1,000']);
  t.equal(msAxis('', [7, 7]).place(0), null);
  t.equal(logAxis('', [10, 1_000]).place(100), 0.5);
  t.same(texts(percentileAxis('', [0, 0.5, 0.999, 1])), ['0', '50', '90', '99', '99.9']);
  t.equal(percentileAxis('', [0.9999]).place(0.99)?.toFixed(6), '0.500000');
  t.equal(percentileAxis('', [0.9999]).place(1), null);
});

test('columns', async (t) => {
  const rows = [
    ['name', 'n'],
    ['one two three', '1'],
    ['x', '1,234'],
  ];
  t.equal(
    columns(rows, { width: 14, align: ['left', 'right'] }),
    'name         n\none two      1\nthree\nx        1,234',
  );
  t.equal(columns([['a', 'b', 'c'], ['long word']], { width: 20 }), 'a  b  c\nlong\nword');
  t.equal(columns([['abcdefgh']], { width: 3 }), 'abc\ndef\ngh');
  const named = [
    ['Row', 'x', 'y'],
    ['a million', 'no figure'],
  ];
  t.equal(columns(named, { width: 30 }), 'Row        x  y\na million  no\n           figu\n           re');
  t.equal(columns([], { width: 10 }), '');
});

test('the page', async (t) => {
  const page = reportPage(REPORT);

  await t.test('has every figure and every row', async (t) => {
    for (const { what, toReach, how } of REPORT.figures) {
      for (const text of [what, toReach, how]) t.ok(page.includes(escapedText(text)), text);
    }
    for (const { name, title } of REPORT.rows) {
      t.ok(page.includes(`<details id="${name}">`), name);
      t.ok(page.includes(`<summary><b>${title}</b>`), title);
    }
    for (const mark of ['✓ reached', '★ aim reached', '✗ missed', '– not measured']) t.ok(page.includes(mark), mark);
    for (const text of [REPORT.command, REPORT.commit, '2026-11-28 17:40 UTC']) t.ok(page.includes(text), text);
  });

  await t.test('has every plot', async (t) => {
    const titles = [
      'Final payments a second at saturation',
      'CPU microseconds a payment',
      'Latency at saturation, 1 of 2',
      'Latency at saturation, 2 of 2',
      'Latency at a load that was set',
      'What more validators cost',
      'What more accounts cost',
      'Memory by accounts',
      'Second by second: 4 validators, ten minutes',
      'Second by second: 4 validators, the proposer is killed under load',
      'The search: 11 validators',
    ];
    for (const title of titles) t.ok(page.includes(`<h3>${title}</h3>`), title);
    t.match(page, 'proposer killed</text>');
    t.match(page, 'PostgreSQL, 32 clients: 2,850/s</text>');
    t.notMatch(reportPage(WITHOUT_POSTGRESQL), '2,850');
    t.match(reportPage(WITHOUT_POSTGRESQL), 'PostgreSQL was left out: PostgreSQL 15 is not &#60;installed&#62;.');
  });

  await t.test('shows no figure of a run that has problems', async (t) => {
    const only = reportPage({ ...REPORT, rows: [VOID] });
    t.match(only, 'no figure: only 94 % of the plan was sent &#60;late&#62;');
    t.ok(only.indexOf('no figure') < only.indexOf('Figures'), 'it stands first');
    const { finalPerS, final } = VOID.runs[0]!;
    for (const shown of [number(finalPerS), number(final)])
      t.notOk(page.includes(shown) || only.includes(shown), shown);
    t.notMatch(reportPage(withPostgresql(false)), '2,850');
    t.match(reportPage(withPostgresql(false)), 'no figure: its sum of balances changed');
  });

  await t.test('shows no chosen run where the chosen one has problems', async (t) => {
    const row = { ...SATURATION, runs: [run(400, 654_321, { problems: ['late'] })], chosen: 0 };
    t.notMatch(reportPage({ ...REPORT, rows: [row] }), /654,321|the run that counts/);
  });

  for (const [name, report] of Object.entries(reports)) {
    await t.test(`needs nothing else, and has no number that is none: ${name}`, async (t) => {
      const text = reportPage(report);
      t.notMatch(text, /https?:|\bsrc=|\bhref=|@import|url\(|<script|<link/i);
      t.notMatch(text, /NaN|undefined|Infinity|\[object|null/);
      t.match(text, /^<!doctype html>.*<\/html>\n$/s);
    });
  }

  await t.test('has every text escaped', async (t) => {
    const evil = '<img/onerror="x">&\'';
    const text = reportPage(withText(REPORT, evil));
    t.notMatch(text, '<img');
    t.ok(text.includes('&#60;img/onerror=&#34;x&#34;&#62;&#38;&#39;'));
    t.equal([...text.matchAll(/<[a-z]+[^>]* on\w+=/g)].length, 0);
  });

  await t.test('draws nothing beside its pictures, however long names are', async (t) => {
    const places = [...reportPage(withText(REPORT, 'long'.repeat(90))).matchAll(/ (?:x|x1|x2|cx)="([^"]+)"/g)].map(
      ([, x]) => Number(x),
    );
    t.ok(places.length > 100);
    t.ok(places.every((x) => x >= 0 && x <= 440));
  });

  await t.test('is drawn of runs in which nothing happened', async (t) => {
    const nothing = run(0, 0, { curve: [], timeline: [], nodes: [], seconds: 1 });
    const rows = REPORT.rows.map((row) => ({ ...row, runs: [nothing, nothing], chosen: 0 }));
    t.notMatch(reportPage({ ...REPORT, rows }), /NaN|undefined|Infinity/);
  });
});

test('the terminal', async (t) => {
  for (const [name, report] of Object.entries(reports)) {
    await t.test(`is at most 110 columns wide: ${name}`, async (t) => {
      const text = reportText(withText(report, `${'long '.repeat(40)}${'x'.repeat(150)}`)) + reportText(report);
      t.same(
        text.split('\n').filter((line) => line.length > 110),
        [],
      );
      t.notMatch(text, /NaN|undefined|Infinity|\[object/);
    });
  }

  await t.test('has every figure, and a line for each row', async (t) => {
    const text = reportText(REPORT);
    t.match(text, /^Over PostgreSQL with 32 clients {2,}>= 0.5, aim 1.0 {2,}0.52 {2,}reached$/m);
    t.match(text, /^4 validators {2,}1,477 {2,}0.47 {2,}0.70 \/ 0.52 {2,}24 {2,}68 {2,}1,046 {2}1 of 6 runs void$/m);
    t.match(text, /^7 validators, 2 of them dead {2,}no figure: only 94 % of the plan was sent <late>$/m);
    t.notMatch(text, '771,234');
    t.match(text, '12,640 signature checks/s by libsodium on 2 cores');
    t.match(reportText(WITHOUT_POSTGRESQL), /^PostgreSQL {2}skipped: PostgreSQL 15 is not <installed>.$/m);
    t.match(reportText(withPostgresql(false)), /32\s+clients\s+no\s+figure:\s+its\s+sum/);
    t.match(reportText(EMPTY), 'No rows were run.');
  });
});

test('the table of the README', async (t) => {
  const text = figuresMarkdown(REPORT);
  t.match(text, '| Over PostgreSQL with 32 clients | \\>= 0.5, aim 1.0 | 0.52 | ✓ reached |');
  t.match(text, '| 1,000,000 accounts \\| final/s over that of 1,000 | \\>= 0.9 |  | not measured |');
  t.match(
    text,
    'Measured 2026-11-28 17:40 UTC, commit c25971b0d3a1+changes, on Sample CPU \\<8th\\> at 2.60 GHz, 2 cores',
  );
  t.match(text, 'Again: `npm run bench -- --full --seed 7`');
  t.match(figuresMarkdown(EMPTY), /^No figures were measured\./);
  t.notMatch(figuresMarkdown(withText(REPORT, 'a\n<!-- end:bench -->')), '<!-- end:bench -->');
});

test('the README has a place for the table', async (t) => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  t.match(withTable('README.md', readme, 'bench', 'Here.'), '<!-- table:bench -->\n\nHere.\n\n<!-- end:bench -->');
});

test('a report that is read', async (t) => {
  const { machine } = REPORT;
  t.same(reportOf(JSON.stringify(REPORT)), JSON.parse(JSON.stringify(REPORT)));
  t.same(reportOf(JSON.stringify(EMPTY)).figures, []);
  const broken: readonly (readonly [string, unknown])[] = [
    ['version', { ...REPORT, version: 2 }],
    ['kind', { ...REPORT, kind: 'slow' }],
    ['startedAt', { ...REPORT, startedAt: 'today' }],
    ['machine', { ...REPORT, machine: { ...machine, cores: '2' } }],
    ['machine', { ...REPORT, machine: { ...machine, memoryBytes: null } }],
    ['limit', { ...REPORT, limit: {} }],
    ['postgresql', { ...REPORT, postgresql: null }],
    ['rows', { ...REPORT, rows: [{}] }],
    ['figures', { ...REPORT, figures: [{ ...REPORT.figures[0], verdict: 'good' }] }],
    ['figures', { ...REPORT, figures: {} }],
  ];
  for (const [field, value] of broken) {
    const message = `"${field}" is not as bench/report.ts has it`;
    t.throws(() => reportOf(JSON.stringify(value)), { code: 'REPORT_INVALID', message });
  }
  const folder = t.testdir({ 'report.json': JSON.stringify(REPORT), 'other.json': '{}' });
  const file = path.join(folder, 'report.json');
  t.equal(readReport(file).commit, REPORT.commit);
  t.throws(() => readReport(file, 1_000), { code: 'REPORT_TOO_LARGE' });
  t.throws(() => readReport(path.join(folder, 'none.json')), { code: 'REPORT_NOT_FOUND' });
  t.throws(() => readReport(folder), { code: 'REPORT_NOT_FOUND' });
  t.throws(() => readReport(path.join(folder, 'other.json')), { code: 'REPORT_INVALID' });
  for (const text of ['', '{', 'null', '[]', '7']) t.throws(() => reportOf(text), { code: 'REPORT_INVALID' });
});

function withPostgresql(conserved: boolean): Report {
  if ('skipped' in REPORT.postgresql) throw new Error('the sample has PostgreSQL');
  const { postgresql } = REPORT;
  return { ...REPORT, postgresql: { ...postgresql, runs: postgresql.runs.map((each) => ({ ...each, conserved })) } };
}

/** The report with `text` wherever a report has words that are not of a few known ones. */
function withText(report: Report, text: string): Report {
  const { postgresql, machine, limit } = report;
  const runs = [
    run(100, 99, { refused: { [text]: 3 }, events: [{ second: 3, what: text }] }),
    run(200, 99, { problems: [text] }),
  ];
  const setup = { ...SATURATION.setup, checks: text, sync: text };
  const row: Row = {
    ...SATURATION,
    name: text,
    title: text,
    notes: [text],
    setup,
    measures: { [text]: 1 },
    runs,
    chosen: 0,
  };
  const named = runs.map((each) => ({ ...each, nodes: each.nodes.map((node) => ({ ...node, participant: text })) }));
  return {
    ...report,
    commit: text,
    command: text,
    machine: { ...machine, cpu: text, kernel: text, versions: { [text]: text } },
    limit: limit === null ? null : { ...limit, library: text },
    postgresql:
      'skipped' in postgresql ? { skipped: text } : { ...postgresql, version: text, settings: { [text]: text } },
    rows: [row, { ...row, kind: 'kill', runs: named }, { ...row, chosen: 1 }],
    figures: report.figures.map((figure) => ({ ...figure, what: text, how: text, toReach: text, reached: text })),
  };
}

function escapedText(text: string): string {
  return text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

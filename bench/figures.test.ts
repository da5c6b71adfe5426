/** Figures that are made of several rows. */
import t from 'tap';
import { figuresOf } from './figures.ts';
import { REPORT, run, SETUP } from './page/sample.suite.ts';
import type { PostgresReport, Row } from './report.ts';

/** A search that found so much; null for one without a figure. */
function row(name: string, perS: number | null): Row {
  const runs = perS === null ? [] : [run(perS, perS)];
  const chosen = perS === null ? null : 0;
  return { name, title: name, kind: 'saturation', setup: SETUP, runs, chosen, measures: {}, notes: [] };
}

t.test('a million accounts are held against a thousand before and after them', async (t) => {
  const table: readonly (readonly [rows: Row[], reached: string | null, how: string])[] = [
    [[row('saturation-4', 2_000), row('accounts-1000000', 1_800)], '0.90', '1800/s against 2000/s'],
    [
      [row('saturation-4', 2_000), row('accounts-1000000', 1_800), row('saturation-4-again', 3_000)],
      '0.72',
      '1800/s against 2000/s before and 3000/s after',
    ],
    [
      [row('saturation-4', 2_000), row('accounts-1000000', 1_800), row('saturation-4-again', null)],
      '0.90',
      '1800/s against 2000/s',
    ],
    [[row('accounts-1000000', 1_800), row('saturation-4-again', 3_000)], null, ''],
    [[row('saturation-4', 2_000), row('accounts-1000000', null)], null, ''],
  ];
  for (const [rows, reached, how] of table) {
    const figures = figuresOf({ limit: null, postgresql: { skipped: '' }, rows });
    const figure = figures.find(({ what }) => what.startsWith('1 million accounts'));
    t.equal(figure?.reached, reached, how);
    t.equal(figure?.how, how);
  }
});

t.test('throughput is held against the checks between its own runs, and the mean of PostgreSQL', async (t) => {
  const limit = { ...REPORT.limit!, verificationsPerS: 20_000 };
  const postgresql = REPORT.postgresql as PostgresReport;
  const own = { ...row('saturation-4', 2_000), verificationsPerS: [12_000, 20_000] };
  const once = { ...postgresql, runs: postgresql.runs.slice(0, 2) };
  const table = [
    [own, postgresql, '0.50', 'mean of 2 between its runs', '0.70', 'against 2850/s, mean of before and after'],
    [row('saturation-4', 2_000), once, '0.40', 'measured before everything', '0.66', 'against 3050/s'],
    [row('saturation-4', null), once, null, '', null, ''],
  ] as const;
  for (const [rows, beside, overLimit, limitWords, overPostgres, postgresWords] of table) {
    const [first, second] = figuresOf({ limit, postgresql: beside, rows: [rows] });
    t.strictSame([first?.reached, second?.reached], [overLimit, overPostgres]);
    t.match(first?.how, limitWords);
    t.ok(second?.how.endsWith(postgresWords));
  }
});

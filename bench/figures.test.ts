/** Figures that are made of several rows. */
import t from 'tap';
import { figuresOf } from './figures.ts';
import { run, SETUP } from './page/sample.suite.ts';
import type { Row } from './report.ts';

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

import t from 'tap';
import { limitPerS, postgresRates } from './beside.ts';
import { REPORT, SATURATION, SETUP, WITHOUT_POSTGRESQL } from './page/sample.suite.ts';
import type { PostgresReport, PostgresRun } from './report.ts';

t.test('the limit of a row is that of the minutes in which it was measured', async (t) => {
  const limit = { ...REPORT.limit!, verificationsPerS: 20_000 };
  const table: readonly (readonly [own: readonly number[] | undefined, validators: number, perS: number])[] = [
    [[12_000, 16_000, 8_000], 4, 3_000],
    [[12_000], 8, 1_500],
    [[], 4, 5_000],
    [undefined, 4, 5_000],
  ];
  for (const [own, validators, perS] of table) {
    const verifications = own === undefined ? {} : { verificationsPerS: own };
    const setup = { ...SETUP, validators };
    t.equal(limitPerS(limit, { setup, ...verifications }), perS);
  }
  t.equal(limitPerS(limit, SATURATION), 3_160);
});

t.test('PostgreSQL with so many clients is the mean of its runs that have a figure', async (t) => {
  const postgresql = REPORT.postgresql as PostgresReport;
  const run = (clients: number, transfersPerS: number, conserved = true): PostgresRun => {
    return { ...postgresql.runs[0]!, clients, transfersPerS, conserved };
  };
  const table: readonly (readonly [runs: readonly PostgresRun[], rates: ReturnType<typeof postgresRates>])[] = [
    [[], []],
    [
      [run(32, 3_000), run(8, 500), run(32, 2_000)],
      [
        { clients: 8, runs: 1, transfersPerS: 500 },
        { clients: 32, runs: 2, transfersPerS: 2_500 },
      ],
    ],
    [[run(32, 3_000), run(32, 900, false), run(32, 0)], [{ clients: 32, runs: 1, transfersPerS: 3_000 }]],
    [[run(32, 3_000, false)], []],
  ];
  for (const [runs, rates] of table) t.strictSame(postgresRates({ ...postgresql, runs }), rates);
  t.strictSame(postgresRates(WITHOUT_POSTGRESQL.postgresql), []);
});

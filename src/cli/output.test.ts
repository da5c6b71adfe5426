/** Tables line up, money reads well, and programs get JSON and nothing else. */

import { stripVTControlCharacters } from 'node:util';
import { test } from 'tap';
import { withThousands } from '../codec/amount.ts';
import { createOutput, wantsColour } from './output.ts';

function recorder(json: boolean, colour = false) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  return { written, out: createOutput({ json, colour, stdout: sink('stdout'), stderr: sink('stderr') }) };
}

interface Row {
  readonly name: string;
  readonly amount: string;
}

const ROWS: readonly Row[] = [
  { name: 'dara', amount: '1200000' },
  { name: 'សុខា', amount: '5.00' },
];
const columns = [
  { title: 'Wallet', value: (row: Row) => row.name },
  { title: 'Riel', align: 'right', value: (row: Row) => withThousands(row.amount) },
] as const;

test('columns are as wide as their widest cell, with or without colours', async (t) => {
  // Khmer vowels below and above a letter take no column of their own.
  const expected = ['Wallet       Riel', 'dara    1,200,000', 'សុខា          5.00'].join('\n');
  t.equal(recorder(false).out.table(ROWS, columns), expected);
  const coloured = recorder(false, true).out.table(ROWS, columns);
  t.not(coloured, expected);
  t.equal(stripVTControlCharacters(coloured), expected);
  t.equal(recorder(false).out.table([], columns), 'Wallet  Riel');
});

test('thousands are separated, decimal places are not', async (t) => {
  const cases = [
    ['0', '0'],
    ['999', '999'],
    ['1000', '1,000'],
    ['1234567.89', '1,234,567.89'],
    ['0.1234', '0.1234'],
    ['-1000', '-1,000'],
  ] as const;
  for (const [amount, shown] of cases) t.equal(withThousands(amount), shown);
});

test('people read text, programs read one JSON document', async (t) => {
  const human = recorder(false);
  human.out.print('two\nlines', { n: 1n });
  human.out.note('beside');
  human.out.fail('NOT_A_HOME', 'it is\n  none');
  t.strictSame(human.written, { stdout: 'two\nlines\n', stderr: 'beside\ntonle: it is none (NOT_A_HOME)\n' });
  const program = recorder(true, true);
  program.out.print('two\nlines', { n: 2n ** 63n });
  program.out.fail('NOT_A_HOME', 'it is none');
  t.strictSame(program.written.stdout.trimEnd().split('\n'), [
    '{"n":"9223372036854775808"}',
    '{"error":{"code":"NOT_A_HOME","message":"it is none"}}',
  ]);
  t.equal(program.out.style('red', 'plain'), 'plain');
});

test('colours are for terminals whose reader did not decline', async (t) => {
  t.equal(wantsColour({}, true), true);
  t.equal(wantsColour({}, false), false);
  t.equal(wantsColour({ NO_COLOR: '1' }, true), false);
  t.equal(wantsColour({ NO_COLOR: '' }, true), true);
  t.equal(wantsColour({ TERM: 'dumb' }, true), false);
});

/** `node bench/page/readme.ts <report.json>` writes the figures of a report into README.md, between the marks of its table. */
import { readFileSync, writeFileSync } from 'node:fs';
import { withTable } from '../../src/cli/docs/marks.ts';
import { CodedError } from '../../src/errors.ts';
import type { Figure, Report } from '../report.ts';
import { readReport } from './read.ts';
import { machineWords, moment, size } from './values.ts';

const MARKS: Readonly<Record<Figure['verdict'], string>> = {
  'aim reached': '✓✓ aim reached',
  reached: '✓ reached',
  missed: '✗ missed',
  'not measured': 'not measured',
};

/** A table of Markdown, and below it when, of what and where it was measured. */
export function figuresMarkdown({ figures, machine, startedAt, commit, kind, command }: Report): string {
  const rows = figures.map(({ what, toReach, reached, verdict }) => [what, toReach, reached ?? '', MARKS[verdict]]);
  const table = [
    ['What', 'To reach', 'Reached', ''],
    ['---', '---', '---', '---'],
    ...rows.map((row) => row.map(plain)),
  ];
  const where = `${machineWords(machine)}, ${size(machine.memoryBytes)} of memory`;
  const when = `Measured ${moment(startedAt)}, commit ${plain(commit)}, on ${plain(where)} (${kind}).`;
  const lines = figures.length === 0 ? ['No figures were measured.'] : table.map((row) => `| ${row.join(' | ')} |`);
  return `${lines.join('\n')}\n\n${when} Again: ${code(command)}`;
}

/** Text that Markdown takes as it is, on one line. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|]/g, (sign) => `\\${sign}`);
}

/** A span of code: a backtick would end it, and a mark in it would be taken for the table's own. */
function code(text: string): string {
  return `\`${text.replace(/\s+/g, ' ').replaceAll('`', "'").replaceAll('<!--', '<! --')}\``;
}

function main(file: string | undefined): void {
  if (file === undefined)
    throw new CodedError('REPORT_NOT_NAMED', 'name a report: node bench/page/readme.ts <report.json>');
  const readme = new URL('../../README.md', import.meta.url);
  const text = figuresMarkdown(readReport(file));
  writeFileSync(readme, withTable('README.md', readFileSync(readme, 'utf8'), 'bench', text));
}

if (import.meta.main) {
  try {
    main(process.argv[2]);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    console.error(`${error.code}: ${error.message}`);
    process.exitCode = 2;
  }
}

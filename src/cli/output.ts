/**
 * How a command speaks: tables and sentences for people, or one JSON document for programs; never both. Standard output
 * carries the answer, standard error what is said beside it.
 */
import { stripVTControlCharacters, styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

export interface Column<Row> {
  readonly title: string;
  /** `left` where absent; money and counts go `right`. */
  readonly align?: 'left' | 'right';
  readonly value: (row: Row) => string;
}

export interface Output {
  readonly json: boolean;
  /** The answer, in the form that was asked for. `human` may have several lines; bigints of `json` become strings. */
  print(human: string, json: unknown): void;
  /** The text of an aligned table, without a line break at its end; for `print`. */
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string;
  /** `text` in a style, where the reader is a terminal that shows it. */
  style(style: Style, text: string): string;
  /** A line beside the answer, on standard error. */
  note(text: string): void;
  /** A failure: one line on standard error, or one JSON document on standard output. */
  fail(code: string, message: string): void;
}

/** What can be written to. */
interface TextSink {
  write(text: string): unknown;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly colour: boolean;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
}

export function createOutput({ json, colour, stdout, stderr }: OutputOptions): Output {
  const style = (how: Style, text: string): string =>
    colour && !json ? styleText(how, text, { validateStream: false }) : text;
  return {
    json,
    style,
    print: (human, document) => void stdout.write(json ? `${toJson(document)}\n` : `${human}\n`),
    table: (rows, columns) => renderTable(rows, columns, (title) => style('bold', title)),
    note: (text) => void stderr.write(`${text}\n`),
    fail: (code, message) => {
      if (json) stdout.write(`${toJson({ error: { code, message } })}\n`);
      else stderr.write(`${style('red', 'tonle:')} ${message.replace(/\s*\n\s*/g, ' ')} (${code})\n`);
    },
  };
}

/**
 * Whether to colour: not where the reader is no terminal, nor where NO_COLOR is set and not empty (no-color.org).
 *
 * @param isTerminal of the stream that people read.
 */
export function wantsColour(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): boolean {
  return isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  head: (title: string) => string,
): string {
  const lines = [
    columns.map((column) => (column.title === '' ? '' : head(column.title))),
    ...rows.map((row) => columns.map((column) => column.value(row))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => widthOf(cells[i] ?? ''))));
  return lines
    .map((cells) =>
      cells
        .map((cell, i) => pad(cell, widths[i] ?? 0, columns[i]?.align))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function pad(cell: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(width - widthOf(cell));
  return align === 'right' ? space + cell : cell + space;
}

/** Columns a terminal takes for it: without colours, and without marks that stand on the letter before (Khmer has many). */
function widthOf(text: string): number {
  return [...stripVTControlCharacters(text).replace(/\p{Mn}/gu, '')].length;
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_, entry: unknown) => (typeof entry === 'bigint' ? String(entry) : entry));
}

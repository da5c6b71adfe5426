/** Text in columns: a table for a terminal whose cells wrap where it would be too wide. */

export interface ColumnOptions {
  /** Of the longest line, in characters. */
  readonly width: number;
  /** By column; `left` where absent. */
  readonly align?: readonly ('left' | 'right')[];
}

const GAP = 2;

/** @param rows cells; the last cell of a row that has fewer than others takes the room of those that it lacks. */
export function columns(rows: readonly (readonly string[])[], { width, align = [] }: ColumnOptions): string {
  const most = Math.max(0, ...rows.map((row) => row.length));
  const own = rows.map((row) => (row.length === most ? row : row.slice(0, -1)));
  const needs = Array.from({ length: most }, (_, i) => Math.max(0, ...own.map((row) => row[i]?.length ?? 0)));
  const widths = narrowed(needs, width - GAP * (most - 1));
  return rows.flatMap((row) => linesOf(row, widths, align)).join('\n');
}

/** Takes from the widest column until all fit. */
function narrowed(needs: readonly number[], room: number): readonly number[] {
  const widths = [...needs];
  for (let over = widths.reduce((sum, one) => sum + one, 0) - room; over > 0; over -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = Math.max(1, (widths[widest] ?? 1) - 1);
  }
  return widths;
}

function linesOf(
  row: readonly string[],
  widths: readonly number[],
  align: readonly ('left' | 'right')[],
): readonly string[] {
  const isShort = row.length < widths.length;
  const roomOf = (i: number) => {
    const taken = isShort && i === row.length - 1 ? widths.slice(i) : widths.slice(i, i + 1);
    return taken.reduce((sum, one) => sum + one + GAP, -GAP);
  };
  const cells = row.map((cell, i) => wrapped(cell, roomOf(i)));
  const height = Math.max(1, ...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) => {
    const parts = cells.map((lines, i) => {
      const text = lines[line] ?? '';
      return align[i] === 'right' && !(isShort && i === row.length - 1)
        ? text.padStart(roomOf(i))
        : text.padEnd(roomOf(i));
    });
    return parts.join(' '.repeat(GAP)).trimEnd();
  });
}

/** Lines of at most `width` characters, broken between words, or within one that is longer than a line. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text
    .split(/\s+/)
    .flatMap((long) => long.match(new RegExp(`.{1,${Math.max(1, width)}}`, 'gu')) ?? [])) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** How the demo speaks: numbered chapters with indented lines, or nothing at all where a machine reads the summary. */
import type { Column, Output, Style } from '../output.ts';

export class Narrator {
  readonly #out: Output;
  #chapter = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  title(text: string, line: string): void {
    this.#print(`${this.style('bold', text)}\n${line}`);
  }

  chapter(text: string): void {
    this.#chapter += 1;
    this.#print(`\n${this.style(['bold', 'cyan'], `${String(this.#chapter).padEnd(INDENT.length)}${text}`)}`);
  }

  line(text = ''): void {
    this.#print(text === '' ? '' : text.replace(/^/gm, INDENT));
  }

  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    this.line(this.#out.table(rows, columns));
  }

  style(how: Style, text: string): string {
    return this.#out.style(how, text);
  }

  #print(text: string): void {
    if (!this.#out.json) this.#out.print(text, null);
  }
}

const INDENT = '    ';

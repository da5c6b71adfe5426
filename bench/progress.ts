/** Where a benchmark is: one line that is written over and over on a terminal, and one at each change elsewhere. */

const WIDTH = 24;

export class Progress {
  readonly #isTerminal: boolean;
  readonly #write: (text: string) => void;
  #last = '';

  constructor(isTerminal: boolean, write: (text: string) => void) {
    this.#isTerminal = isTerminal;
    this.#write = write;
  }

  /** @param share from 0 to 1. */
  show(what: string, share: number, words: string): void {
    if (this.#isTerminal) {
      const full = Math.round(Math.max(0, Math.min(1, share)) * WIDTH);
      this.#write(`\r\u001b[2K${what.padEnd(18)} [${'#'.repeat(full).padEnd(WIDTH)}] ${words}`);
      return;
    }
    // What a log wants to know is that something else is done now, not how far it is.
    const kind = `${what}: ${words.replace(/[\d,.]+/g, 'n')}`;
    if (kind !== this.#last) this.#write(`${what}: ${words}\n`);
    this.#last = kind;
  }

  /** A line that stays. */
  say(text: string): void {
    this.#write(`${this.#isTerminal ? '\r\u001b[2K' : ''}${text}\n`);
  }
}

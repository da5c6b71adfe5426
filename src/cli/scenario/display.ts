/**
 * A story while it is played: a line for each step that has ended, and on a terminal one more below them for what is going on,
 * written over again and again. A pipe gets the lines alone.
 */
import type { Clock } from '../../ports.ts';
import type { PlayEvent } from '../../scenario/play/player.ts';
import { progressLine, stepLine } from '../../scenario/report/terminal.ts';
import { count } from '../../scenario/words.ts';
import type { CliContext } from '../context.ts';

export interface Display {
  hear(event: PlayEvent): void;
  /** A line above what is going on. */
  line(text: string): void;
  /** Takes the last line away. */
  end(): void;
}

/** The line of what is going on is written anew at most so often; a bar that moves takes no more. */
const EVERY_MS = 80;
/** Back to the first column, and all that stands in the line away. */
const CLEAR = '\r\u001b[2K';

export function createDisplay({ io, out, clock }: Pick<CliContext, 'io' | 'out' | 'clock'>): Display {
  const { stdout } = io;
  const isLive = stdout.isTTY === true && !out.json;
  const status = new Status(stdout, clock);
  const line = (text: string) => {
    if (out.json) return;
    if (isLive) status.clear();
    stdout.write(`${text}\n`);
    if (isLive) status.write();
  };
  return {
    line,
    end: () => {
      if (isLive) status.clear();
    },
    hear: (event) => {
      switch (event.type) {
        case 'opened':
          line(out.style('dim', `         ${count(event.people, 'account')} opened before the first step`));
          break;
        case 'ended':
          status.done(event.step.number);
          line(stepLine(event.step, out.style));
          break;
        case 'began':
          if (isLive) status.show(event.number, `         … ${event.title}`);
          break;
        case 'progress':
          if (isLive) status.progress(progressLine(event.done, event.of, event.what));
          break;
      }
    },
  };
}

/** The last line: of what began and has not ended, the newest. */
class Status {
  readonly #stdout: CliContext['io']['stdout'];
  readonly #clock: Clock;
  readonly #going = new Map<string, string>();
  #progress: string | null = null;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(stdout: CliContext['io']['stdout'], clock: Clock) {
    this.#stdout = stdout;
    this.#clock = clock;
  }

  show(number: string, text: string): void {
    this.#going.set(number, text);
    this.#progress = null;
    this.write();
  }

  progress(text: string): void {
    this.#progress = text;
    if (this.#clock.now() - this.#writtenMs >= EVERY_MS) this.write();
  }

  done(number: string): void {
    this.#going.delete(number);
    this.#progress = null;
  }

  write(): void {
    const text = this.#progress ?? [...this.#going.values()].at(-1);
    if (text === undefined) return;
    this.#writtenMs = this.#clock.now();
    this.#isShown = true;
    // A line that wraps could not be written over.
    this.#stdout.write(`${CLEAR}${[...text].slice(0, (this.#stdout.columns ?? 80) - 1).join('')}`);
  }

  clear(): void {
    if (this.#isShown) this.#stdout.write(CLEAR);
    this.#isShown = false;
  }
}

/**
 * One node as a process of its own, run by this one. It ends when this process does, however that ends: the child's
 * standard input is a pipe that nobody else holds. Its diary and whatever else it says go to a file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../errors.ts';
import type { ParticipantId } from '../types/index.ts';
import { homePaths } from './home.ts';
import type { LogLevel } from './log-level.ts';
import type { ReadyLine } from './node-process.ts';

export interface NodeChildOptions {
  readonly participant: ParticipantId;
  readonly home: string;
  readonly logLevel: LogLevel;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Words before the command that become it: `nsenter -t 4711 -n`. */
  readonly under?: readonly string[];
}

/** How a node's process ended. */
export interface NodeEnd {
  readonly participant: ParticipantId;
  /** Exit code, or null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said of it, where it said anything. */
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly lastLogLine: string;
  readonly logFile: string;
}

/** Two levels above this file in the source and in `dist`. */
const ENTRY = fileURLToPath(new URL('../../bin/tonle.js', import.meta.url));
/**
 * V8 takes up to 64 MiB for each half of its young generation where the machine has memory, and less is enough. But payments live as long
 * as a few blocks: with 4, under load, each was copied twice, and collecting took a twentieth of a node's time; with 16 half of that.
 */
const YOUNG_GENERATION = '--max-semi-space-size=16';
/** V8 lets the rest of a heap grow to four times what is alive in it before it looks what is; under load nothing but that was its size. */
const OLD_GENERATION = '--heap-growing-percent=120';
/** glibc gives a thread heaps of its own, up to eight a core, which fill with what LevelDB's and libuv's threads have let go of. */
const FEW_HEAPS = { MALLOC_ARENA_MAX: '2' };
/** As much of the log's end as a last line may take. */
const TAIL_BYTES = 8 * 1024;

export class NodeChild {
  readonly participant: ParticipantId;
  readonly pid: number;
  /** Resolves with what the node says when it is ready; rejects where it ends before. */
  readonly ready: Promise<ReadyLine>;
  readonly ended: Promise<NodeEnd>;
  readonly #process: ChildProcess;
  #error: NodeEnd['error'] = null;

  private constructor(child: ChildProcess, stdout: Readable, pid: number, options: NodeChildOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<ReadyLine>();
    this.participant = options.participant;
    this.pid = pid;
    this.#process = child;
    this.ready = promise;
    createInterface({ input: stdout }).on('line', (line) => {
      const said = parseLine(line);
      if (said !== null && 'ready' in said) resolve(said);
      if (said !== null && 'error' in said) this.#error = said.error;
    });
    this.ended = this.#end(options);
    // Whoever waits for it hears of it from `ready`; nobody has to.
    this.ready.catch(() => undefined);
    void this.ended.then((end) => reject(notStarted(end)));
  }

  static async start(options: NodeChildOptions): Promise<NodeChild> {
    const log = await open(homePaths(options.home).log, 'a', 0o600);
    try {
      const { home, logLevel } = options;
      const args = [YOUNG_GENERATION, OLD_GENERATION, ENTRY, '--json', 'node', '--supervised'];
      args.push('--home', home, '--log-level', logLevel);
      const [program = process.execPath, ...words] = [...(options.under ?? []), process.execPath, ...args];
      const child = spawn(program, words, {
        stdio: ['pipe', 'pipe', log.fd],
        env: { ...FEW_HEAPS, ...(options.env ?? process.env) },
      });
      await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      // A node that is gone closes its end of the pipe, of which `ended` tells.
      child.stdin?.on('error', () => undefined);
      if (child.stdout === null || child.pid === undefined) throw new Error('the process of a node has no pipes');
      return new NodeChild(child, child.stdout, child.pid, options);
    } finally {
      await log.close();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async #end({ participant, home }: NodeChildOptions): Promise<NodeEnd> {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      // `close` comes after the last line was read.
      this.#process.once('close', (...how) => resolve(how));
    });
    const logFile = homePaths(home).log;
    return { participant, code, signal, error: this.#error, lastLogLine: await lastLine(logFile), logFile };
  }
}

/** What happened, in a sentence. */
export function describeEnd({ participant, code, signal, error, lastLogLine, logFile }: NodeEnd): string {
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  const why = error === null ? `the last it said is ${readable(lastLogLine)}` : `${error.message} (${error.code})`;
  return `${participant} ${how}: ${why}; its log is ${logFile}`;
}

/** `node.ready at 2026-01-01T00:00:00.000Z` of a line of the diary; any other line as it is. */
function readable(line: string): string {
  try {
    const { time, event, message } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return `${event} at ${time}${message === undefined ? '' : `: ${message}`}`;
  } catch {
    return line === '' ? 'nothing' : line;
  }
}

/** The node's own code is kept, and with it the exit code. */
function notStarted(end: NodeEnd): CodedError {
  const { participant, error, logFile } = end;
  return error === null
    ? new CodedError('NODE_NOT_STARTED', describeEnd(end))
    : new CodedError(error.code, `${participant} did not start: ${error.message} (its log is ${logFile})`);
}

type Said = ReadyLine | { readonly error: { readonly code: string; readonly message: string } };

/** Lines that are none of ours are for the log of whoever wrote them. */
function parseLine(line: string): Said | null {
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === 'object' && said !== null && ('ready' in said || 'error' in said) ? (said as Said) : null;
  } catch {
    return null;
  }
}

/** The last one that says something; empty where there is none, or the log was taken away meanwhile. */
async function lastLine(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      const lines = buffer.toString('utf8').trimEnd().split('\n');
      // What Node prints of a crash goes on below the line that says what it was.
      return lines.findLast((line) => line.startsWith('{"level"') || /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '';
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** Reads the nodes' logs as they grow: an error in any of them fails the run, warnings are counted. */
import { open } from 'node:fs/promises';
import { homePaths } from '../cli/home.ts';
import type { LocalNode } from '../cli/local-network.ts';

export interface Alarm {
  readonly participant: string;
  readonly line: string;
}

/** What a line of a log says: an entry of the diary, or what Node itself prints when a process breaks. */
type Line = { readonly level: string; readonly event: string } | 'crash' | 'torn';

export class Diaries {
  readonly alarms: Alarm[] = [];
  /** Warnings, by event. */
  readonly warnings = new Map<string, number>();
  readonly #offsets = new Map<string, number>();

  /** Reads what is new. */
  async read(nodes: readonly LocalNode[]): Promise<void> {
    for (const { participant, home } of nodes) {
      const text = await this.#news(participant, homePaths(home).log);
      for (const line of text.split('\n')) this.#judge(participant, line);
    }
  }

  #judge(participant: string, text: string): void {
    if (text === '') return;
    const line = lineOf(text);
    if (line === 'torn') return;
    if (line === 'crash' || line.level === 'error' || line.level === 'fatal' || line.event === 'node.evidence') {
      this.alarms.push({ participant, line: text });
    } else if (line.level === 'warn') {
      this.warnings.set(line.event, (this.warnings.get(line.event) ?? 0) + 1);
    }
  }

  /** Whole lines only: the rest comes with the next reading. */
  async #news(participant: string, file: string): Promise<string> {
    const offset = this.#offsets.get(participant) ?? 0;
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const bytes = Buffer.alloc(size - offset);
      await handle.read(bytes, 0, bytes.length, offset);
      const end = bytes.lastIndexOf(0x0a) + 1;
      this.#offsets.set(participant, offset + end);
      return bytes.subarray(0, end).toString('utf8');
    } finally {
      await handle.close();
    }
  }
}

/** @param text one line; a process that was killed may have left half a line before it. */
function lineOf(text: string): Line {
  const start = text.lastIndexOf('{"level"');
  try {
    const { level, event } = JSON.parse(text.slice(Math.max(0, start))) as Readonly<Record<string, unknown>>;
    return { level: String(level), event: String(event) };
  } catch {
    return /\b\w*Error\b|FATAL|[Uu]nhandled|Warning:/.test(text) && start < 0 ? 'crash' : 'torn';
  }
}

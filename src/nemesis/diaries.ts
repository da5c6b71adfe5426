/** Reads the nodes' logs as they grow: an error in any of them fails the run, warnings are counted. */
import { DiaryTail } from '../cli/diary-tail.ts';
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
  readonly #tail = new DiaryTail();

  /** Reads what is new. */
  async read(nodes: readonly LocalNode[]): Promise<void> {
    for (const { participant, text } of await this.#tail.read(nodes)) this.#judge(participant, text);
  }

  #judge(participant: string, text: string): void {
    const line = lineOf(text);
    if (line === 'torn') return;
    if (line === 'crash' || line.level === 'error' || line.level === 'fatal' || line.event === 'node.evidence') {
      this.alarms.push({ participant, line: text });
    } else if (line.level === 'warn') {
      this.warnings.set(line.event, (this.warnings.get(line.event) ?? 0) + 1);
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

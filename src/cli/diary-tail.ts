/** Reads the diaries of a local network's nodes as they grow. */
import { open } from 'node:fs/promises';
import type { ParticipantId } from '../types/index.ts';
import { homePaths } from './home.ts';
import type { LocalNode } from './local-network.ts';

export interface TailLine {
  readonly participant: ParticipantId;
  /** A process that was killed may have left half a line before it. */
  readonly text: string;
}

export class DiaryTail {
  readonly #offsets = new Map<ParticipantId, number>();

  /** What is new, in whole lines: the rest comes with the next reading. */
  async read(nodes: readonly LocalNode[]): Promise<readonly TailLine[]> {
    const news = nodes.map(async ({ participant, home }) => {
      const text = await this.#news(participant, homePaths(home).log);
      return text.split('\n').flatMap((line) => (line === '' ? [] : [{ participant, text: line }]));
    });
    return (await Promise.all(news)).flat();
  }

  async #news(participant: ParticipantId, file: string): Promise<string> {
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

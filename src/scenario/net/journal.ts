/** Lines of the nodes' diaries as entries of the story's journal, in the order of their times. */
import { CodedError } from '../../errors.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { JournalEntry } from '../engine.ts';
import type { DiaryLine } from './process-network.ts';

/** What is in a journal beside its time and bank. */
type Fact = JournalEntry extends infer Entry ? (Entry extends unknown ? Omit<Entry, 'atMs' | 'bank'> : never) : never;

interface Read {
  /** Real time. */
  readonly atMs: number;
  readonly bank: ParticipantId;
  readonly fact: Fact;
}

/** The diary is written by `cli/log.ts`; its facts have the names of the journal's fields. */
const EVENTS: ReadonlyMap<string, JournalEntry['type']> = new Map([
  ['node.batched', 'batched'],
  ['node.batchHeld', 'batchHeld'],
  ['node.proposal', 'proposal'],
  ['node.voted', 'voted'],
  ['node.committed', 'committed'],
  ['node.round', 'round'],
  ['node.blockRefused', 'blockRefused'],
  ['node.peerRefused', 'peerRefused'],
]);

export interface JournalParts {
  readonly diaries: () => Promise<readonly DiaryLine[]>;
  readonly now: () => number;
  /** Engine time since the start, of a moment of real time. */
  readonly elapsedAt: (realMs: number) => number;
}

export class Journal {
  readonly #parts: JournalParts;
  readonly #listeners: ((entry: JournalEntry) => void)[] = [];
  /** Of what the engine itself tells: it waits for lines that are older. */
  #pending: Read[] = [];
  #lastMs = 0;
  #reading: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | null = null;

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  listen(listener: (entry: JournalEntry) => void): void {
    this.#listeners.push(listener);
  }

  /** Something that no diary holds. */
  add(bank: ParticipantId, type: 'started' | 'ended', why: string): void {
    this.#pending.push({ atMs: this.#parts.now(), bank, fact: { type, why } });
  }

  /** Resolves when listeners have heard all that was written before this was called. */
  catchUp(): Promise<void> {
    // A reading that is under way may have passed by what was just written; the next one serves all who ask meanwhile.
    this.#waiting ??= this.#reading.then(() => {
      this.#waiting = null;
      this.#reading = this.#read();
      return this.#reading;
    });
    return this.#waiting;
  }

  async #read(): Promise<void> {
    const lines = await this.#parts.diaries();
    const read = [...lines.flatMap(readLine), ...this.#pending];
    this.#pending = [];
    read.sort((a, b) => a.atMs - b.atMs);
    for (const { atMs, bank, fact } of read) {
      // A line may reach its file after a later one of another bank has been read.
      this.#lastMs = Math.max(this.#lastMs, atMs);
      const entry = { atMs: this.#parts.elapsedAt(this.#lastMs), bank, ...fact } as JournalEntry;
      for (const listener of this.#listeners) listener(entry);
    }
  }
}

/** @returns nothing for what no story follows, and for half a line of a process that was killed. */
function readLine({ bank, text }: DiaryLine): readonly Read[] {
  const found = parse(text.slice(Math.max(0, text.lastIndexOf('{"level"'))));
  const type = EVENTS.get(String(found?.['event']));
  if (found === null || type === undefined) return [];
  const { level: _, time, participant: __, event: ___, accused, ...facts } = found;
  const atMs = Date.parse(String(time));
  if (Number.isNaN(atMs)) throw new CodedError('DIARY_UNREADABLE', `${bank} wrote a line without a time: ${text}`);
  const evidence = type === 'committed' ? { evidence: accused } : {};
  return [{ atMs, bank, fact: { type, ...facts, ...evidence } as Fact }];
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

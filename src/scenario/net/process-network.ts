/**
 * What the engine on real processes needs of whoever starts and ends them: one process a bank, each with a home folder, an HTTP
 * API and a diary. `cli/` has it for this machine.
 */
import type { Genesis, ParticipantId } from '../../types/index.ts';
import type { NetworkSpec } from '../story.ts';

export interface ProcessNetwork {
  readonly genesis: Genesis;
  /** Where each bank answers, whether it runs or not. */
  readonly doors: ReadonlyMap<ParticipantId, Door>;
  /** Null where the banks are joined directly, so that nothing can be done to what is between them. */
  readonly links: Links | null;
  /** Whether there is a process, awake or not. */
  isRunning(bank: ParticipantId): boolean;
  /** Resolves when it is ready and hears those of the others that it can. @throws CodedError where it does not start. */
  start(bank: ParticipantId): Promise<void>;
  /** `orderly`: with time to finish what it writes; `atOnce`: kill -9. Resolves when the process is gone. */
  end(bank: ParticipantId, how: 'orderly' | 'atOnce'): Promise<void>;
  pause(bank: ParticipantId): Promise<void>;
  resume(bank: ParticipantId): Promise<void>;
  /** Takes blocks, state and sign-state away from a bank that does not run. */
  wipe(bank: ParticipantId): Promise<void>;
  /** Tells of processes that ended although nobody asked them to, with what is known of why. */
  onEnd(listener: (bank: ParticipantId, why: string) => void): void;
  /** Whole lines of all diaries that were not read before. */
  diaries(): Promise<readonly DiaryLine[]>;
  /** Ends every process. Once is as good as twice. */
  close(): Promise<void>;
}

/** Of a bank's node: its API, and the token of its operator. */
export interface Door {
  readonly url: string;
  readonly token: string;
}

/** What lies between the banks. */
export interface Links {
  /** The two do not hear each other. */
  cut(a: ParticipantId, b: ParticipantId): void;
  /** What `from` sends is so long under way. */
  slow(from: ParticipantId, to: ParticipantId, delayMs: number): void;
  /** Ends both. */
  mend(a: ParticipantId, b: ParticipantId): void;
}

export interface DiaryLine {
  readonly bank: ParticipantId;
  readonly text: string;
}

export interface ProcessOptions {
  /** Puts something between the banks that can be cut and slowed. */
  readonly withLinks: boolean;
}

/** Resolves when all banks are ready and connected. @throws CodedError; then nothing is left running. */
export type StartProcesses = (spec: NetworkSpec, options: ProcessOptions) => Promise<ProcessNetwork>;

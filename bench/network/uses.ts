/** What a process has used, as the kernel counts it (proc(5)); a process that has ended has used nothing more. */
import { readdir, readFile } from 'node:fs/promises';
import { THREAD_KINDS, type ThreadKind } from '../report.ts';

export interface Use {
  readonly cpuS: number;
  /** The same by what threads are for, of those that there are. */
  readonly threadsS: Readonly<Record<ThreadKind, number>>;
  readonly rssBytes: number;
  /** Given to `write` and its kin: files, sockets and pipes. */
  readonly allWrittenBytes: number;
  /** That reached, or will reach, a disk. */
  readonly diskWrittenBytes: number;
}

/** Clock ticks a second: 100 on every Linux that Node.js runs on (`getconf CLK_TCK`). */
const TICKS_PER_S = 100;

/** @returns null where there is no such process, or no /proc. */
export async function useOf(pid: number): Promise<Use | null> {
  try {
    const [stat = '', status, io] = await Promise.all(
      ['stat', 'status', 'io'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
    );
    return {
      cpuS: statOf(stat).cpuS,
      threadsS: await threadsOf(pid),
      rssBytes: numberIn(status, /^VmRSS:\s+(\d+) kB$/m) * 1024,
      allWrittenBytes: numberIn(io, /^wchar: (\d+)$/m),
      diskWrittenBytes: numberIn(io, /^write_bytes: (\d+)$/m),
    };
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

async function threadsOf(pid: number): Promise<Use['threadsS']> {
  const threadsS = { ...NO_TIME };
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(unlessGone);
    if (stat === null) continue;
    const { name, cpuS } = statOf(stat);
    threadsS[thread === String(pid) ? 'loop' : kindOf(name)] += cpuS;
  }
  return threadsS;
}

/** Node.js names its threads; LevelDB's have the name of the one that started them, which is libuv's. */
function kindOf(name: string): ThreadKind {
  if (name.endsWith('V8Worker')) return 'engine';
  if (name === 'WorkerThread') return 'checks';
  return name === 'libuv-worker' ? 'storage' : 'other';
}

/** @param stat of a process or a thread. The name, in parentheses, may hold anything; utime and stime are the 14th and 15th fields. */
function statOf(stat: string): { readonly name: string; readonly cpuS: number } {
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { name: stat.slice(stat.indexOf('(') + 1, nameEnd), cpuS: ticks / TICKS_PER_S };
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');
}

function unlessGone(error: unknown): null {
  if (isGone(error)) return null;
  throw error;
}

function numberIn(text: string | undefined, pattern: RegExp): number {
  return Number(pattern.exec(text ?? '')?.[1] ?? 0);
}

const NO_TIME: Readonly<Record<ThreadKind, number>> = { loop: 0, checks: 0, engine: 0, storage: 0, other: 0 };
const NOTHING: Use = { cpuS: 0, threadsS: NO_TIME, rssBytes: 0, allWrittenBytes: 0, diskWrittenBytes: 0 };

/** What a bank's processes have used since the first look: one may be killed, and another one take its place. */
export class BankUse {
  #pid = 0;
  #last: Use = NOTHING;
  #spent: Use | null = null;

  /** @param use of the process `pid`, now. */
  look(pid: number, use: Use): void {
    const before = pid === this.#pid ? this.#last : NOTHING;
    const { cpuS, threadsS, allWrittenBytes, diskWrittenBytes, rssBytes } = this.#spent ?? NOTHING;
    if (this.#spent === null) this.#spent = { ...NOTHING, rssBytes: use.rssBytes };
    else
      this.#spent = {
        cpuS: cpuS + use.cpuS - before.cpuS,
        // A thread that has ended is not there any more: what it has used then is what it had at the look before.
        threadsS: byKind((kind) => threadsS[kind] + Math.max(0, use.threadsS[kind] - before.threadsS[kind])),
        allWrittenBytes: allWrittenBytes + use.allWrittenBytes - before.allWrittenBytes,
        diskWrittenBytes: diskWrittenBytes + use.diskWrittenBytes - before.diskWrittenBytes,
        rssBytes: Math.max(rssBytes, use.rssBytes),
      };
    this.#pid = pid;
    this.#last = use;
  }

  /** `rssBytes` is the most that was seen. */
  get spent(): Use {
    return this.#spent ?? NOTHING;
  }
}

function byKind(secondsOf: (kind: ThreadKind) => number): Use['threadsS'] {
  return Object.fromEntries(THREAD_KINDS.map((kind) => [kind, secondsOf(kind)])) as Record<ThreadKind, number>;
}

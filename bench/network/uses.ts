/** What a process has used, as the kernel counts it (proc(5)); a process that has ended has used nothing more. */
import { readFile } from 'node:fs/promises';

export interface Use {
  readonly cpuS: number;
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
    const [stat, status, io] = await Promise.all(
      ['stat', 'status', 'io'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
    );
    // The name, in parentheses, may hold anything; utime and stime are the 14th and 15th fields.
    const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return {
      cpuS: ticks / TICKS_PER_S,
      rssBytes: numberIn(status, /^VmRSS:\s+(\d+) kB$/m) * 1024,
      allWrittenBytes: numberIn(io, /^wchar: (\d+)$/m),
      diskWrittenBytes: numberIn(io, /^write_bytes: (\d+)$/m),
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null;
    throw error;
  }
}

function numberIn(text: string | undefined, pattern: RegExp): number {
  return Number(pattern.exec(text ?? '')?.[1] ?? 0);
}

const NOTHING: Use = { cpuS: 0, rssBytes: 0, allWrittenBytes: 0, diskWrittenBytes: 0 };

/** What a bank's processes have used since the first look: one may be killed, and another one take its place. */
export class BankUse {
  #pid = 0;
  #last: Use = NOTHING;
  #spent: Use | null = null;

  /** @param use of the process `pid`, now. */
  look(pid: number, use: Use): void {
    const before = pid === this.#pid ? this.#last : NOTHING;
    const { cpuS, allWrittenBytes, diskWrittenBytes, rssBytes } = this.#spent ?? NOTHING;
    if (this.#spent === null) this.#spent = { ...NOTHING, rssBytes: use.rssBytes };
    else
      this.#spent = {
        cpuS: cpuS + use.cpuS - before.cpuS,
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

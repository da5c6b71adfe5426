/** How much memory the nodes take, as the system counts it (`VmRSS` of proc(5)); nothing is known where there is no /proc. */
import { readFile } from 'node:fs/promises';
import type { LocalNode } from '../cli/local-network.ts';

export interface MemoryOfNode {
  readonly startMiB: number;
  endMiB: number;
  highestMiB: number;
}

export class Memory {
  readonly nodes = new Map<string, MemoryOfNode>();

  async look(nodes: readonly LocalNode[]): Promise<void> {
    for (const { participant, pid } of nodes) {
      const mib = pid === null ? null : await residentMiB(pid);
      if (mib === null) continue;
      const known = this.nodes.get(participant);
      if (known === undefined) this.nodes.set(participant, { startMiB: mib, endMiB: mib, highestMiB: mib });
      else Object.assign(known, { endMiB: mib, highestMiB: Math.max(known.highestMiB, mib) });
    }
  }
}

async function residentMiB(pid: number): Promise<number | null> {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : Math.round(Number(kib) / 1024);
  } catch {
    return null;
  }
}

/** On what a report was measured. */
import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';
import type { Machine } from './report.ts';

const run = promisify(execFile);

export function describeMachine(versions: Readonly<Record<string, string>>): Machine {
  const [first] = os.cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()}`,
    versions: { node: process.versions.node, openssl: process.versions.openssl, ...versions },
    loadAverage: os.loadavg()[0] ?? 0,
  };
}

/** The commit that is checked out; `unknown` outside a repository. */
export async function commitHere(folder: string): Promise<string> {
  try {
    const [head, changes] = await Promise.all([
      run('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: folder }),
      run('git', ['status', '--porcelain'], { cwd: folder }),
    ]);
    return head.stdout.trim() + (changes.stdout === '' ? '' : '+changes');
  } catch {
    return 'unknown';
  }
}

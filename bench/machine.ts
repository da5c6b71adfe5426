/** On what a report was measured. */
import { execFile, spawnSync } from 'node:child_process';
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

/**
 * Words before the command of a server, a node's or PostgreSQL's: with SCHED_BATCH (sched(7)) whoever wakes up does not interrupt
 * another one in the middle of its work, of which many processes on two cores do much. Nothing where the system has no such thing.
 */
export function withoutInterrupting(): readonly string[] {
  const [program, ...words] = BATCH_POLICY;
  return spawnSync(program, [...words, 'true'], { stdio: 'ignore' }).status === 0 ? BATCH_POLICY : [];
}

/** Of util-linux. */
const BATCH_POLICY = ['chrt', '-b', '0'] as const;

/** The commit that is checked out; `unknown` outside a repository. */
export async function commitHere(folder: string): Promise<string> {
  try {
    const [head, changes] = await Promise.all([
      run('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: folder }),
      // Without the reports, of which this one may be.
      run('git', ['status', '--porcelain', '--', ':/', ':(top,exclude)bench/results'], { cwd: folder }),
    ]);
    return head.stdout.trim() + (changes.stdout === '' ? '' : '+changes');
  } catch {
    return 'unknown';
  }
}

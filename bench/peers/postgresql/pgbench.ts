/** One run of pgbench, and the latency of each of its transactions, which it logs. */
import { createReadStream } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { CodedError } from '../../../src/errors.ts';
import { createLatencyHistogram, type LatencyHistogram } from '../../histogram.ts';
import type { Servers } from './servers.ts';

export interface PgbenchRun {
  readonly transactions: number;
  readonly failed: number;
  /** Without the time that connecting took. */
  readonly perS: number;
  readonly latency: LatencyHistogram;
  readonly meanMs: number;
}

export interface PgbenchOptions {
  readonly script: string;
  readonly clients: number;
  readonly seconds: number;
}

/** Each client sends its next transaction when the last one was answered. @throws CodedError `POSTGRESQL_FAILED`. */
export async function runPgbench(servers: Servers, { script, clients, seconds }: PgbenchOptions): Promise<PgbenchRun> {
  const folder = path.join(servers.folder, 'pgbench');
  // By who runs pgbench, which writes its logs there.
  await servers.program('mkdir', [folder]);
  try {
    const file = path.join(folder, 'transfer.sql');
    await writeFile(file, script);
    const threads = Math.min(clients, os.availableParallelism());
    const { stdout } = await servers.program(
      'pgbench',
      [
        ...['-n', '-M', 'prepared', '-c', String(clients), '-j', String(threads), '-T', String(seconds)],
        ...['-f', file, '--log', `--log-prefix=${path.join(folder, 'log')}`],
        ...servers.address('primary'),
      ],
      seconds + 120,
    );
    const logs = (await readdir(folder)).filter((name) => name.startsWith('log.'));
    const timed = await readLogs(logs.map((name) => path.join(folder, name)));
    return { ...readSummary(stdout), ...timed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What pgbench prints at its end. @throws CodedError `POSTGRESQL_FAILED` where it is not that. */
export function readSummary(text: string): Pick<PgbenchRun, 'transactions' | 'failed' | 'perS'> {
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const transactions = number(/^number of transactions actually processed: (\d+)/m);
  const perS = number(/^tps = ([\d.]+) \(without initial connection time\)/m);
  if (Number.isNaN(transactions + perS))
    throw new CodedError('POSTGRESQL_FAILED', `pgbench did not say what it did: ${text.trim().slice(0, 200)}`);
  // Version 14 does not have the line, and ends at the first failure.
  return { transactions, perS, failed: number(/^number of failed transactions: (\d+)/m) || 0 };
}

/** Lines are `client number microseconds script seconds microseconds`; the third is `failed` of a transaction without an end. */
export async function readLogs(files: readonly string[]): Promise<Pick<PgbenchRun, 'latency' | 'meanMs'>> {
  const latency = createLatencyHistogram();
  let [sumMs, count] = [0, 0];
  for (const file of files) {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const ms = Number(line.split(' ')[2]) / 1_000;
      if (Number.isNaN(ms)) continue;
      latency.record(ms);
      sumMs += ms;
      count += 1;
    }
  }
  return { latency, meanMs: count === 0 ? 0 : sumMs / count };
}

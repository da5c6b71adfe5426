/**
 * What PostgreSQL does with the same payments on the same machine in the same run: one primary and two standbys that follow
 * its log, all with fsync.
 *
 * Equal: three copies on disk before anyone is answered. `ANY 2` of two standbys with `synchronous_commit = on` says that a
 * transfer which was acknowledged is flushed on all three servers, and so survives the loss of any two; of the network's four
 * validators, three have the block synced with their precommits before it is final. Also equal: the transfers (two of the
 * same number of accounts, 1 to 100 minor units, no balance below zero, each with a 32-byte id that refuses a replay), the
 * disk, the cores, and the clients on the same cores.
 *
 * Not equal, all in PostgreSQL's favour but the last: nothing is signed; everybody believes one primary, and a standby copies
 * its bytes instead of deciding anew; what comes of a transfer leaves no proof; the load is a closed loop of a client in C,
 * where each client waits for its answer, so a server that stalls is asked less. And with one server lost of three the
 * primary answers nobody, where four validators go on with one lost.
 */
import { assert } from '../../../src/errors.ts';
import { createLatencyHistogram, quantilesOf } from '../../histogram.ts';
import type { PostgresReport, PostgresRun, Skipped } from '../../report.ts';
import { booksOf, isConserved } from './books.ts';
import { findInstallation, type Installation } from './installation.ts';
import { runPgbench } from './pgbench.ts';
import { areOnOneDevice, reachableFolder, Servers } from './servers.ts';
import { schemaSql, variants } from './workload.ts';

export interface PostgresOptions {
  /** At least two. */
  readonly accounts: number;
  /** Measured, of each number of clients. */
  readonly seconds: number;
  readonly clients: readonly number[];
  /** Where the nodes' data is. PostgreSQL's goes there too, if its user can. */
  readonly folder: string;
  readonly onProgress: (words: string) => void;
}

/** Before each measured run, and not counted; no longer than that. */
const WARM_UP_S = 3;
/** Of each way to say a transfer, to choose the faster; no longer than a measured run. */
const TRIAL_S = 2;
const DURABILITY =
  'an acknowledged transfer is flushed to disk on the primary and both standbys, and survives the loss of any two of the three';

/**
 * Starts three servers, measures, checks the money on each of them, and leaves nothing behind.
 * @returns why it was left out, where PostgreSQL is not there. @throws CodedError `POSTGRESQL_FAILED`.
 */
export async function measurePostgres(options: PostgresOptions): Promise<PostgresReport | Skipped> {
  const installation = await findInstallation();
  if ('skipped' in installation) return installation;
  const { accounts, clients } = options;
  return await onServers(installation, options, async (servers, disk) => {
    const { way, script, tried } = await fasterOf(servers, options);
    const runs: PostgresRun[] = [];
    for (const count of clients) runs.push(await measureRun(servers, script, count, options));
    const settings = { ...(await servers.settings()), transfer: tried, durability: DURABILITY, disk };
    return { version: installation.version, settings, accounts, way, runs };
  });
}

/** One run more in the same way, on servers of its own as well. @throws CodedError `POSTGRESQL_FAILED`. */
export async function measuredAgain(
  report: PostgresReport,
  clients: number,
  options: Omit<PostgresOptions, 'accounts' | 'clients'>,
): Promise<PostgresReport> {
  const { accounts, way, runs } = report;
  const installation = await findInstallation();
  const script = variants(accounts).find(({ name }) => name === way)?.script;
  assert(!('skipped' in installation) && script !== undefined, 'what was measured before is there');
  const run = await onServers(installation, { ...options, accounts }, async (servers) => {
    return await measureRun(servers, script, clients, options);
  });
  return { ...report, runs: [...runs, run] };
}

/** @param measure gets the disk of their data in words. */
async function onServers<T>(
  installation: Installation,
  { accounts, folder, onProgress }: Pick<PostgresOptions, 'accounts' | 'folder' | 'onProgress'>,
  measure: (servers: Servers, disk: string) => Promise<T>,
): Promise<T> {
  onProgress('starting a primary and two standbys');
  const parent = reachableFolder(folder, installation);
  const isSameDisk = await areOnOneDevice(parent, folder);
  const servers = await Servers.start(installation, parent);
  try {
    await servers.query('primary', schemaSql(accounts));
    await servers.query('primary', 'VACUUM ANALYZE account');
    const disk = isSameDisk ? "the nodes'" : "another than the nodes', whose folder PostgreSQL's user cannot reach";
    return await measure(servers, disk);
  } finally {
    servers.close();
  }
}

/** Tries each way to say a transfer under the most clients. @returns the fastest one with its script, and in words what was tried. */
async function fasterOf(servers: Servers, { accounts, clients, seconds, onProgress }: PostgresOptions) {
  const trials: { name: string; script: string; perS: number }[] = [];
  for (const { name, script } of variants(accounts)) {
    onProgress(`trying ${name}`);
    const load = { script, clients: Math.max(...clients), seconds: Math.min(TRIAL_S, seconds) };
    const { perS } = await runPgbench(servers, load);
    trials.push({ name, script, perS });
  }
  const [best, ...others] = trials.sort((a, b) => b.perS - a.perS);
  assert(best !== undefined, 'there is a way to say a transfer');
  const [first, ...rest] = [best, ...others].map(
    ({ name, perS }) => `${name} (${Math.round(perS)}/s in a short trial)`,
  );
  return { way: best.name, script: best.script, tried: `${first}; slower, and not taken: ${rest.join(', ')}` };
}

/** A run after which the books of the three servers are not right has no throughput. */
async function measureRun(
  servers: Servers,
  script: string,
  clients: number,
  { seconds, onProgress }: Pick<PostgresOptions, 'seconds' | 'onProgress'>,
): Promise<PostgresRun> {
  onProgress(`warming up with ${clients} clients`);
  await servers.query('primary', 'CHECKPOINT');
  await runPgbench(servers, { script, clients, seconds: Math.min(WARM_UP_S, seconds) });
  const before = await booksOf(servers, 'primary');
  onProgress(`${clients} clients for ${seconds} s`);
  const run = await runPgbench(servers, { script, clients, seconds });
  onProgress(`checking the money after ${clients} clients`);
  const conserved = await isConserved(servers, before, run);
  const { p50, p95, p99, max } = quantilesOf(conserved ? run.latency : createLatencyHistogram());
  return {
    clients,
    seconds,
    transfers: run.transactions,
    transfersPerS: conserved ? run.perS : 0,
    failed: run.failed,
    latencyMs: { mean: conserved ? run.meanMs : 0, p50, p95, p99, max },
    conserved,
  };
}

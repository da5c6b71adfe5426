/** Whether a run of transfers left the money right, on the primary and on what its standbys made of its log. */
import type { PgbenchRun } from './pgbench.ts';
import { SERVERS, type ServerName, type Servers, STANDBYS } from './servers.ts';

export interface Books {
  /** Sum of all balances. */
  readonly money: bigint;
  /** Recorded transfers. */
  readonly transfers: number;
}

export async function booksOf(servers: Servers, server: ServerName): Promise<Books> {
  const row = await servers.query(server, 'SELECT (SELECT sum(balance) FROM account), (SELECT count(*) FROM transfer)');
  const [money = '', transfers = ''] = row.split('\t');
  return { money: BigInt(money), transfers: Number(transfers) };
}

/** Whether every server has the same sum as before, and each transfer that pgbench counted, and the standbys all of the log. */
export async function isConserved(
  servers: Servers,
  before: Books,
  { transactions, latency }: Pick<PgbenchRun, 'transactions' | 'latency'>,
): Promise<boolean> {
  const position = await servers.query('primary', 'SELECT pg_current_wal_lsn()');
  await waitForStandbys(servers);
  const replayed = `SELECT pg_last_wal_replay_lsn() >= '${position}'::pg_lsn`;
  for (const standby of STANDBYS) if ((await servers.query(standby, replayed)) !== 't') return false;
  for (const server of SERVERS) {
    const { money, transfers } = await booksOf(servers, server);
    if (money !== before.money || transfers !== before.transfers + transactions) return false;
  }
  return latency.raw.totalCount === transactions;
}

/** A commit that waits until both standbys have not only flushed but applied it, and with it all before. */
async function waitForStandbys(servers: Servers): Promise<void> {
  const commit = 'BEGIN; SET LOCAL synchronous_commit = remote_apply; INSERT INTO mark VALUES (now()); COMMIT';
  await servers.query('primary', commit);
}

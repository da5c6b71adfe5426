/**
 * Where PostgreSQL is installed these tests run it; where it is not, they hold that the measurement says so, and all else is
 * not theirs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { createLatencyHistogram, quantilesOf } from '../../histogram.ts';
import { booksOf, isConserved } from './books.ts';
import { findInstallation } from './installation.ts';
import { readLogs, readSummary, runPgbench } from './pgbench.ts';
import { measuredAgain, measurePostgres } from './postgresql.ts';
import { reachableFolder, SERVERS, Servers } from './servers.ts';
import { schemaSql, variants } from './workload.ts';

/** In the system's temporary folder, where the servers' user can go as well. */
async function publicFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tonle-test-'));
  await chmod(folder, 0o777);
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

t.test('not installed, or too old: a sentence that says so', async (t) => {
  const programs = ['initdb', 'pg_ctl', 'pgbench', 'psql', 'postgres'];
  const version = (text: string) => Object.fromEntries(programs.map((name) => [name, `#!/bin/sh\necho '${text}'\n`]));
  const { initdb: _, ...some } = version('postgres (PostgreSQL) 15.2');
  const folder = t.testdir({ old: version('postgres (PostgreSQL) 13.4 (Debian 13.4-1)'), some });
  for (const kind of ['old', 'some']) {
    for (const name of await readdir(path.join(folder, kind))) await chmod(path.join(folder, kind, name), 0o755);
  }
  const found = (kind: string) => findInstallation([path.join(folder, kind)]);
  t.strictSame(await found('none'), { skipped: 'PostgreSQL is not installed: apt-get install postgresql' });
  t.strictSame(await found('some'), await found('none'), 'a client alone is no server');
  t.match(await found('old'), { skipped: /^PostgreSQL 13\.4 in .* is too old: 14 or later is needed$/ });
});

t.test('what pgbench prints is read, and anything else is an error', async (t) => {
  const text = `number of clients: 8
number of transactions actually processed: 4859
number of failed transactions: 2 (0.041%)
latency average = 8.223 ms
tps = 972.883598 (without initial connection time)
`;
  t.strictSame(readSummary(text), { transactions: 4_859, failed: 2, perS: 972.883598 });
  t.match(readSummary(text.replace(/.*failed.*\n/, '')), { failed: 0 }, 'version 14 does not say it');
  for (const cut of [/tps.*/, /number of transactions.*/]) {
    t.throws(() => readSummary(text.replace(cut, '')), { code: 'POSTGRESQL_FAILED' });
  }
});

t.test('every line of the logs is a transaction with its latency, but for failed ones', async (t) => {
  const folder = t.testdir({ a: '0 1 1000 0 1 2\n1 1 3000 0 1 3\n', b: '2 1 failed 0 1 2\n2 2 8000 0 1 4\n' });
  const { latency, meanMs } = await readLogs(['a', 'b'].map((name) => path.join(folder, name)));
  t.match(quantilesOf(latency), { count: 3, p50: 3.001, max: 8 });
  t.equal(meanMs, 4);
});

t.test('a measurement: plausible figures, the money checked, nothing left behind', async (t) => {
  const folder = await publicFolder(t);
  const heard: string[] = [];
  const onProgress = (words: string) => heard.push(words);
  const report = await measurePostgres({ accounts: 100, seconds: 1, clients: [2, 4], folder, onProgress });
  if ('skipped' in report) {
    t.match(report.skipped, /PostgreSQL/);
    return;
  }
  t.match(report, { accounts: 100, settings: { fsync: 'on', synchronous_commit: 'on', listen_addresses: '' } });
  t.match(report.settings['synchronous_standby_names'], /^ANY 2 \(\w+, \w+\)$/);
  t.strictSame(
    report.runs.map(({ clients, conserved, failed }) => [clients, conserved, failed]),
    [
      [2, true, 0],
      [4, true, 0],
    ],
  );
  for (const {
    transfers,
    transfersPerS,
    latencyMs: { p50, p95, p99, max },
  } of report.runs) {
    t.ok(transfers > 0 && transfersPerS > 0);
    t.ok(0 < p50 && p50 <= p95 && p95 <= p99 && p99 <= max);
  }
  t.ok(heard.length > 5);
  t.strictSame(await readdir(folder), []);
  const again = await measuredAgain(report, 4, { seconds: 1, folder, onProgress });
  t.strictSame(again, { ...report, runs: [...report.runs, again.runs[2]] });
  t.match(again.runs[2], { clients: 4, conserved: true, failed: 0 });
  t.strictSame(await readdir(folder), []);
});

t.test("the data goes into the nodes' folder where the servers' user can go there", async (t) => {
  const folder = await publicFolder(t);
  const installation = { programs: '/usr/bin', version: '15.2' };
  t.equal(reachableFolder(folder, { ...installation, user: null }), folder);
  if (process.getuid?.() !== 0) return;
  const nobody = { ...installation, user: { uid: 65_534, gid: 65_534 } };
  t.equal(reachableFolder(folder, nobody), folder);
  await chmod(folder, 0o700);
  t.equal(reachableFolder(folder, nobody), os.tmpdir());
});

t.test('on three servers', async (t) => {
  const installation = await findInstallation();
  if ('skipped' in installation) {
    t.match(installation.skipped, /PostgreSQL/);
    return;
  }
  const servers = await Servers.start(installation, await publicFolder(t));
  t.teardown(() => servers.close());
  await servers.query('primary', schemaSql(10));

  await t.test('a commit waits for both standbys, which follow the log and take no writes', async (t) => {
    const rows = await servers.query(
      'primary',
      'SELECT application_name, sync_state FROM pg_stat_replication ORDER BY 1',
    );
    t.strictSame(rows.split('\n'), ['standby1\tquorum', 'standby2\tquorum']);
    for (const standby of ['standby1', 'standby2'] as const) {
      t.equal(await servers.query(standby, 'SELECT pg_is_in_recovery()'), 't');
      await t.rejects(servers.query(standby, 'DELETE FROM account'), { code: 'POSTGRESQL_FAILED' });
    }
  });

  await t.test('a transfer moves money once, between accounts that are there, and never below zero', async (t) => {
    const pay = (first: string, payer: number, payee: number, amount: number) =>
      servers.query('primary', `SELECT pay(decode(repeat('${first}', 32), 'hex'), ${payer}, ${payee}, ${amount})`);
    const balances = async () =>
      (await servers.query('primary', 'SELECT balance FROM account WHERE id < 3 ORDER BY id')).split('\n');
    await pay('01', 1, 2, 30);
    await pay('02', 2, 1, 10);
    t.strictSame(await balances(), ['999980', '1000020']);
    await t.rejects(pay('01', 1, 2, 30), /duplicate key/, 'a replay');
    await t.rejects(pay('03', 1, 2, 1_000_000), /account_balance_check/, 'more than is there');
    await t.rejects(pay('04', 1, 2, 0), /transfer_amount_check/);
    await t.rejects(pay('05', 1, 11, 1), /there is no account 11/);
    t.strictSame(await balances(), ['999980', '1000020']);
  });

  await t.test('every way to say a transfer does the same', async (t) => {
    for (const { name, script } of variants(10)) {
      const before = await booksOf(servers, 'primary');
      const run = await runPgbench(servers, { script, clients: 2, seconds: 1 });
      t.ok(await isConserved(servers, before, run), name);
    }
  });

  await t.test('money or transfers that are wrong are seen', async (t) => {
    const before = await booksOf(servers, 'primary');
    const nothing = { transactions: 0, latency: createLatencyHistogram() };
    t.ok(await isConserved(servers, before, nothing));
    t.notOk(await isConserved(servers, before, { ...nothing, transactions: 1 }), 'a transfer that is not there');
    await servers.query('primary', 'UPDATE account SET balance = balance + 1 WHERE id = 1');
    t.notOk(await isConserved(servers, before, nothing), 'money from nowhere');
    for (const server of SERVERS) t.equal((await booksOf(servers, server)).money, before.money + 1n, server);
  });

  await t.test('an error of SQL is told in its words', async (t) => {
    await t.rejects(servers.query('primary', 'SELECT nothing'), { code: 'POSTGRESQL_FAILED', message: /"nothing"/ });
  });
});

t.test('an interrupted measurement leaves neither a server nor a folder', async (t) => {
  const installation = await findInstallation();
  if ('skipped' in installation) {
    t.match(installation.skipped, /PostgreSQL/);
    return;
  }
  const folder = await publicFolder(t);
  const program = `
    import { measurePostgres } from ${JSON.stringify(path.join(import.meta.dirname, 'postgresql.ts'))};
    // The harness's own listeners: whoever has one decides itself what a signal does.
    process.removeAllListeners('SIGINT');
    const onProgress = (words) => process.stdout.write(words + '\\n');
    await measurePostgres({ accounts: 10, seconds: 60, clients: [2], folder: ${JSON.stringify(folder)}, onProgress });`;
  const file = path.join(folder, 'program.mjs');
  await writeFile(file, program);
  const env = { ...process.env, TMPDIR: folder };
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(process.execPath, [file], { env, stdio: [...stdio] });
  const ended = once(child, 'exit');
  let pids: readonly number[] = [];
  for await (const text of child.stdout) {
    if (!String(text).includes('trying')) continue;
    pids = await serversIn(folder);
    child.kill('SIGINT');
  }
  t.strictSame(await ended, [null, 'SIGINT']);
  t.equal(pids.length, SERVERS.length);
  for (const pid of pids) t.notOk(await isRunning(pid), `${pid} has ended`);
  t.strictSame(await readdir(folder), ['program.mjs']);
});

/** Process ids of the servers whose data is somewhere in this folder. */
async function serversIn(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => path.basename(name) === 'postmaster.pid');
  return await Promise.all(
    files.map(async (name) => Number((await readFile(path.join(folder, name), 'utf8')).split('\n')[0])),
  );
}

/** Not of one that has ended and that nobody has asked about yet. */
async function isRunning(pid: number): Promise<boolean> {
  try {
    return /^State:\s+[^ZX]/m.test(await readFile(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

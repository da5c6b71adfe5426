/**
 * One primary and two standbys for one measurement: folders, sockets and processes of their own, reachable through a private
 * folder of unix sockets only, and gone afterwards, whatever ends the benchmark.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { appendFile, chown, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { CodedError } from '../../../src/errors.ts';
import { withoutInterrupting } from '../../machine.ts';
import type { Installation } from './installation.ts';

export type ServerName = 'primary' | 'standby1' | 'standby2';

export const SERVERS = ['primary', 'standby1', 'standby2'] as const satisfies readonly ServerName[];
export const STANDBYS = ['standby1', 'standby2'] as const satisfies readonly ServerName[];

/** Of all three, so that any could take over. What is not named here is PostgreSQL's own default. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "''",
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  wal_keep_size: '512MB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  synchronous_standby_names: `'ANY 2 (${STANDBYS.join(', ')})'`,
};
/** What the report states, as the server itself has it. */
const STATED = [
  ...Object.keys(SETTINGS),
  'wal_level',
  'wal_sync_method',
  'wal_buffers',
  'commit_delay',
  'checkpoint_timeout',
];
const NAME = 'tonle';
const DATABASE = 'postgres';
const LONGEST_S = 120;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const run = promisify(execFile);

export class Servers {
  readonly #installation: Installation;
  readonly #folder: string;
  /** Apart from the data, as the path of a socket has 107 bytes at most. */
  readonly #sockets: string;
  readonly #closing = new AbortController();
  readonly #onExit = () => this.close();
  readonly #onSignal = (signal: NodeJS.Signals) => {
    this.close();
    // Who else listens has heard it too, and decides.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };

  private constructor(installation: Installation, folder: string, sockets: string) {
    this.#installation = installation;
    this.#folder = folder;
    this.#sockets = sockets;
    process.on('exit', this.#onExit);
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** @param parent where the data goes, in a folder of its own. @throws CodedError `POSTGRESQL_FAILED`. */
  static async start(installation: Installation, parent: string): Promise<Servers> {
    const folders = [parent, os.tmpdir()].map((folder) => mkdtemp(path.join(folder, 'tonle-pg-')));
    const [folder = '', sockets = ''] = await Promise.all(folders);
    const servers = new Servers(installation, folder, sockets);
    try {
      await servers.#start();
      return servers;
    } catch (error) {
      servers.close();
      throw error;
    }
  }

  /** Where the data is. */
  get folder(): string {
    return this.#folder;
  }

  /** Runs SQL in one go. @returns what psql prints, rows by line, columns between tabs. @throws CodedError `POSTGRESQL_FAILED`. */
  async query(server: ServerName, sql: string): Promise<string> {
    const { stdout } = await this.program('psql', [
      ...['-X', '-q', '-A', '-t', '-F', '\t', '-v', 'ON_ERROR_STOP=1'],
      ...['-c', sql],
      ...this.address(server),
    ]);
    return stdout.trim();
  }

  /** What psql and pgbench need to reach a server, after their own arguments: the database is the last. */
  address(server: ServerName): readonly string[] {
    return ['-h', this.#sockets, '-p', String(portOf(server)), '-U', NAME, DATABASE];
  }

  /** Runs one of PostgreSQL's programs, or of the system's, as who runs the servers. @throws CodedError `POSTGRESQL_FAILED`. */
  async program(name: string, args: readonly string[], forS = LONGEST_S): Promise<{ stdout: string; stderr: string }> {
    const { programs } = this.#installation;
    const own = path.join(programs, path.basename(name));
    const file = existsSync(own) ? own : name;
    try {
      const limits = { timeout: forS * 1_000, signal: this.#closing.signal };
      return await run(file, [...args], { ...this.#asUser(), ...limits });
    } catch (error) {
      const lines = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n') : [];
      const line = lines.find((each) => /error|fatal/i.test(each)) ?? lines.at(-1) ?? String(error);
      throw new CodedError('POSTGRESQL_FAILED', `${name} of PostgreSQL failed: ${line}`, { cause: error });
    }
  }

  /** The primary's settings by name, as it has them. */
  async settings(): Promise<Record<string, string>> {
    const names = STATED.map((name) => `'${name}'`).join(', ');
    const rows = await this.query(
      'primary',
      `SELECT name, current_setting(name) FROM unnest(ARRAY[${names}]) AS name ORDER BY name`,
    );
    return Object.fromEntries(rows.split('\n').map((row) => row.split('\t')));
  }

  /** Ends the servers of this object and removes all they left, at once and without waiting for anything else. */
  close(): void {
    process.off('exit', this.#onExit);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    this.#closing.abort();
    for (const server of SERVERS.toReversed()) {
      if (!existsSync(path.join(this.#data(server), 'postmaster.pid'))) continue;
      const args = ['-D', this.#data(server), '-m', 'immediate', '-w', 'stop'];
      spawnSync(path.join(this.#installation.programs, 'pg_ctl'), args, { ...this.#asUser(), stdio: 'ignore' });
    }
    for (const folder of [this.#folder, this.#sockets]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #start(): Promise<void> {
    const { user } = this.#installation;
    if (user !== null)
      await Promise.all([this.#folder, this.#sockets].map((folder) => chown(folder, user.uid, user.gid)));
    const primary = this.#data('primary');
    await this.program('initdb', ['-D', primary, '-U', NAME, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
    const lines = Object.entries({ ...SETTINGS, unix_socket_directories: `'${this.#sockets}'` });
    await appendFile(
      path.join(primary, 'postgresql.conf'),
      `${lines.map(([name, value]) => `${name} = ${value}`).join('\n')}\n`,
    );
    // A copy of a server that was shut down is its standby: they have everything in common up to there.
    for (const standby of STANDBYS) {
      const data = this.#data(standby);
      await this.program('cp', ['-a', primary, data]);
      const primaryIs = `host=${this.#sockets} port=${portOf('primary')} user=${NAME} application_name=${standby}`;
      await appendFile(path.join(data, 'postgresql.conf'), `primary_conninfo = '${primaryIs}'\n`);
      await writeFile(path.join(data, 'standby.signal'), '');
    }
    for (const server of SERVERS) {
      await appendFile(path.join(this.#data(server), 'postgresql.conf'), `port = ${portOf(server)}\n`);
      await this.#startServer(server);
    }
  }

  async #startServer(server: ServerName): Promise<void> {
    const log = path.join(this.#folder, `${server}.log`);
    try {
      const start = [
        path.join(this.#installation.programs, 'pg_ctl'),
        '-D',
        this.#data(server),
        '-l',
        log,
        '-w',
        'start',
      ];
      const [program = '', ...words] = [...withoutInterrupting(), ...start];
      await this.program(program, words);
    } catch (cause) {
      const told = existsSync(log) ? await readFile(log, 'utf8') : '';
      const reasons = told.split('\n').filter((line) => /FATAL|PANIC|ERROR|HINT/.test(line));
      throw new CodedError('POSTGRESQL_FAILED', `PostgreSQL's ${server} does not start: ${reasons.join(' ')}`, {
        cause,
      });
    }
  }

  #data(server: ServerName): string {
    return path.join(this.#folder, server);
  }

  #asUser() {
    const { user } = this.#installation;
    const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
    return { cwd: this.#sockets, env, ...(user === null ? {} : { uid: user.uid, gid: user.gid }) };
  }
}

/** `folder` where the servers' user can go there, else the system's temporary one. */
export function reachableFolder(folder: string, { user }: Installation): string {
  if (user === null) return folder;
  const { status } = spawnSync('test', ['-x', folder], { uid: user.uid, gid: user.gid, cwd: '/', stdio: 'ignore' });
  return status === 0 ? folder : os.tmpdir();
}

/** Whether the two folders are on one file system. */
export async function areOnOneDevice(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(a), stat(b)]);
  return first.dev === second.dev;
}

/** A number in the socket's name; no port of the machine. */
function portOf(server: ServerName): number {
  return 5432 + SERVERS.indexOf(server);
}

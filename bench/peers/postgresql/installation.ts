/** Where this machine has PostgreSQL, and as whom its server may run: it refuses to run as root. */
import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Skipped } from '../../report.ts';

export interface Installation {
  /** Folder of the programs. */
  readonly programs: string;
  /** `15.18`. */
  readonly version: string;
  /** Who runs the server and its clients; null for whoever runs the benchmark. */
  readonly user: User | null;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

const PROGRAMS = ['initdb', 'pg_ctl', 'pgbench', 'postgres', 'psql'];
const NOT_INSTALLED = 'PostgreSQL is not installed: apt-get install postgresql';
/** The first whose pgbench knows pipelines. */
const OLDEST = 14;
const USER = 'postgres';

const run = promisify(execFile);

/** @param folders where to look; by default where `pg_config`, Debian and PATH say, in this order. */
export async function findInstallation(folders?: readonly string[]): Promise<Installation | Skipped> {
  const programs = await firstComplete(folders ?? (await usualFolders()));
  if (programs === null) return { skipped: NOT_INSTALLED };
  const { stdout } = await run(path.join(programs, 'postgres'), ['--version']);
  const version = /\d+(\.\d+)*/.exec(stdout)?.[0] ?? stdout.trim();
  if (Number.parseInt(version, 10) < OLDEST)
    return { skipped: `PostgreSQL ${version} in ${programs} is too old: ${OLDEST} or later is needed` };
  if (process.getuid?.() !== 0) return { programs, version, user: null };
  const user = await userNamed(USER);
  return user === null
    ? { skipped: `PostgreSQL does not run as root, and there is no user '${USER}' to run it as` }
    : { programs, version, user };
}

async function usualFolders(): Promise<readonly string[]> {
  const versions = await orNull(readdir('/usr/lib/postgresql'));
  const newestFirst = (versions ?? []).toSorted((a, b) => Number.parseFloat(b) - Number.parseFloat(a));
  const told = await orNull(run('pg_config', ['--bindir']));
  return [
    ...(told === null ? [] : [told.stdout.trim()]),
    ...newestFirst.map((version) => path.join('/usr/lib/postgresql', version, 'bin')),
    ...(process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== ''),
  ];
}

/** The first folder that has all the programs: `pg_config` also comes without a server. */
async function firstComplete(folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    const found = PROGRAMS.map((program) => orNull(access(path.join(folder, program), constants.X_OK)));
    if ((await Promise.all(found)).every((each) => each !== null)) return folder;
  }
  return null;
}

async function userNamed(name: string): Promise<User | null> {
  const ids = await orNull(Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]));
  return ids === null ? null : { uid: Number(ids[0].stdout), gid: Number(ids[1].stdout) };
}

/** Null where it is not there, which is an answer here. */
async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch {
    return null;
  }
}

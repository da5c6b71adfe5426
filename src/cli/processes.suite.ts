/** Runs the program as a person does, through `bin/tonle.js`, for tests that are about processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock, wait } from './system.ts';

const BIN = fileURLToPath(new URL('../../bin/tonle.js', import.meta.url));
const POLL_MS = 20;
const PATIENCE_MS = 30_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Variables of this process, without those that the test runner puts there for its own children. */
export const plainEnv: Readonly<Record<string, string | undefined>> = { ...process.env, NODE_OPTIONS: undefined };

/** A process of the program. */
export class Tonle {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #written = { stdout: '', stderr: '' };
  readonly #watchers = new Set<() => void>();

  constructor(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}) {
    this.#process = spawn(process.execPath, [BIN, ...args], {
      env: { ...plainEnv, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (this.#process.pid === undefined) throw new Error('no process was made');
    this.pid = this.#process.pid;
    for (const name of ['stdout', 'stderr'] as const) {
      this.#process[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#written[name] += text;
        for (const watcher of this.#watchers) watcher();
      });
    }
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        resolve({ code, signal, ...this.#written });
        for (const watcher of this.#watchers) watcher();
      });
    });
  }

  get stderr(): string {
    return this.#written.stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** The first JSON document on standard output; rejects where the process ends without one. */
  async firstDocument<T>(): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const watcher = (): void => {
      const end = this.#written.stdout.indexOf('\n');
      if (end >= 0) resolve(this.#written.stdout.slice(0, end));
    };
    this.#watchers.add(watcher);
    watcher();
    void this.ended.then(({ code, stderr }) => reject(new Error(`ended with ${code} and no document: ${stderr}`)));
    try {
      return JSON.parse(await promise) as T;
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  /** Resolves once standard error matches. */
  async stderrMatches(pattern: RegExp): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const watcher = (): void => {
      if (pattern.test(this.#written.stderr)) resolve();
    };
    this.#watchers.add(watcher);
    watcher();
    void this.ended.then(() => reject(new Error(`ended without ${pattern}: ${this.#written.stderr}`)));
    await promise;
    this.#watchers.delete(watcher);
  }
}

/** Runs a command to its end. */
export function tonle(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): Promise<Ended> {
  return new Tonle(args, env).ended;
}

/** The home of a central bank that is alone in its network: it makes blocks by itself. */
export async function makeHome(base: string, name: string): Promise<string> {
  const folder = path.join(base, name);
  const ports = ['--p2p-port', '0', '--api-port', '0'];
  const { code, stderr } = await tonle(['init', folder, '--participants', '1', '--dev', ...ports]);
  if (code !== 0) throw new Error(`tonle init ended with ${code}: ${stderr}`);
  return path.join(folder, 'nbc');
}

/** Digest of each file of a folder, by its path; a LevelDB keeps house on every opening, so `except` leaves folders out. */
export function digests(folder: string, except: readonly string[] = []): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name))).sort();
  const seen = names.filter((name) => !except.some((each) => name.startsWith(`${each}${path.sep}`)));
  return new Map(seen.map((name) => [name, digestOf(path.join(folder, name))]));
}

/** Whether the process exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Polls until it holds, for what happens in other processes. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (systemClock.now() > deadlineMs) throw new Error(`waited in vain: ${what}`);
    await wait(systemClock, POLL_MS);
  }
}

/** Runs a command in this process, with streams of its own: for tests of commands against a network, or without one. */
import { PassThrough } from 'node:stream';
import type { CliIo } from './context.ts';
import { runCli } from './program.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command for people. */
export async function run(argv: readonly string[], env: CliIo['env'] = {}): Promise<Ran> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const io: CliIo = {
    stdin: new PassThrough() as unknown as CliIo['stdin'],
    stdout: { write: (text) => void stdout.push(text) },
    stderr: { write: (text) => void stderr.push(text) },
    env,
  };
  const code = await runCli(argv, io);
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

/** The same with --json. @throws where it does not end with 0 and one JSON document. */
export async function ask<T>(argv: readonly string[], env: CliIo['env'] = {}): Promise<T> {
  const { code, stdout } = await run(['--json', ...argv], env);
  if (code !== 0) throw new Error(`tonle ${argv.join(' ')} ended with ${code}: ${stdout}`);
  return JSON.parse(stdout) as T;
}

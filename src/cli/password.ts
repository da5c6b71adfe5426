/** Where the password of key files comes from: the environment for services, the terminal for people. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CodedError } from '../errors.ts';
import type { CliIo } from './context.ts';

/** Asked only when a key file needs it. `what` names the file, for the prompt. */
export type PasswordSource = (what: string) => Promise<string>;

/**
 * TONLE_PASSWORD, else a prompt that does not show what is typed; asked once, for all key files of a command.
 *
 * @returns a source that throws CodedError `KEY_FILE_PASSWORD_NEEDED` where there is neither.
 */
export function passwordSource(io: CliIo): PasswordSource {
  let known: Promise<string> | null = null;
  return (what) => {
    known ??= findPassword(io, `password of ${what}`);
    return known;
  };
}

/** A new password, typed twice on a terminal. @throws CodedError `KEY_FILE_PASSWORD_NEEDED`, `USAGE` where they differ. */
export async function newPassword(io: CliIo, what: string): Promise<string> {
  const first = await findPassword(io, `new password of ${what}`);
  if (io.env['TONLE_PASSWORD'] !== undefined) return first;
  if ((await prompt(io, 'the same again: ')) !== first) throw new CodedError('USAGE', 'the two passwords differ');
  return first;
}

async function findPassword(io: CliIo, what: string): Promise<string> {
  const given = io.env['TONLE_PASSWORD'];
  const password = given ?? (io.stdin.isTTY ? await prompt(io, `${what}: `) : '');
  if (password !== '') return password;
  throw new CodedError(
    'KEY_FILE_PASSWORD_NEEDED',
    `the ${what} is needed: set TONLE_PASSWORD, or run this in a terminal that can ask for it`,
  );
}

async function prompt(io: CliIo, question: string): Promise<string> {
  io.stderr.write(question);
  // readline echoes to its output; this one shows nothing.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: io.stdin, output, terminal: true });
  const interrupted = new AbortController();
  terminal.on('SIGINT', () => interrupted.abort());
  try {
    return await terminal.question('', { signal: interrupted.signal });
  } catch (cause) {
    throw new CodedError('KEY_FILE_PASSWORD_NEEDED', 'no password was given', { cause });
  } finally {
    terminal.close();
    io.stderr.write('\n');
  }
}

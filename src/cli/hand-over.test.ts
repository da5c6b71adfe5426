/**
 * The program's front door on a runtime that is too old: it runs on the pinned one, and whoever started it notices no
 * difference. Tried with the runtimes of this machine, new or old, and with one that says it is old.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { exitCode } from './exit-codes.ts';
import { isAlive, makeHome, plainEnv, until } from './processes.suite.ts';

const BIN = fileURLToPath(new URL('../../bin/tonle.js', import.meta.url));
const AGED = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.0.0' } })`;
/** Every process says which one it is. */
const TELLING = `console.log('pid', process.pid)`;

interface Runtime {
  readonly name: string;
  readonly file: string;
  /** Before the program's own. */
  readonly args: readonly string[];
}

const aged: Runtime = {
  name: 'a runtime that says it is old',
  file: process.execPath,
  args: [importing(AGED)],
};

for (const runtime of [aged, ...systemRuntimes()]) {
  test(`output and exit codes come through: ${runtime.name}`, async (t) => {
    const empty = t.testdir();
    t.match(ran(runtime, ['--version']), { status: exitCode('OK'), stdout: /^\d+\.\d+\.\d+\n$/, stderr: '' });
    t.match(ran(runtime, ['nonsense']), { status: exitCode('USAGE'), stdout: '', stderr: /\(USAGE\)\n$/ });
    const lost = ran(runtime, ['status', '--json', '--data', empty]);
    t.match(lost, { status: exitCode('UNREACHABLE'), stdout: /"NO_NETWORK"/ });
  });
}

test('what was handed over ends with its input, a signal or whoever handed it over', async (t) => {
  const home = await makeHome(t.testdir(), 'one');
  const byInput = await startNode(t, home, '--supervised');
  byInput.child.stdin.end();
  t.match(await byInput.ended, { code: exitCode('OK'), signal: null });

  const bySignal = await startNode(t, home);
  bySignal.child.kill('SIGTERM');
  t.match(await bySignal.ended, { code: exitCode('OK'), signal: null });

  const killed = await startNode(t, home);
  t.equal(killed.pids.filter(isAlive).length, 2);
  killed.child.kill('SIGKILL');
  await until('both processes are gone', () => !killed.pids.some(isAlive));
});

function ran({ file, args }: Runtime, argv: readonly string[]) {
  return spawnSync(file, [...args, BIN, ...argv], { env: plainEnv, encoding: 'utf8' });
}

/** A node that was handed over and is ready. */
async function startNode(t: Test, home: string, ...more: readonly string[]) {
  const argv = [...aged.args, BIN, 'node', '--home', home, '--log-level', 'silent', ...more];
  const child = spawn(aged.file, argv, { env: { ...plainEnv, NODE_OPTIONS: importing(TELLING) } });
  t.teardown(() => pidsIn(said).filter(isAlive).forEach(end));
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until('the node is ready', () => said.includes('is ready'));
  return { child, ended, pids: pidsIn(said) };
}

function pidsIn(said: string): readonly number[] {
  return [...new Set([...said.matchAll(/^pid (\d+)$/gm)].map((match) => Number(match[1])))];
}

function end(pid: number): void {
  process.kill(pid, 'SIGKILL');
}

function importing(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

/** Those on the PATH that can run the program or hand it over. */
function systemRuntimes(): readonly Runtime[] {
  const names = (process.env['PATH'] ?? '').split(path.delimiter).map((folder) => path.join(folder, 'node'));
  const files = new Set(names.filter((name) => existsSync(name)).map((name) => realpathSync(name)));
  // The runtime of this test, and the pinned one, which needs no hand-over, are tried by all other tests.
  const others = [...files].filter((file) => file !== realpathSync(process.execPath));
  const found = others.map((file) => ({ name: file, file, args: [] }));
  // Between 22.12 and 22.18 a runtime needs the built program, and says so.
  return found.filter((runtime) => !/is not built/.test(ran(runtime, ['--version']).stderr));
}

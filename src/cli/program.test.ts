/** The command line itself: what it reads, where it answers, and how it ends. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { run } from './run-cli.suite.ts';

test('help and version are answers', async (t) => {
  const version = await run(['--version']);
  t.match(version, { code: 0, stderr: '' });
  t.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  for (const argv of [['--help'], ['help'], ['up', '--help'], ['help', 'node']]) {
    const { code, stdout, stderr } = await run(argv);
    t.match({ code, stderr }, { code: 0, stderr: '' }, argv.join(' '));
    t.match(stdout, /^Usage: tonle/);
  }
  t.match((await run(['--help'])).stdout, /up \[options\][\s\S]*init \[options\] <folder>[\s\S]*node \[options\]/);
});

test('what is not understood is one line and number 2', async (t) => {
  const cases: readonly (readonly [argv: readonly string[], says: RegExp])[] = [
    [['fly'], /unknown command 'fly'/],
    [['--fast'], /unknown option '--fast'/],
    [['up', '--participants', '0'], /Expected a whole number from 1 to 31/],
    [['up', '--participants', '1e1'], /Expected a whole number/],
    [['up', '--port', '65536'], /Expected a whole number from 0 to 65535/],
    [['up', 'now'], /too many arguments/],
    [['node'], /required option '--home <folder>' not specified/],
    [['node', '--home', 'x', '--log-level', 'loud'], /Expected debug, info, warn, error, silent/],
    [['init'], /missing required argument 'folder'/],
    [['init', 'x', '--hosts', 'a b'], /no address and no host name/],
  ];
  for (const [argv, says] of cases) {
    const human = await run(argv);
    t.match(human, { code: 2, stdout: '' }, argv.join(' '));
    t.match(human.stderr, says);
    t.match(human.stderr, /^tonle: [^\n]+ \(USAGE\)\n$/);
    const program = await run([...argv, '--json']);
    t.match(program, { code: 2, stderr: '' });
    const { error } = JSON.parse(program.stdout) as { error: { code: string; message: string } };
    t.equal(error.code, 'USAGE');
    t.match(error.message, says);
  }
  t.match(await run([]), { code: 2, stdout: '', stderr: /^Usage: tonle/ });
});

test('a failure names its code, and its trace only where that is asked for', async (t) => {
  const folder = t.testdir({ 'notes.txt': '' });
  const short = await run(['init', folder, '--dev']);
  t.match(short, { code: 11, stdout: '' });
  t.match(short.stderr, /^tonle: .* is not empty; name a new folder, nothing is overwritten \(FOLDER_NOT_EMPTY\)\n$/);
  const long = await run(['init', folder, '--dev'], { TONLE_DEBUG: '1' });
  t.match(long.stderr, /\(FOLDER_NOT_EMPTY\)\nCodedError: [\s\S]*at makeEmptyFolder/);
});

test('options that do not fit together are refused before anything is made', async (t) => {
  const base = t.testdir();
  const folder = `${base}/net`;
  const cases: readonly (readonly [argv: readonly string[], code: number, says: RegExp])[] = [
    [['--officers', '1'], 2, /--quorum 2 is more than --officers 1/],
    [['--hosts', 'a,b'], 2, /--hosts names 2 nodes, --participants says 4/],
    [['--p2p-port', '65534'], 2, /beyond 65535/],
    [['--network', 'a\nb'], 10, /genesis\.network/],
  ];
  for (const [argv, code, says] of cases) {
    const ended = await run(['init', folder, '--dev', ...argv]);
    t.equal(ended.code, code, argv.join(' '));
    t.match(ended.stderr, says);
  }
  const locked = await run(['init', folder]);
  t.match(locked, { code: 15, stderr: /set TONLE_PASSWORD/ });
  t.match(
    await run(['init', folder, '--dev', '--participants', '1', '--json']),
    { code: 0 },
    'nothing was left behind',
  );
});

test('a network for more customers makes fewer checkpoints', async (t) => {
  for (const [accounts, interval] of [
    ['0', 1_000],
    ['100000', 1_000],
    ['250000', 3_000],
    ['100000000', 1_000_000],
  ] as const) {
    const folder = path.join(t.testdir(), 'network');
    t.equal((await run(['init', folder, '--dev', '--accounts', accounts])).code, 0);
    const genesis = readFileSync(path.join(folder, 'nbc', 'genesis.json'), 'utf8');
    t.equal(JSON.parse(genesis).rules.checkpointInterval, interval);
  }
});

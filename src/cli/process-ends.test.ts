/**
 * How the program's long-running processes end when the world is not as they need it: ports and folders that are taken,
 * folders of others, failures that nobody expected. Real processes, through the program's own front door.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { test } from 'tap';
import { exitCode } from './exit-codes.ts';
import type { ReadyLine } from './node-process.ts';
import { digests, makeHome, Tonle, tonle } from './processes.suite.ts';

test('taken ports and folders are named', async (t) => {
  const base = t.testdir();
  const home = await makeHome(base, 'one');
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const config = readFileSync(path.join(home, 'node.json'), 'utf8');
  const p2pPort = /tcp\/(\d+)/.exec(config)?.[1];
  const cases = [
    { what: 'API', text: config.replace('"port": 0', `"port": ${port}`) },
    { what: 'node', text: config.replace(`tcp/${p2pPort}`, `tcp/${port}`) },
  ];
  for (const { what, text } of cases) {
    t.not(text, config);
    writeFileSync(path.join(home, 'node.json'), text);
    const { code, stderr } = await tonle(['node', '--home', home, '--log-level', 'silent']);
    t.equal(code, exitCode('PORT_TAKEN'), what);
    t.match(stderr, new RegExp(`^tonle: the ${what} .*${port}.*node\\.json.* \\(PORT_TAKEN\\)\n$`));
  }
  writeFileSync(path.join(home, 'node.json'), config);

  const running = new Tonle(['node', '--home', home, '--json', '--log-level', 'silent']);
  await running.firstDocument<ReadyLine>();
  const second = await tonle(['node', '--home', home, '--json']);
  t.equal(second.code, exitCode('FOLDER_IN_USE'), second.stderr);
  t.match(JSON.parse(second.stdout), { error: { code: 'FOLDER_IN_USE' } }, 'and as JSON on standard output');
  running.kill('SIGTERM');
  t.match(await running.ended, { code: 0, signal: null });

  const data = path.join(base, 'network');
  const up = await tonle(['up', '--data', data, '--port', String(port)]);
  t.equal(up.code, exitCode('PORT_TAKEN'), up.stderr);
  t.match(up.stderr, new RegExp(`port ${port} .* is taken; choose others with --port`));
});

test('a node in which anything fails unexpectedly ends with its number', async (t) => {
  const base = t.testdir();
  const home = await makeHome(base, 'one');
  const cases = [
    { thrown: 'new Error("planted")', exit: 'INTERNAL', says: 'INTERNAL' },
    { thrown: 'Object.assign(new Error("planted"), { code: "ENOSPC" })', exit: 'DISK_FAILED', says: 'ENOSPC' },
  ] as const;
  for (const { thrown, exit, says } of cases) {
    // Fails in the turn after the node has said that it is ready.
    const plant = `const { write } = process.stdout; process.stdout.write = function (...all) {
      setImmediate(() => Promise.reject(${thrown})); return write.apply(this, all); };`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(plant)}` };
    const { code, stdout, stderr } = await tonle(['node', '--home', home], env);
    t.equal(code, exitCode(exit), stderr);
    t.match(stdout, /^nbc is ready at height 0: API http:/);
    t.match(stderr, new RegExp(`"event":"node.fatal"}\ntonle: planted \\(${says}\\)\n$`));
  }
  const again = new Tonle(['node', '--home', home, '--json']);
  t.match(await again.firstDocument<ReadyLine>(), { ready: true }, 'and starts again');
  again.kill('SIGTERM');
  t.match(await again.ended, { code: 0 });
});

test('`tonle up` takes, and forgets, only what it made', async (t) => {
  const base = t.testdir({ notes: { 'thesis.txt': 'years of work' }, made: { 'network.json': '{"nodes": []}' } });
  for (const name of ['notes', 'made']) {
    const data = path.join(base, name);
    const before = digests(data);
    for (const more of [[], ['--reset']]) {
      const { code, stderr } = await tonle(['up', '--port', '0', '--data', data, ...more]);
      t.equal(code, exitCode('FOLDER_FOREIGN'), stderr);
      t.match(stderr, /\(NOT_A_LOCAL_NETWORK\)\n$/);
      t.strictSame(digests(data), before);
    }
  }
});

test('`tonle init` overwrites nothing', async (t) => {
  const base = t.testdir({ full: { 'x.txt': '' } });
  const { code, stderr } = await tonle(['init', path.join(base, 'full'), '--dev']);
  t.equal(code, exitCode('FOLDER_FOREIGN'), stderr);
  t.strictSame([...digests(path.join(base, 'full')).keys()], ['x.txt']);
});

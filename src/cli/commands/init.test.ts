/** What `tonle init` makes is a network: its homes come up as nodes that know each other. */
import path from 'node:path';
import { test } from 'tap';
import { createClient } from '../../api/client.ts';
import type { ReadyLine } from '../node-process.ts';
import { Tonle, tonle, until } from '../processes.suite.ts';

test('four homes of `tonle init` come up as four nodes, and stop in order', async (t) => {
  const folder = path.join(t.testdir(), 'net');
  const init = await tonle(['init', folder, '--dev', '--json', '--p2p-port', '0', '--api-port', '0']);
  t.equal(init.code, 0, init.stderr);
  const { homes, chainId } = JSON.parse(init.stdout) as { chainId: string; homes: readonly { home: string }[] };
  t.equal(homes.length, 4);
  const nodes = homes.map(({ home }) => new Tonle(['node', '--home', home, '--json', '--log-level', 'info']));
  t.teardown(() => {
    for (const node of nodes) node.kill('SIGKILL');
  });
  const ready = await Promise.all(nodes.map((node) => node.firstDocument<ReadyLine>()));
  for (const { apiUrl } of ready) {
    const client = createClient(apiUrl);
    await until(`${apiUrl} is connected`, async () => (await client.status()).peers.length === 3);
    t.equal((await client.status()).chainId, chainId);
  }
  for (const [i, node] of nodes.entries()) node.kill(i === 0 ? 'SIGINT' : 'SIGTERM');
  for (const { code, signal, stderr } of await Promise.all(nodes.map((node) => node.ended))) {
    t.strictSame([code, signal], [0, null]);
    t.match(stderr, /"event":"node\.stopped"}\n$/, 'everything was closed');
  }
});

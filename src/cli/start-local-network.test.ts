/** The local network as a library: nodes die, are told of, are started again, and none is left behind. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { createClient } from '../api/client.ts';
import type { ParticipantId } from '../types/index.ts';
import type { LocalNode } from './local-network.ts';
import type { NodeEnd } from './node-child.ts';
import { isAlive, plainEnv, until } from './processes.suite.ts';
import { startLocalNetwork } from './start-local-network.ts';
import { systemClock, systemRandom } from './system.ts';

const pidsOf = (nodes: readonly LocalNode[]) => nodes.map((node) => node.pid ?? 0);

test('a network that is run as a library tells of nodes that die, and starts them again', async (t) => {
  const data = path.join(t.testdir(), 'net');
  const network = await startLocalNetwork({
    data,
    participants: 4,
    port: 0,
    reset: false,
    logLevel: 'info',
    env: plainEnv,
    clock: systemClock,
    random: systemRandom,
  });
  t.teardown(() => network.stop());
  const ends: NodeEnd[] = [];
  network.onExit((end) => ends.push(end));
  const nodeOf = (participant: string) => network.nodes().find((node) => node.participant === participant)!;
  const cnb = 'cnb' as ParticipantId;
  const wing = 'wing' as ParticipantId;

  const before = nodeOf('cnb');
  process.kill(before.pid!, 'SIGKILL');
  await until('the end of cnb is told', () => ends.length > 0);
  t.match(ends, [{ participant: 'cnb', code: null, signal: 'SIGKILL', error: null, lastLogLine: /"event":"/ }]);
  t.equal(nodeOf('cnb').pid, null);
  t.equal(readFileSync(ends[0]!.logFile, 'utf8').trimEnd().split('\n').at(-1), ends[0]!.lastLogLine);

  await network.kill(wing, 'SIGKILL');
  t.equal(nodeOf('wing').pid, null);
  t.equal(ends.length, 1, 'an end that was asked for is no news');

  await Promise.all([network.start(cnb), network.start(wing)]);
  t.equal(nodeOf('cnb').apiUrl, before.apiUrl);
  await until('all are connected again', async () => {
    const peers = await Promise.all(
      network.nodes().map(async ({ apiUrl }) => (await createClient(apiUrl).status()).peers),
    );
    return peers.every((each) => each.length === 3);
  });
  const pids = pidsOf(network.nodes());
  await network.stop();
  t.strictSame(pids.filter(isAlive), []);
  t.equal(ends.length, 1);
});

test('a network that is not ready in the time that was given is ended', async (t) => {
  const start = startLocalNetwork({
    data: path.join(t.testdir(), 'net'),
    participants: 1,
    port: 0,
    reset: false,
    logLevel: 'info',
    env: plainEnv,
    readyWithinMs: 0,
    clock: systemClock,
    random: systemRandom,
  });
  await t.rejects(start, { code: 'NODE_NOT_STARTED', message: /is not ready after 0 s/ });
});

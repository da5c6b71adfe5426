/** The port suite over libp2p, and what is particular to this host: settings, keys, bans, and how a dead peer is found. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { MAX_BATCH_BYTES } from '../codec/limits.ts';
import type { PublicKey } from '../types/index.ts';
import { MAX_BATCHES_IN_HAND, MAX_UNSENT_BYTES } from './batch/constants.ts';
import type { NetworkOptions } from './index.ts';
import { createNetwork } from './index.ts';
import { BAN_MS } from './limits.ts';
import { bytesOf, codeOf, hostAt, networkCases, startHosts, TestHost } from './network.suite.ts';
import { membersUpTo, participantAt, seedOf, TcpWorld } from './tcp-world.suite.ts';

for (const { name, size, run } of networkCases) {
  t.test(name, async (t) => {
    const world = new TcpWorld(await membersUpTo(size));
    t.teardown(() => world.close());
    await run(world, t);
  });
}

const silent = {
  onGossip: async () => 'ignore' as const,
  onBatch: async () => 'ignore' as const,
  onQuestion: async () => [],
  onPeer: () => {},
};

t.test('settings that cannot work are refused with a code', async (t) => {
  const world = new TcpWorld(await membersUpTo(2));
  t.teardown(() => world.close());
  await world.start(0, silent);
  const member = participantAt(1);
  const table: readonly [why: string, changes: Partial<NetworkOptions>, code: string][] = [
    ['not a multiaddr', { listen: ['127.0.0.1:7001'] }, 'NETWORK_ADDRESS'],
    ['not TCP', { listen: ['/ip4/127.0.0.1/udp/7001'] }, 'NETWORK_ADDRESS'],
    ['a relay', { dial: [{ participant: member, address: '/p2p-circuit' }] }, 'NETWORK_ADDRESS'],
    ['no member', { dial: [{ participant: participantAt(7), address: '/ip4/127.0.0.1/tcp/1' }] }, 'NETWORK_ADDRESS'],
    ["another member's peer id", { dial: [{ participant: member, address: world.address(0) }] }, 'NETWORK_ADDRESS'],
    ['a taken port', { listen: [world.address(0).replace(/\/p2p.*/, '')] }, 'NETWORK_LISTEN'],
    ["another's key", { privateKey: seedOf(0) }, 'NETWORK_KEY'],
    ['half a key', { privateKey: seedOf(1).subarray(16) }, 'NETWORK_KEY'],
  ];
  for (const [why, changes, code] of table) {
    const starting = (async () => createNetwork(world.options(1, changes)).start(silent))();
    t.equal(await codeOf(starting), code, why);
  }
});

t.test('each pair ends up with one connection although both ends dial', async (t) => {
  const world = new TcpWorld(await membersUpTo(4));
  t.teardown(() => world.close());
  await startHosts(world, 4);
  // Now every host has every address, and all of them start at the same moment.
  await Promise.all([0, 1, 2, 3].map((index) => world.kill(index)));
  const hosts = [0, 1, 2, 3].map(() => new TestHost());
  await Promise.all(hosts.map((host, index) => host.start(world, index)));
  await Promise.all(hosts.map((host) => host.hasPeers(3)));
  hosts[0]!.network.publish('votes', bytesOf(1));
  await Promise.all(hosts.slice(1).map((host) => host.until(() => host.gossip.length === 1)));
  for (const index of [0, 1, 2, 3]) {
    const count = (event: string) => world.diary(index).filter((line) => line.event === event).length;
    t.equal(count('network.opened') - count('network.closed'), 3, `host ${index} keeps one connection to each`);
  }
});

t.test('gossip carries the same bytes once, so what has to be said again is said in other bytes', async (t) => {
  const world = new TcpWorld(await membersUpTo(2));
  t.teardown(() => world.close());
  const [teller, other] = await startHosts(world, 2);
  for (const first of [1, 1, 2]) teller!.network.publish('evidence', bytesOf(first));
  await other!.until(() => other!.gossip.length === 2);
  const heard = other!.gossip.map(({ topic, bytes }) => [topic, Buffer.from(bytes)]);
  t.strictSame(
    heard,
    [1, 2].map((first) => ['evidence', Buffer.from(bytesOf(first))]),
  );
});

t.test('where a link is missing, messages go through others', async (t) => {
  const world = new TcpWorld(await membersUpTo(3));
  t.teardown(() => world.close());
  const hosts = await startHosts(world, 3);
  const [speaker, listener, between] = [hostAt(hosts, 0), hostAt(hosts, 1), hostAt(hosts, 2)];
  speaker.network.ban(world.participant(1), 'to lose the link');
  await Promise.all([speaker.hasPeers(1), listener.hasPeers(1), between.hasPeers(2)]);
  // Until the speaker has heard of the other's link, it takes the listener for dead.
  for (let first = 1; listener.gossip.length === 0; first += 1) {
    speaker.network.publish('votes', bytesOf(first));
    await between.until(() => between.gossip.length === first);
  }
  t.equal(listener.gossip[0]?.from, world.participant(2));
  t.equal(
    new Set(between.gossip.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size,
    between.gossip.length,
    'each once',
  );
});

t.test('batches wait for a node that is behind, up to a bound, and flow again', async (t) => {
  const world = new TcpWorld(await membersUpTo(2));
  t.teardown(() => world.close());
  const held = Promise.withResolvers<'accept'>();
  const taken: number[] = [];
  const sender = await new TestHost().start(world, 0);
  const reader = new TestHost();
  const onBatch = (_: unknown, bytes: Uint8Array) => {
    taken.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
    reader.changed();
    return held.promise;
  };
  await reader.startWith((handlers) => world.start(1, { ...handlers, onBatch }));
  await Promise.all([sender.hasPeers(1), reader.hasPeers(1)]);
  const size = MAX_BATCH_BYTES;
  const count = Math.ceil(MAX_UNSENT_BYTES / size) + MAX_BATCHES_IN_HAND + 8;
  for (let at = 0; at < count; at += 1) sender.network.pushBatch(bytesOf(at, size));
  await world.line(0, ({ event }) => event === 'network.push.dropped');
  await reader.until(() => taken.length === MAX_BATCHES_IN_HAND);
  await sender.network.ask(world.participant(1), 'round', bytesOf(1));
  t.equal(taken.length, MAX_BATCHES_IN_HAND, 'no more at once');
  t.strictSame(sender.network.peers(), [world.participant(1)], 'slow is not judged');
  held.resolve('accept');
  const dropped = world.diary(0).filter(({ event }) => event === 'network.push.dropped').length;
  await reader.until(() => taken.length === count - dropped);
  t.strictSame(
    taken,
    taken.toSorted((a, b) => a - b),
    'in order',
  );
  sender.network.pushBatch(bytesOf(count, 100));
  await reader.until(() => taken.at(-1) === count);
});

t.test('a ban is told once, refuses the peer, and ends by the clock', async (t) => {
  const world = new TcpWorld(await membersUpTo(2));
  t.teardown(() => world.close());
  const [judge, other] = await startHosts(world, 2);
  judge!.network.ban(world.participant(1), 'first');
  judge!.network.ban(world.participant(1), 'second');
  await Promise.all([judge!.hasPeers(0), other!.hasPeers(0)]);
  // It dials again, and is turned away.
  await world.line(1, ({ event }) => event === 'network.closed' || event === 'network.dial.failed', 2);
  const told = world.diary(0).filter(({ level }) => level === 'warn');
  t.strictSame(
    told.map(({ event, facts }) => [event, facts['reason']]),
    [['network.ban', 'first']],
  );
  t.strictSame(judge!.network.peers(), []);
  world.clock(0).push(BAN_MS);
  await Promise.all([judge!.hasPeers(1), other!.hasPeers(1)]);
});

t.test('a member with two addresses is found at the good one', async (t) => {
  const world = new TcpWorld(await membersUpTo(2));
  t.teardown(() => world.close());
  const first = await new TestHost().start(world, 0);
  const second = new TestHost();
  const dead = { participant: participantAt(0), address: '/ip4/127.0.0.1/tcp/1' };
  const good = { participant: participantAt(0), address: world.address(0).replace(/\/p2p.*/, '') };
  await second.startWith((handlers) => world.start(1, handlers, { dial: [dead, good] }));
  await Promise.all([first.hasPeers(1), second.hasPeers(1)]);
});

t.test('a frozen process is found and a killed one at once; both come back', async (t) => {
  const world = new TcpWorld(await membersUpTo(2));
  t.teardown(() => world.close());
  const host = new TestHost();
  await host.startWith((handlers) => world.start(0, handlers, { keepAliveMs: 400 }));
  const child = await startChild(world.address(0));
  t.teardown(() => child.kill('SIGKILL'));
  await host.hasPeers(1);
  child.kill('SIGSTOP');
  const frozenAt = performance.now();
  await host.hasPeers(0);
  t.ok(performance.now() - frozenAt < 5_000, 'found by pings');
  child.kill('SIGCONT');
  await host.hasPeers(1);
  const killedAt = performance.now();
  child.kill('SIGKILL');
  await host.hasPeers(0);
  t.ok(performance.now() - killedAt < 1_000, 'found by its sockets');
  const again = await startChild(world.address(0));
  await host.hasPeers(1);
  again.kill('SIGKILL');
  await host.hasPeers(0);
});

t.test('a member key that is no key is refused', async (t) => {
  const [member] = await membersUpTo(1);
  const world = new TcpWorld([{ ...member!, networkKey: 'zz' as PublicKey }]);
  t.throws(() => createNetwork(world.options(0)), { code: 'HEX_MALFORMED' });
});

/** Host 1 in a process of its own, which dials `address`. */
async function startChild(address: string): Promise<ChildProcess> {
  const child = fork(new URL('./child-host.suite.ts', import.meta.url), [address], { stdio: 'inherit' });
  await once(child, 'message');
  return child;
}

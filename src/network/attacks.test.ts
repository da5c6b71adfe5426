/** What strangers, hosts of another network and misbehaving members can do to a host: cost it little, and lose their place. */
import { once } from 'node:events';
import net from 'node:net';
import { RPC } from '@libp2p/gossipsub/message';
import type { Test } from 'tap';
import t from 'tap';
import { encodeFrame } from '../codec/frames.ts';
import { MAX_BATCH_BYTES } from '../codec/limits.ts';
import type { ChainId } from '../types/index.ts';
import { Adversary, closed, varint, withLength } from './adversary.suite.ts';
import {
  ANSWER_STALL_MS,
  MAX_ANSWER_BYTES,
  MAX_ANSWER_FRAMES,
  MAX_QUESTION_BYTES,
  QUESTION_TIMEOUT_MS,
  questionProtocol,
} from './ask/constants.ts';
import { batchProtocol } from './batch/constants.ts';
import { directProtocol, kindOf, LINKS_KIND, MAX_DIRECT_FRAME_BYTES } from './direct/constants.ts';
import { MAX_GOSSIP_BYTES, MAX_RPC_BYTES, topicName } from './gossip/constants.ts';
import { MAX_PENDING_INBOUND, USABLE_TIMEOUT_MS } from './limits.ts';
import { bytesOf, codeOf, hostAt, startHosts, TestHost } from './network.suite.ts';
import { FRAME_TIMEOUT_MS } from './push/constants.ts';
import { CHAIN, membersUpTo, participantAt, TcpWorld } from './tcp-world.suite.ts';

const DIRECT = directProtocol(CHAIN);
const BATCHES = batchProtocol(CHAIN);
const BLOCKS = questionProtocol(CHAIN, 'blocks');

/** A world of `honest` hosts and one more member, whose key the adversary holds. */
async function attacked(t: Test, honest: number) {
  const world = new TcpWorld(await membersUpTo(honest + 1));
  t.teardown(() => world.close());
  const hosts = await startHosts(world, honest);
  const adversary = await Adversary.create(honest);
  t.teardown(() => adversary.stop());
  return { world, hosts, victim: hostAt(hosts, 0), adversary, banned: () => world.line(0, isBan) };
}

const isBan = ({ event }: { event: string }) => event === 'network.ban';

/** Each protocol, both ways: the honest hosts still serve each other. */
async function stillWork(hosts: readonly TestHost[], mark: number): Promise<void> {
  const [first, second] = [hostAt(hosts, 0), hostAt(hosts, 1)];
  const pairs = [
    [first, second, bytesOf(mark)],
    [second, first, bytesOf(mark + 1)],
  ] as const;
  for (const [from, to, bytes] of pairs) {
    const same = (heard: { readonly bytes: Uint8Array }) => Buffer.from(heard.bytes).equals(bytes);
    from.network.publish('votes', bytes);
    from.network.pushBatch(bytes);
    await to.until(() => to.gossip.some(same) && to.batches.some(same));
  }
  await first.network.ask(participantAt(1), 'round', bytesOf(mark));
}

t.test('a key that is on no list gets no further than the handshake', async (t) => {
  const { world, hosts, victim } = await attacked(t, 2);
  for (const [who, index] of [
    ['a stranger', 50],
    ["the victim's own key", 0],
  ] as const) {
    const stranger = await Adversary.create(index);
    t.teardown(() => stranger.stop());
    await stranger.refused(world.address(0));
    await t.rejects(stranger.open(BATCHES), `${who} opens no stream`);
    t.equal(stranger.taken, 0, `nothing was asked of ${who}`);
  }
  await stillWork(hosts, 1);
  const opened = world.diary(0).filter(({ event }) => event === 'network.opened');
  t.strictSame([...new Set(opened.map(({ facts }) => facts['peer']))], [participantAt(1)], 'only the member came in');
  t.strictSame(victim.peerEvents, [{ peer: participantAt(1), connected: true }]);
});

t.test("whoever answers at a member's address without its key is not spoken to", async (t) => {
  const world = new TcpWorld(await membersUpTo(2));
  t.teardown(() => world.close());
  const impostor = await Adversary.create(50);
  t.teardown(() => impostor.stop());
  let connections = 0;
  impostor.host.addEventListener('connection:open', () => {
    connections += 1;
  });
  const address = impostor.address().replace(/\/p2p.*/, '');
  const host = await new TestHost().startWith((handlers) =>
    world.start(0, handlers, { dial: [{ participant: participantAt(1), address }] }),
  );
  await world.line(0, ({ event }) => event === 'network.dial.failed', 2);
  t.strictSame([host.peerEvents, connections], [[], 0]);
});

t.test('a member that runs another chain exchanges no message', async (t) => {
  const { world, hosts, victim } = await attacked(t, 2);
  const other = await new TestHost().startWith((handlers) =>
    world.start(2, handlers, { chainId: 'f'.repeat(64) as ChainId }),
  );
  const isOther = ({ facts }: { facts: Readonly<Record<string, unknown>> }) => facts['peer'] === participantAt(2);
  await world.line(0, (line) => line.event === 'network.opened' && isOther(line));
  other.network.publish('votes', bytesOf(1));
  other.network.pushBatch(bytesOf(2));
  await stillWork(hosts, 3);
  world.clock(0).push(USABLE_TIMEOUT_MS);
  await world.line(0, (line) => line.event === 'network.closed' && isOther(line));
  t.strictSame([other.gossip, other.batches, other.asked, other.peerEvents], [[], [], 0, []]);
  t.ok(victim.gossip.every(({ from }) => from === participantAt(1)));
  t.notOk(victim.peerEvents.some(({ peer }) => peer === participantAt(2)));
});

function bytesOfKind(kind: number, length: number, fill = 0): Uint8Array {
  return Uint8Array.of(kind, ...new Uint8Array(length).fill(fill));
}

t.test('whoever sends more than a limit allows is banned', async (t) => {
  const header = (bytes: number) => encodeFrame(new Uint8Array(0)).map((_, at) => (bytes >>> (24 - 8 * at)) & 0xff);
  const vote = { topic: topicName(CHAIN, 'votes'), data: new Uint8Array(MAX_GOSSIP_BYTES.votes + 1) };
  type Attack = (adversary: Adversary, address: string) => Promise<void>;
  const over = (protocol: string, bytes: Uint8Array): Attack => {
    return async (adversary, address) => {
      await adversary.dial(address);
      (await adversary.open(protocol)).send(bytes);
    };
  };
  const inGossip = (bytes: Uint8Array): Attack => {
    return async (adversary, address) => {
      (await adversary.gossip(address)).send(bytes);
    };
  };
  const two = Buffer.concat([encodeFrame(bytesOf(1)), encodeFrame(bytesOf(2))]);
  const table: readonly [why: string, attack: Attack][] = [
    ['a batch above the limit', over(BATCHES, header(MAX_BATCH_BYTES + 1))],
    ['a frame of 4 GiB', over(BATCHES, header(0xffff_ffff))],
    ['a message above any limit', over(DIRECT, header(MAX_DIRECT_FRAME_BYTES + 1))],
    [
      'a vote above its limit, sent straight',
      over(DIRECT, encodeFrame(bytesOfKind(kindOf('votes'), MAX_GOSSIP_BYTES.votes + 1))),
    ],
    ['a message of an unknown kind', over(DIRECT, encodeFrame(bytesOfKind(9, 8)))],
    ['an empty message', over(DIRECT, encodeFrame(new Uint8Array(0)))],
    ['links to nobody there is', over(DIRECT, encodeFrame(bytesOfKind(LINKS_KIND, 1, 31)))],
    ['a question above the limit', over(BLOCKS, header(MAX_QUESTION_BYTES + 1))],
    ['two questions on one stream', over(BLOCKS, two)],
    ['a vote above the limit of its topic', inGossip(withLength(RPC.encode({ subscriptions: [], messages: [vote] })))],
    ['a gossip call above the limit', inGossip(varint(MAX_RPC_BYTES + 1))],
  ];
  for (const [why, attack] of table) {
    const { world, victim, adversary, banned } = await attacked(t, 1);
    await attack(adversary, world.address(0));
    t.equal((await banned()).facts['peer'], participantAt(1), why);
    await adversary.refused(world.address(0));
    t.strictSame([victim.gossip, victim.batches, victim.asked], [[], [], 0], 'no handler saw it');
    await adversary.stop();
    await world.close();
  }
});

t.test('what is begun and not ended is given up', async (t) => {
  const { world, victim, adversary } = await attacked(t, 1);
  await adversary.gossip(world.address(0));
  await victim.hasPeers(1);
  for (const [protocol, afterMs] of [
    [BATCHES, FRAME_TIMEOUT_MS],
    [DIRECT, FRAME_TIMEOUT_MS],
    [BLOCKS, QUESTION_TIMEOUT_MS],
  ] as const) {
    const stream = await adversary.open(protocol);
    stream.send(encodeFrame(bytesOf(1, 1_000)).subarray(0, 500));
    await adversary.flushed();
    t.equal(stream.status, 'open', 'a slow frame has its time');
    world.clock(0).push(afterMs);
    await closed(stream);
  }
  t.strictSame(victim.batches, []);
  t.equal(adversary.connection.status, 'open', 'slow is not judged');
});

t.test('an answer that is not read is given up', async (t) => {
  const { world, victim, adversary } = await attacked(t, 1);
  victim.answer = (question) =>
    Promise.resolve(question === 'blocks' ? [new Uint8Array(16 * 1024 * 1024)] : [bytesOf(1)]);
  await adversary.gossip(world.address(0));
  await victim.hasPeers(1);
  const stream = await adversary.open(BLOCKS);
  stream.pause();
  stream.send(encodeFrame(bytesOf(1)));
  await adversary.flushed();
  world.clock(0).push(ANSWER_STALL_MS);
  await closed(stream);
  t.equal(adversary.connection.status, 'open', 'slow is not judged');
});

t.test('floods of streams, subscriptions and sockets leave the honest hosts at work', async (t) => {
  const { world, hosts, victim, adversary } = await attacked(t, 2);
  const gossip = await adversary.gossip(world.address(0));
  await victim.hasPeers(2);
  const subscriptions = Array.from({ length: 5_000 }, (_, at) => ({ subscribe: true, topic: `topic-${at}` }));
  for (let at = 0; at < subscriptions.length; at += 500) {
    gossip.send(withLength(RPC.encode({ subscriptions: subscriptions.slice(at, at + 500), messages: [] })));
  }
  const opening = Array.from({ length: 200 }, () => adversary.open(BATCHES).catch(() => null));
  const sockets = floodSockets(world.address(0), MAX_PENDING_INBOUND + 40);
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  await stillWork(hosts, 1);
  await Promise.all(opening);
  await Promise.race(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  await stillWork(hosts, 3);
  const kept = adversary.connection.streams.filter(({ protocol, status }) => protocol === BATCHES && status === 'open');
  t.ok(kept.length <= 1, `${kept.length} of 200 streams kept`);
  t.strictSame(victim.network.peers(), [participantAt(2), participantAt(1)]);
});

t.test('each kind of bad answer has its code', async (t) => {
  const count = (frames: number) => encodeFrame(new Uint8Array([0, 0, frames >>> 8, frames & 0xff]));
  const reset = Symbol('reset');
  const table: readonly [
    why: string,
    reply: readonly Uint8Array[] | typeof reset | null,
    code: string,
    judged: boolean,
  ][] = [
    ['a reset', reset, 'PEER_BUSY', false],
    ['an end before the count', [], 'PEER_GONE', false],
    ['an end inside the answer', [count(2), encodeFrame(bytesOf(1))], 'PEER_GONE', false],
    ['silence', null, 'PEER_SLOW', false],
    ['no count', [encodeFrame(bytesOf(1, 9))], 'PEER_NONSENSE', true],
    ['too many frames', [count(MAX_ANSWER_FRAMES + 1)], 'PEER_NONSENSE', true],
    ['more frames than announced', [Buffer.concat([count(0), encodeFrame(bytesOf(1))])], 'PEER_NONSENSE', true],
    ['too large a frame', [count(1), new Uint8Array([0xff, 0xff, 0xff, 0xff])], 'PEER_NONSENSE', true],
  ];
  for (const [why, reply, code, judged] of table) {
    const { world, victim, adversary } = await attacked(t, 1);
    await adversary.host.handle(BLOCKS, async (stream) => {
      if (reply === reset) stream.abort(new Error('no'));
      if (reply === reset || reply === null) return;
      for (const frame of reply) stream.send(frame);
      await stream.close();
    });
    await adversary.gossip(world.address(0));
    await victim.hasPeers(1);
    const answer = codeOf(victim.network.ask(participantAt(1), 'blocks', bytesOf(1)));
    if (reply === null) {
      await adversary.flushed();
      world.clock(0).push(ANSWER_STALL_MS);
    }
    t.equal(await answer, code, why);
    t.equal(world.diary(0).some(isBan), judged, judged ? 'judged' : 'not judged');
    await adversary.stop();
    await world.close();
  }
});

t.test('an answer is bounded in all, not only by frame', async (t) => {
  const { world, victim, adversary } = await attacked(t, 1);
  await adversary.host.handle(BLOCKS, async (stream) => {
    const frame = encodeFrame(new Uint8Array(MAX_ANSWER_BYTES / 16));
    stream.send(encodeFrame(new Uint8Array([0, 0, 0, 17])));
    for (let at = 0; at < 17 && stream.status === 'open'; at += 1) {
      if (!stream.send(frame)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
    }
  });
  await adversary.gossip(world.address(0));
  await victim.hasPeers(1);
  t.equal(await codeOf(victim.network.ask(participantAt(1), 'blocks', bytesOf(1))), 'PEER_NONSENSE');
});

/** Sockets that connect and say nothing. */
function floodSockets(address: string, count: number): readonly net.Socket[] {
  const port = Number(/tcp\/(\d+)/.exec(address)?.[1]);
  return Array.from({ length: count }, () => net.connect({ host: '127.0.0.1', port }).on('error', () => {}));
}

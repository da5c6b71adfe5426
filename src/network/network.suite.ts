/**
 * What every implementation of the `Network` port does, real or simulated: a list of cases that a test file runs over a world
 * of its own. Cases wait for events, never for time.
 */
import { AssertionError, CodedError } from '../errors.ts';
import type { Network, NetworkHandlers, Question, Topic, Verdict } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';

/** Hosts that are members of one chain, started and ended one by one. */
export interface NetworkWorld {
  participant(index: number): ParticipantId;
  /** A host that knows all that were started before it. Where `index` was killed, it returns with its key and address. */
  start(index: number, handlers: NetworkHandlers): Promise<Network>;
  kill(index: number): Promise<void>;
  /** Ends what still runs. */
  close(): Promise<void>;
}

export interface NetworkCase {
  readonly name: string;
  /** Members of the chain. */
  readonly size: number;
  run(world: NetworkWorld, check: Check): Promise<void>;
}

interface Check {
  ok(value: unknown, what: string): unknown;
  strictSame(found: unknown, wanted: unknown, what: string): unknown;
}

/** One host, what it heard, and a way to wait for more. Its handlers may be replaced before anything is sent. */
export class TestHost {
  readonly gossip: { readonly topic: Topic; readonly from: ParticipantId; readonly bytes: Uint8Array }[] = [];
  readonly batches: { readonly from: ParticipantId; readonly bytes: Uint8Array }[] = [];
  readonly peerEvents: { readonly peer: ParticipantId; readonly connected: boolean }[] = [];
  verdict: Verdict = 'accept';
  answer: (question: Question, bytes: Uint8Array) => Promise<readonly Uint8Array[] | null> = (_, bytes) =>
    Promise.resolve([bytes]);
  asked = 0;
  readonly #waiting = new Set<() => void>();
  #network: Network | null = null;

  get network(): Network {
    if (!this.#network) throw new AssertionError('the host was started');
    return this.#network;
  }

  start(world: NetworkWorld, index: number): Promise<this> {
    return this.startWith((handlers) => world.start(index, handlers));
  }

  async startWith(start: (handlers: NetworkHandlers) => Promise<Network>): Promise<this> {
    this.#network = await start({
      onGossip: (topic, from, bytes) => {
        this.gossip.push({ topic, from, bytes });
        this.changed();
        return Promise.resolve(this.verdict);
      },
      onBatch: (from, bytes) => {
        this.batches.push({ from, bytes });
        this.changed();
        return Promise.resolve(this.verdict);
      },
      onQuestion: (question, _, bytes) => {
        this.asked += 1;
        this.changed();
        return this.answer(question, bytes);
      },
      onPeer: (peer, connected) => {
        this.peerEvents.push({ peer, connected });
        this.changed();
      },
    });
    return this;
  }

  /** Resolves once `holds`; it is asked again after each event of this host. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  hasPeers(count: number): Promise<void> {
    return this.until(() => this.network.peers().length === count);
  }
}

/** Starts `count` hosts and waits until each is connected to all others. */
export async function startHosts(world: NetworkWorld, count: number): Promise<readonly TestHost[]> {
  const hosts: TestHost[] = [];
  for (let index = 0; index < count; index += 1) hosts.push(await new TestHost().start(world, index));
  await Promise.all(hosts.map((host) => host.hasPeers(count - 1)));
  return hosts;
}

export function hostAt(hosts: readonly TestHost[], index: number): TestHost {
  const host = hosts[index];
  if (!host) throw new AssertionError(`there is a host ${index}`);
  return host;
}

/** `length` bytes that start with `first`, so that no two messages are the same. */
export function bytesOf(first: number, length = 8): Uint8Array {
  const bytes = new Uint8Array(length).fill(first);
  new DataView(bytes.buffer).setUint32(0, first);
  return bytes;
}

/** The code that the promise is rejected with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  }
  return 'resolved';
}

export const networkCases: readonly NetworkCase[] = [
  {
    name: 'a message of each topic reaches every other host',
    size: 4,
    async run(world, check) {
      const hosts = await startHosts(world, 4);
      const topics: readonly Topic[] = ['proposals', 'votes', 'announcements', 'evidence'];
      for (const [at, topic] of topics.entries()) hostAt(hosts, at).network.publish(topic, bytesOf(at));
      for (const [index, host] of hosts.entries()) {
        const wanted = topics.filter((_, at) => at !== index);
        await host.until(() => host.gossip.length === wanted.length);
        check.strictSame(host.gossip.map(({ topic }) => topic).sort(), [...wanted].sort(), `host ${index} heard each`);
      }
    },
  },
  {
    name: 'gossip arrives unchanged, from a neighbour, in as large messages as the topic takes',
    size: 3,
    async run(world, check) {
      const hosts = await startHosts(world, 3);
      const sent = bytesOf(7, 32 * 1024);
      hostAt(hosts, 0).network.publish('proposals', sent);
      for (const index of [1, 2]) {
        const host = hostAt(hosts, index);
        await host.until(() => host.gossip.length === 1);
        check.strictSame(Buffer.from(host.gossip[0]?.bytes ?? []), Buffer.from(sent), 'the same bytes');
        const neighbours = [0, 1, 2].filter((other) => other !== index).map((other) => world.participant(other));
        check.ok(neighbours.includes(host.gossip[0]?.from ?? world.participant(index)), 'from a neighbour');
      }
    },
  },
  {
    name: 'batches reach every peer in order',
    size: 4,
    async run(world, check) {
      const hosts = await startHosts(world, 4);
      const count = 24;
      for (let at = 0; at < count; at += 1) hostAt(hosts, 1).network.pushBatch(bytesOf(at, 100 * 1024));
      for (const index of [0, 2, 3]) {
        const host = hostAt(hosts, index);
        await host.until(() => host.batches.length === count);
        const order = host.batches.map(({ bytes }) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
        check.strictSame(
          order,
          [...order].sort((a, b) => a - b),
          `host ${index} has them in order`,
        );
        check.ok(
          host.batches.every(({ from }) => from === world.participant(1)),
          'all from their sender',
        );
      }
    },
  },
  {
    name: 'with no peer, nothing is sent and nothing throws',
    size: 2,
    async run(world, check) {
      const host = await new TestHost().start(world, 0);
      host.network.publish('votes', bytesOf(1));
      host.network.pushBatch(bytesOf(2));
      const gone = host.network.ask(world.participant(1), 'round', bytesOf(3));
      check.strictSame(await codeOf(gone), 'PEER_GONE', 'nobody to ask');
      check.strictSame(host.network.peers(), [], 'no peer');
    },
  },
  {
    name: 'a question is answered by its list of frames',
    size: 2,
    async run(world, check) {
      const [asker, other] = await startHosts(world, 2);
      if (!asker || !other) return;
      const ask = (question: Question) => asker.network.ask(world.participant(1), question, bytesOf(5));
      check.strictSame(
        Buffer.from((await ask('round'))[0] ?? []),
        Buffer.from(bytesOf(5)),
        'the question came through',
      );
      for (const sizes of [[], [0], [1, 0, 2], [3_000_000, 10, 2_000_000]]) {
        other.answer = () => Promise.resolve(sizes.map((size) => new Uint8Array(size).fill(9)));
        const frames = await ask('blocks');
        check.strictSame(
          frames.map((frame) => frame.length),
          sizes,
          `frames of ${sizes.join(', ')} bytes`,
        );
        check.ok(
          frames.every((frame) => frame.every((byte) => byte === 9)),
          'unchanged',
        );
      }
    },
  },
  {
    name: 'a fifth open question of one kind is refused, and its place comes free',
    size: 2,
    async run(world, check) {
      const [asker, other] = await startHosts(world, 2);
      if (!asker || !other) return;
      const { promise, resolve } = Promise.withResolvers<readonly Uint8Array[]>();
      other.answer = () => promise;
      const ask = (question: Question) => asker.network.ask(world.participant(1), question, bytesOf(6));
      const open = [ask('batches'), ask('batches'), ask('batches'), ask('batches')];
      check.strictSame(await codeOf(ask('batches')), 'PEER_BUSY', 'one too many');
      await other.until(() => other.asked === 4);
      resolve([]);
      check.strictSame(await Promise.all(open), [[], [], [], []], 'the others are answered');
      check.strictSame(await ask('batches'), [], 'and so is the next');
    },
  },
  {
    name: 'a question to a peer that dies ends',
    size: 2,
    async run(world, check) {
      const [asker, other] = await startHosts(world, 2);
      if (!asker || !other) return;
      other.answer = () => new Promise(() => {});
      const answer = codeOf(asker.network.ask(world.participant(1), 'blocks', bytesOf(1)));
      await other.until(() => other.asked === 1);
      await world.kill(1);
      check.ok(['PEER_GONE', 'PEER_SLOW'].includes(await answer), 'gone or slow');
    },
  },
  {
    name: 'a host that dies is lost, returns under its key, and takes part again',
    size: 3,
    async run(world, check) {
      const hosts = await startHosts(world, 3);
      const [first, second] = [hostAt(hosts, 0), hostAt(hosts, 1)];
      for (let round = 0; round < 3; round += 1) {
        await world.kill(2);
        await Promise.all([first.hasPeers(1), second.hasPeers(1)]);
        const returned = await new TestHost().start(world, 2);
        await Promise.all([first.hasPeers(2), second.hasPeers(2), returned.hasPeers(2)]);
        first.network.publish('votes', bytesOf(10 + round));
        first.network.pushBatch(bytesOf(20 + round));
        await returned.until(() => returned.gossip.length === 1 && returned.batches.length === 1);
        returned.network.publish('votes', bytesOf(30 + round));
        await first.until(() => first.gossip.length === round + 1);
        await second.until(() => second.gossip.length === 2 * (round + 1));
      }
      const seen = first.peerEvents.filter(({ peer }) => peer === world.participant(2));
      check.strictSame(
        seen.map(({ connected }) => connected),
        [true, false, true, false, true, false, true],
        'up and down in turn',
      );
    },
  },
  {
    name: 'ignore keeps a peer, reject loses it',
    size: 2,
    async run(world, check) {
      const [sender, judge] = await startHosts(world, 2);
      if (!sender || !judge) return;
      judge.verdict = 'ignore';
      sender.network.publish('votes', bytesOf(1));
      sender.network.pushBatch(bytesOf(2));
      await judge.until(() => judge.gossip.length === 1 && judge.batches.length === 1);
      check.strictSame(judge.network.peers(), [world.participant(0)], 'ignored, not judged');
      judge.verdict = 'reject';
      sender.network.publish('votes', bytesOf(3));
      await Promise.all([judge.hasPeers(0), sender.hasPeers(0)]);
    },
  },
  {
    name: 'a rejected batch and a question that no honest peer asks lose their peer',
    size: 3,
    async run(world, check) {
      const hosts = await startHosts(world, 3);
      const judge = hostAt(hosts, 0);
      judge.verdict = 'reject';
      judge.answer = () => Promise.resolve(null);
      hostAt(hosts, 1).network.pushBatch(bytesOf(1));
      await judge.hasPeers(1);
      check.strictSame(judge.network.peers(), [world.participant(2)], 'the sender of the batch is gone');
      const code = await codeOf(hostAt(hosts, 2).network.ask(world.participant(0), 'round', bytesOf(2)));
      check.ok(['PEER_GONE', 'PEER_BUSY'].includes(code), 'no answer');
      await judge.hasPeers(0);
    },
  },
  {
    name: 'a banned peer is disconnected and the others stay',
    size: 3,
    async run(world, check) {
      const hosts = await startHosts(world, 3);
      hostAt(hosts, 0).network.ban(world.participant(1), 'a test');
      await Promise.all([hostAt(hosts, 0).hasPeers(1), hostAt(hosts, 1).hasPeers(1)]);
      check.strictSame(hostAt(hosts, 0).network.peers(), [world.participant(2)], 'the other stays');
      check.strictSame(hostAt(hosts, 2).network.peers().length, 2, 'a ban is not contagious');
    },
  },
  {
    name: 'a stopped host is silent',
    size: 2,
    async run(world, check) {
      const [stopped, other] = await startHosts(world, 2);
      if (!stopped || !other) return;
      const heard = stopped.peerEvents.length;
      await world.kill(0);
      await other.hasPeers(0);
      other.network.publish('votes', bytesOf(1));
      stopped.network.publish('votes', bytesOf(2));
      stopped.network.pushBatch(bytesOf(3));
      check.strictSame(stopped.network.peers(), [], 'no peers');
      const code = await codeOf(stopped.network.ask(world.participant(1), 'round', bytesOf(4)));
      check.strictSame(code, 'PEER_GONE', 'no questions');
      check.strictSame([stopped.gossip.length, stopped.peerEvents.length], [0, heard], 'no handler was called');
    },
  },
];

/** A libp2p host with a key of our choice and none of our rules, for tests that send what no honest host sends. */
import { RPC } from '@libp2p/gossipsub/message';
import { identify } from '@libp2p/identify';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { AssertionError } from '../errors.ts';
import type { Question } from '../ports.ts';
import { questionProtocol } from './ask/constants.ts';
import { TOPICS, topicName } from './gossip/constants.ts';
import { chainName } from './names.ts';
import { CHAIN, keyOf } from './tcp-world.suite.ts';

const MESHSUB = '/meshsub/1.2.0';

export class Adversary {
  readonly host: Libp2p;
  /** Streams that others opened to it. */
  taken = 0;
  #connection: Connection | null = null;

  /** @param index of the key it holds, a member's or not. */
  static async create(index: number): Promise<Adversary> {
    const host = await createLibp2p({
      privateKey: await keyOf(index),
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { identify: identify({ protocolPrefix: chainName(CHAIN) }) },
    });
    return new Adversary(host);
  }

  private constructor(host: Libp2p) {
    this.host = host;
  }

  get connection(): Connection {
    if (!this.#connection) throw new AssertionError('the adversary has dialled');
    return this.#connection;
  }

  address(): string {
    return String(this.host.getMultiaddrs()[0]);
  }

  async dial(address: string): Promise<void> {
    this.#connection = await this.host.dial(multiaddr(address));
  }

  /** Resolves when the connection it dialled is gone; at once where it never stood. */
  async refused(address: string): Promise<void> {
    try {
      await this.dial(address);
    } catch (error) {
      if (error instanceof Error) return;
      throw error;
    }
    if (this.connection.status !== 'open') return;
    await new Promise((resolve) => this.connection.addEventListener('close', resolve, { once: true }));
  }

  async open(protocol: string): Promise<Stream> {
    return await this.connection.newStream(protocol);
  }

  /** Passes for a host that takes part in gossip. @returns the stream it speaks on. */
  async gossip(address: string): Promise<Stream> {
    await this.host.handle(MESHSUB, () => {
      this.taken += 1;
    });
    await this.dial(address);
    const stream = await this.open(MESHSUB);
    const subscriptions = TOPICS.map((topic) => ({ subscribe: true, topic: topicName(CHAIN, topic) }));
    stream.send(withLength(RPC.encode({ subscriptions, messages: [] })));
    return stream;
  }

  /** What was sent on this connection before this resolves has been read: bytes keep their order. */
  async flushed(): Promise<void> {
    const stream = await this.open(questionProtocol(CHAIN, 'round' satisfies Question));
    stream.send(new Uint8Array([0, 0, 0, 1, 7]));
    await new Promise((resolve) => stream.addEventListener('message', resolve, { once: true }));
  }

  async stop(): Promise<void> {
    await this.host.stop();
  }
}

/** Bytes with their length before them as an unsigned varint, as gossipsub frames its calls. */
export function withLength(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint(bytes.length), bytes]);
}

export function varint(value: number): Uint8Array {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) digits.push((rest % 0x80) + 0x80);
  return new Uint8Array([...digits, rest]);
}

export function closed(stream: Stream): Promise<void> {
  if (stream.status !== 'open') return Promise.resolve();
  return new Promise((resolve) => stream.addEventListener('close', () => resolve(), { once: true }));
}

/**
 * What stands around gossipsub: its streams are watched, metered and tied to the life of their connection (gossipsub itself
 * goes deaf to a peer whose stream fails while the connection stays), and each message waits for the node's verdict.
 */
import type { GossipSub, Message } from '@libp2p/gossipsub';
import { multicodec, TopicValidatorResult } from '@libp2p/gossipsub';
import type { Connection, PeerId, Stream } from '@libp2p/interface';
import { assert } from '../../errors.ts';
import type { Clock, Logger, Topic, Verdict } from '../../ports.ts';
import type { ChainId, ParticipantId } from '../../types/index.ts';
import { crash, reasonOf } from '../errors.ts';
import type { Members } from '../members.ts';
import { pause, resume } from '../streams.ts';
import { TokenBucket } from '../token-bucket.ts';
import {
  GOSSIP_BURST_BYTES,
  GOSSIP_BYTES_PER_SECOND,
  MAX_GOSSIP_BYTES,
  MAX_GOSSIP_IN_HAND,
  TOPICS,
  topicName,
} from './constants.ts';
import type { GossipEvents } from './interface.ts';

/** The gossip of one connection. */
interface Wire {
  readonly connection: Connection;
  inbound: Stream | null;
  outbound: Stream | null;
  /** Messages that wait for a verdict. */
  inHand: number;
}

export interface GossipComponents {
  readonly router: GossipSub;
  readonly chainId: ChainId;
  readonly members: Members;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: GossipEvents;
}

const RESULTS: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

export class Gossip {
  readonly #router: GossipSub;
  readonly #names: ReadonlyMap<Topic, string>;
  readonly #members: Members;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: GossipEvents;
  readonly #wires = new Map<ParticipantId, Wire>();

  /** To be called before the host starts, so that no message passes unvalidated. */
  constructor({ router, chainId, members, clock, log, events }: GossipComponents) {
    this.#router = router;
    this.#names = new Map(TOPICS.map((topic) => [topic, topicName(chainId, topic)]));
    this.#members = members;
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
    // Older versions of the protocol would be further ways in, each with its own count of streams.
    router.protocols = [multicodec];
    for (const [topic, name] of this.#names) {
      router.topicValidators.set(name, (source, message) => this.#validate(topic, source, message));
    }
    router.addEventListener('subscription-change', (event) => this.#review(event.detail.peerId));
  }

  /** To be called once the host has started. */
  subscribe(): void {
    for (const name of this.#names.values()) this.#router.subscribe(name);
  }

  publish(topic: Topic, bytes: Uint8Array): void {
    assert(bytes.length <= MAX_GOSSIP_BYTES[topic], `a message of ${topic} is within its limit`);
    const name = this.#names.get(topic) ?? '';
    this.#router.publish(name, bytes).catch((error: unknown) => {
      this.#log.debug('network.publish.failed', { topic, reason: reasonOf(error) });
    });
  }

  /** Sees each gossip stream, of either direction, before gossipsub does. */
  watch(stream: Stream, connection: Connection): void {
    const peer = this.#members.participantOf(connection.remotePeer);
    assert(peer !== undefined, 'only members have a connection');
    const wire = this.#wire(peer, connection);
    wire[stream.direction] = stream;
    // Later, as this may be in the midst of libp2p's ending the connection, and it cannot take a second end in between.
    const broken = () => {
      this.#clock.schedule(0, () => {
        this.#events.onBroken(peer, connection, `its ${stream.direction} gossip ended`);
      });
    };
    stream.addEventListener('close', broken, { once: true });
    stream.addEventListener('remoteCloseWrite', broken, { once: true });
    // After this turn gossipsub has taken the stream. A listener of ours before its own would eat the first message.
    this.#clock.schedule(0, () => {
      if (stream.direction === 'inbound') this.#meter(stream);
      else this.#review(connection.remotePeer);
    });
  }

  /**
   * Tells of a peer whose bytes made gossipsub hang up on it, oversized or malformed framing. It has no other sign than that
   * gossipsub has ended its half of a stream whose other half the peer still holds open.
   */
  audit(peer: ParticipantId): void {
    const inbound = this.#wires.get(peer)?.inbound;
    if (inbound?.status !== 'open' || inbound.remoteWriteStatus !== 'writable') return;
    if (inbound.writeStatus !== 'writable') this.#events.onNonsense(peer, 'broke the framing of gossip');
  }

  forget(peer: ParticipantId, connection: Connection): void {
    if (this.#wires.get(peer)?.connection === connection) this.#wires.delete(peer);
  }

  #wire(peer: ParticipantId, connection: Connection): Wire {
    const known = this.#wires.get(peer);
    if (known?.connection === connection) return known;
    const fresh: Wire = { connection, inbound: null, outbound: null, inHand: 0 };
    this.#wires.set(peer, fresh);
    return fresh;
  }

  /** Messages flow both ways once our stream stands and the peer has told its subscriptions on its own. */
  #review(peerId: PeerId): void {
    const peer = this.#members.participantOf(peerId);
    const wire = peer === undefined ? undefined : this.#wires.get(peer);
    if (peer === undefined || !wire) return;
    const subscribed = [...this.#names.values()].every((name) =>
      this.#router.getSubscribers(name).some((other) => other.equals(peerId)),
    );
    // One that gossipsub hung up on has no subscriptions left either, but did not leave by itself.
    if (!subscribed) this.audit(peer);
    this.#events.onReady(peer, wire.connection, subscribed && wire.outbound?.status === 'open');
  }

  /** Slows a flood down: while the peer is in debt its stream is not read, and its window closes. */
  #meter(stream: Stream): void {
    const bucket = new TokenBucket(this.#clock, GOSSIP_BYTES_PER_SECOND, GOSSIP_BURST_BYTES);
    stream.addEventListener('message', (event) => {
      const waitMs = bucket.take(event.data.byteLength);
      if (waitMs === 0) return;
      pause(stream);
      this.#clock.schedule(waitMs, () => resume(stream));
    });
  }

  async #validate(topic: Topic, source: PeerId, message: Message): Promise<TopicValidatorResult> {
    const peer = this.#members.participantOf(source);
    const wire = peer === undefined ? undefined : this.#wires.get(peer);
    if (peer === undefined || !wire) return TopicValidatorResult.Ignore;
    if (message.data.length > MAX_GOSSIP_BYTES[topic]) {
      this.#events.onNonsense(peer, `a message of ${message.data.length} bytes in ${topic}`);
      return TopicValidatorResult.Reject;
    }
    if (wire.inHand >= MAX_GOSSIP_IN_HAND) {
      this.#log.debug('network.gossip.dropped', { topic, peer });
      return TopicValidatorResult.Ignore;
    }
    return RESULTS[await this.#judge(topic, peer, wire, new Uint8Array(message.data))];
  }

  async #judge(topic: Topic, peer: ParticipantId, wire: Wire, bytes: Uint8Array): Promise<Verdict> {
    wire.inHand += 1;
    try {
      const verdict = await this.#events.onMessage(topic, peer, bytes);
      if (verdict === 'reject') this.#events.onNonsense(peer, `a message in ${topic} that no honest peer passes on`);
      return verdict;
    } catch (error) {
      crash(error);
      return 'ignore';
    } finally {
      wire.inHand -= 1;
    }
  }
}

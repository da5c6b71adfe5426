/**
 * Sends each consensus message once to every peer, without gossip: a message by gossipsub costs a host 0.3 to 0.6 ms of
 * processor time, over a plain stream a tenth of it, and members are connected to each other as a rule. Where a link is
 * missing gossip is needed as well; whether it is, hosts find out by telling each other whom they are connected to: a member
 * that nobody can reach is dead, and gossip would not reach it either.
 */
import type { Connection, StreamHandler } from '@libp2p/interface';
import { encodeFrame } from '../../codec/frames.ts';
import { assert } from '../../errors.ts';
import type { Clock, Logger, Topic, Verdict } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';
import { GOSSIP_BURST_BYTES, GOSSIP_BYTES_PER_SECOND, MAX_GOSSIP_BYTES } from '../gossip/constants.ts';
import type { Members } from '../members.ts';
import { Intake } from '../push/intake.ts';
import { Outbox } from '../push/outbox.ts';
import { PeerBuckets } from '../token-bucket.ts';
import {
  kindOf,
  LINKS_KIND,
  MAX_DIRECT_FRAME_BYTES,
  MAX_DIRECT_IN_HAND,
  MAX_DIRECT_UNSENT_BYTES,
  topicOf,
} from './constants.ts';

export interface DirectComponents {
  readonly protocol: string;
  readonly self: ParticipantId;
  readonly members: Members;
  readonly clock: Clock;
  readonly log: Logger;
  onMessage(topic: Topic, from: ParticipantId, bytes: Uint8Array): Promise<Verdict>;
  onNonsense(peer: ParticipantId, reason: string): void;
}

export class Direct {
  readonly #components: DirectComponents;
  readonly #outboxes = new Map<ParticipantId, Outbox>();
  readonly #buckets: PeerBuckets;
  /** Whom each peer says it is connected to. */
  readonly #links = new Map<ParticipantId, ReadonlySet<ParticipantId>>();

  constructor(components: DirectComponents) {
    this.#components = components;
    this.#buckets = new PeerBuckets(components.clock, GOSSIP_BYTES_PER_SECOND, GOSSIP_BURST_BYTES);
  }

  /** To every peer that is connected. */
  publish(topic: Topic, bytes: Uint8Array): void {
    assert(bytes.length <= MAX_GOSSIP_BYTES[topic], `a message of ${topic} is within its limit`);
    this.#push(kindOf(topic), bytes);
  }

  /** Whether somebody can only be reached through others. */
  get needsGossip(): boolean {
    const { members, self } = this.#components;
    for (const member of members.all()) {
      if (member === self || this.#outboxes.get(member)?.isOpen === true) continue;
      for (const [peer, linked] of this.#links) if (this.#outboxes.has(peer) && linked.has(member)) return true;
    }
    return false;
  }

  open(peer: ParticipantId, connection: Connection): void {
    if (this.#outboxes.get(peer)?.connection === connection) return;
    const { protocol, clock, log } = this.#components;
    const options = { peer, connection, protocol, clock, log, maxUnsentBytes: MAX_DIRECT_UNSENT_BYTES };
    this.#outboxes.set(peer, new Outbox(options));
    this.#tellLinks();
  }

  close(peer: ParticipantId): void {
    this.#outboxes.delete(peer);
    this.#links.delete(peer);
    this.#tellLinks();
  }

  /** Takes the stream a peer opened. */
  readonly handle: StreamHandler = (stream, connection) => {
    const { members, clock, onNonsense } = this.#components;
    const from = members.participantOf(connection.remotePeer);
    assert(from !== undefined, 'only members have a connection');
    new Intake({
      from,
      stream,
      bucket: this.#buckets.of(from),
      clock,
      maxFrameBytes: MAX_DIRECT_FRAME_BYTES,
      maxInHand: MAX_DIRECT_IN_HAND,
      onFrame: (peer, frame) => this.#hear(peer, frame),
      onNonsense,
    });
  };

  #hear(from: ParticipantId, frame: Uint8Array): Promise<Verdict> {
    const [kind = -1] = frame;
    const bytes = frame.subarray(1);
    if (kind === LINKS_KIND) return Promise.resolve(this.#hearLinks(from, bytes));
    const topic = topicOf(kind);
    if (topic === undefined || bytes.length > MAX_GOSSIP_BYTES[topic]) return Promise.resolve('reject');
    return this.#components.onMessage(topic, from, bytes);
  }

  /** One byte a member: its place in the genesis. */
  #hearLinks(from: ParticipantId, places: Uint8Array): Verdict {
    const all = this.#components.members.all();
    if (places.length > all.length || places.some((place) => place >= all.length)) return 'reject';
    this.#links.set(from, new Set([...places].flatMap((place) => all[place] ?? [])));
    return 'accept';
  }

  #tellLinks(): void {
    const all = this.#components.members.all();
    this.#push(LINKS_KIND, Uint8Array.from([...this.#outboxes.keys()].map((peer) => all.indexOf(peer))));
  }

  #push(kind: number, bytes: Uint8Array): void {
    const payload = new Uint8Array(1 + bytes.length);
    payload[0] = kind;
    payload.set(bytes, 1);
    const frame = encodeFrame(payload);
    for (const outbox of this.#outboxes.values()) outbox.push(frame);
  }
}

/** The batch protocol: pushes each batch once to every peer, and reads what peers push. */
import type { Connection, StreamHandler } from '@libp2p/interface';
import { encodeFrame } from '../../codec/frames.ts';
import { MAX_BATCH_BYTES } from '../../codec/limits.ts';
import { assert } from '../../errors.ts';
import type { Clock, Logger } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';
import type { Members } from '../members.ts';
import { Intake } from '../push/intake.ts';
import { Outbox } from '../push/outbox.ts';
import { PeerBuckets } from '../token-bucket.ts';
import { BATCH_BURST_BYTES, BATCH_BYTES_PER_SECOND, MAX_BATCHES_IN_HAND, MAX_UNSENT_BYTES } from './constants.ts';
import type { BatchEvents } from './interface.ts';

export interface BatchComponents {
  readonly protocol: string;
  readonly members: Members;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: BatchEvents;
}

export class Batches {
  readonly #components: BatchComponents;
  readonly #outboxes = new Map<ParticipantId, Outbox>();
  readonly #buckets: PeerBuckets;

  constructor(components: BatchComponents) {
    this.#components = components;
    this.#buckets = new PeerBuckets(components.clock, BATCH_BYTES_PER_SECOND, BATCH_BURST_BYTES);
  }

  push(bytes: Uint8Array): void {
    assert(bytes.length <= MAX_BATCH_BYTES, 'a batch is within its limit');
    const frame = encodeFrame(bytes);
    for (const outbox of this.#outboxes.values()) outbox.push(frame);
  }

  open(peer: ParticipantId, connection: Connection): void {
    if (this.#outboxes.get(peer)?.connection === connection) return;
    const { protocol, clock, log } = this.#components;
    this.#outboxes.set(peer, new Outbox({ peer, connection, protocol, clock, log, maxUnsentBytes: MAX_UNSENT_BYTES }));
  }

  close(peer: ParticipantId): void {
    this.#outboxes.delete(peer);
  }

  /** Takes the stream a peer opened. */
  readonly handle: StreamHandler = (stream, connection) => {
    const { members, clock, events } = this.#components;
    const from = members.participantOf(connection.remotePeer);
    assert(from !== undefined, 'only members have a connection');
    new Intake({
      from,
      stream,
      bucket: this.#buckets.of(from),
      clock,
      maxFrameBytes: MAX_BATCH_BYTES,
      maxInHand: MAX_BATCHES_IN_HAND,
      onFrame: events.onBatch,
      onNonsense: events.onNonsense,
    });
  };
}

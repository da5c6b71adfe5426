/** Frames on their way to one peer, over one stream that is opened once and kept. Bounded; what does not fit is dropped. */
import type { Connection, Stream } from '@libp2p/interface';
import type { Clock, Logger } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';
import { reasonOf } from '../errors.ts';
import { JOINED_BYTES, REOPEN_MS } from './constants.ts';

export interface OutboxComponents {
  readonly peer: ParticipantId;
  readonly connection: Connection;
  readonly protocol: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** What a slow peer may owe; beyond it a frame is not sent. */
  readonly maxUnsentBytes: number;
}

export class Outbox {
  readonly connection: Connection;
  readonly #peer: ParticipantId;
  readonly #protocol: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #maxUnsentBytes: number;
  readonly #frames: Uint8Array[] = [];
  #unsentBytes = 0;
  #stream: Stream | null = null;
  #isDue = false;
  /** A stream is being opened, or failed a moment ago. */
  #opening = false;

  constructor({ peer, connection, protocol, clock, log, maxUnsentBytes }: OutboxComponents) {
    this.connection = connection;
    this.#peer = peer;
    this.#protocol = protocol;
    this.#clock = clock;
    this.#log = log;
    this.#maxUnsentBytes = maxUnsentBytes;
    this.#open();
  }

  /** Whether what is pushed now can leave now. */
  get isOpen(): boolean {
    return this.#stream?.status === 'open';
  }

  /** Leaves with what else is pushed in this turn. @param frame length and payload; it must not change. */
  push(frame: Uint8Array): void {
    if (this.#unsentBytes + frame.length > this.#maxUnsentBytes) {
      this.#log.debug('network.push.dropped', { peer: this.#peer, protocol: this.#protocol, bytes: frame.length });
      return;
    }
    this.#frames.push(frame);
    this.#unsentBytes += frame.length;
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#stream) this.#open();
    while (this.#stream && !this.#stream.writableNeedsDrain && this.#frames.length > 0) {
      this.#send(this.#stream, this.#some());
    }
  }

  /** The next frame, or as many as are together no longer than one message of a few kilobytes: each one sent costs both ends. */
  #some(): Uint8Array {
    let count = 0;
    let bytes = 0;
    for (const { length } of this.#frames) {
      if (count > 0 && bytes + length > JOINED_BYTES) break;
      count += 1;
      bytes += length;
    }
    this.#unsentBytes -= bytes;
    const frames = this.#frames.splice(0, count);
    return frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames, bytes);
  }

  #send(stream: Stream, bytes: Uint8Array): void {
    try {
      stream.send(bytes);
    } catch (error) {
      this.#log.debug('network.push.unsent', { peer: this.#peer, protocol: this.#protocol, reason: reasonOf(error) });
      this.#failed();
    }
  }

  #open(): void {
    if (this.#opening || this.connection.status !== 'open') return;
    this.#opening = true;
    this.connection.newStream(this.#protocol).then(
      (stream) => this.#opened(stream),
      (error: unknown) => {
        this.#log.debug('network.push.unopened', {
          peer: this.#peer,
          protocol: this.#protocol,
          reason: reasonOf(error),
        });
        this.#failed();
      },
    );
  }

  #opened(stream: Stream): void {
    this.#opening = false;
    this.#stream = stream;
    stream.addEventListener('drain', () => this.#flush());
    stream.addEventListener('close', () => this.#failed(), { once: true });
    this.#flush();
  }

  /** Waits before it tries again: a peer that resets each stream must not keep this host busy. */
  #failed(): void {
    this.#stream = null;
    this.#opening = true;
    this.#clock.schedule(REOPEN_MS, () => {
      this.#opening = false;
      if (this.#frames.length > 0) this.#flush();
    });
  }
}

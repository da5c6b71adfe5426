/**
 * Limits a rate by delay. Whoever takes more than there is goes into debt and is told how long to wait: a burst is slowed
 * down, never judged, because the sender cannot know this node's clock.
 */
import type { Clock } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';

export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAtMs = clock.now();
  }

  /** @returns ms to wait before the next is taken, 0 where there is none. */
  take(count: number): number {
    const now = this.#clock.now();
    const earned = (Math.max(0, now - this.#filledAtMs) * this.#perSecond) / 1_000;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned) - count;
    this.#filledAtMs = now;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1_000) / this.#perSecond);
  }
}

/** One bucket for each peer, which outlives its connections: whoever comes back owes what it owed. */
export class PeerBuckets {
  readonly #make: () => TokenBucket;
  readonly #buckets = new Map<ParticipantId, TokenBucket>();

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#make = () => new TokenBucket(clock, perSecond, burst);
  }

  of(peer: ParticipantId): TokenBucket {
    const bucket = this.#buckets.get(peer) ?? this.#make();
    this.#buckets.set(peer, bucket);
    return bucket;
  }
}

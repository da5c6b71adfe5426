/** Who misbehaved of late. A ban ends by itself: a peer may have been repaired, and f of them must not be kept out for good. */
import type { Clock, Logger } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import { BAN_MS } from './limits.ts';

export class Bans {
  readonly #until = new Map<ParticipantId, number>();
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Logged once a ban, whatever else the peer does meanwhile. */
  add(peer: ParticipantId, reason: string): void {
    if (this.has(peer)) return;
    this.#until.set(peer, this.#clock.now() + BAN_MS);
    this.#log.warn('network.ban', { peer, reason, forMs: BAN_MS });
  }

  has(peer: ParticipantId): boolean {
    return this.#clock.now() < (this.#until.get(peer) ?? 0);
  }
}

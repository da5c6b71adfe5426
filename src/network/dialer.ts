/** Keeps every member within reach connected, for ever: dials, waits with jitter, up to twice as long each time, dials again. */
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Clock, Logger, Random } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import type { Bans } from './bans.ts';
import { reasonOf } from './errors.ts';
import { HEAD_START_MS, RETRY_MIN_MS } from './limits.ts';
import type { Links } from './links.ts';

export interface DialerComponents {
  /** Where each member is found. */
  readonly targets: ReadonlyMap<ParticipantId, readonly Multiaddr[]>;
  readonly links: Links;
  readonly bans: Bans;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly retryMaxMs: number;
  dial(addresses: readonly Multiaddr[]): Promise<unknown>;
}

export class Dialer {
  readonly #components: DialerComponents;
  /** Attempts since the member was last usable. */
  readonly #attempts = new Map<ParticipantId, number>();
  readonly #waiting = new Map<ParticipantId, () => void>();

  constructor(components: DialerComponents) {
    this.#components = components;
  }

  start(): void {
    for (const peer of this.#components.targets.keys()) this.#wait(peer, 0);
  }

  /** The member answers again: the next loss starts with a short wait. */
  reached(peer: ParticipantId): void {
    this.#attempts.delete(peer);
  }

  /** A connection to the member closed. */
  lost(peer: ParticipantId): void {
    this.#retry(peer);
  }

  #retry(peer: ParticipantId): void {
    const attempt = this.#attempts.get(peer) ?? 0;
    this.#attempts.set(peer, attempt + 1);
    const longest = Math.min(this.#components.retryMaxMs, RETRY_MIN_MS * 2 ** Math.min(attempt, 30));
    this.#wait(peer, longest * (0.5 + this.#fraction() / 2));
  }

  #wait(peer: ParticipantId, delayMs: number): void {
    const { targets, clock, links } = this.#components;
    if (!targets.has(peer)) return;
    this.#waiting.get(peer)?.();
    const headStartMs = links.leads(peer) ? 0 : HEAD_START_MS;
    this.#waiting.set(
      peer,
      clock.schedule(delayMs + headStartMs, () => this.#dial(peer)),
    );
  }

  #dial(peer: ParticipantId): void {
    const { targets, links, bans, log, retryMaxMs } = this.#components;
    this.#waiting.delete(peer);
    // An open connection calls `lost` when it closes.
    if (links.connected(peer)) return;
    // One that is only expected may never open.
    if (links.expected(peer) || bans.has(peer)) {
      this.#wait(peer, retryMaxMs);
      return;
    }
    links.setDialling(peer, true);
    this.#components.dial(targets.get(peer) ?? []).then(
      () => links.setDialling(peer, false),
      (error: unknown) => {
        links.setDialling(peer, false);
        log.debug('network.dial.failed', { peer, reason: reasonOf(error) });
        this.#retry(peer);
      },
    );
  }

  /** At least 0, below 1. */
  #fraction(): number {
    return (this.#components.random.bytes(1)[0] ?? 0) / 256;
  }
}

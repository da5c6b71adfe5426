/** Keeps every member within reach connected, for ever: dials, waits with jitter, up to twice as long each time, dials again. */
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Clock, Logger, Random } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import type { Bans } from './bans.ts';
import { reasonOf } from './errors.ts';
import { MAX_DIALS, RETRY_MIN_MS } from './limits.ts';
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
  /** How long the end that does not lead waits for the other one, each time. */
  readonly headStartMs: number;
  dial(addresses: readonly Multiaddr[]): Promise<unknown>;
}

export class Dialer {
  readonly #components: DialerComponents;
  /** Attempts since the member was last usable. */
  readonly #attempts = new Map<ParticipantId, number>();
  readonly #waiting = new Map<ParticipantId, () => void>();
  /** Members whose wait is over while all places are taken. */
  readonly #due = new Set<ParticipantId>();
  #dialling = 0;

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
    const { targets, clock, links, headStartMs } = this.#components;
    if (!targets.has(peer)) return;
    this.#waiting.get(peer)?.();
    this.#waiting.set(
      peer,
      clock.schedule(delayMs + (links.leads(peer) ? 0 : headStartMs), () => this.#dial(peer)),
    );
  }

  #dial(peer: ParticipantId): void {
    const { links, bans, retryMaxMs } = this.#components;
    this.#waiting.delete(peer);
    // An open connection calls `lost` when it closes.
    if (links.connected(peer)) return;
    // One that is only expected may never open.
    if (links.expected(peer) || bans.has(peer)) this.#wait(peer, retryMaxMs);
    else if (this.#dialling >= MAX_DIALS) this.#due.add(peer);
    else this.#start(peer);
  }

  #start(peer: ParticipantId): void {
    const { targets, links, log } = this.#components;
    this.#dialling += 1;
    links.setDialling(peer, true);
    const ended = () => {
      this.#dialling -= 1;
      links.setDialling(peer, false);
      this.#next();
    };
    this.#components.dial(targets.get(peer) ?? []).then(ended, (error: unknown) => {
      log.debug('network.dial.failed', { peer, reason: reasonOf(error) });
      this.#retry(peer);
      ended();
    });
  }

  #next(): void {
    for (const peer of [...this.#due]) {
      if (this.#dialling >= MAX_DIALS) return;
      this.#due.delete(peer);
      this.#dial(peer);
    }
  }

  /** At least 0, below 1. */
  #fraction(): number {
    return (this.#components.random.bytes(1)[0] ?? 0) / 256;
  }
}

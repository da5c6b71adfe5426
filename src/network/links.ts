/**
 * One connection to each member, from the handshake until it is lost. A connection is the unit of repair: whatever fails on
 * it for good (its gossip above all) ends it, and the dialler makes a new one.
 */
import type { Connection } from '@libp2p/interface';
import type { Clock, Logger } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import { HANDSHAKE_TIMEOUT_MS, SUPERVISE_INTERVAL_MS, USABLE_TIMEOUT_MS } from './limits.ts';

interface Link {
  connection: Connection | null;
  openedAtMs: number;
  /** Messages, batches and questions can flow. */
  usable: boolean;
  /** A dial of ours is under way. */
  dialling: boolean;
  /** An inbound handshake was let through; until then its connection may open. */
  expectedUntilMs: number;
}

export interface LinkEvents {
  onUsable(peer: ParticipantId, connection: Connection): void;
  /** A usable connection is one no longer. */
  onLost(peer: ParticipantId): void;
  /** A connection, usable or not, has closed. */
  onClosed(peer: ParticipantId, connection: Connection): void;
  /** Called now and then for each peer that has a connection. */
  onAudit(peer: ParticipantId): void;
}

export class Links {
  readonly #self: ParticipantId;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: LinkEvents;
  readonly #links = new Map<ParticipantId, Link>();
  readonly #ending = new WeakSet<Connection>();

  constructor(self: ParticipantId, clock: Clock, log: Logger, events: LinkEvents) {
    this.#self = self;
    this.#clock = clock;
    this.#log = log;
    this.#events = events;
  }

  start(): void {
    this.#clock.schedule(SUPERVISE_INTERVAL_MS, () => {
      this.#supervise();
      this.start();
    });
  }

  /** Participants whose connection is usable, in order. */
  usable(): readonly ParticipantId[] {
    return [...this.#links].flatMap(([peer, link]) => (link.usable ? [peer] : [])).sort();
  }

  /** The usable connection to `peer`. */
  connectionTo(peer: ParticipantId): Connection | null {
    const link = this.#links.get(peer);
    return link?.usable ? link.connection : null;
  }

  /** Whether there is a connection, usable or not. */
  connected(peer: ParticipantId): boolean {
    return this.#link(peer).connection !== null;
  }

  /** Whether a connection may open any moment, so that dialling could make a second one. */
  expected(peer: ParticipantId): boolean {
    const link = this.#link(peer);
    return link.dialling || this.#clock.now() < link.expectedUntilMs;
  }

  /** The end whose id sorts first dials at once, and decides which of two connections stays. */
  leads(peer: ParticipantId): boolean {
    return this.#self < peer;
  }

  setDialling(peer: ParticipantId, dialling: boolean): void {
    this.#link(peer).dialling = dialling;
  }

  /**
   * Decides on an inbound connection whose key has just been proved. Both ends may dial at the same moment, so one rule must
   * leave exactly one connection: the leading end refuses while it dials or holds one, the other yields to the leading one's
   * dial, which means that whatever it holds itself was refused or is dead. What the leading end holds in vain, pings find.
   */
  admitInbound(peer: ParticipantId): boolean {
    const link = this.#link(peer);
    if (this.leads(peer) && (link.dialling || link.connection)) return false;
    this.#end(link.connection, 'the peer connects anew');
    link.expectedUntilMs = this.#clock.now() + HANDSHAKE_TIMEOUT_MS;
    return true;
  }

  /** Decides on an outbound connection whose key has just been proved: the peer may have come to us meanwhile. */
  admitOutbound(peer: ParticipantId): boolean {
    const link = this.#link(peer);
    return link.connection === null && (this.leads(peer) || this.#clock.now() >= link.expectedUntilMs);
  }

  opened(peer: ParticipantId, connection: Connection): void {
    const link = this.#link(peer);
    this.#end(link.connection, 'another connection took its place');
    // One that died while it opened has told so already, to nobody.
    if (connection.status !== 'open') {
      this.#events.onClosed(peer, connection);
      return;
    }
    link.connection = connection;
    link.openedAtMs = this.#clock.now();
    link.expectedUntilMs = 0;
    this.#log.debug('network.opened', { peer, direction: connection.direction });
  }

  closed(peer: ParticipantId, connection: Connection): void {
    const link = this.#link(peer);
    if (link.connection !== connection) return;
    this.setUsable(peer, connection, false);
    link.connection = null;
    this.#log.debug('network.closed', { peer });
    this.#events.onClosed(peer, connection);
  }

  setUsable(peer: ParticipantId, connection: Connection, usable: boolean): void {
    const link = this.#link(peer);
    if (link.connection !== connection || link.usable === usable) return;
    link.usable = usable;
    if (usable) {
      this.#events.onUsable(peer, connection);
      return;
    }
    this.#events.onLost(peer);
    this.#end(connection, 'the peer left its topics');
  }

  /** Ends the connection to `peer`, where there is one. */
  drop(peer: ParticipantId, reason: string): void {
    this.#end(this.#link(peer).connection, reason);
  }

  /** As `drop`, unless another connection has taken its place. */
  dropOf(peer: ParticipantId, connection: Connection, reason: string): void {
    if (this.#link(peer).connection === connection) this.#end(connection, reason);
  }

  #end(connection: Connection | null, reason: string): void {
    if (connection?.status !== 'open' || this.#ending.has(connection)) return;
    // Ending it closes its streams, whose listeners end it again; libp2p cannot take that.
    this.#ending.add(connection);
    this.#log.debug('network.ended', { peer: connection.remotePeer.toString(), reason });
    connection.abort(new Error(reason));
  }

  #supervise(): void {
    const tooLongAgo = this.#clock.now() - USABLE_TIMEOUT_MS;
    for (const [peer, { connection, usable, openedAtMs }] of this.#links) {
      if (!connection) continue;
      this.#events.onAudit(peer);
      if (connection.status !== 'open') this.closed(peer, connection);
      else if (!usable && openedAtMs <= tooLongAgo) this.drop(peer, 'not usable in time');
    }
  }

  #link(peer: ParticipantId): Link {
    const known = this.#links.get(peer);
    if (known) return known;
    const fresh: Link = { connection: null, openedAtMs: 0, usable: false, dialling: false, expectedUntilMs: 0 };
    this.#links.set(peer, fresh);
    return fresh;
  }
}

/** A network in memory: every message takes a set time on the virtual clock, and links can be cut. */
import { CodedError } from '../errors.ts';
import type { Clock, Network, NetworkHandlers, Question, Topic } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';

/** What may happen to a message on its way; null loses it. */
export type Fate = (from: ParticipantId, to: ParticipantId, bytes: Uint8Array) => number | null;

export interface Ban {
  readonly by: ParticipantId;
  readonly peer: ParticipantId;
  readonly reason: string;
}

export class VirtualNetwork {
  readonly bans: Ban[] = [];
  /** Delay in ms of each message; tests replace it. */
  fate: Fate = () => 1;
  readonly #clock: Clock;
  readonly #up = new Map<ParticipantId, NetworkHandlers>();
  readonly #cut = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The port of one participant. */
  join(self: ParticipantId): Network {
    let own: NetworkHandlers | null = null;
    return {
      start: (handlers) => {
        own = handlers;
        this.#up.set(self, handlers);
        for (const peer of this.#reachable(self)) this.#meet(self, peer, true);
        return Promise.resolve();
      },
      // After a kill and a restart the name belongs to another process already.
      stop: () => Promise.resolve(this.#up.get(self) === own ? this.leave(self) : undefined),
      peers: () => this.#reachable(self),
      publish: (topic, bytes) => this.#gossip(self, topic, bytes),
      pushBatch: (bytes) => {
        for (const peer of this.#reachable(self)) {
          this.#deliver(self, peer, bytes, async (handlers) => {
            if ((await handlers.onBatch(self, bytes)) === 'reject') this.#ban(peer, self, 'a rejected batch');
          });
        }
      },
      ask: (peer, question, bytes) => this.#ask(self, peer, question, bytes),
      ban: (peer, reason) => this.#ban(self, peer, reason),
    };
  }

  /** The participant is gone without a word; its peers notice at once. */
  leave(self: ParticipantId): void {
    const peers = this.#reachable(self);
    if (!this.#up.delete(self)) return;
    for (const peer of peers) this.#up.get(peer)?.onPeer(self, false);
  }

  /** Cuts every link between the two groups. */
  cut(left: readonly ParticipantId[], right: readonly ParticipantId[]): void {
    for (const [a, b] of pairs(left, right)) {
      this.#cut.add(linkOf(a, b));
      this.#meet(a, b, false);
    }
  }

  heal(): void {
    const links = [...this.#cut];
    this.#cut.clear();
    for (const link of links) {
      const [a, b] = link.split(' ') as ParticipantId[];
      if (a !== undefined && b !== undefined && this.#up.has(a) && this.#up.has(b)) this.#meet(a, b, true);
    }
  }

  #meet(a: ParticipantId, b: ParticipantId, connected: boolean): void {
    this.#up.get(a)?.onPeer(b, connected);
    this.#up.get(b)?.onPeer(a, connected);
  }

  #gossip(from: ParticipantId, topic: Topic, bytes: Uint8Array): void {
    for (const peer of this.#reachable(from)) {
      this.#deliver(from, peer, bytes, async (handlers) => {
        if ((await handlers.onGossip(topic, from, bytes)) === 'reject') this.#ban(peer, from, `rejected ${topic}`);
      });
    }
  }

  #deliver(
    from: ParticipantId,
    to: ParticipantId,
    bytes: Uint8Array,
    act: (handlers: NetworkHandlers) => Promise<void>,
  ): void {
    const delayMs = this.fate(from, to, bytes);
    if (delayMs === null) return;
    this.#clock.schedule(delayMs, () => {
      const handlers = this.#up.get(to);
      if (handlers !== undefined && this.#linked(from, to)) void act(handlers);
    });
  }

  #ask(
    self: ParticipantId,
    peer: ParticipantId,
    question: Question,
    bytes: Uint8Array,
  ): Promise<readonly Uint8Array[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Uint8Array[]>();
    const gone = () => reject(new CodedError('PEER_GONE', `${peer} did not answer`));
    const delayMs = this.#linked(self, peer) ? this.fate(self, peer, bytes) : null;
    if (delayMs === null) this.#clock.schedule(1, gone);
    else {
      this.#clock.schedule(delayMs, () => {
        const handlers = this.#up.get(peer);
        if (handlers === undefined || !this.#linked(self, peer)) return gone();
        void handlers.onQuestion(question, self, bytes).then((answer) => {
          if (answer === null) this.#ban(peer, self, `a false ${question} question`);
          if (answer === null) gone();
          else this.#clock.schedule(delayMs, () => resolve(answer));
        });
      });
    }
    return promise;
  }

  #ban(by: ParticipantId, peer: ParticipantId, reason: string): void {
    this.bans.push({ by, peer, reason });
    this.cut([by], [peer]);
  }

  #reachable(self: ParticipantId): ParticipantId[] {
    return [...this.#up.keys()].filter((peer) => peer !== self && this.#linked(self, peer));
  }

  #linked(a: ParticipantId, b: ParticipantId): boolean {
    return this.#up.has(a) && this.#up.has(b) && !this.#cut.has(linkOf(a, b));
  }
}

function linkOf(a: ParticipantId, b: ParticipantId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function pairs<T>(left: readonly T[], right: readonly T[]): [T, T][] {
  return left.flatMap((a) => right.filter((b) => b !== a).map((b): [T, T] => [a, b]));
}

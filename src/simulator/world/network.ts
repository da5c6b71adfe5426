/**
 * A network in memory on the virtual clock. A message takes as long as `fate` says, or is lost, or comes twice; links can
 * be cut (both ends notice), muted in one direction (nobody notices) and clogged (messages wait until it clears). Gossip
 * reaches whoever is cut off from its source through others, where that is switched on.
 *
 * A participant may be at several addresses, with one key: the others take all of them for the same peer.
 */
import { CodedError } from '../../errors.ts';
import type { Clock, Network, NetworkHandlers, Question, Topic } from '../../ports.ts';
import type { ParticipantId } from '../../types/index.ts';

/** What may happen to a message on its way: its delay in ms; several for copies of it; null loses it. */
export type Fate = (
  from: ParticipantId,
  to: ParticipantId,
  bytes: Uint8Array,
  kind: MessageKind,
) => number | null | readonly number[];

export type MessageKind = Topic | Question | 'batch' | 'answer';

export interface Ban {
  readonly by: ParticipantId;
  readonly peer: ParticipantId;
  readonly reason: string;
}

/** Who watches what goes over the wires. */
export interface Wiretap {
  sent(from: ParticipantId, kind: MessageKind, bytes: Uint8Array): void;
  delivered(from: ParticipantId, to: ParticipantId, kind: MessageKind, bytes: Uint8Array): void;
  banned(ban: Ban): void;
  /** A handler of this participant threw. */
  failed(at: ParticipantId, error: unknown): void;
}

const NOBODY: Wiretap = {
  sent: () => undefined,
  delivered: () => undefined,
  banned: () => undefined,
  failed: (at, error) => {
    throw new Error(`a handler of ${at} threw`, { cause: error });
  },
};

/** How long an answer is waited for, as on real streams. */
const ASK_TIMEOUT_MS = 2_000;
/** Gossip and batches that are remembered, for whoever replays old ones. */
const MAX_OLD = 256;

/** A message of gossip, whoever passes it on. */
interface GossipMessage {
  readonly source: ParticipantId;
  readonly topic: Topic;
  readonly bytes: Uint8Array;
}

type Arrive = (handlers: NetworkHandlers) => Promise<void> | void;

export class VirtualNetwork {
  readonly bans: Ban[] = [];
  /** Delay in ms of each message; tests replace it. */
  fate: Fate = () => 1;
  wiretap: Wiretap = NOBODY;
  /** Whether those who accept a gossip message pass it on to peers that have no link to its source. */
  relays = false;
  readonly #clock: Clock;
  readonly #up = new Map<ParticipantId, NetworkHandlers>();
  readonly #cut = new Causes();
  readonly #muted = new Causes();
  readonly #clogged = new Causes();
  readonly #held = new Map<string, (() => void)[]>();
  readonly #old: (() => void)[] = [];
  /** Whose an address is, where it is not called after its participant. */
  readonly #owners = new Map<ParticipantId, ParticipantId>();
  /** Who was passed a message on. */
  readonly #passed = new WeakMap<Uint8Array, Set<ParticipantId>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The port of one participant. @param self its address. @param owner the participant, where the address is another. */
  join(self: ParticipantId, owner: ParticipantId = self): Network {
    if (owner !== self) this.#owners.set(self, owner);
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
      peers: () => this.#peers(self),
      publish: (topic, bytes) => {
        for (const peer of this.#reachable(self)) this.gossip(self, peer, topic, bytes);
      },
      pushBatch: (bytes) => {
        for (const peer of this.#reachable(self)) this.#pushBatch(self, peer, bytes);
      },
      ask: (peer, question, bytes) => this.#ask(self, peer, question, bytes),
      ban: (peer, reason) => this.#ban(self, peer, reason),
    };
  }

  /** One gossip message to one peer. */
  gossip(from: ParticipantId, to: ParticipantId, topic: Topic, bytes: Uint8Array): void {
    this.#remember(() => this.#gossip({ source: from, topic, bytes }, from, to));
  }

  /** The participant is gone without a word; its peers notice at once. */
  leave(self: ParticipantId): void {
    const peers = this.#reachable(self);
    if (!this.#up.delete(self)) return;
    for (const peer of peers) this.#up.get(peer)?.onPeer(this.#ownerOf(self), false);
  }

  /** Whether both are up, and the link between them is not cut. */
  areLinked(a: ParticipantId, b: ParticipantId): boolean {
    return this.#linked(a, b);
  }

  /** Cuts every link between the two groups; both ends notice. */
  cut(left: readonly ParticipantId[], right: readonly ParticipantId[], cause = 'cut'): void {
    for (const [a, b] of pairs(left, right)) {
      if (this.#cut.add(linkOf(a, b), cause)) this.#meet(a, b, false);
    }
  }

  /** Loses all that goes from `from` to `to`; nobody notices. */
  mute(from: readonly ParticipantId[], to: readonly ParticipantId[], cause: string): void {
    for (const [a, b] of pairs(from, to)) this.#muted.add(wayOf(a, b), cause);
  }

  /** Holds all that arrives from `from` at `to` until it clears. */
  clog(from: readonly ParticipantId[], to: readonly ParticipantId[], cause: string): void {
    for (const [a, b] of pairs(from, to)) this.#clogged.add(wayOf(a, b), cause);
  }

  /** Takes back what was done to links for this cause; without one, everything, bans included. */
  heal(cause?: string): void {
    for (const link of this.#cut.remove(cause)) {
      const [a, b] = link.split(' ') as ParticipantId[];
      if (a !== undefined && b !== undefined && this.#up.has(a) && this.#up.has(b)) this.#meet(a, b, true);
    }
    this.#muted.remove(cause);
    for (const link of this.#clogged.remove(cause)) {
      const held = this.#held.get(link) ?? [];
      this.#held.delete(link);
      for (const release of held) this.#clock.schedule(1, release);
    }
  }

  /** Sends a message of old once more. @param choose picks one of so many. */
  replay(choose: (count: number) => number): void {
    const count = Math.min(this.#old.length, MAX_OLD);
    if (count > 0) this.#old.at(choose(count) - count)?.();
  }

  #remember(send: () => void): void {
    this.#old.push(send);
    // Dropped by the hundred: taking the first of an array moves all others.
    if (this.#old.length >= 2 * MAX_OLD) this.#old.splice(0, MAX_OLD);
    send();
  }

  #meet(a: ParticipantId, b: ParticipantId, connected: boolean): void {
    this.#up.get(a)?.onPeer(this.#ownerOf(b), connected);
    this.#up.get(b)?.onPeer(this.#ownerOf(a), connected);
  }

  #gossip(message: GossipMessage, from: ParticipantId, to: ParticipantId): void {
    const { topic, bytes } = message;
    this.#send(from, to, topic, bytes, async (handlers) => {
      const verdict = await handlers.onGossip(topic, this.#ownerOf(from), bytes);
      if (verdict === 'reject') this.#ban(to, from, `rejected ${topic}`);
      if (verdict === 'accept' && this.relays) this.#passOn(message, to);
    });
  }

  #passOn(message: GossipMessage, via: ParticipantId): void {
    const { source, bytes } = message;
    const passed = this.#passed.get(bytes) ?? new Set();
    this.#passed.set(bytes, passed);
    for (const peer of this.#reachable(via)) {
      if (passed.has(peer) || this.#linked(source, peer) || this.#ownerOf(peer) === this.#ownerOf(source)) continue;
      passed.add(peer);
      this.#gossip(message, via, peer);
    }
  }

  #pushBatch(from: ParticipantId, to: ParticipantId, bytes: Uint8Array): void {
    const arrive: Arrive = async (handlers) => {
      if ((await handlers.onBatch(this.#ownerOf(from), bytes)) === 'reject') this.#ban(to, from, 'a rejected batch');
    };
    this.#remember(() => this.#send(from, to, 'batch', bytes, arrive));
  }

  #send(from: ParticipantId, to: ParticipantId, kind: MessageKind, bytes: Uint8Array, arrive: Arrive): void {
    this.wiretap.sent(from, kind, bytes);
    const fate = this.fate(from, to, bytes, kind);
    if (fate === null) return;
    const act = () => this.#arrive(from, to, kind, bytes, arrive);
    for (const delayMs of typeof fate === 'number' ? [fate] : fate) this.#clock.schedule(delayMs, act);
  }

  #arrive(from: ParticipantId, to: ParticipantId, kind: MessageKind, bytes: Uint8Array, arrive: Arrive): void {
    if (this.#clogged.has(wayOf, from, to)) {
      const way = wayOf(from, to);
      const held = this.#held.get(way) ?? [];
      this.#held.set(way, held);
      held.push(() => this.#arrive(from, to, kind, bytes, arrive));
      return;
    }
    const handlers = this.#up.get(to);
    if (handlers === undefined || this.#muted.has(wayOf, from, to) || !this.#linked(from, to)) return;
    this.wiretap.delivered(from, to, kind, bytes);
    const done = arrive(handlers);
    if (done !== undefined) done.catch((error: unknown) => this.wiretap.failed(to, error));
  }

  #ask(
    self: ParticipantId,
    peer: ParticipantId,
    question: Question,
    bytes: Uint8Array,
  ): Promise<readonly Uint8Array[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Uint8Array[]>();
    const gone = () => reject(new CodedError('PEER_GONE', `${peer} did not answer`));
    const address = this.#addressOf(peer, self);
    if (address === null) {
      this.#clock.schedule(1, gone);
      return promise;
    }
    const cancel = this.#clock.schedule(ASK_TIMEOUT_MS, gone);
    this.#send(self, address, question, bytes, async (handlers) => {
      const answer = await handlers.onQuestion(question, this.#ownerOf(self), bytes);
      if (answer === null) {
        this.#ban(address, self, `a false ${question} question`);
        return;
      }
      this.#send(address, self, question === 'round' ? 'round' : 'answer', joined(answer), () => {
        cancel();
        resolve(answer);
      });
    });
    return promise;
  }

  /** @param by whose address. @param at the address of whoever is banned. */
  #ban(by: ParticipantId, at: ParticipantId, reason: string): void {
    const peer = this.#ownerOf(at);
    const ban = { by, peer, reason };
    this.bans.push(ban);
    this.wiretap.banned(ban);
    this.cut([by], [peer, ...this.#othersOf(peer)], 'ban');
  }

  /** Addresses that a message gets to. */
  #reachable(self: ParticipantId): ParticipantId[] {
    const owner = this.#ownerOf(self);
    return [...this.#up.keys()].filter((peer) => this.#ownerOf(peer) !== owner && this.#linked(self, peer));
  }

  /** Participants among them. */
  #peers(self: ParticipantId): ParticipantId[] {
    const addresses = this.#reachable(self);
    return this.#owners.size === 0 ? addresses : [...new Set(addresses.map((address) => this.#ownerOf(address)))];
  }

  #ownerOf(address: ParticipantId): ParticipantId {
    return this.#owners.get(address) ?? address;
  }

  #othersOf(participant: ParticipantId): ParticipantId[] {
    return [...this.#owners].flatMap(([address, owner]) => (owner === participant ? [address] : []));
  }

  /** An address of the participant that `self` has a link to. */
  #addressOf(participant: ParticipantId, self: ParticipantId): ParticipantId | null {
    if (this.#linked(self, participant)) return participant;
    return this.#othersOf(participant).find((address) => this.#linked(self, address)) ?? null;
  }

  #linked(a: ParticipantId, b: ParticipantId): boolean {
    return this.#up.has(a) && this.#up.has(b) && !this.#cut.has(linkOf, a, b);
  }
}

/** Links with all the reasons why something is done to them: it ends when the last reason does. */
class Causes {
  readonly #causes = new Map<string, Set<string>>();

  /** @param name gives what the link is called here. Most of the time nothing is done to any. */
  has(name: (a: ParticipantId, b: ParticipantId) => string, a: ParticipantId, b: ParticipantId): boolean {
    return this.#causes.size > 0 && this.#causes.has(name(a, b));
  }

  /** @returns whether it is the first cause. */
  add(link: string, cause: string): boolean {
    const causes = this.#causes.get(link) ?? new Set();
    this.#causes.set(link, causes.add(cause));
    return causes.size === 1;
  }

  /** @returns the links that have no cause left. */
  remove(cause: string | undefined): string[] {
    const freed: string[] = [];
    for (const [link, causes] of this.#causes) {
      if (cause === undefined) causes.clear();
      else causes.delete(cause);
      if (causes.size === 0) freed.push(link);
    }
    for (const link of freed) this.#causes.delete(link);
    return freed;
  }
}

/** One direction of a link. */
function wayOf(from: ParticipantId, to: ParticipantId): string {
  return `${from} ${to}`;
}

function linkOf(a: ParticipantId, b: ParticipantId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function pairs<T>(left: readonly T[], right: readonly T[]): [T, T][] {
  return left.flatMap((a) => right.filter((b) => b !== a).map((b): [T, T] => [a, b]));
}

/** The frames of an answer as they are counted and traced. */
function joined(frames: readonly Uint8Array[]): Uint8Array {
  const [only] = frames;
  if (only !== undefined && frames.length === 1) return only;
  const all = new Uint8Array(frames.reduce((length, frame) => length + frame.length, 0));
  let end = 0;
  for (const frame of frames) {
    all.set(frame, end);
    end += frame.length;
  }
  return all;
}

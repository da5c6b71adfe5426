/** The `Network` port over libp2p: wires the host, its connections and its protocols together. */
import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { assert } from '../errors.ts';
import type { NetworkHandlers, Question, Topic } from '../ports.ts';
import type { ParticipantId } from '../types/index.ts';
import { dialTargets, parseAddress } from './addresses.ts';
import { MAX_OPEN_QUESTIONS, QUESTIONS, questionProtocol } from './ask/constants.ts';
import { Questions } from './ask/questions.ts';
import { Bans } from './bans.ts';
import { Batches } from './batch/batches.ts';
import { batchProtocol } from './batch/constants.ts';
import { Dialer } from './dialer.ts';
import { directProtocol } from './direct/constants.ts';
import { Direct } from './direct/direct.ts';
import { NetworkError, reasonOf } from './errors.ts';
import { createGater } from './gater.ts';
import { Gossip } from './gossip/gossip.ts';
import { Heard } from './heard.ts';
import type { Host } from './host.ts';
import { createHost } from './host.ts';
import { HEAD_START_PER_MEMBER_MS, RETRY_MAX_MS } from './limits.ts';
import { Links } from './links.ts';
import { Members } from './members.ts';
import type { LibP2pNetwork, NetworkOptions } from './options.ts';
import { Timers } from './timers.ts';

/** @throws NetworkError `NETWORK_ADDRESS` for an address that is no TCP multiaddr, or of no member. */
export function createNetwork(options: NetworkOptions): LibP2pNetwork {
  return new TcpNetwork(options);
}

/** What exists while the host runs. */
interface Running {
  readonly host: Host;
  readonly handlers: NetworkHandlers;
  readonly gossip: Gossip;
  readonly direct: Direct;
  readonly batches: Batches;
  readonly questions: Questions;
  readonly dialer: Dialer;
}

class TcpNetwork implements LibP2pNetwork {
  readonly #options: NetworkOptions;
  readonly #timers: Timers;
  readonly #members: Members;
  readonly #bans: Bans;
  readonly #links: Links;
  readonly #targets: ReadonlyMap<ParticipantId, readonly Multiaddr[]>;
  readonly #stopping = new AbortController();
  #running: Running | null = null;
  #starting: Promise<void> | null = null;

  constructor(options: NetworkOptions) {
    const { self, members, dial, listen, clock, log } = options;
    this.#options = options;
    this.#timers = new Timers(clock);
    this.#members = new Members(members);
    this.#bans = new Bans(clock, log);
    this.#targets = dialTargets(dial, self, this.#members);
    for (const address of listen) parseAddress(address);
    this.#links = new Links(self, this.#timers, log, {
      onUsable: (peer, connection) => this.#usable(peer, connection),
      onLost: (peer) => this.#lost(peer),
      onClosed: (peer, connection) => this.#closed(peer, connection),
      onAudit: (peer) => this.#running?.gossip.audit(peer),
    });
  }

  /** @throws NetworkError `NETWORK_KEY`, `NETWORK_LISTEN`. */
  async start(handlers: NetworkHandlers): Promise<void> {
    assert(!this.#starting, 'a network is started once');
    this.#starting = this.#start(handlers);
    await this.#starting;
  }

  async stop(): Promise<void> {
    this.#timers.stop();
    this.#stopping.abort();
    await Promise.allSettled([this.#starting]);
    const running = this.#running;
    this.#running = null;
    await running?.host.stop();
  }

  addresses(): readonly string[] {
    return this.#running?.host.getMultiaddrs().map((address) => address.toString()) ?? [];
  }

  peers(): readonly ParticipantId[] {
    return this.#running ? this.#links.usable() : [];
  }

  publish(topic: Topic, bytes: Uint8Array): void {
    if (!this.#running) return;
    const { direct, gossip } = this.#running;
    direct.publish(topic, bytes);
    if (direct.needsGossip) gossip.publish(topic, bytes);
  }

  pushBatch(bytes: Uint8Array): void {
    this.#running?.batches.push(bytes);
  }

  async ask(peer: ParticipantId, question: Question, bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    const connection = this.#links.connectionTo(peer);
    if (!this.#running || !connection) throw new NetworkError('PEER_GONE', `${peer} is not connected`);
    return await this.#running.questions.ask(peer, connection, question, bytes);
  }

  ban(peer: ParticipantId, reason: string): void {
    this.#bans.add(peer, reason);
    this.#links.drop(peer, reason);
  }

  async #start(handlers: NetworkHandlers): Promise<void> {
    const host = await this.#createHost();
    const running = this.#assemble(host, handlers);
    await this.#serve(running);
    // Peers may connect before `host.start` resolves.
    this.#running = running;
    try {
      await host.start();
    } catch (error) {
      this.#running = null;
      const { listen } = this.#options;
      throw new NetworkError('NETWORK_LISTEN', `cannot listen on ${listen.join(', ')}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    running.gossip.subscribe();
    this.#links.start();
    running.dialer.start();
  }

  async #createHost(): Promise<Host> {
    const { self, privateKey } = this.#options;
    const dialable = new Set([...this.#targets.values()].flat().map((address) => address.toString()));
    const gater = createGater({ self, members: this.#members, bans: this.#bans, links: this.#links, dialable });
    const misfit = new NetworkError('NETWORK_KEY', `the private key is not the network key of ${self}`);
    if (privateKey.length !== 32) throw misfit;
    const host = await createHost(this.#options, gater, (stream, connection) => {
      this.#running?.gossip.watch(stream, connection);
    });
    if (this.#members.participantOf(host.peerId) !== self) throw misfit;
    return host;
  }

  #assemble(host: Host, handlers: NetworkHandlers): Running {
    const { chainId, self, log, random } = this.#options;
    const members = this.#members;
    const clock = this.#timers;
    const onNonsense = (peer: ParticipantId, reason: string) => this.ban(peer, reason);
    const heard = new Heard();
    const onMessage = (topic: Topic, from: ParticipantId, bytes: Uint8Array) =>
      heard.judge(topic, bytes, () => handlers.onGossip(topic, from, bytes));
    return {
      host,
      handlers,
      direct: new Direct({ protocol: directProtocol(chainId), self, members, clock, log, onMessage, onNonsense }),
      gossip: new Gossip({
        router: host.services.gossip,
        chainId,
        members,
        clock,
        log,
        events: {
          onMessage,
          onReady: (peer, connection, ready) => this.#links.setUsable(peer, connection, ready),
          onBroken: (peer, connection, reason) => this.#links.dropOf(peer, connection, reason),
          onNonsense,
        },
      }),
      batches: new Batches({
        protocol: batchProtocol(chainId),
        members,
        clock,
        log,
        events: { onBatch: (from, bytes) => handlers.onBatch(from, bytes), onNonsense },
      }),
      questions: new Questions({
        chainId,
        members,
        clock,
        log,
        events: { onQuestion: (question, from, bytes) => handlers.onQuestion(question, from, bytes), onNonsense },
      }),
      dialer: new Dialer({
        targets: this.#targets,
        links: this.#links,
        bans: this.#bans,
        clock,
        random,
        log,
        retryMaxMs: this.#options.retryMaxMs ?? RETRY_MAX_MS,
        headStartMs: members.size * HEAD_START_PER_MEMBER_MS,
        dial: (addresses) => host.dial([...addresses], { signal: this.#stopping.signal }),
      }),
    };
  }

  /** All protocols are in place before the first connection is. */
  async #serve({ host, direct, batches, questions }: Running): Promise<void> {
    const { chainId } = this.#options;
    await host.handle(directProtocol(chainId), direct.handle, { maxInboundStreams: 1 });
    await host.handle(batchProtocol(chainId), batches.handle, { maxInboundStreams: 1 });
    for (const question of QUESTIONS) {
      const limits = { maxInboundStreams: MAX_OPEN_QUESTIONS };
      await host.handle(questionProtocol(chainId, question), questions.handler(question), limits);
    }
    host.addEventListener('connection:open', ({ detail }) => this.#links.opened(this.#memberOf(detail), detail));
    host.addEventListener('connection:close', ({ detail }) => this.#links.closed(this.#memberOf(detail), detail));
  }

  #usable(peer: ParticipantId, connection: Connection): void {
    this.#options.log.info('network.connected', { peer });
    this.#running?.dialer.reached(peer);
    this.#running?.direct.open(peer, connection);
    this.#running?.batches.open(peer, connection);
    this.#running?.handlers.onPeer(peer, true);
  }

  #lost(peer: ParticipantId): void {
    this.#options.log.info('network.disconnected', { peer });
    this.#running?.direct.close(peer);
    this.#running?.batches.close(peer);
    this.#running?.handlers.onPeer(peer, false);
  }

  #closed(peer: ParticipantId, connection: Connection): void {
    this.#running?.gossip.forget(peer, connection);
    this.#running?.dialer.lost(peer);
  }

  #memberOf(connection: Connection): ParticipantId {
    const member = this.#members.participantOf(connection.remotePeer);
    assert(member !== undefined, 'the gater lets members through only');
    return member;
  }
}

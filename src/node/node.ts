/**
 * A bank's node: it takes transactions from wallets, agrees with the other nodes on blocks of them, and knows the result.
 * It meets the world through ports only (`ports.ts`), so the same node runs on libp2p and disks, in the simulator, and in
 * unit tests. The parts: `intake` (what
 * customers hand in), `spread` (batches), `engine` (consensus), `evidence` (who lied), `chain` (what is final), `catch-up`
 * (what was missed), `peers` (what others say). All of them change only inside one inbox.
 */
import { announcement } from '../codec/messages.ts';
import { encode } from '../codec/schema.ts';
import { BatchPool } from '../mempool/batch-pool.ts';
import { TransactionPool } from '../mempool/transaction-pool.ts';
import type { Clock, Network, Signer, SignState, Verifier } from '../ports.ts';
import type { ParticipantId, Transaction, TransactionId } from '../types/index.ts';
import { Builder } from './builder.ts';
import { CatchUp } from './catch-up.ts';
import type { Chain } from './chain.ts';
import { type Context, DEFAULT_TIMINGS, type Timings } from './context.ts';
import { Engine } from './engine.ts';
import type { NodeEvent, NodeListener, TransactionStanding } from './events.ts';
import { EvidencePool } from './evidence.ts';
import { Inbox } from './inbox.ts';
import { type Applicant, Intake } from './intake.ts';
import { Introductions } from './introductions.ts';
import { Peers } from './peers.ts';
import { Queries } from './queries.ts';
import { SignGuard } from './sign-guard.ts';
import { Spread } from './spread.ts';

export interface NodeOptions {
  readonly self: ParticipantId;
  readonly chain: Chain;
  readonly signer: Signer;
  readonly signState: SignState;
  readonly network: Network;
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly timings?: Timings;
  /** The node has stopped for good: its disk failed, or what it assumes does not hold. */
  readonly onFatal: (error: unknown) => void;
}

/** Blocks that a node which keeps up may lack, as some are always under way. */
const FAR_BEHIND = 3;
/** From a block after which none comes to the announcement of it. */
const ANNOUNCE_AFTER_MS = 50;
/** Ids of expired transactions that are remembered, so that their senders can learn it. */
const MAX_EXPIRED = 10_000;

export class Node {
  readonly queries: Queries;
  readonly #context: Context;
  readonly #intake: Intake;
  readonly #engine: Engine;
  readonly #spread: Spread;
  readonly #catchUp: CatchUp;
  readonly #introductions: Introductions;
  readonly #peers: Peers;
  readonly #listeners = new Set<NodeListener>();
  readonly #waiters = new Map<TransactionId, Set<() => void>>();
  readonly #expired = new Set<TransactionId>();
  #cancelTicks: (() => void)[] = [];
  #cancelAnnouncement: (() => void) | null = null;
  #lastSeen = { position: '', heightMs: 0 };

  constructor(options: NodeOptions) {
    const { chain, signer, signState, verifier, self, network, clock, timings = DEFAULT_TIMINGS } = options;
    const inbox = new Inbox(options.onFatal);
    const emit = (event: NodeEvent) => this.#emit(event);
    const pools = { batches: new BatchPool(), transactions: new TransactionPool() };
    this.#context = { self, chain, network, clock, verifier, timings, inbox, emit, ...pools };
    const builder = new Builder({ chain, pool: pools.batches, verifier, self });
    const guard = new SignGuard(chain.chainId, signer, signState, chain.tip.height);
    this.#introductions = new Introductions(chain.validators.length);
    this.#spread = new Spread(this.#context, () => this.#engine.batchArrived());
    const evidence = new EvidencePool(this.#context, () => this.#engine.startIfWork());
    this.#engine = new Engine({
      context: this.#context,
      builder,
      guard,
      evidence,
      maySpeak: () => this.#introductions.areEnough,
      decidedElsewhere: () => this.#catchUp.decidedElsewhere,
      spread: this.#spread,
    });
    const overtaken = () => this.#engine.overtaken();
    this.#catchUp = new CatchUp(
      this.#context,
      async (committed, execution) => {
        this.#engine.committed(committed, execution, 'sync');
        await overtaken();
      },
      overtaken,
    );
    chain.onFailure((error) => void inbox.post(() => Promise.reject(error)));
    void this.#hearOfProof();
    this.#peers = new Peers({
      context: this.#context,
      engine: this.#engine,
      spread: this.#spread,
      evidence,
      catchUp: this.#catchUp,
      introductions: this.#introductions,
    });
    this.queries = new Queries(chain, this.#context.transactions);
    this.#intake = new Intake({
      context: this.#context,
      queries: this.queries,
      isBusy: () => this.isBusy,
      mayBeBehind: () => this.#mayBeBehind,
      onAdded: () => void inbox.post(() => this.#spread.flush()),
    });
  }

  /** Takes up work where it was left; resolves when the network is open. */
  async start(): Promise<void> {
    await this.#context.network.start(this.#peers);
    await this.#context.inbox.post(() => this.#engine.begin());
    const { announceMs, stallMs, heartbeatMs } = this.#context.timings;
    this.#lastSeen = { position: '', heightMs: this.#context.clock.now() };
    this.#every(announceMs, () => this.#announce());
    this.#every(stallMs, () => this.#exchangeWhenStalled());
    this.#every(Math.ceil(heartbeatMs / 4), () => this.#heartbeatWhenDue());
  }

  async stop(): Promise<void> {
    for (const cancel of this.#cancelTicks) cancel();
    this.#cancelTicks = [];
    this.#cancelAnnouncement?.();
    this.#spread.stop();
    this.#catchUp.stop();
    const closed = this.#context.inbox.close();
    await this.#context.chain.stop();
    await closed;
    // The last task may have begun another one.
    await this.#context.chain.stop();
    this.#engine.stop();
    await this.#context.network.stop();
  }

  /**
   * Takes a transaction for the next batch. Submitting the same one again is no error.
   *
   * @returns where it stands: pending, or final where it had been submitted before.
   * @throws Refusal with the first failing check, in the order of the statuses' codes.
   */
  submit(transaction: Transaction): Promise<{ readonly id: TransactionId; readonly standing: TransactionStanding }> {
    return new Promise((resolve, reject) => {
      const admitted = (id: TransactionId, standing: TransactionStanding) => resolve({ id, standing });
      this.#intake.take([{ transaction, admitted, refused: reject }]);
    });
  }

  /** As `submit`, for many at once; each is answered by itself. */
  submitAll(applicants: readonly Applicant[]): void {
    this.#intake.take(applicants);
  }

  /** How many transactions more the pool takes, with those that are on their way into it. */
  get room(): number {
    return Math.max(0, this.#context.transactions.room - this.#intake.size);
  }

  /** Where a transaction stands now. */
  async standing(id: TransactionId): Promise<TransactionStanding> {
    const found = await this.queries.standing(id);
    return found.state === 'unknown' && this.#expired.has(id) ? { state: 'expired' } : found;
  }

  /** Resolves when the transaction is final or has expired, or when `signal` aborts, with where it stands then. */
  async settled(id: TransactionId, signal: AbortSignal): Promise<TransactionStanding> {
    for (;;) {
      const changed = this.#nextChange(id, signal);
      const standing = await this.standing(id);
      if (standing.state === 'final' || standing.state === 'expired' || signal.aborted) {
        changed.forget();
        return standing;
      }
      await changed.promise;
    }
  }

  /** @returns what ends the subscription. */
  subscribe(listener: NodeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something is being agreed on, was agreed on elsewhere, or waits to be: more blocks follow, whoever hands nothing in. */
  get isBusy(): boolean {
    const { chain, batches, transactions } = this.#context;
    const isWorking = this.#engine.position.step !== 'idle' || batches.hasWork || transactions.waiting > 0;
    return isWorking || this.#catchUp.highestKnown > chain.tip.height;
  }

  /** Whether the state is one that others have left behind long ago, or may have. */
  get #mayBeBehind(): boolean {
    return (
      this.#catchUp.decidedElsewhere > this.#context.chain.tip.height + FAR_BEHIND || !this.#introductions.areEnough
    );
  }

  /** How much it keeps of what other validators said. */
  get held() {
    return this.#engine.held;
  }

  status() {
    const { chain, network, transactions, batches, self } = this.#context;
    const { height, hash, timeMs } = chain.tip;
    return {
      participant: self,
      network: chain.genesis.network,
      chainId: chain.chainId,
      height,
      /** The first height whose block and receipts this node can show; above the height where there is none yet. */
      knownFromHeight: chain.knownFrom,
      blockHash: height === 0 ? null : hash,
      blockTimeMs: height === 0 ? null : timeMs,
      /** What is known of the state: it was proved since the start, or made from the record; it is being proved; nothing here proves it. */
      stateProof: chain.stateStanding,
      highestKnownHeight: this.#catchUp.highestKnown,
      consensus: this.#engine.position,
      peers: network.peers(),
      pool: { transactions: transactions.size, batches: batches.size },
    };
  }

  async #hearOfProof(): Promise<void> {
    const { chain, inbox } = this.#context;
    const proof = await chain.proofEnd;
    if (proof?.is === 'failed') await inbox.post(proof.end);
    if (proof?.is === 'over')
      this.#emit({ type: 'stateProved', height: proof.height, by: proof.by, tookMs: proof.tookMs });
  }

  #emit(event: NodeEvent): void {
    for (const listener of this.#listeners) listener(event);
    if (event.type === 'committed') {
      if (this.#waiters.size > 0) for (const { receipt } of event.transactions) this.#wake(receipt.transactionId);
      if (event.via === 'consensus') this.#announceSoon();
      this.#intake.committed();
      const digests = event.committed.block.batches;
      void this.#context.inbox.post(() => this.#spread.committed(digests));
    }
    if (event.type === 'expired') for (const id of event.ids) this.#remember(id);
  }

  #remember(id: TransactionId): void {
    this.#expired.add(id);
    for (const oldest of this.#expired) {
      if (this.#expired.size <= MAX_EXPIRED) break;
      this.#expired.delete(oldest);
    }
    this.#wake(id);
  }

  #wake(id: TransactionId): void {
    const waiters = this.#waiters.get(id);
    this.#waiters.delete(id);
    for (const wake of waiters ?? []) wake();
  }

  #nextChange(id: TransactionId, signal: AbortSignal): { promise: Promise<void>; forget: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters.add(resolve));
    const forget = () => {
      waiters.delete(resolve);
      if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id);
      signal.removeEventListener('abort', forget);
      resolve();
    };
    signal.addEventListener('abort', forget);
    return { promise, forget };
  }

  #every(periodMs: number, act: () => void): void {
    const index = this.#cancelTicks.length;
    const again = () => {
      act();
      this.#cancelTicks[index] = this.#context.clock.schedule(periodMs, again);
    };
    this.#cancelTicks.push(this.#context.clock.schedule(periodMs, again));
  }

  /** Whoever missed the last block hears of it; while blocks follow each other, their votes tell as much. */
  #announceSoon(): void {
    this.#cancelAnnouncement?.();
    this.#cancelAnnouncement = this.#context.clock.schedule(ANNOUNCE_AFTER_MS, () => {
      this.#cancelAnnouncement = null;
      this.#announce();
    });
  }

  #announce(): void {
    const { chain, network } = this.#context;
    const { height, hash } = chain.tip;
    const blockHash = height === 0 ? null : (hash as never);
    network.publish('announcements', encode(announcement, { version: 1, height, blockHash }));
  }

  /**
   * A height that has begun and does not move has lost messages: tell every peer what we have, and hear what it has. So does a
   * node that is not introduced yet.
   */
  #exchangeWhenStalled(): void {
    const { height, round, step } = this.#engine.position;
    const position = `${height}/${round}/${step}`;
    const stalled = step !== 'idle' && position === this.#lastSeen.position;
    this.#lastSeen = { ...this.#lastSeen, position };
    if (stalled || !this.#introductions.areEnough)
      for (const peer of this.#context.network.peers()) void this.#peers.exchange(peer);
  }

  #heartbeatWhenDue(): void {
    const { chain, clock, timings, inbox } = this.#context;
    const since = Math.max(chain.tip.timeMs, this.#lastSeen.heightMs);
    if (clock.now() - since >= timings.heartbeatMs) void inbox.post(() => this.#engine.heartbeat());
  }
}

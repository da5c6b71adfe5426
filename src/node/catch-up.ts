/**
 * How a node that missed blocks gets them: from any peer, each with a certificate that it verifies itself, so that a lying
 * peer can waste some time and nothing else. An empty chain that is far behind begins at a snapshot instead (`join.ts`), and
 * so does one whose next block no peer has any more.
 */
import { MAX_SYNC_BLOCKS } from '../codec/limits.ts';
import { blocksQuestion } from '../codec/messages.ts';
import { encode } from '../codec/schema.ts';
import { maxFaulty } from '../consensus/index.ts';
import { CodedError } from '../errors.ts';
import { seenKey } from '../ledger/keys.ts';
import type { CommittedBlock, ParticipantId, StateKey } from '../types/index.ts';
import type { Context } from './context.ts';
import type { Execution } from './execution.ts';
import { checkedBlocks, type Fetched, type Lie, NOT_ASKED_FOR } from './fetched-blocks.ts';
import { Join } from './join.ts';

/**
 * Waits, each a stall long, of an empty chain that hears of a great height: for a second voice, or a snapshot that can be
 * fetched. Then it fetches all blocks.
 */
const MAX_HESITATIONS = 5;
/** Times in a row that no peer gave the next block, though some have later ones: then a snapshot is asked for. */
const VAIN_TRIES = 3;

export class CatchUp {
  readonly #context: Context;
  readonly #onBlock: (committed: CommittedBlock, execution: Execution) => Promise<void>;
  readonly #onBegun: () => Promise<void>;
  /** Highest height that each peer is known to have. */
  readonly #heights = new Map<ParticipantId, number>();
  /** Height that the record of a peer begins at, where it lacked what was asked for. */
  readonly #firsts = new Map<ParticipantId, number>();
  readonly #join: Join;
  #running = false;
  #waiting = false;
  #stopped = false;
  #hesitations = 0;
  #vainTries = 0;

  /**
   * @param onBlock runs in the inbox after a fetched block became part of the chain.
   * @param onBegun runs in the inbox after the chain began anew at a snapshot.
   */
  constructor(
    context: Context,
    onBlock: (committed: CommittedBlock, execution: Execution) => Promise<void>,
    onBegun: () => Promise<void>,
  ) {
    this.#context = context;
    this.#onBlock = onBlock;
    this.#onBegun = onBegun;
    this.#join = new Join(context);
  }

  get highestKnown(): number {
    return Math.max(this.#context.chain.tip.height, ...this.#heights.values());
  }

  /**
   * Height that one honest peer at least has decided: more than a third of the participants say so, each for itself. Up to
   * there nobody's vote is needed any more; whoever votes there can only be one that has forgotten its votes (a wiped disk,
   * an old backup), and would vote a second time.
   */
  get decidedElsewhere(): number {
    const heights = [...this.#heights.values()].sort((a, b) => b - a);
    return heights[maxFaulty(this.#context.chain.validators.length)] ?? 0;
  }

  /** A peer says, or its signature shows, that it has all blocks up to `height`. */
  heard(peer: ParticipantId, height: number): void {
    if (height >= (this.#heights.get(peer) ?? 0)) this.#heights.set(peer, height);
    const { chain, timings } = this.#context;
    const behind = height - chain.tip.height;
    if (behind <= 0 || this.#running) return;
    // One block behind is how every block ends: the last votes are still under way.
    this.#runAfter(behind > 1 ? 0 : timings.syncGraceMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#join.stop();
  }

  async #run(): Promise<void> {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    try {
      while (!this.#stopped && this.#candidates().length > 0) if (!(await this.#advance())) break;
    } finally {
      this.#running = false;
    }
    // Nothing else may remind this node: an announcement that says the same again does not spread.
    if (this.#candidates().length > 0) this.#runAfter(this.#context.timings.stallMs);
  }

  #runAfter(delayMs: number): void {
    if (this.#waiting || this.#stopped) return;
    this.#waiting = true;
    this.#context.clock.schedule(delayMs, () => {
      this.#waiting = false;
      void this.#run();
    });
  }

  #candidates(): ParticipantId[] {
    const { chain, network } = this.#context;
    return network.peers().filter((peer) => (this.#heights.get(peer) ?? 0) > chain.tip.height);
  }

  /** @returns whether the chain grew. */
  async #advance(): Promise<boolean> {
    const far = this.#howFar();
    if (far === 'far' && (await this.#beginAtSnapshot())) return true;
    if (far !== 'near' && this.#hesitations++ < MAX_HESITATIONS) return false;
    for (const peer of this.#candidates()) {
      if (!(await this.#fetchFrom(peer))) continue;
      this.#vainTries = 0;
      return true;
    }
    const next = this.#context.chain.tip.height + 1;
    const isOutOfReach = [...this.#firsts.values()].some((first) => first > next);
    if (!isOutOfReach || ++this.#vainTries < VAIN_TRIES) return false;
    this.#vainTries = 0;
    return await this.#beginAtSnapshot();
  }

  /**
   * How far the others are ahead of an empty chain, by what more than a third of them say. A snapshot costs the whole state,
   * so it must save more than a question about blocks can carry; and two checkpoints ahead there surely is one.
   */
  #howFar(): 'near' | 'unsure' | 'far' {
    const { tip, genesis } = this.#context.chain;
    const far = Math.max(2 * genesis.rules.checkpointInterval, MAX_SYNC_BLOCKS);
    if (tip.height > 0 || this.highestKnown <= far) return 'near';
    return this.decidedElsewhere > far ? 'far' : 'unsure';
  }

  /** @returns whether the chain begins at a snapshot now. */
  async #beginAtSnapshot(): Promise<boolean> {
    const { chain, inbox, emit } = this.#context;
    const start = await this.#join.fetch(this.#candidates());
    if (start === null || this.#stopped) return false;
    const begun = await inbox.post(async () => {
      if (!(await chain.beginAt(start))) return false;
      await settleSeen(this.#context);
      emit({ type: 'joined', height: start.height });
      await this.#onBegun();
      return true;
    });
    return begun === true;
  }

  async #fetchFrom(peer: ParticipantId): Promise<boolean> {
    const { chain, network, emit } = this.#context;
    const from = chain.tip.height + 1;
    const to = this.#heights.get(peer) ?? 0;
    // While another peer was asked, the chain may have grown past this one by its own votes.
    if (to < from) return false;
    emit({ type: 'syncing', peer, from, to });
    let frames: readonly Uint8Array[];
    const count = Math.min(to - from + 1, MAX_SYNC_BLOCKS);
    try {
      frames = await network.ask(peer, 'blocks', encode(blocksQuestion, { from, count }));
    } catch (error) {
      if (error instanceof CodedError) return false;
      throw error;
    }
    // A peer that claimed a height and has no block for it is not believed again until it says more. One whose record begins
    // later does have a block to show, and what it says of its height stays true.
    if (frames.length === 0) this.#heights.set(peer, chain.tip.height);
    const lie = frames.length > count ? NOT_ASKED_FOR : await this.#adoptAll(peer, frames, from);
    if (lie === null) return chain.tip.height >= from;
    network.ban(peer, lie.reason);
    emit({ type: 'peerRefused', peer, reason: lie.reason });
    return false;
  }

  /** Until one cannot be taken. @returns what no honest peer would have sent, if that is why. */
  async #adoptAll(peer: ParticipantId, frames: readonly Uint8Array[], from: number): Promise<Lie | null> {
    let height = from;
    for await (const fetched of checkedBlocks(this.#context, frames, from)) {
      if (fetched === 'postponed') return null;
      if ('reason' in fetched) return fetched;
      if ('first' in fetched) {
        if (height !== from) return NOT_ASKED_FOR;
        this.#firsts.set(peer, fetched.first);
        return null;
      }
      await this.#adopt(fetched);
      height += 1;
    }
    return null;
  }

  async #adopt({ committed, batches }: Extract<Fetched, { readonly committed: CommittedBlock }>): Promise<void> {
    const { chain, inbox } = this.#context;
    await inbox.post(async () => {
      if (committed.block.header.height !== chain.tip.height + 1) return;
      const execution = await chain.adopt(committed, batches);
      await this.#onBlock(committed, execution);
    });
  }
}

/** What waited here and took effect before the snapshot has its end, though this node cannot tell which. */
async function settleSeen({ chain, transactions }: Context): Promise<void> {
  const waiting = transactions.entries();
  const keys = waiting.map(({ id, transaction }) => seenKey(transaction.body.validUntilMs, id));
  const seen = await chain.load(keys);
  for (const [i, { id }] of waiting.entries()) if (seen.get(keys[i] as StateKey) !== null) transactions.settle(id);
}

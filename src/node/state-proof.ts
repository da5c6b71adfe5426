/**
 * The proof of the state goes on beside the node's work, over the state that the store held still when the chain was opened; blocks
 * come meanwhile, and do not change what is read. It costs a walk through the whole state and every block since the snapshot run
 * again, which nobody who waits for the node should have to wait for.
 *
 * | it ends | then |
 * |---|---|
 * | the state is what it must be | `stateProof` is `proved` |
 * | it is another one, or a value of it is damaged | the state is given up and the node ends: the next start makes it anew from the record |
 * | a block does not give again what its header says | the node ends, `CHAIN_CORRUPT` |
 * | every snapshot turned out to be damaged | they are set aside, the record is verified from its beginning, and `stateProof` is `none` |
 *
 * Why the node may vote before it has ended: its vote for a block says that it computed the roots that the block carries. On a
 * state that is another one than the others', whatever a block touches of the difference comes out in its writes or its receipts,
 * so the node votes nil, or the others decide without it and it cannot follow them (`Chain.adopt`, `commit`), which ends it, too. Of
 * the rest, a checkpoint has another root, which the block that carries the others' finds out. A block is decided by more than two
 * thirds who computed the same: that they have the same false state is no accident of one disk. So safety does not rest on the
 * proof; where one node's word is a quorum it would, and there boot waits for it. What the node answers meanwhile may be false,
 * as it may be false of any node: hence the status says how far the proof is.
 */
import { CodedError } from '../errors.ts';
import type { Rules } from '../ledger/ledger.ts';
import type { Clock, HeldState, StateStore } from '../ports.ts';
import type { CommittedBlock, Hash } from '../types/index.ts';
import { falseState, givenUp, isDamagedState } from './damaged-state.ts';
import { Pace } from './pace.ts';
import { judgeState } from './proof-of-state.ts';
import { certifiedHeights, certifiedManifest, corrupt, present, type RecordParts, tipOf, verified } from './record.ts';

export interface ProofParts extends RecordParts {
  readonly rules: Rules;
  readonly store: StateStore;
}

/** `by` is the snapshot that proved the state; where it is null, none could. */
export type StateVerdict =
  | { readonly is: 'true'; readonly by: number | null; readonly verifiedFrom: number }
  | { readonly is: 'false'; readonly reason: string };

/** What is known of the state: it was proved since the start, or made from the record; it is being proved; nothing here proves it. */
export type StateStanding = 'proved' | 'pending' | 'none';

/** How a proof that went on beside the node has ended. */
export type ProofEnd =
  | { readonly is: 'over'; readonly height: number; readonly by: number | null; readonly tookMs: number }
  | { readonly is: 'stopped' }
  /** The node must not go on. `end` does what must be done before, and rejects with why. */
  | { readonly is: 'failed'; readonly end: () => Promise<never> };

/**
 * Judges a state by the newest snapshot that can.
 *
 * @param verifiedFrom from where on the record was verified.
 * @param using hears which snapshot is being read.
 * @throws CodedError `CHAIN_CORRUPT`.
 */
export async function proveState(
  parts: ProofParts,
  held: Pick<HeldState, 'height' | 'pages'>,
  verifiedFrom: number,
  pace: Pace,
  using: (height: number) => void = () => undefined,
): Promise<StateVerdict> {
  let from = verifiedFrom;
  for (const at of certifiedHeights(parts).filter((each) => each <= (held.height ?? 0))) {
    from = await verifyBack(parts, at, from, pace);
    using(at);
    const verdict = await judgeBy(parts, at, held, pace);
    if (verdict === 'lost') break;
    if (verdict === 'true') return { is: 'true', by: at, verifiedFrom: from };
    if (verdict !== 'unusable') return { is: 'false', reason: verdict.reason };
  }
  return { is: 'true', by: null, verifiedFrom: await verifyBack(parts, parts.log.first(), from, pace) };
}

/** @returns `lost` where the snapshot went while the pages were read, which are there once. */
async function judgeBy(
  parts: ProofParts,
  at: number,
  { height, pages }: Pick<HeldState, 'height' | 'pages'>,
  pace: Pace,
): Promise<'true' | 'unusable' | 'lost' | { readonly reason: string }> {
  const { rules, snapshots } = parts;
  const manifest = await certifiedManifest(parts, at);
  if (manifest === null) return 'unusable';
  const { timeMs } = (await verified(parts, at, null)).block.header;
  const blocks = () => blocksFrom(parts, at + 1, height ?? 0);
  try {
    const verdict = await judgeState({ rules, snapshots, manifest, timeMs, blocks, pace }, pages);
    if (verdict.is === 'block') throw corrupt(verdict.height, 'gives other results than it did');
    if (verdict.is === 'false') return { reason: verdict.reason };
    return verdict.is === 'proved' ? 'true' : 'unusable';
  } catch (error) {
    if (error instanceof CodedError && error.code === 'SNAPSHOT_CORRUPT') return 'lost';
    throw error;
  }
}

/** Blocks that were verified before. */
export async function* blocksFrom(parts: RecordParts, from: number, to: number): AsyncGenerator<CommittedBlock> {
  for (let next = from; next <= to; next++) yield await present(parts, next);
}

/** Verifies what was not verified yet. @returns from where on the record is verified now. */
async function verifyBack(parts: RecordParts, from: number, known: number, pace: Pace): Promise<number> {
  let parent: Hash | null = from === 1 ? parts.chainId : null;
  for (let height = from; height <= known && from < known; height++) {
    const sealed = await verified(parts, height, parent);
    parent = tipOf(sealed).hash;
    await pace.block(0);
  }
  return Math.min(from, known);
}

export class StateProof {
  readonly #parts: ProofParts;
  readonly #clock: Clock | null;
  #standing: StateStanding = 'none';
  /** The snapshot that is being read. */
  #using: number | null = null;
  #work: { readonly ended: Promise<ProofEnd>; readonly stop: AbortController } | null = null;

  /** @param clock null where nobody waits for anything else. */
  constructor(parts: ProofParts, clock: Clock | null) {
    this.#parts = parts;
    this.#clock = clock;
  }

  get standing(): StateStanding {
    return this.#standing;
  }

  /** Heights of snapshots that must stay. */
  get inUse(): readonly number[] {
    return this.#using === null ? [] : [this.#using];
  }

  /** Resolves when what was begun last has ended, with how; null where nothing was begun. */
  get ended(): Promise<ProofEnd> | null {
    return this.#work?.ended ?? null;
  }

  /** The state needs no proof, or there is nothing that could prove it. */
  know(standing: 'proved' | 'none'): void {
    this.#standing = standing;
  }

  /**
   * Begins to prove the state that the store holds now. When it returns, that state is held still.
   *
   * @param after what to wait for first.
   */
  begin(verifiedFrom: number, after: () => Promise<void>): void {
    const stop = new AbortController();
    this.#standing = 'pending';
    this.#work = { stop, ended: this.#prove(verifiedFrom, after, stop.signal) };
  }

  /** Ends what is under way; when it resolves, nothing is read any more, and no failure will be told. */
  async stop(): Promise<void> {
    this.#work?.stop.abort();
    await this.#work?.ended;
  }

  async #prove(verifiedFrom: number, after: () => Promise<void>, signal: AbortSignal): Promise<ProofEnd> {
    const startMs = this.#clock?.now() ?? 0;
    try {
      return await this.#parts.store.hold(async (held) => {
        await after();
        signal.throwIfAborted();
        const pace = new Pace(this.#clock, signal);
        const verdict = await proveState(this.#parts, held, verifiedFrom, pace, (at) => {
          this.#using = at;
        });
        signal.throwIfAborted();
        if (verdict.is === 'false') throw falseState(verdict.reason);
        this.#standing = verdict.by === null ? 'none' : 'proved';
        const tookMs = (this.#clock?.now() ?? 0) - startMs;
        return { is: 'over', height: held.height ?? 0, by: verdict.by, tookMs };
      });
    } catch (error) {
      return signal.aborted ? this.#stopped() : { is: 'failed', end: () => this.#end(error, signal) };
    } finally {
      this.#using = null;
    }
  }

  #stopped(): ProofEnd {
    this.#standing = 'none';
    return { is: 'stopped' };
  }

  async #end(error: unknown, { aborted }: AbortSignal): Promise<never> {
    // Where the chain has begun anew meanwhile, its state is another one.
    if (!aborted && isDamagedState(error)) throw await givenUp(this.#parts, error);
    throw error;
  }
}

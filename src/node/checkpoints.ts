/**
 * Checkpoints: every so many heights a state is held still and read behind the back of the blocks that follow, for its snapshot
 * and its root. Half an interval later a header carries the root, and only whoever makes, judges or commits that block waits.
 */
import { assert } from '../errors.ts';
import type { BlockLog, Clock, HeldState, Snapshots, StateStore } from '../ports.ts';
import type { Hash } from '../types/index.ts';
import { Pace } from './pace.ts';
import { chunksOf, pruneSnapshots, takeSnapshot } from './snapshot.ts';

/** Height of the block whose header carries the root of the state after `checkpoint`, and so vouches for its snapshot. */
export function certifierOf(checkpoint: number, interval: number): number {
  return checkpoint + 1 + Math.floor(interval / 2);
}

/** The checkpoint whose root the block of this height carries; null for most. */
export function checkpointIn(height: number, interval: number): number | null {
  const checkpoint = height - certifierOf(0, interval);
  return checkpoint > 0 && checkpoint % interval === 0 ? checkpoint : null;
}

/** Whether the block of this height is halfway between a checkpoint and the block that carries its root. */
export function isHalfwayToCertifier(height: number, interval: number): boolean {
  return height % interval === Math.floor(interval / 4);
}

/** The checkpoint up to this height whose root only a later block carries; null where there is none. Never more than one. */
export function openCheckpoint(height: number, interval: number): number | null {
  const checkpoint = height - (height % interval);
  return checkpoint > 0 && height < certifierOf(checkpoint, interval) ? checkpoint : null;
}

export interface CheckpointParts {
  readonly log: BlockLog;
  readonly snapshots: Snapshots;
  readonly store: StateStore;
  /** Of those who make blocks meanwhile; without one a state is read as fast as it can be. */
  readonly clock?: Clock | undefined;
  /** Heights of snapshots that somebody reads just now. */
  readonly inUse: () => readonly number[];
}

/** Reads a state for its root and its snapshot. @throws CodedError `SNAPSHOT_CORRUPT` where its pages do. */
export type Take = (pages: HeldState['pages']) => Promise<Hash>;

/** A root that is there or under way. */
interface Work {
  readonly height: number;
  readonly root: Promise<Hash>;
  readonly stop: AbortController;
  readonly pace?: Pace | undefined;
}

export class Checkpoints {
  readonly #parts: CheckpointParts;
  /** The newest; the one before it has been carried by a header. */
  #work: Work | null = null;
  #failure: { readonly error: unknown } | null = null;
  #onFailure: ((error: unknown) => void) | null = null;

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
  }

  /** Whom to tell that a state could not be read or its snapshot not be written, whether that has happened or will. */
  onFailure(listener: (error: unknown) => void): void {
    this.#onFailure = listener;
    if (this.#failure !== null) listener(this.#failure.error);
  }

  /** Whether the root of the state after this height is here or under way. */
  has(height: number): boolean {
    return this.#work?.height === height;
  }

  /** Begins to read the state after a checkpoint height, which the store holds now. When it returns, that state is held still. */
  begin(height: number): void {
    const stop = new AbortController();
    const { store, clock } = this.#parts;
    const pace = clock === undefined ? undefined : new Pace(clock);
    const root = store.hold(({ height: held, chunks }) => {
      assert(held === height, `the state after block ${height} is held, not that after ${held}`);
      return this.#take(height, chunks, stop.signal, pace);
    });
    this.#work = { height, root, stop, pace };
    root.catch((error: unknown) => this.#failed(error, stop.signal));
  }

  /** Begins a checkpoint of a state that the store does not hold any more. @param make makes that state, and has it read. */
  make(height: number, make: (take: Take, signal: AbortSignal) => Promise<Hash>): void {
    const stop = new AbortController();
    const root = make((pages) => this.#take(height, chunksOf(pages), stop.signal), stop.signal);
    this.#work = { height, root, stop };
    root.catch((error: unknown) => this.#failed(error, stop.signal));
  }

  /** Resolves when nothing is under way that was when this was called. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#work?.root]);
  }

  /** The block that carries the root is not far any more: what is under way makes no pauses from now on. */
  hurry(): void {
    this.#work?.pace?.hurry();
  }

  /** The root of a snapshot that is there already. */
  know(height: number, root: Hash): void {
    this.#work = { height, root: Promise.resolve(root), stop: new AbortController() };
  }

  /** Resolves when the state after this checkpoint height has been read, and its snapshot is durable. */
  async root(height: number): Promise<Hash> {
    assert(this.#work?.height === height, `the root of the state after block ${height} is known or under way`);
    this.hurry();
    return await this.#work.root;
  }

  /** Ends what is under way. What was finished stays known. */
  async stop(): Promise<void> {
    const work = this.#work;
    if (work === null) return;
    work.stop.abort();
    this.hurry();
    const [{ status }] = await Promise.allSettled([work.root]);
    if (status === 'rejected' && this.#work === work) this.#work = null;
  }

  async #take(height: number, chunks: HeldState['chunks'], signal: AbortSignal, pace?: Pace): Promise<Hash> {
    const { snapshots, log, inUse } = this.#parts;
    const root = await takeSnapshot({ height, chunks, snapshots, signal, pace });
    // The snapshot that the record begins with is needed as long as it does.
    await pruneSnapshots(snapshots, height, log.first() > 1 ? [log.first(), ...inUse()] : inUse());
    return root;
  }

  #failed(error: unknown, { aborted }: AbortSignal): void {
    if (aborted) return;
    this.#failure = { error };
    this.#onFailure?.(error);
  }
}

/**
 * The committed chain: the record (block log), the state after it, and the only way to extend them. A block is appended
 * and synced first, then applied to the state in one atomic write, then told to anyone; `boot.ts` opens both and proves them.
 */
import { committedBlock } from '../codec/block.ts';
import { MAX_COMMITTED_BLOCK_BYTES } from '../codec/limits.ts';
import { decode, encode } from '../codec/schema.ts';
import { certificateChecks } from '../crypto/certificate.ts';
import { blockHash, chainIdOf, validatorSetHash, validatorsOf } from '../crypto/ids.ts';
import { AssertionError, assert } from '../errors.ts';
import { type IdentifiedTransaction, type Rules, rulesOf, touchedKeys } from '../ledger/ledger.ts';
import type { BlockLog, Clock, HeldState, Snapshots, StateStore, Verifier } from '../ports.ts';
import type {
  BlockHash,
  ChainId,
  ChainTip,
  CommittedBlock,
  Evidence,
  Genesis,
  Hash,
  Header,
  StateKey,
  ValidatorSet,
} from '../types/index.ts';
import { type BootReport, boot } from './boot.ts';
import { Checkpoints, certifierOf, checkpointIn, isHalfwayToCertifier } from './checkpoints.ts';
import { Contents } from './contents.ts';
import { falseState, givenUp, isDamagedState } from './damaged-state.ts';
import { type BatchContent, type Execution, givesRootsOf, type Parent, runOver, withIds } from './execution.ts';
import { indexOf } from './indexes.ts';
import type { CertifiedBlock } from './record.ts';
import { fillFromSnapshot, readManifest } from './snapshot.ts';
import { type ProofEnd, type ProofParts, StateProof, type StateStanding } from './state-proof.ts';

/** The whole state after one block, and which block that is. */
export interface StateAfter {
  readonly height: number;
  /** Null after genesis. */
  readonly hash: BlockHash | null;
  readonly pages: HeldState['pages'];
  /** In place of the pages. */
  readonly chunks: HeldState['chunks'];
}

export interface ChainParts {
  readonly genesis: Genesis;
  readonly log: BlockLog;
  readonly snapshots: Snapshots;
  readonly store: StateStore;
  readonly verifier: Verifier;
  /** Paces what goes on behind the back of the blocks, which is done in one go without it. */
  readonly clock?: Clock;
}

/** A fetched snapshot, whole and durable, with what a quorum says of it. */
export interface SnapshotStart {
  readonly height: number;
  /** Canonical bytes of its block, which the record will begin with. */
  readonly block: Uint8Array;
  /** The root that a certified header carries of it. */
  readonly root: Hash;
}

export class Chain {
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  readonly rules: Rules;
  readonly validators: ValidatorSet;
  readonly validatorSetHash: Hash;
  readonly log: BlockLog;
  readonly snapshots: Snapshots;
  readonly store: StateStore;
  /** What took part in each block. */
  readonly contents: Contents;
  readonly #checkpoints: Checkpoints;
  readonly #proof: StateProof;
  readonly #clock: Clock | null;
  readonly #verifier: Verifier;
  #tip: ChainTip;
  #bootReport: BootReport | null = null;
  /** Resolves when the chain has begun anew; null while it does not. */
  #beginning: Promise<void> | null = null;

  private constructor({ genesis, log, snapshots, store, verifier, clock }: ChainParts) {
    this.genesis = genesis;
    this.chainId = chainIdOf(genesis);
    this.rules = rulesOf(genesis);
    this.validators = validatorsOf(genesis);
    this.validatorSetHash = validatorSetHash(this.validators);
    this.log = log;
    this.snapshots = snapshots;
    this.store = store;
    this.contents = new Contents({ store, read: (height) => this.read(height) });
    this.#checkpoints = new Checkpoints({ log, snapshots, store, clock, inUse: () => this.#proof.inUse });
    this.#verifier = verifier;
    this.#clock = clock ?? null;
    this.#proof = new StateProof(this.#proofParts, this.#clock);
    this.#tip = { height: 0, hash: this.chainId, timeMs: genesis.timeMs };
  }

  /** Verifies the record, makes the state level with it, and begins to prove the state. @throws CodedError as `boot` does. */
  static async open(parts: ChainParts): Promise<Chain> {
    const chain = new Chain(parts);
    await chain.#boot();
    return chain;
  }

  /** What opening the chain did. */
  get bootReport(): BootReport {
    assert(this.#bootReport !== null, 'a chain is opened before anyone has it');
    return this.#bootReport;
  }

  /** What is known of the state now. */
  get stateStanding(): StateStanding {
    return this.#proof.standing;
  }

  /** Resolves when the proof of the state has ended that opening the chain has begun, if it did, with how. */
  get proofEnd(): Promise<ProofEnd> | null {
    return this.#proof.ended;
  }

  /** The first height whose block, receipts and indexes are all here; what lies before it other nodes know. */
  get knownFrom(): number {
    const first = this.log.first();
    return first === 1 ? 1 : first + 1;
  }

  /** The last committed block. */
  get tip(): ChainTip {
    return this.#tip;
  }

  /** @returns a view that is the caller's own. */
  async load(keys: Iterable<StateKey>): Promise<Map<StateKey, Uint8Array | null>> {
    const list = [...keys];
    const values = await this.store.get(list);
    const view = new Map<StateKey, Uint8Array | null>();
    for (let i = 0; i < list.length; i++) view.set(list[i] as StateKey, values[i] ?? null);
    return view;
  }

  /** Has at hand what running these transactions will ask for, as far as that can be. */
  expect(transactions: readonly IdentifiedTransaction[]): void {
    this.store.warm(() => [...touchedKeys(transactions)]);
  }

  /**
   * Gives `read` the whole state after the last block or one that was that a moment ago, whatever blocks come meanwhile. Where the
   * chain is just beginning anew, it has done so first. For audits, not for every request.
   */
  async hold<T>(read: (state: StateAfter) => Promise<T>): Promise<T> {
    while (this.#beginning !== null) await this.#beginning;
    return await this.store.hold(async ({ height, pages, chunks }) => {
      assert(height !== null, 'the state of an open chain is whole');
      return await read({ height, hash: await this.#hashAt(height), pages, chunks });
    });
  }

  /**
   * Runs a block's content over the committed state, or that after a block which will be, changing nothing.
   *
   * @throws CodedError `STATE_CORRUPT` where the state is damaged, or nothing can be run on it, which is given up then: were it left
   *   to the proof, the same block would end the node again before that has an end.
   */
  async execute(
    timeMs: number,
    batches: readonly BatchContent[],
    evidence: readonly Evidence[],
    on: Parent = { ...this.#tip, writes: null },
  ): Promise<Execution> {
    try {
      return await this.#run(timeMs, batches, evidence, on);
    } catch (error) {
      if (error instanceof AssertionError) await this.#refuteState(error.message);
      throw isDamagedState(error) ? await givenUp(this, error) : error;
    }
  }

  /**
   * Makes a certified block part of the chain. When it resolves, the block is durable and applied.
   *
   * @param execution what running it over the present tip gave.
   */
  async commit(committed: CommittedBlock, execution: Execution): Promise<void> {
    const { header } = committed.block;
    assert(header.height === this.#tip.height + 1, 'blocks are committed in order');
    assert(header.parentHash === this.#tip.hash, 'a block is committed on its parent');
    if (header.writesRoot !== execution.result.writesRoot) await this.#refuteState(otherResults(header));
    await this.#assertCheckpoint(header);
    await this.log.append(encode(committedBlock, committed));
    await this.#apply(committed, execution);
  }

  /**
   * Runs a certified block from elsewhere and makes it part of the chain.
   *
   * @param batches its batches, with the ids of their transactions.
   * @throws AssertionError or CodedError where this node computes other results than the quorum did: it must not go on.
   */
  async adopt(
    committed: CommittedBlock,
    batches: readonly BatchContent[] = committed.batches.map(withIds),
  ): Promise<Execution> {
    const { header, evidence } = committed.block;
    const execution = await this.execute(header.timeMs, batches, evidence);
    if (!givesRootsOf(header, execution)) await this.#refuteState(otherResults(header));
    await this.commit(committed, execution);
    return execution;
  }

  /** A block of the record; null above the tip, and below a snapshot that the record begins with. */
  async read(height: number): Promise<CommittedBlock | null> {
    const bytes = height < 1 ? null : await this.log.read(height);
    return bytes === null ? null : decode(committedBlock, bytes, MAX_COMMITTED_BLOCK_BYTES);
  }

  /** The certificate is of this block and more than two thirds signed it. Checked on the spot: it has few signatures. */
  isCertified({ block, certificate }: CertifiedBlock): boolean {
    if (certificate.height !== block.header.height || certificate.blockHash !== blockHash(block.header)) return false;
    const checks = certificateChecks(this.chainId, this.validators, certificate);
    return checks?.every((check) => this.#verifier.verify(check)) ?? false;
  }

  /** The checkpoint root that the next block's header carries: of the state half an interval ago, or null, as for most. */
  async checkpointRoot(): Promise<Hash | null> {
    const checkpoint = checkpointIn(this.#tip.height + 1, this.genesis.rules.checkpointInterval);
    return checkpoint === null ? null : await this.#checkpoints.root(checkpoint);
  }

  /** Height of the block that vouches for the snapshot of a checkpoint height. */
  certifierOf(checkpoint: number): number {
    return certifierOf(checkpoint, this.genesis.rules.checkpointInterval);
  }

  /** Whom to tell that a checkpoint could not be made: the node must not go on. */
  onFailure(listener: (error: unknown) => void): void {
    this.#checkpoints.onFailure(listener);
  }

  /** Ends what goes on behind the back of the blocks; before record and state are closed. */
  async stop(): Promise<void> {
    await Promise.all([this.#checkpoints.stop(), this.#proof.stop()]);
  }

  /**
   * Begins anew at a snapshot that others have certified. At each point of a crash there is the old chain, an empty one, or a
   * record that boot gives up, as nothing on the disk vouches for the snapshot before the record has the block that does.
   *
   * @returns false where the chain has come as far meanwhile, or the snapshot is not there any more: nothing has changed.
   */
  async beginAt(start: SnapshotStart): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#beginning = promise;
    try {
      return await this.#beginAt(start);
    } finally {
      this.#beginning = null;
      resolve();
    }
  }

  async #beginAt({ height, block: bytes, root }: SnapshotStart): Promise<boolean> {
    const block = decode(committedBlock, bytes, MAX_COMMITTED_BLOCK_BYTES);
    if (this.#tip.height >= height || (await readManifest(this.snapshots, height, root)) === null) return false;
    await this.stop();
    // What was not stopped but had ended has removed what it took for old.
    const manifest = await readManifest(this.snapshots, height, root);
    if (manifest === null) return false;
    await this.log.beginAnew(height, [bytes]);
    await this.store.clear();
    this.contents.clear();
    const filled = await fillFromSnapshot(this.store, this.snapshots, manifest, this.chainId);
    assert(filled, 'a snapshot that was fetched whole is whole');
    this.#tip = { height, hash: block.certificate.blockHash, timeMs: block.block.header.timeMs };
    this.#checkpoints.know(height, root);
    this.#proof.know('proved');
    return true;
  }

  /** @param height of a state that the store holds, or held when what goes on now began. */
  async #hashAt(height: number): Promise<BlockHash | null> {
    if (height === 0) return null;
    // Where the record begins anew after this it has no block before. The tip is behind the state for a moment, or before it.
    const { tip } = this;
    if (tip.height === height) return tip.hash as BlockHash;
    const committed = await this.read(height);
    assert(committed !== null, `block ${height}, whose state is held, is in the record`);
    return committed.certificate.blockHash;
  }

  async #boot(): Promise<void> {
    const report = await boot({
      ...this.#proofParts,
      checkpoints: this.#checkpoints,
      clock: this.#clock,
      goTo: (tip) => {
        this.#tip = tip;
      },
      replay: (committed) => this.#replay(committed),
    });
    this.#bootReport = report;
    if (report.stateProof !== 'pending') this.#proof.know(report.stateProof);
    // A checkpoint that is made now is waited for by blocks, and the proof by nobody.
    else this.#proof.begin(report.verifiedFrom, () => this.#checkpoints.settled());
  }

  get #proofParts(): ProofParts {
    const { genesis, chainId, rules, log, snapshots, store } = this;
    const isCertified = (block: CertifiedBlock) => this.isCertified(block);
    return { genesis, chainId, rules, log, snapshots, store, isCertified };
  }

  async #run(
    timeMs: number,
    batches: readonly BatchContent[],
    evidence: readonly Evidence[],
    on: Parent,
  ): Promise<Execution> {
    const transactions = batches.flatMap((entry) => entry.transactions);
    const view = await this.load(touchedKeys(transactions, evidence));
    return runOver(this.rules, view, on, { timeMs, transactions, evidence });
  }

  /**
   * What this node computes cannot be, or a quorum has certified something else: that is the state's fault, where it is not known for
   * what it must be.
   *
   * @throws AssertionError, or a CodedError `STATE_CORRUPT` when it has given the state up.
   */
  async #refuteState(what: string): Promise<never> {
    assert(this.stateStanding !== 'proved', what);
    throw await givenUp(this, falseState(what));
  }

  async #apply(committed: CommittedBlock, { result, transactions, positions }: Execution): Promise<void> {
    const { header } = committed.block;
    const { height, timeMs } = header;
    const { receipts } = result;
    const hash: BlockHash = blockHash(header);
    const index = indexOf({ hash, height, receipts, transactions, positions });
    await this.store.apply(height, result.writes, index, this.chainId);
    this.contents.add({ committed, receipts, transactions: transactions.map(({ transaction }) => transaction) });
    this.#tip = { height, hash, timeMs };
    // At once, before the next block changes the state. A block of the record that comes later has carried its root already.
    const { checkpointInterval } = this.genesis.rules;
    if (isHalfwayToCertifier(height, checkpointInterval)) this.#checkpoints.hurry();
    if (height % checkpointInterval === 0 && this.log.length() < this.certifierOf(height))
      this.#checkpoints.begin(height);
  }

  /** @throws AssertionError or CodedError where others certified another state than this node has. */
  async #assertCheckpoint({ height, checkpointRoot }: Header): Promise<void> {
    const own = await this.checkpointRoot();
    if (checkpointRoot === own) return;
    const checkpoint = checkpointIn(height, this.genesis.rules.checkpointInterval);
    // Was it the snapshot that was false, the next boot makes the state it is of anew.
    if (checkpoint !== null) await this.snapshots.setAside(checkpoint);
    await this.#refuteState(`the state that block ${height} vouches for is another one here than on the other nodes`);
  }

  /** @returns whether the results were those of the header; where not, nothing was applied. */
  async #replay(committed: CommittedBlock): Promise<boolean> {
    const { header, evidence } = committed.block;
    const on = { ...this.#tip, writes: null };
    const execution = await this.#run(header.timeMs, committed.batches.map(withIds), evidence, on);
    const isSame = givesRootsOf(header, execution);
    if (isSame) await this.#apply(committed, execution);
    return isSame;
  }
}

function otherResults({ height }: Header): string {
  return `block ${height} gives other results here than on the other nodes`;
}

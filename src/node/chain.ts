/**
 * The committed chain: the record (block log), the state after it, and the only way to extend them. A block is appended
 * and synced first, then applied to the state in one atomic write, then told to anyone; `boot.ts` opens both and proves them.
 */
import { committedBlock } from '../codec/block.ts';
import { MAX_COMMITTED_BLOCK_BYTES } from '../codec/limits.ts';
import { decode, encode } from '../codec/schema.ts';
import { certificateChecks } from '../crypto/certificate.ts';
import { blockHash, chainIdOf, transactionId, validatorSetHash, validatorsOf } from '../crypto/ids.ts';
import { assert } from '../errors.ts';
import {
  applyBlock,
  type BlockResult,
  type IdentifiedTransaction,
  type Rules,
  rulesOf,
  touchedKeys,
} from '../ledger/ledger.ts';
import type { View } from '../ledger/state.ts';
import type { BlockLog, Snapshots, StateStore, Verifier } from '../ports.ts';
import type {
  Batch,
  BlockHash,
  ChainId,
  ChainTip,
  CommittedBlock,
  Evidence,
  Genesis,
  Hash,
  Receipt,
  StateKey,
  ValidatorSet,
} from '../types/index.ts';
import { type BootReport, boot } from './boot.ts';
import { Contents } from './contents.ts';
import { indexRows } from './indexes.ts';
import { fillFromSnapshot, pruneSnapshots, readManifest, takeSnapshot } from './snapshot.ts';

/** What a block's content does to the state it is built on. */
export interface Execution {
  readonly result: BlockResult;
  /** Those that took part: one for each receipt. */
  readonly transactions: readonly IdentifiedTransaction[];
  /** Of each of those among all transactions of the content. */
  readonly positions: readonly number[];
}

export interface ChainParts {
  readonly genesis: Genesis;
  readonly log: BlockLog;
  readonly snapshots: Snapshots;
  readonly store: StateStore;
  readonly verifier: Verifier;
}

/** A block of the record and what running it gave. */
export interface Adopted {
  readonly committed: CommittedBlock;
  readonly execution: Execution;
}

/** A fetched snapshot, whole and durable, with the canonical bytes of its block and of the next one, which certifies it. */
export interface SnapshotStart {
  readonly height: number;
  readonly blocks: readonly [block: Uint8Array, next: Uint8Array];
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
  readonly #verifier: Verifier;
  #tip: ChainTip;
  #checkpoint: { readonly height: number; readonly root: Hash } | null = null;
  #bootReport: BootReport | null = null;

  private constructor({ genesis, log, snapshots, store, verifier }: ChainParts) {
    this.genesis = genesis;
    this.chainId = chainIdOf(genesis);
    this.rules = rulesOf(genesis);
    this.validators = validatorsOf(genesis);
    this.validatorSetHash = validatorSetHash(this.validators);
    this.log = log;
    this.snapshots = snapshots;
    this.store = store;
    this.contents = new Contents({ store, read: (height) => this.read(height) });
    this.#verifier = verifier;
    this.#tip = { height: 0, hash: this.chainId, timeMs: genesis.timeMs };
  }

  /** Verifies record and state, and makes the state level with the record. @throws CodedError as `boot` does. */
  static async open(parts: ChainParts): Promise<Chain> {
    const chain = new Chain(parts);
    await chain.#boot(parts);
    return chain;
  }

  /** What opening the chain did. */
  get bootReport(): BootReport {
    assert(this.#bootReport !== null, 'a chain is opened before anyone has it');
    return this.#bootReport;
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

  async load(keys: Iterable<StateKey>): Promise<View> {
    const list = [...keys];
    const values = await this.store.get(list);
    return new Map(list.map((key, i) => [key, values[i] ?? null]));
  }

  /** Runs a block's content over the committed state, changing nothing. */
  async execute(timeMs: number, batches: readonly BatchContent[], evidence: readonly Evidence[]): Promise<Execution> {
    const transactions = batches.flatMap((entry) => entry.transactions);
    const view = await this.load(touchedKeys(transactions, evidence));
    const { height, timeMs: parentTimeMs } = this.#tip;
    const input = { height: height + 1, timeMs, parentTimeMs, transactions, evidence };
    const result = applyBlock(this.rules, view, input);
    return { result, ...tookPart(result.receipts, transactions) };
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
    assert(header.writesRoot === execution.result.writesRoot, 'a block is committed with its own writes');
    assert(
      header.checkpointRoot === (await this.checkpointRoot()),
      `the state before block ${header.height} is another one here than on the other nodes`,
    );
    await this.log.append(encode(committedBlock, committed));
    await this.#apply(committed, execution);
  }

  /**
   * Runs a certified block from elsewhere and makes it part of the chain.
   *
   * @throws AssertionError where this node computes other results than the quorum did: it must not go on.
   */
  async adopt(committed: CommittedBlock): Promise<Execution> {
    const execution = await this.#replay(committed);
    assert(
      execution !== null,
      `block ${committed.block.header.height} gives other results here than on the other nodes`,
    );
    await this.commit(committed, execution);
    return execution;
  }

  /** A block of the record; null above the tip, and below a snapshot that the record begins with. */
  async read(height: number): Promise<CommittedBlock | null> {
    const bytes = height < 1 ? null : await this.log.read(height);
    return bytes === null ? null : decode(committedBlock, bytes, MAX_COMMITTED_BLOCK_BYTES);
  }

  /** The certificate is of this block and more than two thirds signed it. Checked on the spot: it has few signatures. */
  isCertified({ block, certificate }: CommittedBlock): boolean {
    if (certificate.height !== block.header.height || certificate.blockHash !== blockHash(block.header)) return false;
    const checks = certificateChecks(this.chainId, this.validators, certificate);
    return checks?.every((check) => this.#verifier.verify(check)) ?? false;
  }

  /** The checkpoint root that the next block's header carries: of the whole present state, or null between checkpoints. */
  async checkpointRoot(): Promise<Hash | null> {
    const { height } = this.#tip;
    if (height === 0 || height % this.genesis.rules.checkpointInterval !== 0) return null;
    if (this.#checkpoint?.height !== height) {
      const root = await takeSnapshot(height, this.store, this.snapshots);
      await pruneSnapshots(this.snapshots, height, this.log.first());
      this.#checkpoint = { height, root };
    }
    return this.#checkpoint.root;
  }

  /**
   * Begins anew at a snapshot that others have certified. At each point of a crash there is the old chain, an empty one, or
   * all that it takes to finish: the snapshot is durable, then the record begins with its block, then the state is filled.
   *
   * @returns false where the chain has come as far meanwhile, or the snapshot is not there any more: nothing has changed.
   */
  async beginAt({ height, blocks }: SnapshotStart): Promise<boolean> {
    const [block, next] = blocks.map((bytes) => decode(committedBlock, bytes, MAX_COMMITTED_BLOCK_BYTES));
    assert(block !== undefined && next !== undefined, 'a snapshot starts with two blocks');
    if (this.#tip.height >= height) return false;
    const manifest = await readManifest(this.snapshots, height, next.block.header.checkpointRoot);
    if (manifest === null) return false;
    await this.log.beginAnew(height, blocks);
    await this.store.clear();
    this.contents.clear();
    const filled = await fillFromSnapshot(this.store, this.snapshots, manifest, this.chainId);
    assert(filled, 'a snapshot that was fetched whole is whole');
    this.#tip = { height, hash: block.certificate.blockHash, timeMs: block.block.header.timeMs };
    return true;
  }

  /** Runs the next block of the record, which the state lacks after `beginAt`. */
  async adoptRecorded(): Promise<Adopted> {
    const committed = await this.read(this.#tip.height + 1);
    assert(committed !== null, 'the record goes on');
    const execution = await this.#replay(committed);
    assert(execution !== null, `block ${this.#tip.height + 1} gives other results here than on the other nodes`);
    await this.#apply(committed, execution);
    return { committed, execution };
  }

  async #boot(parts: ChainParts): Promise<void> {
    this.#bootReport = await boot({
      ...parts,
      chainId: this.chainId,
      rules: this.rules,
      read: (height) => this.read(height),
      isCertified: (committed) => this.isCertified(committed),
      goTo: (tip) => {
        this.#tip = tip;
      },
      replay: async (committed) => {
        const execution = await this.#replay(committed);
        if (execution !== null) await this.#apply(committed, execution);
        return execution !== null;
      },
    });
  }

  async #apply(committed: CommittedBlock, { result, transactions, positions }: Execution): Promise<void> {
    const { header } = committed.block;
    const { height, timeMs } = header;
    const { receipts } = result;
    const hash: BlockHash = blockHash(header);
    const rows = indexRows({ hash, height, receipts, transactions, positions });
    await this.store.apply(height, result.writes, rows, this.chainId);
    this.contents.add({ committed, receipts, transactions: transactions.map(({ transaction }) => transaction) });
    this.#tip = { height, hash, timeMs };
  }

  /** @returns null where the results are not those of the header. */
  async #replay({ block: { header, evidence }, batches }: CommittedBlock): Promise<Execution | null> {
    const execution = await this.execute(header.timeMs, batches.map(withIds), evidence);
    const roots = ['transactionsRoot', 'receiptsRoot', 'writesRoot'] as const;
    return roots.every((root) => execution.result[root] === header[root]) ? execution : null;
  }
}

/** Which of the transactions each receipt is of: the first with its id, as what comes again is left out. */
function tookPart(
  receipts: readonly Receipt[],
  offered: readonly IdentifiedTransaction[],
): Pick<Execution, 'transactions' | 'positions'> {
  const positions: number[] = [];
  const transactions: IdentifiedTransaction[] = [];
  for (const [position, entry] of offered.entries()) {
    if (receipts[positions.length]?.transactionId !== entry.id) continue;
    positions.push(position);
    transactions.push(entry);
  }
  assert(positions.length === receipts.length, 'receipts are of transactions that were run, in their order');
  return { transactions, positions };
}

/** A batch's transactions with their ids. */
export interface BatchContent {
  readonly transactions: readonly IdentifiedTransaction[];
}

export function withIds(batch: Batch): BatchContent {
  return {
    transactions: batch.transactions.map((transaction) => ({ id: transactionId(transaction.body), transaction })),
  };
}

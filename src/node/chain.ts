/**
 * The committed chain: the record (block log), the state after it, and the only way to extend them. A block is appended
 * and synced first, then applied to the state in one atomic write, then told to anyone; on boot the record is verified
 * from its first block and whatever the state lacks is applied again.
 */
import { committedBlock } from '../codec/block.ts';
import { MAX_COMMITTED_BLOCK_BYTES } from '../codec/limits.ts';
import { decode, encode } from '../codec/schema.ts';
import { certificateChecks } from '../crypto/certificate.ts';
import { batchDigest, blockHash, chainIdOf, transactionId, validatorSetHash, validatorsOf } from '../crypto/ids.ts';
import { merkleRoot } from '../crypto/merkle.ts';
import { assert, CodedError } from '../errors.ts';
import {
  applyBlock,
  type BlockResult,
  genesisWrites,
  type IdentifiedTransaction,
  type Rules,
  rulesOf,
  stateLeaf,
  touchedKeys,
} from '../ledger/ledger.ts';
import type { View } from '../ledger/state.ts';
import type { BlockLog, StateStore, Verifier } from '../ports.ts';
import type {
  Batch,
  BlockHash,
  ChainId,
  ChainTip,
  CommittedBlock,
  Evidence,
  Genesis,
  Hash,
  StateKey,
  TransactionId,
  ValidatorSet,
} from '../types/index.ts';
import { indexRows } from './indexes.ts';

/** What a block's content does to the state it is built on. */
export interface Execution {
  readonly result: BlockResult;
  readonly transactions: ReadonlyMap<TransactionId, IdentifiedTransaction>;
}

export interface ChainParts {
  readonly genesis: Genesis;
  readonly log: BlockLog;
  readonly store: StateStore;
  readonly verifier: Verifier;
}

export class Chain {
  readonly genesis: Genesis;
  readonly chainId: ChainId;
  readonly rules: Rules;
  readonly validators: ValidatorSet;
  readonly validatorSetHash: Hash;
  readonly log: BlockLog;
  readonly store: StateStore;
  readonly #verifier: Verifier;
  #tip: ChainTip;
  #checkpoint: { readonly height: number; readonly root: Hash } | null = null;

  private constructor({ genesis, log, store, verifier }: ChainParts) {
    this.genesis = genesis;
    this.chainId = chainIdOf(genesis);
    this.rules = rulesOf(genesis);
    this.validators = validatorsOf(genesis);
    this.validatorSetHash = validatorSetHash(this.validators);
    this.log = log;
    this.store = store;
    this.#verifier = verifier;
    this.#tip = { height: 0, hash: this.chainId, timeMs: genesis.timeMs };
  }

  /**
   * Verifies the record, block by block: decoding, parent hash, batch digests, certificate. Applies what the state lacks.
   *
   * @throws CodedError `FOLDER_FOREIGN` (the state is of another network), `STATE_AHEAD` (the record lost blocks that the
   *   state holds), `CHAIN_CORRUPT` (a block of the record does not verify, or does not do again what it did).
   */
  static async open(parts: ChainParts): Promise<Chain> {
    const chain = new Chain(parts);
    const { log, store } = parts;
    if (store.height() === null) await store.apply(0, genesisWrites(parts.genesis), [], chain.chainId);
    if (store.chain() !== chain.chainId) {
      throw new CodedError(
        'FOLDER_FOREIGN',
        'the state in this folder belongs to another network; choose another folder',
      );
    }
    if ((store.height() ?? 0) > log.length()) {
      throw new CodedError(
        'STATE_AHEAD',
        `the state has ${store.height()} blocks, the block log only ${log.length()}: blocks are missing from the log; ` +
          'restore blocks.log from a copy, or move this folder away and let the node fetch everything again',
      );
    }
    for (let height = 1; height <= log.length(); height++) await chain.#reopen(height);
    return chain;
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
    return { result, transactions: new Map(transactions.map((entry) => [entry.id, entry])) };
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

  /** A block of the record; null above the tip. */
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
      const leaves: Hash[] = [];
      for await (const entry of this.store.entries()) leaves.push(stateLeaf(entry));
      this.#checkpoint = { height, root: merkleRoot(leaves) };
    }
    return this.#checkpoint.root;
  }

  async #apply({ block: { header }, batches }: CommittedBlock, { result, transactions }: Execution): Promise<void> {
    assert(batches.length === 0 || transactions.size > 0, 'an execution has the transactions of its batches');
    const hash: BlockHash = blockHash(header);
    const { height, timeMs } = header;
    const rows = indexRows(hash, height, timeMs, result.receipts, transactions);
    await this.store.apply(height, result.writes, rows, this.chainId);
    this.#tip = { height, hash, timeMs };
  }

  /** @returns null where the results are not those of the header. */
  async #replay({ block: { header, evidence }, batches }: CommittedBlock): Promise<Execution | null> {
    const execution = await this.execute(header.timeMs, batches.map(withIds), evidence);
    const roots = ['transactionsRoot', 'receiptsRoot', 'writesRoot'] as const;
    return roots.every((root) => execution.result[root] === header[root]) ? execution : null;
  }

  async #reopen(height: number): Promise<void> {
    const corrupt = (what: string, cause?: unknown) =>
      new CodedError('CHAIN_CORRUPT', `block ${height} of the block log ${what}; restore blocks.log from a copy`, {
        cause,
      });
    const committed = await this.read(height).catch((cause: unknown) => {
      throw corrupt('cannot be decoded', cause);
    });
    if (committed === null) throw corrupt('is missing');
    const { header } = committed.block;
    if (header.height !== height || header.parentHash !== this.#tip.hash)
      throw corrupt('does not follow the one before');
    if (!holdsItsBatches(committed)) throw corrupt('does not hold the batches that it names');
    if (!this.isCertified(committed)) throw corrupt('has no valid certificate');
    if (height <= (this.store.height() ?? 0)) {
      this.#tip = { height, hash: committed.certificate.blockHash, timeMs: header.timeMs };
      return;
    }
    const execution = await this.#replay(committed);
    if (execution === null) throw corrupt('gives other results than it did');
    await this.#apply(committed, execution);
  }
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

/** Whether the batches of a record are those its block names, in order. */
export function holdsItsBatches({ block, batches }: CommittedBlock): boolean {
  return (
    batches.length === block.batches.length && batches.every((batch, i) => batchDigest(batch) === block.batches[i])
  );
}

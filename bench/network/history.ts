/**
 * Blocks that were agreed on before any bank runs: made one after the other as a node makes its own, by whose turn it is, and
 * certified by the keys of all validators. For benchmarks, whose seed has all keys.
 */
import { proposerIndex } from '../../src/consensus/index.ts';
import { statementSigningBytes } from '../../src/crypto/ids.ts';
import { CodedError } from '../../src/errors.ts';
import { statusOf } from '../../src/ledger/status.ts';
import { BatchPool } from '../../src/mempool/batch-pool.ts';
import { areSigned, readBatch } from '../../src/node/admission.ts';
import { Builder } from '../../src/node/builder.ts';
import type { Chain } from '../../src/node/chain.ts';
import type { Clock, Signer, Verifier } from '../../src/ports.ts';
import type { BlockHash, CommitCertificate, Statement } from '../../src/types/index.ts';

export interface HistoryParts {
  readonly chain: Chain;
  /** In the order of the genesis. */
  readonly validators: readonly Signer[];
  readonly verifier: Verifier;
  readonly clock: Clock;
}

/** Of a checkpoint interval: fewer blocks are verified by every node sooner than those are made that would spare it that. */
const FEW_BLOCKS_SHARE = 0.1;

/** With as many a block gets as many commands as it may have, also where each of them is small. */
const ENOUGH_BATCHES = 4;

export class History {
  readonly #parts: HistoryParts;
  readonly #pool = new BatchPool();
  readonly #builders: readonly Builder[];

  constructor(parts: HistoryParts) {
    const { chain, verifier } = parts;
    this.#parts = parts;
    this.#builders = chain.validators.map(
      ({ participant: self }) => new Builder({ chain, pool: this.#pool, verifier, self }),
    );
  }

  /** Takes in a batch, and makes blocks where there is enough for one. @throws CodedError `BENCH_NOT_FURNISHED`. */
  async add(bytes: Uint8Array): Promise<void> {
    const { chain, verifier } = this.#parts;
    const read = readBatch(chain.chainId, bytes);
    if ('problem' in read) throw notFurnished(read.problem);
    if ((await areSigned(read.known.transactions, verifier)) !== true) throw notFurnished('a signature is wrong');
    if (!this.#pool.add(read.known)) throw notFurnished('a batch came twice');
    if (this.#pool.size >= ENOUGH_BATCHES) await this.#block();
  }

  /** Makes blocks of all that was taken in. @throws CodedError `BENCH_NOT_FURNISHED`. */
  async flush(): Promise<void> {
    while (this.#pool.hasWork) await this.#block();
  }

  /**
   * Goes on with empty blocks until one vouches for a checkpoint of all this: nodes that open the record then prove their state
   * by its snapshot, and need not run the blocks. A record of few blocks stays as it is.
   */
  async vouch(): Promise<void> {
    const { chain } = this.#parts;
    const { checkpointInterval } = chain.genesis.rules;
    const { height } = chain.tip;
    if (height < FEW_BLOCKS_SHARE * checkpointInterval) return;
    const checkpoint = Math.ceil(height / checkpointInterval) * checkpointInterval;
    while (chain.tip.height < chain.certifierOf(checkpoint)) await this.#block();
  }

  async #block(): Promise<void> {
    const { chain, clock } = this.#parts;
    const height = chain.tip.height + 1;
    const builder = this.#builders[proposerIndex(height, 0, this.#builders.length)];
    if (builder === undefined) throw new RangeError('it is the turn of one of the validators');
    const { block, blockHash, execution } = await builder.build(clock.now(), []);
    const batches = block.batches.flatMap((digest) => this.#pool.get(digest)?.batch ?? []);
    const { receipts } = execution.result;
    const refused = receipts.find(({ status }) => statusOf(status)?.name !== 'OK');
    const offered = batches.reduce((sum, { transactions }) => sum + transactions.length, 0);
    if (refused !== undefined || receipts.length < offered) {
      const status = refused === undefined ? 'left out' : statusOf(refused.status)?.name;
      throw notFurnished(`a transaction of block ${height} was ${status}`);
    }
    await chain.commit({ block, certificate: this.#certify(height, blockHash), batches }, execution);
    this.#pool.commit(
      block.batches,
      receipts.map(({ transactionId }) => transactionId),
    );
  }

  #certify(height: number, blockHash: BlockHash): CommitCertificate {
    const { chain, validators } = this.#parts;
    const signatures = validators.map((signer, validator) => {
      const said = precommit(height, blockHash, validator);
      return { validator, signature: signer.sign(statementSigningBytes(chain.chainId, said)) };
    });
    return { height, round: 0, blockHash, signatures };
  }
}

/** What a validator says of each of these blocks last. */
export function precommit(height: number, blockHash: BlockHash, validator: number): Statement {
  return { step: 'precommit', height, round: 0, blockHash, validRound: null, validator };
}

export function notFurnished(reason: string): CodedError {
  return new CodedError('BENCH_NOT_FURNISHED', `the accounts could not be opened: ${reason}`);
}

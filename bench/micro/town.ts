/** A few dozen wallets with money at four banks, and payments between them: what the groups time is done with these. */
import { committedBlock } from '../../src/codec/block.ts';
import { encode } from '../../src/codec/schema.ts';
import { batchDigest, blockHash, chainIdOf, transactionId } from '../../src/crypto/ids.ts';
import { assert } from '../../src/errors.ts';
import {
  applyBlock,
  type BlockInput,
  type IdentifiedTransaction,
  rulesOf,
  touchedKeys,
} from '../../src/ledger/ledger.ts';
import type { View } from '../../src/ledger/state.ts';
import { Book } from '../../src/testing/book.ts';
import { testNetwork } from '../../src/testing/genesis.ts';
import { issue, open, settlement, transactionOf, transfer, walletOf } from '../../src/testing/transactions.ts';
import type { Batch, Block, BlockHash, Hash, Header, ParticipantId, StateKey, Vote } from '../../src/types/index.ts';

const WALLETS = 64;
const FUNDS_MINOR = 1_000_000n;
const VALIDITY_MS = 60_000;
const BANKS = ['aclb', 'cnb', 'wing'] as const;

export class Town {
  readonly network = testNetwork();
  readonly chainId = chainIdOf(this.network.genesis);
  readonly rules = rulesOf(this.network.genesis);
  readonly book = new Book(this.network);
  readonly #wallets = Array.from({ length: WALLETS }, (_, i) => `w${i}@${BANKS[i % BANKS.length]}`);

  constructor() {
    for (const bank of BANKS) {
      const mine = this.#wallets.filter((wallet) => wallet.endsWith(`@${bank}`));
      this.#ok(['officer/1', 'officer/2'], [issue(settlement(bank), FUNDS_MINOR * BigInt(mine.length))]);
      const openings = mine.flatMap((wallet) => {
        return [open(this.network, wallet), transfer(settlement(bank), wallet, FUNDS_MINOR)];
      });
      this.#ok([`operator/${bank}`], openings);
    }
  }

  /** Payments that nobody made before, each by its payer's key. */
  payments(count: number): readonly IdentifiedTransaction[] {
    const at = (i: number) => this.#wallets[i % WALLETS] ?? '';
    return Array.from({ length: count }, (_, i) => {
      const [from, to] = [at(i), at(i + 1)];
      const validUntilMs = this.book.timeMs + VALIDITY_MS;
      const transaction = transactionOf(
        this.network,
        [walletOf(from)],
        [transfer(from, to, BigInt(1 + (i % 100)))],
        validUntilMs,
      );
      return { id: transactionId(transaction.body), transaction };
    });
  }

  batch(count: number): Batch {
    const transactions = this.payments(count).map(({ transaction }) => transaction);
    return { version: 1, chainId: this.chainId, author: 'aclb' as ParticipantId, transactions };
  }

  /** The record of one of the wallets, as the state has it. */
  account(): Uint8Array {
    const [id = ''] = this.#wallets;
    const record = this.book.entries.get(`account/${id}` as StateKey);
    assert(record !== undefined, 'every wallet has an account');
    return record;
  }

  /** The state that these payments need. */
  view(transactions: readonly IdentifiedTransaction[]): View {
    return new Map([...touchedKeys(transactions)].map((key) => [key, this.book.entries.get(key) ?? null]));
  }

  /** A block of these payments that comes next. */
  blockInput(transactions: readonly IdentifiedTransaction[]): BlockInput {
    const { height, timeMs } = this.book;
    return { height: height + 1, timeMs: timeMs + 10, parentTimeMs: timeMs, transactions, evidence: [] };
  }

  header(transactions: readonly IdentifiedTransaction[]): Header {
    const input = this.blockInput(transactions);
    const { transactionsRoot, receiptsRoot, writesRoot } = applyBlock(this.rules, this.view(transactions), input);
    const root = this.chainId as Hash;
    return {
      version: 1,
      chainId: this.chainId,
      height: input.height,
      timeMs: input.timeMs,
      proposer: 'aclb' as ParticipantId,
      parentHash: root,
      validatorSetHash: root,
      batchesRoot: root,
      evidenceRoot: root,
      transactionsRoot,
      receiptsRoot,
      writesRoot,
      checkpointRoot: null,
    };
  }

  /** A precommit with a signature that nobody checks. */
  vote(hash: BlockHash): Vote {
    const signature = new Uint8Array(64).fill(0x51);
    return { step: 'precommit', height: 7, round: 0, blockHash: hash, validRound: null, validator: 2, signature };
  }

  /** What the record keeps of a block of so many payments, with three signatures. */
  record(count: number): Uint8Array {
    const payments = this.payments(count);
    const header = this.header(payments);
    const batch = { ...this.batch(1), transactions: payments.map(({ transaction }) => transaction) };
    const block: Block = { header, batches: [batchDigest(batch)], evidence: [] };
    const hash = blockHash(header);
    const { signature } = this.vote(hash);
    const signatures = [0, 1, 2].map((validator) => ({ validator, signature }));
    const certificate = { height: header.height, round: 0, blockHash: hash, signatures };
    return encode(committedBlock, { block, certificate, batches: [batch] });
  }

  #ok(signers: readonly string[], commands: Parameters<Book['run']>[1]): void {
    const status = this.book.run(signers, commands);
    assert(status === 'OK', `the town is furnished: ${status}`);
  }
}

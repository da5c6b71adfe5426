/** What banks sign to open the accounts of a benchmark and give them money: one batch after the other. */
import { batch as batchSchema } from '../../src/codec/block.ts';
import { MAX_COMMANDS } from '../../src/codec/limits.ts';
import { encode } from '../../src/codec/schema.ts';
import { settlementAccount } from '../../src/codec/text.ts';
import { createSigner, publicKeyOf } from '../../src/crypto/ed25519.ts';
import { signTransaction } from '../../src/crypto/sign.ts';
import type {
  Amount,
  ChainId,
  Command,
  CurrencyCode,
  Nonce,
  ParticipantId,
  TierName,
  Transaction,
} from '../../src/types/index.ts';
import { accountAt, accountSecret, bankOf, type People, secretOf } from './people.ts';

/** What each account begins with: enough for ten thousand payments of a hundred riel. */
export const FUNDS: Amount = { currency: 'KHR' as CurrencyCode, minor: 1_000_000n };

export interface Opening {
  /** Canonical bytes of a batch. */
  readonly bytes: Uint8Array;
  /** How many it opens. */
  readonly accounts: number;
}

/** As of the wallets of a local network, with Bakong's limits: each payment counts towards the payer's day. */
const TIER = 'full' as TierName;
/** One account takes two commands. */
const ACCOUNTS_A_TRANSACTION = MAX_COMMANDS / 2;
/** With as many a block is as full as a node makes its own. */
const ACCOUNTS_A_BATCH = 512;

/** @param validUntilMs is asked when a batch is made. @returns batches of the banks in turn. */
export function* openings(people: People, chainId: ChainId, validUntilMs: () => number): Generator<Opening> {
  for (const { author, accounts } of piecesOf(people)) {
    const operator = createSigner(secretOf(people.seed, `operator/${author}`));
    const transactions: Transaction[] = [];
    for (let at = 0; at < accounts.length; at += ACCOUNTS_A_TRANSACTION) {
      const indexes = accounts.slice(at, at + ACCOUNTS_A_TRANSACTION);
      const commands = indexes.flatMap((index) => openingOf(people, author, index));
      // No two transactions of a bank open the same account.
      const nonce = (indexes[0] ?? 0).toString(16).padStart(32, '0') as Nonce;
      const body = { version: 1, chainId, validUntilMs: validUntilMs(), nonce, commands } as const;
      transactions.push(signTransaction(body, [operator]));
    }
    const bytes = encode(batchSchema, { version: 1, chainId, author, transactions });
    yield { bytes, accounts: accounts.length };
  }
}

interface Piece {
  readonly author: ParticipantId;
  /** Indexes of accounts of this bank. */
  readonly accounts: readonly number[];
}

function* piecesOf({ accounts, banks }: People): Generator<Piece> {
  for (let from = 0; from < accounts; from += ACCOUNTS_A_BATCH * banks.length) {
    const to = Math.min(accounts, from + ACCOUNTS_A_BATCH * banks.length);
    const all = Array.from({ length: to - from }, (_, i) => from + i);
    for (const [bank, author] of banks.entries()) {
      const mine = all.filter((index) => bankOf(banks.length, index) === bank);
      if (mine.length > 0) yield { author, accounts: mine };
    }
  }
}

function openingOf(people: People, bank: ParticipantId, index: number): Command[] {
  const account = accountAt(people, index);
  const publicKey = publicKeyOf(accountSecret(people.seed, index));
  return [
    { type: 'openAccount', account, publicKey, tier: TIER },
    { type: 'transfer', from: settlementAccount(bank), to: account, amount: FUNDS, alias: null, memo: '' },
  ];
}

/** The thread of `openings`: makes the keys of some accounts, and one signed batch of their bank that opens them. */
import { parentPort } from 'node:worker_threads';
import { batch as batchSchema } from '../../src/codec/block.ts';
import { MAX_COMMANDS } from '../../src/codec/limits.ts';
import { encode } from '../../src/codec/schema.ts';
import { settlementAccount } from '../../src/codec/text.ts';
import { createSigner, publicKeyOf } from '../../src/crypto/ed25519.ts';
import { signTransaction } from '../../src/crypto/sign.ts';
import type { Command, Nonce, TierName, Transaction } from '../../src/types/index.ts';
import { FUNDS, type Opening, type OpeningRequest } from './openings.ts';
import { accountAt, accountSecret, secretOf } from './people.ts';

/** As of the wallets of a local network, with Bakong's limits: each payment counts towards the payer's day. */
const TIER = 'full' as TierName;
/** One account takes two commands. */
const ACCOUNTS_A_TRANSACTION = MAX_COMMANDS / 2;

parentPort?.on('message', (request: OpeningRequest) => {
  const opening: Opening = { bytes: batchOf(request), accounts: request.accounts.length };
  parentPort?.postMessage(opening);
});

function batchOf(request: OpeningRequest): Uint8Array {
  const { people, chainId, author, accounts, validUntilMs } = request;
  const operator = createSigner(secretOf(people.seed, `operator/${author}`));
  const transactions: Transaction[] = [];
  for (let at = 0; at < accounts.length; at += ACCOUNTS_A_TRANSACTION) {
    const indexes = accounts.slice(at, at + ACCOUNTS_A_TRANSACTION);
    const commands = indexes.flatMap((index) => openingOf(request, index));
    // No two transactions of a bank open the same account.
    const nonce = (indexes[0] ?? 0).toString(16).padStart(32, '0') as Nonce;
    transactions.push(signTransaction({ version: 1, chainId, validUntilMs, nonce, commands }, [operator]));
  }
  return encode(batchSchema, { version: 1, chainId, author, transactions });
}

function openingOf({ people, author }: OpeningRequest, index: number): Command[] {
  const account = accountAt(people, index);
  const publicKey = publicKeyOf(accountSecret(people.seed, index));
  return [
    { type: 'openAccount', account, publicKey, tier: TIER },
    { type: 'transfer', from: settlementAccount(author), to: account, amount: FUNDS, alias: null, memo: '' },
  ];
}

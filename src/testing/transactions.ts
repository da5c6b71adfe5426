/** Short ways to write transactions in tests: who pays whom, signed by whom. */
import { settlementAccount } from '../codec/text.ts';
import { chainIdOf, transactionId } from '../crypto/ids.ts';
import { signTransaction } from '../crypto/sign.ts';
import type { KnownBatch } from '../mempool/batch-pool.ts';
import { knowBatch } from '../node/admission.ts';
import type { AccountId, Command, CurrencyCode, Nonce, ParticipantId, TierName, Transaction } from '../types/index.ts';
import { GENESIS_TIME_MS, KHR, type TestNetwork } from './genesis.ts';

let counter = 0;

/** A transaction that nobody made before, signed by the keys of these names. */
export function transactionOf(
  network: TestNetwork,
  signers: readonly string[],
  commands: readonly Command[],
  validUntilMs = GENESIS_TIME_MS + 60_000,
): Transaction {
  counter += 1;
  const nonce = counter.toString(16).padStart(32, '0') as Nonce;
  const body = { version: 1, chainId: chainIdOf(network.genesis), validUntilMs, nonce, commands } as const;
  return signTransaction(body, signers.map(network.signer));
}

export const idOf = ({ body }: Transaction) => transactionId(body);

/** A batch of this author, as a node knows it. */
export function batchBy(author: string, ...transactions: readonly [Transaction, ...Transaction[]]): KnownBatch {
  const [{ body }] = transactions;
  return knowBatch({ version: 1, chainId: body.chainId, author: author as ParticipantId, transactions });
}

export const account = (text: string) => text as AccountId;
export const settlement = (participant: string) => settlementAccount(participant as ParticipantId);

/** `open('dara@aclb')` with the key `wallet/dara`. @param tier one of the network's; null where it has none. */
export function open(network: TestNetwork, id: string, tier: string | null = null): Command {
  const { publicKey } = network.signer(walletOf(id));
  return { type: 'openAccount', account: account(id), publicKey, tier: tier as TierName | null };
}

export function transfer(from: string, to: string, minor: bigint, currency: CurrencyCode = KHR): Command {
  return { type: 'transfer', from: account(from), to: account(to), amount: { currency, minor }, alias: null, memo: '' };
}

export function issue(to: string, minor: bigint, currency: CurrencyCode = KHR): Command {
  return { type: 'issue', to: account(to), amount: { currency, minor } };
}

export function redeem(from: string, minor: bigint, currency: CurrencyCode = KHR): Command {
  return { type: 'redeem', from: account(from), amount: { currency, minor } };
}

/** Name of the key of a wallet account: `wallet/dara` of `dara@aclb`. */
export function walletOf(id: string): string {
  return `wallet/${id.slice(0, id.indexOf('@'))}`;
}

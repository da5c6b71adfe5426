/**
 * The wallets of a development network: two at each bank, with phone numbers and money, so that the first payment is one
 * command away. They are opened as any wallet is: the officers issue to the banks, and each bank opens, attests and funds
 * through its operator API. Each step looks first whether it was done, so a start that was cut short is taken up again.
 */
import { type Client, createClient } from '../api/client.ts';
import { ApiError } from '../api/client-errors.ts';
import type { AccountJson } from '../api/types.ts';
import { fromHex } from '../codec/hex.ts';
import { settlementAccount } from '../codec/text.ts';
import { createSigner } from '../crypto/ed25519.ts';
import { CodedError } from '../errors.ts';
import type { Clock, Random } from '../ports.ts';
import type { Amount, Command } from '../types/index.ts';
import { homePaths, readKey, readSecret } from './home.ts';
import type { LocalNode } from './local-network.ts';
import type { PasswordSource } from './password.ts';
import { bindAlias, fund, newNonce, openWallet, readAmount, readTerms, sign, submit, type Terms } from './wallet.ts';
import { createWallet, listWallets, unlockWallet, type Wallet } from './wallet-files.ts';

export interface DevelopmentParts {
  /** Folder of the local network. */
  readonly data: string;
  readonly nodes: readonly LocalNode[];
  readonly clock: Clock;
  readonly random: Random;
}

/** A wallet as a person sees it in the list. */
export interface WalletRow {
  readonly name: string;
  readonly account: string;
  readonly phone: string | null;
  readonly balances: AccountJson['balances'];
}

const NAMES = ['dara', 'sokha', 'bopha', 'veasna', 'chanthou', 'rithy', 'sreymom', 'vuthy', 'kunthea', 'samnang'];
const WALLETS_PER_BANK = 2;
/** Of each bank's settlement account at the start, and of each wallet. */
const FUNDS = [
  { currency: 'KHR', bank: '1000000000', wallet: '4000000' },
  { currency: 'USD', bank: '250000', wallet: '1000' },
] as const;

interface Bank {
  readonly node: LocalNode;
  /** With the bank's own token. */
  readonly client: Client;
}

/** @throws CodedError of the first step that a node refused, or `UNKNOWN_OUTCOME`. */
export async function openDevelopmentWallets(parts: DevelopmentParts): Promise<void> {
  const { nodes, clock } = parts;
  const centralBank = nodes.find((node) => node.kind === 'centralBank');
  if (centralBank === undefined) return;
  const terms = await readTerms(createClient(centralBank.apiUrl), clock);
  const banks = await Promise.all(nodes.filter((node) => node.kind === 'bank').map(bankOf));
  await issueToBanks(parts, terms, centralBank, banks);
  const plans = banks.flatMap((bank, i) =>
    Array.from({ length: WALLETS_PER_BANK }, (_, j) => ({ bank, number: i * WALLETS_PER_BANK + j })),
  );
  await Promise.all(plans.map(({ bank, number }) => openOne(parts, terms, bank, number)));
}

/** The wallets of the folder, with what their banks and the ledger know of them. */
export async function describeWallets({ data, nodes }: DevelopmentParts): Promise<readonly WalletRow[]> {
  const banks = await Promise.all(nodes.map(bankOf));
  const customers = await Promise.all(banks.map(async ({ client }) => (await client.operator.customers()).customers));
  const phones = new Map(customers.flat().map((customer) => [customer.account, customer.phones[0] ?? null]));
  const order = new Map(nodes.map((node, i) => [node.participant as string, i]));
  const place = ({ account }: { readonly account: string }) => order.get(account.split('@')[1] ?? '') ?? order.size;
  const found = [...(await listWallets(data))].sort((a, b) => place(a) - place(b));
  return await Promise.all(
    found.map(async ({ name, account }) => {
      const bank = banks.find(({ node }) => account.endsWith(`@${node.participant}`)) ?? banks[0];
      const known = bank === undefined ? null : await orNull(bank.client.account(account));
      return { name, account, phone: phones.get(account) ?? null, balances: known?.balances ?? [] };
    }),
  );
}

async function bankOf(node: LocalNode): Promise<Bank> {
  const token = await readSecret(homePaths(node.home).operatorToken);
  return { node, client: createClient(node.apiUrl, { token }) };
}

/** One transaction for all banks that lack money. */
async function issueToBanks(
  { random }: DevelopmentParts,
  terms: Terms,
  centralBank: LocalNode,
  banks: readonly Bank[],
): Promise<void> {
  const wanted = await Promise.all(
    banks.map(async ({ node, client }): Promise<readonly Command[]> => {
      const to = settlementAccount(node.participant);
      const lacking = lackingFunds(terms, 'bank', await client.account(to));
      return lacking.map((amount) => ({ type: 'issue', to, amount }));
    }),
  );
  const commands = wanted.flat();
  if (commands.length === 0) return;
  const officer = await readKey(homePaths(centralBank.home).key('officer-1'), noPassword);
  const transaction = sign(terms, commands, newNonce(random), [createSigner(officer.seed)]);
  await submit(createClient(centralBank.apiUrl), transaction);
}

async function openOne(parts: DevelopmentParts, terms: Terms, bank: Bank, number: number): Promise<void> {
  const { client, node } = bank;
  const name = NAMES[number] ?? `wallet${number + 1}`;
  const wallet = await walletOf(parts, name, bank);
  const { account } = wallet;
  await openWallet(client, wallet, capitalised(name));
  const phone = phoneOf(number);
  if ((await orNull(client.alias(phone)))?.account !== account) {
    const aliasSecret = fromHex(await readSecret(homePaths(node.home).aliasSecret));
    await bindAlias(client, terms, wallet, { phone, aliasSecret }, parts.random);
  }
  const lacking = lackingFunds(terms, 'wallet', await client.account(account));
  await Promise.all(lacking.map((amount) => fund(client, terms, account, amount)));
}

/** The wallet of an earlier start that was cut short, or a new one. */
async function walletOf({ data, random }: DevelopmentParts, name: string, { node }: Bank): Promise<Wallet> {
  const found = (await listWallets(data)).find((wallet) => wallet.name === name);
  if (found !== undefined) return await unlockWallet(found, noPassword);
  return await createWallet(data, { name, bank: node.participant, password: null }, random);
}

/** In the block of Cambodian mobile numbers that begins with 012: +85512000001 and on. */
function phoneOf(number: number): string {
  return `+855${12_000_001 + number}`;
}

/** What an account that holds nothing of a currency is to get of it. */
function lackingFunds(terms: Terms, whose: 'bank' | 'wallet', { balances }: AccountJson): Amount[] {
  const empty = new Set(balances.filter(({ minor }) => minor === '0').map(({ currency }) => currency));
  const lacking = FUNDS.filter(({ currency }) => empty.has(currency));
  return lacking.map((funds) => readAmount(terms, funds[whose], funds.currency));
}

/** What is not there is null. */
async function orNull<T>(question: Promise<T>): Promise<T | null> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof ApiError && error.httpStatus === 404) return null;
    throw error;
  }
}

/** Keys of a development network are not encrypted. */
const noPassword: PasswordSource = (what) => {
  throw new CodedError('KEY_FILE_PASSWORD_NEEDED', `${what} is encrypted, which keys of a local network are not`);
};

function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

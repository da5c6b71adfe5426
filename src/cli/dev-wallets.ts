/**
 * The wallets of a development network: two at each bank, with phone numbers and money, so that the first payment is one
 * command away. They are opened as any wallet is: the officers issue to the banks, and each bank opens, attests and funds
 * through its operator API. Each step looks first whether it was done, so a start that was cut short is taken up again.
 */
import type { Client } from '../api/client.ts';
import { ApiError } from '../api/client-errors.ts';
import type { AccountJson } from '../api/types.ts';
import { settlementAccount } from '../codec/text.ts';
import { CodedError } from '../errors.ts';
import type { Amount, ParticipantId } from '../types/index.ts';
import type { CliContext } from './context.ts';
import type { Nodes } from './nodes.ts';
import type { PasswordSource } from './password.ts';
import { bindAlias, fund, issue, LOCAL_TIER, openWallet, readAmount, readTerms, type Terms } from './wallet.ts';
import { createWallet, listWallets, unlockWallet, type Wallet } from './wallet-files.ts';

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
  readonly participant: ParticipantId;
  /** With the bank's own token. */
  readonly client: Client;
}

/**
 * @param nodes of a local network that is up, in the folder `cli.data`.
 * @throws CodedError of the first step that a node refused, or `UNKNOWN_OUTCOME`.
 */
export async function openDevelopmentWallets(nodes: Nodes, cli: CliContext): Promise<void> {
  const { centralBank } = nodes;
  if (centralBank === undefined) return;
  const client = nodes.of(centralBank);
  const terms = await readTerms(client, cli.clock);
  const banks = (await banksOf(nodes)).filter(({ participant }) => participant !== centralBank);
  const officers = await nodes.officers([], cli.io);
  const issued = banks.map(async (bank) => {
    const lacking = lackingFunds(terms, 'bank', await client.account(settlementAccount(bank.participant)));
    const to = bank.participant;
    await Promise.all(lacking.map((amount) => issue(client, terms, officers, { to, amount }, cli.random)));
  });
  await Promise.all(issued);
  const plans = banks.flatMap((bank, i) =>
    Array.from({ length: WALLETS_PER_BANK }, (_, j) => ({ bank, number: i * WALLETS_PER_BANK + j })),
  );
  await Promise.all(plans.map(({ bank, number }) => openOne(cli, terms, bank, number)));
}

/** The wallets of the folder, with what their banks and the ledger know of them. */
export async function describeWallets(nodes: Nodes, { data }: CliContext): Promise<readonly WalletRow[]> {
  const banks = await banksOf(nodes);
  const customers = await Promise.all(banks.map(async ({ client }) => (await client.operator.customers()).customers));
  const phones = new Map(customers.flat().map((customer) => [customer.account, customer.phones[0] ?? null]));
  const order = new Map(banks.map(({ participant }, i) => [participant as string, i]));
  const place = ({ account }: { readonly account: string }) => order.get(account.split('@')[1] ?? '') ?? order.size;
  const found = [...(await listWallets(data))].sort((a, b) => place(a) - place(b));
  return await Promise.all(
    found.map(async ({ name, account }) => {
      const bank = banks.find(({ participant }) => account.endsWith(`@${participant}`)) ?? banks[0];
      const known = bank === undefined ? null : await orNull(bank.client.account(account));
      return { name, account, phone: phones.get(account) ?? null, balances: known?.balances ?? [] };
    }),
  );
}

function banksOf(nodes: Nodes): Promise<readonly Bank[]> {
  const all = nodes.local.map(async ({ participant }) => ({
    participant,
    client: await nodes.desk(participant, {}, {}),
  }));
  return Promise.all(all);
}

async function openOne(cli: CliContext, terms: Terms, bank: Bank, number: number): Promise<void> {
  const { client } = bank;
  const name = NAMES[number] ?? `wallet${number + 1}`;
  const wallet = await walletOf(cli, name, bank);
  const { account } = wallet;
  await openWallet(client, wallet, { displayName: capitalised(name), tier: LOCAL_TIER });
  const phone = phoneOf(number);
  if ((await orNull(client.alias(phone)))?.account !== account) {
    await bindAlias(client, terms, wallet, phone, cli.random);
  }
  const lacking = lackingFunds(terms, 'wallet', await client.account(account));
  await Promise.all(lacking.map((amount) => fund(client, terms, account, amount)));
}

/** The wallet of an earlier start that was cut short, or a new one. */
async function walletOf({ data, random }: CliContext, name: string, { participant }: Bank): Promise<Wallet> {
  const found = (await listWallets(data)).find((wallet) => wallet.name === name);
  if (found !== undefined) return await unlockWallet(found, noPassword);
  return await createWallet(data, { name, bank: participant, password: null }, random);
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

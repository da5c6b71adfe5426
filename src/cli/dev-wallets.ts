/**
 * The wallets of a development network: two at each bank, with phone numbers and money, so that the first payment is one
 * command away. They are opened as any wallet is: the officers issue to the banks, and each bank opens, attests and funds
 * through its operator API. Each step looks first whether it was done, so a start that was cut short is taken up again.
 */
import { type Client, createClient } from '../api/client.ts';
import { ApiError } from '../api/client-errors.ts';
import type { AccountJson, TransactionStateJson } from '../api/types.ts';
import { parseAmount } from '../codec/amount.ts';
import { fromHex, toHex } from '../codec/hex.ts';
import { settlementAccount } from '../codec/text.ts';
import { aliasKey } from '../crypto/alias.ts';
import { createSigner } from '../crypto/ed25519.ts';
import { chainIdOf } from '../crypto/ids.ts';
import { signTransaction } from '../crypto/sign.ts';
import { CodedError } from '../errors.ts';
import type { Clock, Random, Signer } from '../ports.ts';
import type { Command, Genesis, Nonce, Transaction } from '../types/index.ts';
import { homePaths, readGenesis, readKey, readSecret } from './home.ts';
import type { LocalNode } from './local-network.ts';
import type { PasswordSource } from './password.ts';
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
const FUNDS = { KHR: { bank: '1000000000', wallet: '4000000' }, USD: { bank: '250000', wallet: '1000' } } as const;
const VALIDITY_MS = 60_000;

interface Bank {
  readonly node: LocalNode;
  /** With the bank's own token. */
  readonly client: Client;
}

/** @throws CodedError of the first step that a node refused. */
export async function openDevelopmentWallets(parts: DevelopmentParts): Promise<void> {
  const { nodes } = parts;
  const centralBank = nodes.find((node) => node.kind === 'centralBank');
  if (centralBank === undefined) return;
  const genesis = await readGenesis(homePaths(centralBank.home).genesis);
  const banks = await Promise.all(nodes.filter((node) => node.kind === 'bank').map(bankOf));
  await issueToBanks(parts, genesis, centralBank, banks);
  const plans = banks.flatMap((bank, i) =>
    Array.from({ length: WALLETS_PER_BANK }, (_, j) => ({ bank, number: i * WALLETS_PER_BANK + j })),
  );
  await Promise.all(plans.map(({ bank, number }) => openOne(parts, genesis, bank, number)));
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
  { clock, random }: DevelopmentParts,
  genesis: Genesis,
  centralBank: LocalNode,
  banks: readonly Bank[],
): Promise<void> {
  const wanted = await Promise.all(
    banks.map(async ({ node, client }): Promise<readonly Command[]> => {
      const to = settlementAccount(node.participant);
      const empty = emptyCurrencies(await client.account(to));
      return fundsIn(genesis, 'bank', empty).map((amount) => ({ type: 'issue', to, amount }));
    }),
  );
  const commands = wanted.flat();
  if (commands.length === 0) return;
  const officer = await readKey(homePaths(centralBank.home).key('officer-1'), noPassword);
  const transaction = sign(genesis, commands, createSigner(officer.seed), clock, random);
  assertFinal(await createClient(centralBank.apiUrl).submit(transaction), 'issuing to the banks');
}

async function openOne(parts: DevelopmentParts, genesis: Genesis, bank: Bank, number: number): Promise<void> {
  const { clock, random } = parts;
  const { client, node } = bank;
  const name = NAMES[number] ?? `wallet${number + 1}`;
  const wallet = await walletOf(parts, name, bank);
  const { account, signer } = wallet;
  const { publicKey } = signer;
  assertFinal(await client.operator.openAccount({ name, publicKey, displayName: capitalised(name) }), account);
  const phone = phoneOf(number);
  if ((await orNull(client.alias(phone)))?.account !== account) {
    const secret = fromHex(await readSecret(homePaths(node.home).aliasSecret));
    const registration: Command = { type: 'registerAlias', aliasKey: aliasKey(secret, phone), account };
    const transaction = sign(genesis, [registration], signer, clock, random);
    assertFinal(await client.operator.attest({ transaction, phone }), `the number of ${account}`);
  }
  const empty = emptyCurrencies(await client.account(account));
  const amounts = Object.entries(FUNDS).filter(([currency]) => empty.has(currency));
  const funded = amounts.map(async ([currency, { wallet: value }]) => {
    assertFinal(await client.operator.fund({ account, amount: { currency, value } }), `the funds of ${account}`);
  });
  await Promise.all(funded);
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

function emptyCurrencies({ balances }: AccountJson): ReadonlySet<string> {
  return new Set(balances.filter(({ minor }) => minor === '0').map(({ currency }) => currency));
}

function fundsIn({ currencies }: Genesis, whose: 'bank' | 'wallet', codes: ReadonlySet<string>) {
  return currencies.flatMap((currency) => {
    const funds = Object.entries(FUNDS).find(([code]) => code === currency.code && codes.has(code))?.[1];
    return funds === undefined ? [] : [parseAmount(funds[whose], currency)];
  });
}

function sign(
  genesis: Genesis,
  commands: readonly Command[],
  signer: Signer,
  clock: Clock,
  random: Random,
): Transaction {
  const nonce = toHex(random.bytes(16)) as Nonce;
  const validUntilMs = clock.now() + VALIDITY_MS;
  return signTransaction({ version: 1, chainId: chainIdOf(genesis), validUntilMs, nonce, commands }, [signer]);
}

/** Refusals are thrown by the client. @throws CodedError `UNKNOWN_OUTCOME` where the time was up. */
function assertFinal({ state, message }: TransactionStateJson, what: string): void {
  if (state !== 'final') throw new CodedError('UNKNOWN_OUTCOME', `${what}: ${message}`);
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

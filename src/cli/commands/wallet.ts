/** `tonle wallet`: keys on this machine, and the accounts that they sign for. */
import { rm } from 'node:fs/promises';
import type { Client } from '../../api/client.ts';
import { ApiError } from '../../api/client-errors.ts';
import { parsePhone } from '../../api/phone.ts';
import { parseAccountId, parseParticipantId, parseTier, participantOf } from '../../codec/text.ts';
import { CodedError } from '../../errors.ts';
import type { AccountId } from '../../types/index.ts';
import type { CliContext } from '../context.ts';
import { describeAmount, describeEntry, describeTier, describeTime } from '../describe.ts';
import { accountNamed, holdingsTable, readAccount, readHoldings } from '../holdings.ts';
import { type BankOptions, Nodes } from '../nodes.ts';
import { newPassword, passwordSource } from '../password.ts';
import { bindAlias, LOCAL_TIER, type Opening, openWallet, readTerms, setTier } from '../wallet.ts';
import { createWallet, findWallet, listWallets, unlockWallet, type Wallet } from '../wallet-files.ts';

export interface CreateOptions extends BankOptions {
  readonly bank: string;
  readonly phone?: string;
  readonly displayName?: string;
  readonly tier?: string;
  /** Undefined where neither --encrypt nor --no-encrypt was given. */
  readonly encrypt?: boolean;
}

/** What `wallet show` lists of a history. */
const RECENT = 10;

export async function createCommand(cli: CliContext, name: string, options: CreateOptions): Promise<void> {
  const { out, io, clock } = cli;
  const bank = parseParticipantId(options.bank);
  const account = parseAccountId(`${name}@${bank}`);
  const phone = options.phone === undefined ? null : parsePhone(options.phone);
  if (options.tier !== undefined) parseTier(options.tier);
  const desk = await (await Nodes.of(cli)).desk(bank, options, io.env);
  // Before a key is made: whether the bank answers at all.
  const terms = await readTerms(desk, clock);
  // A local network is a development one.
  const encrypt = options.encrypt ?? cli.url !== null;
  const opening = {
    displayName: options.displayName ?? name,
    tier: options.tier ?? (cli.url === null ? LOCAL_TIER : null),
  };
  const wallet = await openNew(cli, desk, { name, account, encrypt }, opening);
  if (phone !== null) await afterOpening(account, bindAlias(desk, terms, wallet, phone, cli.random));
  const number = phone === null ? '' : `, and payments to ${phone} go there`;
  const warning = encrypt ? '' : ', not encrypted: for development only';
  out.print(`${account} is open${number}\nkey file ${wallet.path}${warning}`, {
    wallet: name,
    account,
    publicKey: wallet.signer.publicKey,
    phone,
    encrypted: encrypt,
    file: wallet.path,
  });
}

/** The bank's part: what it knows of the customer has changed. */
export async function tierCommand(cli: CliContext, wanted: string, text: string, options: BankOptions): Promise<void> {
  const tier = parseTier(text);
  const account = await accountNamed(cli.data, wanted);
  const desk = await (await Nodes.of(cli)).desk(participantOf(account), options, cli.io.env);
  const { id, receipt } = await setTier(desk, account, tier);
  cli.out.print(`${account} has the tier ${tier}: final in block ${receipt.height}, id ${id}`, {
    account,
    tier,
    id,
    receipt,
  });
}

export async function listCommand(cli: CliContext): Promise<void> {
  const wallets = await listWallets(cli.data);
  if (wallets.length === 0) {
    cli.out.print('no wallets yet; make one with `tonle wallet create <name> --bank <participant>`', { wallets: [] });
    return;
  }
  const nodes = await Nodes.of(cli);
  const holdings = await Promise.all(
    wallets.map(({ name, account }) => readHoldings(nodes, { account, wallet: name }, cli.io.env)),
  );
  if (holdings.some(({ balances }) => balances === null))
    cli.out.note('«?»: no node answered, or none knows the account');
  cli.out.print(holdingsTable(cli.out, holdings), { wallets: holdings });
}

export async function showCommand(cli: CliContext, wanted: string | undefined): Promise<void> {
  const { out } = cli;
  const { name, account, path: file, publicKey, encrypted } = await findWallet(cli.data, wanted);
  const found = await readAccount(await Nodes.of(cli), account, RECENT);
  const history = out.table(found.history.entries, [
    { title: 'Time', value: (entry) => describeTime(entry.timeMs) },
    { title: 'Block', align: 'right', value: (entry) => String(entry.height) },
    { title: 'What', value: (entry) => describeEntry(entry, account) },
  ]);
  const lines = [
    `${name}: ${account}`,
    `  balances    ${found.balances.map(describeAmount).join(', ')}`,
    ...(found.tier === null ? [] : [`  tier        ${describeTier(found)}`]),
    `  public key  ${publicKey}`,
    `  key file    ${file}${encrypted ? '' : ' (not encrypted)'}`,
    '',
    history,
  ];
  out.print(lines.join('\n'), { wallet: name, file, encrypted, ...found });
}

interface NewWallet {
  readonly name: string;
  readonly account: AccountId;
  readonly encrypt: boolean;
}

/** Makes a key and opens its account, or takes up a creation whose answer was lost: then the key is there already. */
async function openNew(
  cli: CliContext,
  bank: Client,
  { name, account, encrypt }: NewWallet,
  opening: Opening,
): Promise<Wallet & { readonly path: string }> {
  const earlier = (await listWallets(cli.data)).find((wallet) => wallet.name === name);
  if (earlier !== undefined) {
    if (earlier.account !== account || (await isOpen(bank, account))) {
      throw new CodedError('WALLET_EXISTS', `there is a wallet ${name} (${earlier.account}); choose another name`);
    }
    const wallet = await unlockWallet(earlier, passwordSource(cli.io));
    await openWallet(bank, wallet, opening);
    return { ...wallet, path: earlier.path };
  }
  const password = encrypt ? await newPassword(cli.io, `key of ${account}`) : null;
  const wallet = await createWallet(cli.data, { name, bank: participantOf(account), password }, cli.random);
  try {
    await openWallet(bank, wallet, opening);
  } catch (error) {
    // The bank said no: the key is of no account. Where the answer was lost it may be, and stays.
    if (error instanceof ApiError && error.httpStatus !== null) await rm(wallet.path);
    throw error;
  }
  return wallet;
}

async function isOpen(bank: Client, account: AccountId): Promise<boolean> {
  try {
    await bank.account(account, { limit: 1 });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'ACCOUNT_NOT_FOUND') return false;
    throw error;
  }
}

/** What is done stays said, also where the next step fails. */
async function afterOpening(account: AccountId, next: Promise<unknown>): Promise<void> {
  try {
    await next;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new CodedError(error.code, `${account} is open, but the number is not bound to it: ${error.message}`, {
      cause: error,
    });
  }
}

/** Who has what: balances of accounts, with what this machine knows beside them, as a table. */

import type { Client } from '../api/client.ts';
import { ApiError } from '../api/client-errors.ts';
import type { AccountJson, BalanceJson } from '../api/types.ts';
import { withThousands } from '../codec/amount.ts';
import { parseAccountId, participantOf } from '../codec/text.ts';
import { CodedError } from '../errors.ts';
import type { AccountId } from '../types/index.ts';
import type { CliContext } from './context.ts';
import { isSilence, type Nodes } from './nodes.ts';
import type { Column, Output } from './output.ts';
import { listWallets } from './wallet-files.ts';

export interface Holdings {
  /** Of the wallet on this machine, or null for an account that has none here. */
  readonly wallet: string | null;
  readonly account: string;
  /** Known in a local network only, where the bank's own store can be asked. */
  readonly phones: readonly string[];
  /** Null where no node answers, or none knows the account. */
  readonly balances: readonly BalanceJson[] | null;
}

/** @param wanted an account id, or the name of a wallet on this machine. @throws CodedError `ACCOUNT_MALFORMED`. */
export async function accountNamed(data: string, wanted: string): Promise<AccountId> {
  const wallet = (await listWallets(data)).find(({ name }) => name === wanted);
  return wallet?.account ?? parseAccountId(wanted);
}

/** Asks the account's bank first. @throws ApiError `ACCOUNT_NOT_FOUND`. */
export function readAccount(nodes: Nodes, account: AccountId, limit: number): Promise<AccountJson> {
  return nodes.ask((client) => client.account(account, { limit }), participantOf(account));
}

/** What is not known, because no node answers, is left out: whoever only looks must not fail. */
export async function readHoldings(
  nodes: Nodes,
  { account, wallet }: { readonly account: AccountId; readonly wallet: string | null },
  env: CliContext['io']['env'],
): Promise<Holdings> {
  const [balances, phones] = await Promise.all([balancesOf(nodes, account), phonesOf(nodes, account, env)]);
  return { wallet, account, phones, balances };
}

export function holdingsTable(out: Output, holdings: readonly Holdings[]): string {
  const currencies = [...new Set(holdings.flatMap(({ balances }) => balances?.map(({ currency }) => currency) ?? []))];
  const columns: Column<Holdings>[] = [
    { title: 'Account', value: (row) => row.account },
    ...currencies.map((code): Column<Holdings> => ({ title: code, align: 'right', value: (row) => shown(row, code) })),
  ];
  if (holdings.some(({ phones }) => phones.length > 0)) {
    columns.splice(1, 0, { title: 'Phone', value: ({ phones }) => phones.join(', ') });
  }
  if (holdings.some(({ wallet }) => wallet !== null)) {
    columns.unshift({ title: 'Wallet', value: (row) => row.wallet ?? '' });
  }
  return out.table(holdings, columns);
}

function shown({ balances }: Holdings, code: string): string {
  const found = balances?.find(({ currency }) => currency === code);
  return found === undefined ? '?' : withThousands(found.value);
}

async function balancesOf(nodes: Nodes, account: AccountId): Promise<Holdings['balances']> {
  try {
    return (await readAccount(nodes, account, 1)).balances;
  } catch (error) {
    const isUnknown = error instanceof ApiError && error.code === 'ACCOUNT_NOT_FOUND';
    if (isUnknown || isSilence(error)) return null;
    throw error;
  }
}

/** Numbers that the bank attested and that lead to the account still. */
async function phonesOf(nodes: Nodes, account: AccountId, env: CliContext['io']['env']): Promise<readonly string[]> {
  const bank = participantOf(account);
  if (!nodes.local.some(({ participant }) => participant === bank)) return [];
  try {
    const client = await nodes.desk(bank, {}, env);
    const { customers } = await client.operator.customers();
    const phones = customers.find((customer) => customer.account === account)?.phones ?? [];
    const bound = await Promise.all(phones.map((phone) => leadsTo(client, phone, account)));
    return phones.filter((_, i) => bound[i]);
  } catch (error) {
    // Names and numbers are an extra here: a bank that is silent, or whose token is not at hand, keeps its own.
    if (error instanceof CodedError) return [];
    throw error;
  }
}

async function leadsTo(client: Client, phone: string, account: AccountId): Promise<boolean> {
  try {
    return (await client.alias(phone)).account === account;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'ALIAS_NOT_FOUND') return false;
    throw error;
  }
}

/** What a local network that is up looks like to a person. */

import path from 'node:path';
import { withThousands } from '../codec/amount.ts';
import type { WalletRow } from './dev-wallets.ts';
import type { LocalNode } from './local-network.ts';
import type { Output } from './output.ts';

/** Tables of nodes and wallets, and what to try first. */
export function describeNetwork(
  nodes: readonly LocalNode[],
  wallets: readonly WalletRow[],
  data: string,
  out: Output,
): string {
  const nodeTable = out.table(nodes, [
    { title: 'Node', value: (node) => node.participant },
    { title: 'Name', value: (node) => node.name },
    { title: 'API', value: (node) => node.apiUrl },
    { title: 'Process', align: 'right', value: (node) => String(node.pid ?? '') },
  ]);
  const currencies = [...new Set(wallets.flatMap(({ balances }) => balances.map(({ currency }) => currency)))];
  const walletTable = out.table(wallets, [
    { title: 'Wallet', value: (wallet) => wallet.name },
    { title: 'Account', value: (wallet) => wallet.account },
    { title: 'Phone', value: (wallet) => wallet.phone ?? '' },
    ...currencies.map((code) => ({
      title: code,
      align: 'right' as const,
      value: ({ balances }: WalletRow) =>
        withThousands(balances.find((balance) => balance.currency === code)?.value ?? ''),
    })),
  ]);
  return [nodeTable, ...(wallets.length === 0 ? [] : ['', walletTable]), '', ...firstSteps(wallets, data)].join('\n');
}

function firstSteps(wallets: readonly WalletRow[], data: string): string[] {
  const [payer, payee] = [wallets[0], wallets.findLast((wallet) => wallet.phone !== null)];
  const relative = path.relative('', data);
  const shown = relative.startsWith('..') ? data : relative;
  const folder = shown === '.tonle' ? '' : ` --data ${shown}`;
  const keys = 'Keys here are not encrypted: for development only. Ctrl-C stops the network.';
  if (payer === undefined || payee?.phone === undefined || payee.phone === null) return [keys];
  return [`Pay: tonle pay ${payee.phone} 5000 KHR --from ${payer.name}${folder}`, keys];
}

/** Finds the payment that a payer's own reference was used for, so that a script which runs again learns how it ended. */
import type { Client } from '../api/client.ts';
import type { TransactionDetailsJson } from '../api/types.ts';
import type { AmountJson, CommandJson } from '../codec/json.ts';
import type { AccountId, Nonce } from '../types/index.ts';

export interface EarlierPayment {
  /** What the reference stands for. */
  readonly nonce: Nonce;
  readonly from: AccountId;
  readonly to: AccountId;
  readonly amount: AmountJson;
}

/** Pages of the history that are looked through, newest first: a script that runs again does so soon. */
const PAGES = 10;
const PAGE = 100;

/** @returns the final transaction with this nonce, payer, payee and amount, or null. */
export async function findEarlier(client: Client, wanted: EarlierPayment): Promise<TransactionDetailsJson | null> {
  let before: string | null = null;
  for (let page = 0; page < PAGES; page++) {
    const { history } = await client.account(wanted.from, { limit: PAGE, ...(before === null ? {} : { before }) });
    const candidates = history.entries.filter(({ commands }) => commands.some((command) => isThat(command, wanted)));
    for (const { id } of candidates) {
      const details = await client.transaction(id);
      if (details.transaction?.nonce === wanted.nonce) return details;
    }
    if (history.next === null) break;
    before = history.next;
  }
  return null;
}

function isThat(command: CommandJson, { from, to, amount }: EarlierPayment): boolean {
  if (command.type !== 'transfer' || command.from !== from || command.to !== to) return false;
  return command.amount.currency === amount.currency && command.amount.value === amount.value;
}

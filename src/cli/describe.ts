/** Payments and other commands in words for people, as every command of the wallets' side prints them. */

import type { AccountJson, BalanceJson, EntryJson } from '../api/types.ts';
import { withThousands } from '../codec/amount.ts';
import type { AmountJson, CommandJson } from '../codec/json.ts';

/** `KHR 1,200,000`. */
export function describeAmount({ currency, value }: AmountJson | BalanceJson): string {
  return `${currency} ${withThousands(value)}`;
}

/** `basic; today KHR 1,988,000, USD 500 may still go out`. @param account of a tier. */
export function describeTier({ tier, daily }: Pick<AccountJson, 'tier' | 'daily'>): string {
  const left = daily.map(({ currency, left: { value } }) => describeAmount({ currency, value }));
  return left.length === 0 ? `${tier}` : `${tier}; today ${left.join(', ')} may still go out`;
}

/** What a command does, or did, in a few words; no names and numbers are on the ledger. */
export function describeCommand(command: CommandJson): string {
  switch (command.type) {
    case 'openAccount':
      return `open account ${command.account}${command.tier === null ? '' : `, tier ${command.tier}`}`;
    case 'registerAlias':
      return `bind a phone number to ${command.account}`;
    case 'releaseAlias':
      return `release a phone number of ${command.account}`;
    case 'claimAlias':
      return `claim a phone number for ${command.account}`;
    case 'rejectClaim':
      return `reject the claim of a phone number of ${command.account}`;
    case 'setTier':
      return `give ${command.account} the tier ${command.tier}`;
    case 'issue':
      return `issue ${describeAmount(command.amount)} to ${command.to}`;
    case 'redeem':
      return `redeem ${describeAmount(command.amount)} of ${command.from}`;
    case 'transfer': {
      const { from, to, amount, alias, memo } = command;
      const how = alias === null ? '' : ' by phone number';
      return `pay ${describeAmount(amount)} from ${from} to ${to}${how}${memo === '' ? '' : `, «${memo}»`}`;
    }
  }
}

/** A line of a history, seen from one account: `+ KHR 5,000 from dara@aclb`. */
export function describeEntry({ status, commands }: EntryJson, account: string): string {
  const lines = commands.map((command) => describeFor(command, account));
  return status.code === 0 ? lines.join('; ') : `refused (${status.name}): ${commands.map(describeCommand).join('; ')}`;
}

/** A time of the chain, in UTC to the second: `2026-04-13 09:30:00 UTC`. */
export function describeTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A digest as it fits a line; the whole of it is in the JSON form. */
export function shortHash(hash: string): string {
  return hash.slice(0, 12);
}

/** `4 of 4 (nbc, aclb, cnb, wing)`. */
export function describeSigners(signers: readonly string[], validators: number): string {
  return `${signers.length} of ${validators} (${signers.join(', ')})`;
}

function describeFor(command: CommandJson, account: string): string {
  if (command.type !== 'transfer') return describeCommand(command);
  const { from, to, amount, memo } = command;
  const words = memo === '' ? '' : `, «${memo}»`;
  if (to === account) return `+ ${describeAmount(amount)} from ${from}${words}`;
  if (from === account) return `- ${describeAmount(amount)} to ${to}${words}`;
  return describeCommand(command);
}

/** What the model of the money goes by, written down again from the documentation: codes, days, what a command names. */
import type { AccountId, Command } from '../../types/index.ts';
import { CURRENCIES, FIRST_MIDNIGHT_MS, MAX_AMOUNT_MINOR } from '../world/members.ts';

/** The codes of `ledger/status.ts`. */
export const CODE = {
  OK: 0,
  PARTICIPANT_UNKNOWN: 10,
  CURRENCY_UNKNOWN: 11,
  AMOUNT_ZERO: 12,
  AMOUNT_TOO_LARGE: 13,
  SAME_ACCOUNT: 14,
  ACCOUNT_RESERVED: 15,
  SETTLEMENT_ONLY: 16,
  TIER_UNKNOWN: 18,
  ACCOUNT_EXISTS: 20,
  ACCOUNT_NOT_FOUND: 21,
  PAYEE_NOT_FOUND: 22,
  ALIAS_TAKEN: 23,
  ALIAS_NOT_FOUND: 24,
  ALIAS_NOT_YOURS: 25,
  ALIAS_STALE: 26,
  ALIAS_YOURS: 27,
  CLAIM_OPEN: 28,
  CLAIM_NOT_FOUND: 29,
  ACCOUNT_SIGNATURE_MISSING: 30,
  BANK_SIGNATURE_MISSING: 31,
  OFFICER_QUORUM_MISSING: 32,
  HOLDER_SIGNATURE_MISSING: 33,
  CLAIM_NOT_DUE: 35,
  INSUFFICIENT_FUNDS: 40,
  SUPPLY_CAP: 41,
  DAILY_LIMIT: 42,
} as const;

export type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>;

/** Days since 1970, counted from the one midnight that is written down. */
export function dayOf(timeMs: number): number {
  const DAY_MS = 24 * 60 * 60 * 1_000;
  const first = Math.round(FIRST_MIDNIGHT_MS / DAY_MS);
  return first + Math.floor((timeMs - FIRST_MIDNIGHT_MS) / DAY_MS) + 1;
}

export function amountProblem({ currency, minor }: CommandOf<'issue'>['amount']): number | null {
  if (!CURRENCIES.includes(currency)) return CODE.CURRENCY_UNKNOWN;
  if (minor <= 0n) return CODE.AMOUNT_ZERO;
  return minor > MAX_AMOUNT_MINOR ? CODE.AMOUNT_TOO_LARGE : null;
}

export function settlement(bank: string): AccountId {
  return `settlement@${bank}` as AccountId;
}

export function bankOf(account: AccountId): string {
  return account.slice(account.indexOf('@') + 1);
}

/** Balances that a command can change. */
export function namedBy(command: Command): string[] {
  switch (command.type) {
    case 'issue':
      return [`${command.to}/${command.amount.currency}`];
    case 'redeem':
      return [`${command.from}/${command.amount.currency}`];
    case 'transfer':
      return [command.from, command.to].map((account) => `${account}/${command.amount.currency}`);
    default:
      return [];
  }
}

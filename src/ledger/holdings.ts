/** What an account has of each currency, in its record. */
import type { AccountRecord, Holding } from '../codec/state.ts';
import type { CurrencyCode } from '../types/index.ts';

/** An account's money of a currency: nothing, and nothing paid out, where its record has none. */
export function holdingOf({ holdings }: Pick<AccountRecord, 'holdings'>, currency: CurrencyCode): Holding {
  for (const holding of holdings) if (holding.currency === currency) return holding;
  return { currency, minor: 0n, spent: null };
}

/** The account with this in the place of what it had of the currency. */
export function withHolding(record: AccountRecord, holding: Holding): AccountRecord {
  const { holdings } = record;
  // Nearly every account has money of one currency.
  if (holdings.length === 1 && holdings[0]?.currency === holding.currency) return { ...record, holdings: [holding] };
  const at = holdings.findIndex(({ currency }) => currency >= holding.currency);
  if (at < 0) return { ...record, holdings: [...holdings, holding] };
  return { ...record, holdings: holdings.toSpliced(at, holdings[at]?.currency === holding.currency ? 1 : 0, holding) };
}

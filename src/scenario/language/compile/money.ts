/** Amounts as a story writes them, in minor units of the network's currencies. */
import { parseAmount } from '../../../codec/amount.ts';
import { CodedError } from '../../../errors.ts';
import type { Amount, Currency } from '../../../types/index.ts';
import type { Comparison, Place } from '../../story.ts';
import { refuse, shown, suggestion } from '../problem.ts';

export type Currencies = ReadonlyMap<string, Currency>;

/** `5000 KHR`; zero is for the ledger to refuse. @throws as `refuse`. */
export function readMoney(text: string, place: Place, currencies: Currencies): Amount {
  const [value = '', code = ''] = text.split(' ');
  const currency = currencies.get(code);
  if (currency === undefined)
    return refuse(
      'SCENARIO_AMOUNT',
      place,
      `${shown(text)}: the network has no currency ${shown(code)}${suggestion(code, currencies.keys())}`,
    );
  return readDecimal(value, currency, place);
}

/** The number alone, in the places of its currency. @throws as `refuse`. */
export function readDecimal(value: string, currency: Currency, place: Place): Amount {
  try {
    return parseAmount(value, currency);
  } catch (error) {
    if (error instanceof CodedError) return refuse('SCENARIO_AMOUNT', place, error.message);
    throw error;
  }
}

/** `at least 5` as what to compare with, and how. */
export function readComparison(text: string): { readonly is: Comparison; readonly rest: string } {
  if (text.startsWith('at least ')) return { is: 'atLeast', rest: text.slice('at least '.length) };
  if (text.startsWith('at most ')) return { is: 'atMost', rest: text.slice('at most '.length) };
  return { is: 'exactly', rest: text };
}

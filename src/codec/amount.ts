/** Amounts as text: canonical decimals, never rounded. `5000` riel, `1.50` dollars. */
import { CodedError } from '../errors.ts';
import type { Amount, Currency } from '../types/index.ts';
import { MAX_MINOR } from './limits.ts';

/** Longer than any amount that fits; bounds what is parsed. */
const MAX_TEXT = 40;

/**
 * Reads a decimal: digits, then at most `exponent` places after a point. Fewer places are filled up (`1.5` dollars is
 * 150 cents); a sign, an exponent, a leading zero, a bare point or more places are refused.
 *
 * @throws CodedError `AMOUNT_MALFORMED`, `AMOUNT_NEGATIVE`, `AMOUNT_TOO_PRECISE`, `AMOUNT_OVERFLOW`; zero is for the ledger
 *   to refuse.
 */
export function parseAmount(text: string, { code, exponent }: Currency): Amount {
  if (/^-\d/.test(text)) throw new CodedError('AMOUNT_NEGATIVE', `amount ${shown(text)}: it must be positive`);
  const found = text.length > MAX_TEXT ? null : /^(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text);
  if (found === null) {
    const example = exponent === 0 ? '5000' : `5.${'0'.repeat(exponent)}`;
    throw new CodedError('AMOUNT_MALFORMED', `amount ${shown(text)}: expected a plain decimal number like ${example}`);
  }
  const [, whole = '0', places = ''] = found;
  if (places.length > exponent) {
    const allowed = exponent === 0 ? 'no decimal places' : `at most ${exponent} decimal places`;
    throw new CodedError('AMOUNT_TOO_PRECISE', `amount ${shown(text)}: ${code} has ${allowed}`);
  }
  const minor = BigInt(whole + places.padEnd(exponent, '0'));
  if (minor > MAX_MINOR) throw new CodedError('AMOUNT_OVERFLOW', `amount ${shown(text)}: more than can be counted`);
  return { currency: code, minor };
}

/** The canonical text of minor units: always all places of the currency. */
export function formatAmount(minor: bigint, exponent: number): string {
  if (exponent === 0) return String(minor);
  const sign = minor < 0n ? '-' : '';
  const digits = String(minor < 0n ? -minor : minor).padStart(exponent + 1, '0');
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** The canonical text of an amount with separators of thousands, for people: `1,234,500.00`. */
export function withThousands(amount: string): string {
  const [whole = '', ...places] = amount.split('.');
  return [whole.replace(/\B(?=(?:\d{3})+$)/g, ','), ...places].join('.');
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_TEXT));
}

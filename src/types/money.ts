import type { CurrencyCode } from './ids.ts';

/** A positive sum of money: whole minor units of one currency. Zero and negative amounts do not exist in a command. */
export interface Amount {
  readonly currency: CurrencyCode;
  readonly minor: bigint;
}

/** A currency as genesis fixes it. */
export interface Currency {
  readonly code: CurrencyCode;
  /** Decimal places of the text form: KHR 0 as Bakong uses it, USD 2. */
  readonly exponent: number;
  /** Largest amount of one command, in minor units. */
  readonly maxAmountMinor: bigint;
  /** Most that may ever be in circulation (issued - redeemed), in minor units. */
  readonly maxSupplyMinor: bigint;
}

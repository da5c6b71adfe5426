/**
 * What a new network starts with where nobody says otherwise: its currencies, its first members, and how much its customers
 * may send a day. `tonle init` and scenarios both begin with it.
 */

import type { Participant, Tier } from './genesis.ts';
import type { CurrencyCode, ParticipantId, TierName } from './ids.ts';
import type { Currency } from './money.ts';

/** A member before it has keys. */
export type Member = Pick<Participant, 'id' | 'name' | 'kind'>;

const KHR = 'KHR' as CurrencyCode;
const USD = 'USD' as CurrencyCode;

/** A hundred billion riel a command is some 25 million dollars: above what anybody pays at once, below what hides a typing error. */
export const DEFAULT_CURRENCIES: readonly Currency[] = [
  { code: KHR, exponent: 0, maxAmountMinor: 100_000_000_000n, maxSupplyMinor: 1_000_000_000_000_000n },
  { code: USD, exponent: 2, maxAmountMinor: 2_500_000_000n, maxSupplyMinor: 10_000_000_000_000n },
];

/**
 * What Bakong's wallets may pay out in a day, by what their bank knows of the customer: the phone number alone; a picture and
 * a document; all of it (National Bank of Cambodia, circular of 26 March 2021).
 */
export const DEFAULT_TIERS: readonly Tier[] = [
  { name: 'basic' as TierName, limits: daily(2_000_000n, 500_00n) },
  { name: 'full' as TierName, limits: daily(40_000_000n, 10_000_00n) },
  { name: 'partial' as TierName, limits: daily(12_000_000n, 3_000_00n) },
];

/** Phnom Penh is ahead of UTC by so much, all year: there a day of the tiers begins, and there stories take place. */
export const PHNOM_PENH_OFFSET_MINUTES = 420;

/** Over a weekend: whoever is without a signal for two days still hears of a claim of the own number in time to object. */
export const DEFAULT_CLAIM_DELAY_MS = 48 * 3_600_000;

const NAMED: readonly Member[] = [
  { id: 'nbc' as ParticipantId, name: 'National Bank of Cambodia', kind: 'centralBank' },
  { id: 'aclb' as ParticipantId, name: 'ACLEDA Bank', kind: 'bank' },
  { id: 'cnb' as ParticipantId, name: 'Canadia Bank', kind: 'bank' },
  { id: 'wing' as ParticipantId, name: 'Wing Bank', kind: 'bank' },
];

/** The central bank and `count - 1` banks. */
export function defaultMembers(count: number): Member[] {
  return Array.from({ length: count }, (_, i) => {
    const number = String(i + 1).padStart(2, '0');
    return NAMED[i] ?? { id: `bank${number}` as ParticipantId, name: `Bank ${number}`, kind: 'bank' };
  });
}

function daily(riel: bigint, cents: bigint) {
  return [
    { currency: KHR, maxDailyMinor: riel },
    { currency: USD, maxDailyMinor: cents },
  ];
}

/** Who takes part in a simulated network, under which rules. */
import type { Signer, Verifier } from '../../ports.ts';
import type { CurrencyCode, Genesis, ParticipantId, TierName } from '../../types/index.ts';
import { keyring, type Signatures } from './keyring.ts';

export interface Membership {
  readonly genesis: Genesis;
  /** The key of a name: `validator/bank1`, `operator/bank1`, `officer/1`, `wallet/bank1/0`. */
  readonly signer: (name: string) => Signer;
  readonly verifier: Verifier;
}

export const CURRENCIES = ['KHR', 'USD'] as unknown as readonly CurrencyCode[];
export const GENESIS_TIME_MS = 1_767_225_600_000;
/** When the banks start: some seconds before a day ends. */
export const START_TIME_MS = GENESIS_TIME_MS + 57_000;
/** Most of one command, and most in circulation, in either currency. */
export const MAX_AMOUNT_MINOR = 1_000_000n;
export const MAX_SUPPLY_MINOR = 100_000_000n;
/** A claim of a phone number is due soon, and lapses soon. */
export const CLAIM_DELAY_MS = 1_500;
export const CLAIM_WINDOW_MS = 4_000;
/** When a new day begins for the limits: some seconds after the banks have started. */
export const FIRST_MIDNIGHT_MS = GENESIS_TIME_MS + 60_000;
/** What a wallet may pay out in a day: `tier/currency` -> minor units. One that is not here has no limit. */
export const DAILY_LIMITS: ReadonlyMap<string, bigint> = new Map([
  ['basic/KHR', 2_000n],
  ['basic/USD', 5_000n],
  ['full/KHR', 20_000n],
]);
export const TIERS = ['basic', 'full'] as unknown as readonly TierName[];
/** How long a transaction may stay valid. */
export const MAX_VALIDITY_MS = 600_000;

/** @param participants 1 to 9; the first is the central bank. */
export function membership(participants: number, signatures: Signatures): Membership {
  const ids = Array.from({ length: participants }, (_, i) => `bank${i + 1}` as ParticipantId);
  const [khr, usd] = CURRENCIES as readonly [CurrencyCode, CurrencyCode];
  const { signer, verifier } = keyring('tonle simulated key', signatures);
  const key = (name: string) => signer(name).publicKey;
  const genesis: Genesis = {
    version: 1,
    network: 'tonle-simulated',
    timeMs: GENESIS_TIME_MS,
    currencies: [
      { code: khr, exponent: 0, maxAmountMinor: MAX_AMOUNT_MINOR, maxSupplyMinor: MAX_SUPPLY_MINOR },
      { code: usd, exponent: 2, maxAmountMinor: MAX_AMOUNT_MINOR, maxSupplyMinor: MAX_SUPPLY_MINOR },
    ],
    participants: ids.map((id, i) => ({
      id,
      name: `Bank ${i + 1}`,
      kind: i === 0 ? 'centralBank' : 'bank',
      operatorKey: key(`operator/${id}`),
      validatorKey: key(`validator/${id}`),
      networkKey: key(`network/${id}`),
    })),
    officers: { keys: ['officer/1', 'officer/2', 'officer/3'].map(key).sort(), quorum: 2 },
    tiers: TIERS.map((name) => ({
      name,
      limits: CURRENCIES.flatMap((currency) => {
        const maxDailyMinor = DAILY_LIMITS.get(`${name}/${currency}`);
        return maxDailyMinor === undefined ? [] : [{ currency, maxDailyMinor }];
      }),
    })),
    rules: {
      maxValidityMs: MAX_VALIDITY_MS,
      maxClockSkewMs: 5_000,
      checkpointInterval: 40,
      aliasClaimDelayMs: CLAIM_DELAY_MS,
      aliasClaimWindowMs: CLAIM_WINDOW_MS,
      // A day begins a minute after midnight UTC.
      dayStartOffsetMinutes: 24 * 60 - 1,
    },
  };
  return { genesis, signer, verifier };
}

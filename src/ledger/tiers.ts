/**
 * Daily limits: what an account of a tier may pay out from one midnight to the next. What it has paid out today stands in its
 * record beside its balance of the currency, and the next day overwrites it.
 */
import type { SpentRecord } from '../codec/state.ts';
import type { CurrencyCode, Genesis, TierName } from '../types/index.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The day of a block time, in days since 1970 as the genesis begins them. */
export function dayOf(timeMs: number, { dayStartOffsetMinutes }: Genesis['rules']): number {
  return Math.floor((timeMs + dayStartOffsetMinutes * MINUTE_MS) / DAY_MS);
}

/** What a record says of a day, in minor units. */
export function spentOn(day: number, record: SpentRecord | null): bigint {
  return record?.day === day ? record.minor : 0n;
}

/** Most that an account of a tier may pay out in a day, in minor units; null where nothing bounds it. */
export function dailyLimit({ tiers }: Genesis, name: TierName | null, currency: CurrencyCode): bigint | null {
  const limits = tiers.find((tier) => tier.name === name)?.limits ?? [];
  return limits.find((limit) => limit.currency === currency)?.maxDailyMinor ?? null;
}

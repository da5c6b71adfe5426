/**
 * Claims of phone numbers: how a number goes over to another account without the key of the old one. A claim is filed by the
 * new account and its bank; it is due after the delay of the genesis, in which the holder or its bank may reject it; then the
 * number may be registered anew, until the window of the genesis has passed too and the claim lapses.
 *
 * It lapses because it binds others: while it is open nobody else can claim the number, and a holder who looked through the
 * delay and found nothing must not lose the number to a claim of long ago that was kept in reserve.
 */
import type { AliasClaim, AliasRecord } from '../codec/state.ts';
import type { Genesis } from '../types/index.ts';

/** @returns the claim of an alias that has not lapsed at this block time, due or not; null where there is none. */
export function openClaim(record: AliasRecord | null, timeMs: number, rules: Genesis['rules']): AliasClaim | null {
  const claim = record?.claim ?? null;
  return claim === null || timeMs >= lapseOf(claim, rules) ? null : claim;
}

/** Block time from which on a claim is none any more. */
export function lapseOf({ dueMs }: AliasClaim, { aliasClaimWindowMs }: Genesis['rules']): number {
  return dueMs + aliasClaimWindowMs;
}

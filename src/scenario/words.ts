/** Figures as people read them: money, times, counts, and how long most of something took. */
import { withThousands } from '../codec/amount.ts';
import type { AmountJson } from '../codec/json.ts';
import { PHNOM_PENH_OFFSET_MINUTES } from '../types/defaults.ts';

/** Of the clock that stories tell the time by. */
export const STORY_OFFSET_MS = PHNOM_PENH_OFFSET_MINUTES * 60_000;

/** `1,234,500.00 USD`. */
export function money({ value, currency }: AmountJson): string {
  return `${grouped(value)} ${currency}`;
}

/** A decimal with separators of thousands. */
export function grouped(value: string | number): string {
  return withThousands(String(value));
}

/** `38 ms`, `1.2 s`, `3 min`, `2.5 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${short(ms / 1_000)} s`;
  return ms < 7_200_000 ? `${short(ms / 60_000)} min` : `${short(ms / 3_600_000)} h`;
}

/** Time of day in Phnom Penh: `09:30`, with seconds where they are not 0. */
export function timeOfDay(ms: number): string {
  const [, time = ''] = localIso(ms).split('T');
  return time.slice(6, 8) === '00' ? time.slice(0, 5) : time.slice(0, 8);
}

/** `2020-10-28`. */
export function dateOf(ms: number): string {
  return localIso(ms).slice(0, 10);
}

/** `3 payments`, `1 payment`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** @returns the q-quantile by the nearest rank; 0 of nothing. */
export function quantile(ascending: readonly number[], q: number): number {
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? 0;
}

function localIso(ms: number): string {
  return new Date(ms + STORY_OFFSET_MS).toISOString();
}

function short(value: number): string {
  return value < 10 ? value.toFixed(1).replace(/\.0$/, '') : String(Math.round(value));
}

/** Axes of a plot: where a value stands between its two ends, and which values are written beside it. */
import { grouped } from '../../src/scenario/words.ts';
import { millis } from './values.ts';

export interface Axis {
  /** With the unit. */
  readonly title: string;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
  /** 0 at the low end, 1 at the high one; null for what has no place, as 0 on a logarithmic axis. */
  readonly place: (value: number) => number | null;
}

/** From 0 to a round value at or above the highest. */
export function linearAxis(title: string, values: readonly number[]): Axis {
  const most = Math.max(...values, 0) || 1;
  const step = roundUp(most / 4.5);
  const steps = Math.ceil(most / step - 1e-9);
  const ticks = Array.from({ length: steps + 1 }, (_, i) => ({ value: i * step, text: tick(i * step) }));
  return { title, ticks, place: (value) => value / (steps * step) };
}

/** Between round values around the lowest and the highest of those above 0. */
export function logAxis(title: string, values: readonly number[]): Axis {
  // Words beside each other have room for a power of ten each.
  return logarithmic(title, values, tick, (decades) => (decades <= 1 ? [1, 2, 5] : [1]));
}

/** The same of milliseconds, upright: some eight words fit above each other. */
export function msAxis(title: string, values: readonly number[]): Axis {
  const write = (ms: number) => millis(ms).replace('.0', '');
  return logarithmic(title, values, write, (decades) => {
    if (decades <= 2) return [1, 2, 5];
    return decades <= 4 ? [1, 3] : [1];
  });
}

/** @param stepsOf ticks within a power of ten, by how many of them there are. */
function logarithmic(
  title: string,
  values: readonly number[],
  write: (value: number) => string,
  stepsOf: (decades: number) => readonly number[],
): Axis {
  const positive = values.filter((value) => value > 0);
  const [from, high] =
    positive.length === 0 ? [1, 10] : [roundDown(Math.min(...positive)), roundUp(Math.max(...positive))];
  const to = high > from ? high : from * 10;
  const decades = Math.ceil(Math.log10(to / from) - 1e-9);
  const steps = stepsOf(decades);
  const first = Math.floor(Math.log10(from) + 1e-9);
  const all = Array.from({ length: decades + 2 }, (_, i) => steps.map((step) => step * 10 ** (first + i))).flat();
  const inside = all.filter((value) => value >= from * (1 - 1e-9) && value <= to * (1 + 1e-9));
  return {
    title,
    ticks: inside.map((value) => ({ value, text: write(value) })),
    place: (value) => (value > 0 ? Math.log(value / from) / Math.log(to / from) : null),
  };
}

/** Shares of payments, by the nines: 0 %, 90 %, 99 % and 99.9 % are equally far from each other. The slowest of all has no place. */
export function percentileAxis(title: string, shares: readonly number[]): Axis {
  const high = Math.max(0.9, ...shares.filter((share) => share < 1));
  const nines = (share: number) => -Math.log10(1 - share);
  const all = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999].filter((share) => share <= high + 1e-12);
  return {
    title,
    ticks: all.map((value) => ({ value, text: String(Number((value * 100).toFixed(3))) })),
    place: (share) => (share < 1 ? nines(share) / nines(high) : null),
  };
}

/** The next of 1, 2, 5, 10, 20… */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((step) => step * power >= value * (1 - 1e-9)) ?? 10);
}

function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([5, 2, 1].find((step) => step * power <= value * (1 + 1e-9)) ?? 1);
}

/** Ticks are round: `0.5`, `2`, `1,500`, and from a million on `1 M`. */
function tick(value: number): string {
  return value >= 1e6 ? `${grouped(Number((value / 1e6).toPrecision(3)))} M` : grouped(Number(value.toPrecision(6)));
}

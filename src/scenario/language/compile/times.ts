/**
 * Durations, dates and times of day. A story's clock is Phnom Penh's, UTC+7 all year. Its steps follow each other, so a time
 * that is over when a step's turn comes is a mistake of the author.
 */
import type { Place } from '../../story.ts';
import { STORY_OFFSET_MS } from '../../words.ts';
import { MAX_DURATION_MS } from '../limits.ts';
import { refuse, shown } from '../problem.ts';

const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  day: DAY_MS,
  days: DAY_MS,
};

/** `1.5 h` in milliseconds. @throws as `refuse`. */
export function readDuration(text: string, place: Place): number {
  const [value = '', unit = ''] = text.split(' ');
  const ms = Math.round(Number(value) * (UNITS[unit] ?? Number.NaN) * 1_000) / 1_000;
  if (!Number.isInteger(ms)) refuse('SCENARIO_DURATION', place, `${shown(text)} is no whole number of milliseconds`);
  if (ms > MAX_DURATION_MS) refuse('SCENARIO_DURATION', place, `${shown(text)} is longer than a century`);
  return ms;
}

/** `2026-04-14 06:00` in Phnom Penh, in ms since 1970. @throws as `refuse`. */
export function readDate(text: string, place: Place): number {
  const [date = '', time = ''] = text.split(' ');
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number);
  const midnight = Date.UTC(year, month - 1, day);
  const isReal = year >= 1970 && new Date(midnight).toISOString().startsWith(date);
  if (!isReal) refuse('SCENARIO_TIME', place, `${shown(date)} is no date from 1970 on`);
  return midnight - STORY_OFFSET_MS + timeOfDay(time, place);
}

/** How far a sequence of steps has come. */
export class Timeline {
  readonly #firstMidnight: number;
  #earliest: number;

  constructor(startsAtMs: number, earliest = startsAtMs) {
    this.#firstMidnight = midnightBefore(startsAtMs);
    this.#earliest = earliest;
  }

  /** For steps beside each other: each goes on from here by itself. */
  fork(): Timeline {
    return new Timeline(this.#firstMidnight, this.#earliest);
  }

  /** After steps beside each other: when the last of them may be done. */
  join(branches: readonly Timeline[]): void {
    this.#earliest = Math.max(this.#earliest, ...branches.map((branch) => branch.#earliest));
  }

  pass(ms: number): void {
    this.#earliest += ms;
  }

  /** `09:30` of the day that it is, or `day 2 09:30`, in ms since 1970. @throws as `refuse` where it is over. */
  reach(text: string, place: Place): number {
    const found = /^(?:day (\d+) )?(.+)$/.exec(text);
    const [, day, clock = ''] = found ?? [];
    const midnight =
      day === undefined ? midnightBefore(this.#earliest) : this.#firstMidnight + (Number(day) - 1) * DAY_MS;
    const ms = midnight + timeOfDay(clock, place);
    if (ms < this.#earliest) {
      const next = Math.floor((midnight - this.#firstMidnight) / DAY_MS) + 2;
      refuse(
        'SCENARIO_TIME',
        place,
        `${shown(text)} is over: this step cannot begin before ${this.#told()}; the next day is \`day ${next} ${clock}\``,
      );
    }
    this.#earliest = ms;
    return ms;
  }

  #told(): string {
    const day = Math.floor((this.#earliest - this.#firstMidnight) / DAY_MS) + 1;
    const clock = new Date(this.#earliest + STORY_OFFSET_MS).toISOString().slice(11, 19);
    return `${day > 1 ? `day ${day} ` : ''}${clock.replace(/:00$/, '')}`;
  }
}

/** @throws as `refuse`. */
function timeOfDay(text: string, place: Place): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
  if (hours > 23 || minutes > 59 || seconds > 59)
    refuse('SCENARIO_TIME', place, `${shown(text)} is no time of day; expected 00:00 to 23:59`);
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}

/** The midnight of Phnom Penh at or before this time. */
function midnightBefore(ms: number): number {
  return Math.floor((ms + STORY_OFFSET_MS) / DAY_MS) * DAY_MS - STORY_OFFSET_MS;
}

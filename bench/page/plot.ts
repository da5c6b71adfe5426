/** A plot of lines over two axes. It is narrow, so that what is written in it can be read at the width of a phone. */
import { element, hint, label, picture } from '../../src/scenario/report/svg.ts';
import type { Axis } from './axes.ts';

/** Of every picture, in its own units: as wide as a column of the page on a laptop, or nearly the screen of a phone. */
export const PLOT_WIDTH = 440;
/** Of text: about the mean of a digit or letter. */
const LETTER = 6.6;
/** Of the first line of text. */
const TOP = 12;
const TEXT_LINE = 15;
/** Lines for the words of marks, above everything else. */
const MOST_MARK_LINES = 3;

export interface Series {
  /** Written at the end of the line; not at all where empty. */
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly isDashed?: boolean;
  /** What each point says when the pointer rests on it, which gives it a dot. */
  readonly hints?: readonly string[];
}

export interface Plot {
  /** What the picture shows, for who does not see it. */
  readonly says: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly height: number;
  /** Letters of names that there is room for at the right, where plots above each other should be as wide. */
  readonly room?: number;
  /** Lines from top to bottom, with a word. */
  readonly marks?: readonly { readonly x: number; readonly text: string }[];
  /** A ring around a point, and crosses on the axis for what has no figure. */
  readonly spots?: readonly Spot[];
}

export type Spot =
  | { readonly kind: 'ring'; readonly x: number; readonly y: number; readonly hint: string }
  | { readonly kind: 'void'; readonly x: number; readonly hint: string };

/** Letters of a name at the end of a line, and of a mark's word. */
const MOST_NAME = 20;
const MOST_WORD = 32;

interface Frame {
  readonly top: number;
  readonly left: number;
  readonly right: number;
  readonly base: number;
  readonly x: (value: number) => number | null;
  readonly y: (value: number) => number | null;
}

export function plot(given: Plot): string {
  const series = given.series.map((one) => ({ ...one, name: cut(one.name, MOST_NAME) }));
  const shown: Plot = { ...given, series };
  const frame = frameOf(shown);
  return picture(PLOT_WIDTH, shown.height, shown.says, [
    ...grid(shown, frame),
    ...marksOf(shown, frame),
    ...shown.series.flatMap((series) => line(series, frame)),
    ...spotsOf(shown, frame),
    ...namesOf(shown.series, frame),
  ]);
}

/** @returns at most so many letters; `…` stands for what is left out. */
export function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function frameOf({ x, y, series, height, marks = [], room = 0 }: Plot): Frame {
  const longest = Math.max(room, ...series.map(({ name }) => name.length));
  const left = 14 + LETTER * Math.max(3, ...y.ticks.map(({ text }) => text.length));
  // Half of the last tick's word stands beyond the axis.
  const beyond = 4 + (LETTER * (x.ticks.at(-1)?.text.length ?? 0)) / 2;
  const right = PLOT_WIDTH - Math.max(beyond, longest === 0 ? 0 : 16 + LETTER * longest);
  const base = height - 42;
  const top = TOP + 14 + TEXT_LINE * Math.min(marks.length, MOST_MARK_LINES);
  const between = (place: number | null, from: number, to: number) =>
    place === null ? null : from + place * (to - from);
  return {
    top,
    left,
    right,
    base,
    x: (value) => between(x.place(value), left, right),
    y: (value) => between(y.place(value), base, top),
  };
}

function grid({ x, y }: Plot, frame: Frame): readonly string[] {
  const { left, right, base } = frame;
  const rows = y.ticks.map(({ value, text }) => {
    const at = frame.y(value) ?? base;
    const rule = element('line', { x1: left, x2: right, y1: at, y2: at, class: 'grid' });
    return rule + label(left - 6, at + 4, text, { 'text-anchor': 'end' });
  });
  let free = 0;
  const columns = x.ticks.map(({ value, text }) => {
    const at = frame.x(value) ?? left;
    const rule = element('line', { x1: at, x2: at, y1: base, y2: base + 4, class: 'axis' });
    const half = (LETTER * text.length) / 2;
    // A tick stays where its word has no room.
    if (at - half < free) return rule;
    free = at + half + 6;
    return rule + label(at, base + 18, text, { 'text-anchor': 'middle' });
  });
  return [
    ...rows,
    element('line', { x1: left, x2: right, y1: base, y2: base, class: 'axis' }),
    ...columns,
    label((left + right) / 2, base + 36, x.title, { 'text-anchor': 'middle', class: 'unit' }),
    label(4, TOP, y.title, { class: 'unit' }),
  ];
}

/** A point that has no place on an axis breaks the line. */
function line({ colour, points, isDashed = false, hints = [] }: Series, frame: Frame): readonly string[] {
  const placed = points.map(([x, y]) => ({ x: frame.x(x), y: frame.y(y) }));
  let pen = 'M';
  const steps = placed.map(({ x, y }) => {
    if (x === null || y === null) {
      pen = 'M';
      return '';
    }
    const step = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
    return step;
  });
  const dash = isDashed ? { 'stroke-dasharray': '5 4' } : {};
  const path = element('path', { d: steps.join(''), class: 'curve', stroke: colour, ...dash });
  const dots = placed.map(({ x, y }, i) => {
    const says = hints[i];
    if (x === null || y === null || says === undefined) return '';
    return element('circle', { cx: x, cy: y, r: 3.5, fill: colour }, hint(says));
  });
  return [path, ...dots];
}

function marksOf({ marks = [] }: Plot, frame: Frame): readonly string[] {
  return marks.flatMap(({ x, text: whole }, i) => {
    const text = cut(whole, MOST_WORD);
    const at = frame.x(x);
    if (at === null) return [];
    const y = TOP + TEXT_LINE * (1 + (i % MOST_MARK_LINES));
    const rule = element('line', { x1: at, x2: at, y1: y - 9, y2: frame.base, class: 'mark' });
    const isLate = at + LETTER * text.length > frame.right;
    const anchor = isLate ? { x: at - 5, 'text-anchor': 'end' } : { x: at + 5, 'text-anchor': 'start' };
    return [rule, label(anchor.x, y, text, { 'text-anchor': anchor['text-anchor'], class: 'said' })];
  });
}

function spotsOf({ spots = [] }: Plot, frame: Frame): readonly string[] {
  return spots.map((spot) => {
    const x = frame.x(spot.x) ?? frame.left;
    if (spot.kind === 'ring') {
      const y = frame.y(spot.y) ?? frame.base;
      return element('circle', { cx: x, cy: y, r: 8, class: 'ring' }, hint(spot.hint));
    }
    const y = frame.base - 7;
    return element('path', { d: `M${x - 5} ${y - 5}l10 10m0 -10l-10 10`, class: 'void' }, hint(spot.hint));
  });
}

/** The names at the ends of the lines, moved apart where lines end close to each other. */
function namesOf(series: readonly Series[], frame: Frame): readonly string[] {
  const gap = 14;
  const ends = series.flatMap(({ name, colour, points }) => {
    const last = points.findLast(([x, y]) => frame.x(x) !== null && frame.y(y) !== null);
    if (name === '' || last === undefined) return [];
    return [{ name, colour, x: frame.x(last[0]) ?? 0, y: frame.y(last[1]) ?? 0 }];
  });
  ends.sort((a, b) => a.y - b.y);
  const places: number[] = [];
  for (const { y } of ends) places.push(Math.max(y, (places.at(-1) ?? Number.NEGATIVE_INFINITY) + gap));
  for (let i = places.length - 1, most = frame.base; i >= 0; i -= 1, most -= gap) {
    places[i] = Math.min(places[i] ?? most, most);
  }
  return ends.map(({ name, colour, x, y }, i) => {
    const at = places[i] ?? y;
    const from = frame.right + 10;
    const leader = element('path', {
      d: `M${x.toFixed(1)} ${y.toFixed(1)}L${from - 2} ${at.toFixed(1)}`,
      class: 'leader',
      stroke: colour,
    });
    return leader + label(from, at + 4, name, { class: 'said' });
  });
}

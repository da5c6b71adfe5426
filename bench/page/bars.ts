/** Bars that lie: one group for each row, its name above, so that long names have room on a phone, too. */
import { element, hint, label, picture } from '../../src/scenario/report/svg.ts';
import { cut, PLOT_WIDTH } from './plot.ts';

export interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  /** From left to right. */
  readonly parts: readonly { readonly value: number; readonly fill: string; readonly hint: string }[];
  /** Written behind the bar. */
  readonly text: string;
}

export interface Bars {
  /** What the picture shows, for who does not see it. */
  readonly says: string;
  readonly groups: readonly Group[];
  /** A line through all groups. */
  readonly reference?: { readonly value: number; readonly text: string };
}

const THICK = 12;
const LETTER = 6.6;
/** Room for what is written behind the longest bar. */
const BEHIND = 128;
/** Letters of a title that fit in one line. */
const MOST = 60;

export function bars({ says, groups, reference }: Bars): string {
  const totals = groups.flatMap((group) => group.bars.map(totalOf));
  const most = Math.max(...totals, reference?.value ?? 0) || 1;
  const x = (value: number) => (value / most) * (PLOT_WIDTH - BEHIND);
  const top = reference === undefined ? 4 : 22;
  let y = top;
  const drawn = groups.flatMap((group) => {
    const at = y;
    y += 18 + group.bars.length * (THICK + 4) + 12;
    return groupOf(group, at, x);
  });
  const line = reference === undefined ? [] : referenceOf(reference, x(reference.value), y);
  return picture(PLOT_WIDTH, y, says, [...line, ...drawn]);
}

function groupOf({ title, bars: all }: Group, top: number, x: (value: number) => number): readonly string[] {
  const lines = all.flatMap((bar, i) => {
    const y = top + 20 + i * (THICK + 4);
    let before = 0;
    const parts = bar.parts.map(({ value, fill, hint: says }) => {
      const shape = { x: x(before), y, width: Math.max(0.5, x(value) - 0.7), height: THICK, fill };
      before += value;
      return element('rect', shape, hint(says));
    });
    return [...parts, label(x(before) + 6, y + THICK - 1.5, bar.text, { class: 'said' })];
  });
  return [label(0, top + 12, cut(title, MOST), { class: 'said' }), ...lines];
}

function referenceOf({ text }: NonNullable<Bars['reference']>, at: number, bottom: number): readonly string[] {
  const fitsRight = at + 6 + text.length * LETTER < PLOT_WIDTH;
  const place = fitsRight
    ? { x: at + 5, 'text-anchor': 'start' }
    : { x: Math.max(at - 5, text.length * LETTER), 'text-anchor': 'end' };
  return [
    element('line', { x1: at, x2: at, y1: 4, y2: bottom - 8, class: 'mark' }),
    label(place.x, 14, text, { 'text-anchor': place['text-anchor'], class: 'said' }),
  ];
}

function totalOf({ parts }: Bar): number {
  return parts.reduce((sum, { value }) => sum + value, 0);
}

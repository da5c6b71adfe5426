/** Just enough SVG for the charts of a report: text that is escaped, elements, and ticks of a scale. */

/** Twelve colours that a reader tells apart on light and dark. */
export const PALETTE = [
  '#5b7083',
  '#2f6fb5',
  '#d1742f',
  '#2f8f6b',
  '#a24b8f',
  '#c9a227',
  '#4aa3b5',
  '#7a5cc0',
  '#b8504a',
  '#6b8e3d',
  '#c77d9b',
  '#8a6d4f',
];

/** Text that is safe between tags and in quoted attributes. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

type Attributes = Readonly<Record<string, string | number>>;

/** @param children markup, escaped already. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const said = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(rounded(value))}"`);
  const head = `<${name}${said.join('')}`;
  return children.length === 0 ? `${head}/>` : `${head}>${children.join('')}</${name}>`;
}

/** A picture that scales with the page and says in words what it shows. */
export function picture(width: number, height: number, says: string, children: readonly string[]): string {
  const attributes = { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': says };
  return element('svg', attributes, ...children);
}

export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escaped(text));
}

/** What shows when the pointer rests on an element. */
export function hint(text: string): string {
  return element('title', {}, escaped(text));
}

/** Places on a line: `low` is at `from`, `high` at `to`. */
export function scale(low: number, high: number, from: number, to: number): (value: number) => number {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

const STEPS_MS = [
  1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000,
];

/** Round moments in a stretch of time, at most so many. */
export function timeTicks(fromMs: number, toMs: number, most: number, offsetMs: number): readonly number[] {
  const span = toMs - fromMs;
  const step = STEPS_MS.find((ms) => span / ms <= most) ?? Math.ceil(span / most / 86_400_000) * 86_400_000;
  const first = Math.ceil((fromMs + offsetMs) / step) * step - offsetMs;
  return Array.from({ length: Math.max(0, Math.floor((toMs - first) / step) + 1) }, (_, i) => first + i * step);
}

function rounded(value: string | number): string {
  return typeof value === 'string' ? value : String(Math.round(value * 100) / 100);
}

/** The three charts of a report: what happened when, how fast payments became final, and where the money went. */
import type { FaultRecord, Run } from '../run.ts';
import { count, dateOf, duration, grouped, money, STORY_OFFSET_MS, timeOfDay } from '../words.ts';
import { type Histogram, histogramOf, PER_DOUBLING, slicesOf } from './figures.ts';
import { element, escaped, hint, label, PALETTE, picture, scale, timeTicks } from './svg.ts';

const WIDTH = 1_000;
const LEFT = 60;
const RIGHT = WIDTH - 24;

/** Payments by the time they were handed in, with every fault as a band beneath and every failed expectation as a mark. */
export function timelineChart(run: Run): string {
  const { startedAtMs, endedAtMs } = run;
  const x = scale(startedAtMs, endedAtMs, LEFT, RIGHT);
  const bars = 120;
  const lanes = lanesOf(run.faults, endedAtMs);
  const [top, base] = [14, 154];
  const axis = base + 8 + lanes.length * 22;
  const height = axis + 30;
  const ticks = timeTicks(startedAtMs, endedAtMs, 10, STORY_OFFSET_MS).map((ms) => {
    const line = element('line', { x1: x(ms), x2: x(ms), y1: top, y2: axis, class: 'grid' });
    return line + label(x(ms), axis + 18, timeOfDay(ms), { class: 'tick', 'text-anchor': 'middle' });
  });
  const marks = run.expectations.map((expectation) => {
    const step = run.steps.find(({ number }) => number === expectation.step);
    const at = x(step?.endedAtMs ?? endedAtMs);
    const shape = { cx: at, cy: axis, r: expectation.held ? 3.5 : 6, class: expectation.held ? 'held' : 'broken' };
    const verdict = expectation.held ? 'held' : 'did not hold';
    return element('circle', shape, hint(`${expectation.title}: ${verdict}`));
  });
  return picture(WIDTH, height, 'Payments over time, with faults and expectations', [
    ...ticks,
    ...barsOf(run, bars, x, [top, base]),
    ...lanes.flatMap((lane, i) => lane.map((fault) => band(fault, endedAtMs, x, base + 8 + i * 22))),
    element('line', { x1: LEFT, x2: RIGHT, y1: axis, y2: axis, class: 'axis' }),
    ...marks,
  ]);
}

function barsOf(
  run: Run,
  bars: number,
  x: (ms: number) => number,
  [top, base]: readonly [number, number],
): readonly string[] {
  const slices = slicesOf(run, bars);
  const most = Math.max(1, ...slices.map((slice) => slice.final + slice.refused + slice.other));
  const y = scale(0, most, base, top);
  const drawn = slices.flatMap((slice) => {
    const parts = [
      { n: slice.final, kind: 'final' },
      { n: slice.refused, kind: 'refused' },
      { n: slice.other, kind: 'other' },
    ];
    let below = 0;
    return parts.flatMap(({ n, kind }) => {
      if (n === 0) return [];
      const shape = { x: x(slice.fromMs), width: Math.max(1, x(slice.toMs) - x(slice.fromMs) - 1), class: kind };
      const bar = { ...shape, y: y(below + n), height: y(below) - y(below + n) };
      below += n;
      return [element('rect', bar, hint(`from ${timeOfDay(slice.fromMs)}: ${count(n, 'payment')} ${kind}`))];
    });
  });
  return [
    label(LEFT - 8, top + 10, grouped(most), { class: 'tick', 'text-anchor': 'end' }),
    label(LEFT - 8, base, '0', { class: 'tick', 'text-anchor': 'end' }),
    ...drawn,
  ];
}

/** Faults in as few rows as they need without touching each other. */
function lanesOf(faults: readonly FaultRecord[], endMs: number): readonly (readonly FaultRecord[])[] {
  const lanes: FaultRecord[][] = [];
  for (const fault of [...faults].sort((a, b) => a.fromMs - b.fromMs)) {
    const free = lanes.find((lane) => lane.every((other) => (other.toMs ?? endMs) < fault.fromMs));
    if (free === undefined) lanes.push([fault]);
    else free.push(fault);
  }
  return lanes;
}

function band(fault: FaultRecord, endMs: number, x: (ms: number) => number, y: number): string {
  const from = x(fault.fromMs);
  const width = Math.max(4, x(fault.toMs ?? endMs) - from);
  const end = fault.toMs === null ? 'the end' : timeOfDay(fault.toMs);
  const isLate = from > WIDTH * 0.7;
  const place = isLate ? { x: from - 5, 'text-anchor': 'end' } : { x: from + 5, 'text-anchor': 'start' };
  return [
    element('rect', { x: from, y, width, height: 17, rx: 3, class: 'fault' }, hint(`${fault.title}, until ${end}`)),
    element('text', { ...place, y: y + 12.5, class: 'on-fault' }, escaped(fault.title)),
  ].join('');
}

/** @returns null where nothing became final. */
export function finalityChart(run: Run): string | null {
  const histogram = histogramOf(run);
  if (histogram === null) return null;
  const { buckets } = histogram;
  const [top, base, height] = [38, 162, 202];
  const x = scale(0, buckets.length, LEFT, RIGHT);
  const most = Math.max(...buckets.map((bucket) => bucket.count));
  const y = scale(0, most, base, top);
  const bars = buckets.map(({ fromMs, toMs, count: n }, i) => {
    const shape = { x: x(i) + 1, width: x(i + 1) - x(i) - 2, y: y(n), height: base - y(n), class: 'final' };
    const share = `${((100 * n) / histogram.total).toFixed(1)} %`;
    return element('rect', shape, hint(`${duration(fromMs)} to ${duration(toMs)}: ${grouped(n)}, ${share}`));
  });
  // More than some twenty words do not fit beside each other.
  const every = Math.ceil(buckets.length / 20);
  const edges = Array.from({ length: buckets.length + 1 }, (_, i) => {
    const ms = i < buckets.length ? buckets[i]?.fromMs : buckets.at(-1)?.toMs;
    if (i % every !== 0) return '';
    return label(x(i), base + 18, duration(ms ?? 0), { class: 'tick', 'text-anchor': 'middle' });
  });
  return picture(WIDTH, height, 'How long payments took to become final', [
    ...bars,
    element('line', { x1: LEFT, x2: RIGHT, y1: base, y2: base, class: 'axis' }),
    ...edges,
    ...quantileMarks(histogram, x, [top, base]),
  ]);
}

function quantileMarks(
  histogram: Histogram,
  x: (bucket: number) => number,
  [top, base]: readonly [number, number],
): readonly string[] {
  const first = histogram.buckets[0]?.fromMs ?? 1;
  const marks = [
    { name: 'p50', ms: histogram.p50Ms },
    { name: 'p99', ms: histogram.p99Ms },
  ];
  return marks.map(({ name, ms }, i) => {
    // One above the other: they may be close.
    const y = top - 2 - 12 * (marks.length - 1 - i);
    const at = x(Math.log2(Math.max(1, ms) / first) * PER_DOUBLING);
    const line = element('line', { x1: at, x2: at, y1: y - 8, y2: base, class: 'mark' });
    const anchor = at > WIDTH - 120 ? 'end' : 'start';
    const text = label(at + (anchor === 'end' ? -5 : 5), y, `${name} ${duration(ms)}`, {
      class: 'mark-text',
      'text-anchor': anchor,
    });
    return line + text;
  });
}

interface Side {
  readonly bank: string;
  readonly total: number;
  readonly y: number;
  readonly height: number;
  /** How much of its height ribbons have taken. */
  taken: number;
}

/** Money of one currency that went from customers of the banks on the left to customers of those on the right. */
export function flowsChart(run: Run, currency: string): string | null {
  const flows = run.flows.filter(({ amount }) => amount.currency === currency);
  const sum = flows.reduce((total, { amount }) => total + Number(amount.value), 0);
  if (sum === 0) return null;
  const banks = run.members.map(({ id }) => id);
  const height = 60 + 26 * banks.length;
  const senders = sidesOf(banks, height, (bank) => flows.filter(({ from }) => from === bank), sum);
  const receivers = sidesOf(banks, height, (bank) => flows.filter(({ to }) => to === bank), sum);
  const [left, right, thick] = [240, WIDTH - 240, 14];
  const colour = (bank: string) => PALETTE[banks.indexOf(bank) % PALETTE.length] ?? '';
  const ribbons = [...flows].map((flow) => {
    const [from, to] = [senders.get(flow.from), receivers.get(flow.to)];
    if (from === undefined || to === undefined) return '';
    const width = (Number(flow.amount.value) / from.total) * from.height;
    const widthTo = (Number(flow.amount.value) / to.total) * to.height;
    const path = ribbon([left + thick, from.y + from.taken, width], [right - thick, to.y + to.taken, widthTo]);
    from.taken += width;
    to.taken += widthTo;
    const says = `${flow.from} to ${flow.to}: ${money(flow.amount)} in ${count(flow.transfers, 'transfer')}`;
    return element('path', { d: path, class: 'ribbon', fill: colour(flow.from) }, hint(says));
  });
  const side = (sides: ReadonlyMap<string, Side>, x: number, labelX: number, anchor: string) =>
    [...sides.values()].map(({ bank, total, y, height: tall }) => {
      const bar = element('rect', { x, y, width: thick, height: tall, fill: colour(bank), rx: 2 });
      const text = `${bank} ${grouped(Math.round(total))}`;
      return bar + label(labelX, y + tall / 2 + 4, text, { class: 'bank', 'text-anchor': anchor });
    });
  return picture(WIDTH, height, `Flows of ${currency} between banks`, [
    ...ribbons,
    ...side(senders, left, left - 8, 'end'),
    ...side(receivers, right - thick, right + 8, 'start'),
  ]);
}

function sidesOf(
  banks: readonly string[],
  height: number,
  flowsOf: (bank: string) => Run['flows'],
  sum: number,
): ReadonlyMap<string, Side> {
  const sides = new Map<string, Side>();
  const gap = 8;
  const used = banks.filter((bank) => flowsOf(bank).length > 0);
  const room = height - 20 - gap * (used.length - 1) - 12 * used.length;
  let y = 10;
  for (const bank of used) {
    const total = flowsOf(bank).reduce((all, { amount }) => all + Number(amount.value), 0);
    const tall = 12 + (total / sum) * room;
    sides.set(bank, { bank, total, y, height: tall, taken: 0 });
    y += tall + gap;
  }
  return sides;
}

/** @param from, to x, y and width of each end. */
function ribbon(from: readonly [number, number, number], to: readonly [number, number, number]): string {
  const [x1, y1, w1] = from.map((value) => Math.round(value * 10) / 10) as [number, number, number];
  const [x2, y2, w2] = to.map((value) => Math.round(value * 10) / 10) as [number, number, number];
  const middle = (x1 + x2) / 2;
  return [
    `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`,
    `L${x2} ${y2 + w2}C${middle} ${y2 + w2} ${middle} ${y1 + w1} ${x1} ${y1 + w1}Z`,
  ].join('');
}

/** `28 October 2020` would need a language; the ISO date does not. */
export function spanOf({ startedAtMs, endedAtMs }: Run): string {
  const [from, to] = [dateOf(startedAtMs), dateOf(endedAtMs)];
  const end = from === to ? timeOfDay(endedAtMs) : `${to} ${timeOfDay(endedAtMs)}`;
  return `${from} ${timeOfDay(startedAtMs)} to ${end}`;
}

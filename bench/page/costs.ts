/** What more validators and more accounts cost: rows that differ in nothing else, as lines. */
import { count, grouped } from '../../src/scenario/words.ts';
import type { Report, Setup } from '../report.ts';
import { type Axis, linearAxis, logAxis } from './axes.ts';
import { type Chart, colourOf, type Shown, shownRows } from './charts.ts';
import { plot, type Series } from './plot.ts';
import { maxRssOf, number } from './values.ts';

type Size = 'validators' | 'accounts';

interface Cost {
  readonly title: string;
  readonly about: string;
  readonly by: Size;
  /** Title of the upright axis, with its unit. */
  readonly unit: string;
  /** Null where a run does not have it. */
  readonly measured: (shown: Shown) => number | null;
}

const COSTS: readonly Cost[] = [
  {
    title: 'What more validators cost',
    about: 'Every validator is one more process on the same cores, and checks every signature.',
    by: 'validators',
    unit: 'final a second',
    measured: ({ run }) => run.finalPerS,
  },
  {
    title: 'What more accounts cost',
    about: 'The same network and load on a larger state.',
    by: 'accounts',
    unit: 'final a second',
    measured: ({ run }) => run.finalPerS,
  },
  {
    title: 'Memory by accounts',
    about: 'Resident memory at its highest, of the node that took most.',
    by: 'accounts',
    unit: 'MB',
    measured: ({ run }) => {
      const bytes = maxRssOf(run);
      return bytes === null ? null : bytes / 1e6;
    },
  },
];

/** Only those of which two sizes were measured. */
export function costCharts(report: Report): readonly Chart[] {
  const rows = shownRows(report, ['saturation']);
  return COSTS.flatMap((cost) => {
    const lines = linesOf(rows, cost);
    return lines.length === 0 ? [] : [costChart(cost, lines)];
  });
}

function costChart({ title, about, by, unit }: Cost, lines: readonly Line[]): Chart {
  const sizes = lines.flatMap(({ points }) => points.map(([size]) => size));
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const x: Axis = by === 'accounts' ? logAxis('accounts', sizes) : axisOfCounts('validators', sizes);
  const series = lines.map(({ name, points }, i): Series => {
    const hints = points.map(([size, value]) => `${count(size, by.slice(0, -1))}: ${number(value)} ${unit}`);
    return { name, colour: colourOf(i), points, hints };
  });
  const picture = plot({ says: `${title}: ${unit} by ${by}`, x, y: linearAxis(unit, values), series, height: 280 });
  return { title, about, pictures: [picture], key: [] };
}

/** From 0, with a tick at each count that there is. */
function axisOfCounts(title: string, counts: readonly number[]): Axis {
  const ticks = [...new Set(counts)].sort((a, b) => a - b).map((value) => ({ value, text: grouped(value) }));
  return { ...linearAxis(title, counts), ticks };
}

interface Line {
  /** What sets it apart from the other lines; empty where it is alone. */
  readonly name: string;
  readonly points: readonly (readonly [size: number, value: number])[];
}

function linesOf(rows: readonly Shown[], { by, measured }: Cost): readonly Line[] {
  const groups = new Map<string, { readonly setup: Setup; readonly points: (readonly [number, number])[] }>();
  for (const shown of rows) {
    const { setup } = shown.row;
    const value = measured(shown);
    if (value === null) continue;
    const key = JSON.stringify(rest(setup, by));
    const group = groups.get(key) ?? { setup, points: [] };
    group.points.push([setup[by], value]);
    groups.set(key, group);
  }
  const lines = [...groups.values()].filter(({ points }) => new Set(points.map(([size]) => size)).size > 1);
  return lines.map(({ setup, points }) => {
    const differing = rest(setup, by).filter(([name, value]) => lines.some((other) => other.setup[name] !== value));
    return {
      name: differing.map(([name, value]) => wordOf(name, value)).join(', '),
      points: points.sort(([a], [b]) => a - b),
    };
  });
}

type Entry = readonly [name: keyof Setup, value: string | number];

/** All of a setup but the size that a line runs along. */
function rest(setup: Setup, by: Size): readonly Entry[] {
  return (Object.entries(setup) as unknown as readonly Entry[]).filter(([name]) => name !== by);
}

function wordOf(name: keyof Setup, value: string | number): string {
  return typeof value === 'number' ? `${grouped(value)} ${name}` : value;
}

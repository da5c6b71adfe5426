/** The plots of a report, each with its title, what to see in it, and its key. What was not measured has no plot. */
import { PALETTE } from '../../src/scenario/report/svg.ts';
import { count, grouped } from '../../src/scenario/words.ts';
import { limitPerS, postgresRates } from '../beside.ts';
import type { Report, Row, Run, ThreadKind } from '../report.ts';
import { linearAxis, msAxis, percentileAxis } from './axes.ts';
import { type Bar, bars, type Group } from './bars.ts';
import { plot, type Series, type Spot } from './plot.ts';
import { cpuPerPayment, millis, noFigure, number, outcomeOf, ratio, shareOfLimit, sum, titleOf } from './values.ts';

export interface Chart {
  readonly title: string;
  /** A sentence or two on how to read it. */
  readonly about: string;
  /** Markup of one picture or several above each other. */
  readonly pictures: readonly string[];
  readonly key: readonly { readonly colour: string; readonly text: string }[];
}

/** A row and the run that counts. */
export interface Shown {
  readonly row: Row;
  readonly run: Run;
}

/** Lines in one plot that a reader can follow. */
const MOST_LINES = 6;
/** Points of a timeline; more seconds than these are taken together. */
const MOST_POINTS = 240;

/** Rows that have a figure. */
export function shownRows(report: Report, kinds?: readonly Row['kind'][]): readonly Shown[] {
  return report.rows.flatMap((row) => {
    const { run } = outcomeOf(row);
    return run === null || kinds?.includes(row.kind) === false ? [] : [{ row, run }];
  });
}

export function colourOf(i: number): string {
  return PALETTE[(i + 1) % PALETTE.length] ?? '';
}

/** Null without a row of a search. */
export function throughputChart(report: Report): Chart | null {
  const { limit } = report;
  const rows = shownRows(report, ['saturation']);
  if (rows.length === 0) return null;
  const groups = rows.map(({ row, run }): Group => {
    const share = shareOfLimit(report, row, run);
    const reached = `${number(run.finalPerS)}${share === null ? '' : `, ${ratio(share)} of limit`}`;
    const measured = bar(
      run.finalPerS,
      'var(--accent)',
      reached,
      `${row.title}: ${number(run.finalPerS)} final a second`,
    );
    if (limit === null) return { title: titleOf(row), bars: [measured] };
    const most = limitPerS(limit, row);
    return {
      title: row.title,
      bars: [measured, bar(most, 'var(--limit)', number(most), `limit: ${number(most)} a second`)],
    };
  });
  const postgres = postgresRates(report.postgresql).at(-1);
  const word = `PostgreSQL, ${count(postgres?.clients ?? 0, 'client')}: ${number(postgres?.transfersPerS ?? 0)}/s`;
  const reference = postgres === undefined ? {} : { reference: { value: postgres.transfersPerS, text: word } };
  return {
    title: 'Final payments a second at saturation',
    about:
      'The limit is all signature checks a second of this machine, measured between the runs of the search, over the number of validators, as each of them checks every payment.',
    pictures: [
      bars({ says: 'Final payments a second of each search, beside the limit and PostgreSQL', groups, ...reference }),
    ],
    key: [
      { colour: 'var(--accent)', text: 'final/s' },
      ...(limit === null ? [] : [{ colour: 'var(--limit)', text: 'limit of this machine' }]),
    ],
  };
}

function bar(value: number, fill: string, text: string, hint: string): Bar {
  return { parts: [{ value, fill, hint }], text };
}

/** What threads are for, in the words of the key. */
const THREADS: Readonly<Record<ThreadKind, string>> = {
  checks: 'signatures, in threads of their own',
  loop: 'event loops, with votes and small batches checked there',
  engine: "V8's compiler and collector",
  storage: 'files and database',
  other: 'other threads',
};

/** Of fewer payments most of the CPU is that of a network at rest, and a bar that is sixty times as long hides all others. */
const LEAST_SHOWN_PER_S = 100;

export function cpuChart(report: Report): Chart | null {
  const kinds = Object.keys(THREADS) as readonly ThreadKind[];
  const generatorColour = colourOf(kinds.length);
  const groups = shownRows(report).flatMap(({ row, run }): readonly Group[] => {
    const cpu = run.finalPerS < LEAST_SHOWN_PER_S ? null : cpuPerPayment(run);
    if (cpu === null) return [];
    const part = (value: number, fill: string, of: string) => {
      return { value, fill, hint: `${of}: ${number(Math.round(value))} µs a payment` };
    };
    const parts = kinds.map((kind, i) => part(cpu.threads[kind], colourOf(i), THREADS[kind]));
    const generator = part(cpu.generator, generatorColour, 'generator');
    const text = `${grouped(Math.round(cpu.nodes))} + ${grouped(Math.round(cpu.generator))} µs`;
    return [{ title: row.title, bars: [{ parts: [...parts, generator], text }] }];
  });
  if (groups.length === 0) return null;
  return {
    title: 'CPU microseconds a payment',
    about:
      'User and system time of all nodes, by what their threads are for, over the payments that became final. Written behind: nodes + generator. What the limit counts is in the first part, and a little of the second. Rows with less than a hundred payments a second are left out.',
    pictures: [bars({ says: 'CPU microseconds a payment by kind of thread', groups })],
    key: [
      ...kinds.map((kind, i) => ({ colour: colourOf(i), text: THREADS[kind] })),
      { colour: generatorColour, text: 'generator' },
    ],
  };
}

/** Rows of one kind together: a few lines in each plot, all of them on the same axes. */
export function latencyCharts(report: Report): readonly Chart[] {
  const names: readonly (readonly [title: string, kinds: readonly Row['kind'][]])[] = [
    ['at saturation', ['saturation']],
    ['at a load that was set', ['paced', 'soak', 'kill']],
  ];
  return names.flatMap(([title, kinds]) => {
    const all = shownRows(report, kinds).filter(({ run }) => curveOf(run).length > 0);
    const plots = Math.ceil(all.length / MOST_LINES);
    const lines = Math.ceil(all.length / plots);
    return Array.from({ length: plots }, (_, i) => {
      const place = plots === 1 ? '' : `, ${i + 1} of ${plots}`;
      return latencyChart(`Latency ${title}${place}`, all.slice(i * lines, (i + 1) * lines), all);
    });
  });
}

/** @param all the rows that set the axes. */
function latencyChart(title: string, rows: readonly Shown[], all: readonly Shown[]): Chart {
  const points = all.flatMap(({ run }) => curveOf(run));
  const series = rows.map(({ row, run }, i): Series => ({ name: row.name, colour: colourOf(i), points: curveOf(run) }));
  const x = percentileAxis(
    '% of payments took at most so long',
    points.map(([share]) => share),
  );
  const y = msAxis(
    'ms from planned sending to finality',
    points.map(([, ms]) => ms),
  );
  const picture = plot({ says: `${title}: milliseconds by share of payments`, x, y, series, height: 320 });
  const key = rows.map(({ row, run }, i) => ({
    colour: colourOf(i),
    text: `${titleOf(row)}: p50 ${millis(run.latencyMs.p50)} ms, p99 ${millis(run.latencyMs.p99)} ms`,
  }));
  return { title, about: 'Both axes are logarithmic: each nine more is as wide.', pictures: [picture], key };
}

/** Without the slowest of all, which has no place among shares. */
function curveOf({ curve }: Run): Run['curve'] {
  return curve.filter(([share, ms]) => share < 1 && ms > 0);
}

/** One for each search: what became final and how late, by the load that was offered. */
export function searchCharts(report: Report): readonly Chart[] {
  return report.rows.filter(({ kind, runs }) => kind === 'saturation' && runs.length > 1).map(searchChart);
}

function searchChart(row: Row): Chart {
  const chosen = outcomeOf(row).run;
  const steps = row.runs
    .map((run, i) => ({ run, number: i + 1 }))
    .sort((a, b) => a.run.offeredPerS - b.run.offeredPerS);
  const valid = steps.filter(({ run }) => run.problems.length === 0);
  const invalid = steps.filter(({ run }) => run.problems.length > 0);
  const x = linearAxis(
    'payments offered a second',
    row.runs.map(({ offeredPerS }) => offeredPerS),
  );
  const most = Math.max(0, ...row.runs.map(({ offeredPerS }) => offeredPerS));
  const drawn = (
    name: string,
    title: string,
    read: (run: Run) => number,
    write: (value: number) => string,
    ideal: readonly Series[],
  ) => {
    const values = valid.map(({ run }) => read(run));
    const hints = valid.map(
      ({ run, number: step }) => `step ${step}: ${number(run.offeredPerS)} offered a second, ${write(read(run))}`,
    );
    const points = valid.map(({ run }) => [run.offeredPerS, read(run)] as const);
    const ring: readonly Spot[] =
      chosen === null ? [] : [{ kind: 'ring', x: chosen.offeredPerS, y: read(chosen), hint: 'the step that counts' }];
    return plot({
      says: `${row.title}: ${name} by offered load`,
      x,
      y: name === 'p99' ? msAxis(title, values) : linearAxis(title, [...values, ...(ideal.length > 0 ? [most] : [])]),
      series: [...ideal, { name: '', colour: 'var(--accent)', points, hints }],
      spots: [...ring, ...invalid.map(({ run, number: step }) => voidSpot(run, step))],
      height: name === 'p99' ? 190 : 240,
    });
  };
  const diagonal: Series = {
    name: '',
    colour: 'var(--soft)',
    isDashed: true,
    points: [
      [0, 0],
      [most, most],
    ],
  };
  return {
    title: `The search: ${row.title}`,
    about: about(chosen, invalid.length),
    pictures: [
      drawn(
        'final',
        'final a second',
        (run) => run.finalPerS,
        (value) => `${number(value)} final`,
        [diagonal],
      ),
      drawn(
        'p99',
        'p99, ms',
        (run) => run.latencyMs.p99,
        (value) => `p99 ${millis(value)} ms`,
        [],
      ),
    ],
    key: [],
  };
}

function about(chosen: Run | null, invalid: number): string {
  const ring = chosen === null ? 'No step counts.' : 'The ring is the step that counts.';
  const crosses = invalid === 0 ? '' : ` A cross is a load without a figure (${grouped(invalid)}).`;
  return `On the dashed line all that was offered became final. ${ring}${crosses}`;
}

function voidSpot(run: Run, step: number): Spot {
  return { kind: 'void', x: run.offeredPerS, hint: `step ${step}: ${noFigure(run.problems.join('; '))}` };
}

/** Of long runs, and of those under which something was done to the network. */
export function timelineCharts(report: Report): readonly Chart[] {
  return shownRows(report, ['soak', 'kill']).flatMap(({ row, run }) =>
    run.timeline.length === 0 ? [] : [timelineChart(row, run)],
  );
}

function timelineChart(row: Row, run: Run): Chart {
  const width = Math.ceil(run.timeline.length / MOST_POINTS);
  const points = Array.from({ length: Math.ceil(run.timeline.length / width) }, (_, i) => {
    const part = run.timeline.slice(i * width, (i + 1) * width);
    const most = (pick: (at: (typeof part)[number]) => number) => Math.max(...part.map(pick));
    return {
      second: part[0]?.second ?? 0,
      final: sum(part.map(({ final }) => final)) / part.length,
      p50: most(({ p50 }) => p50),
      p99: most(({ p99 }) => p99),
    };
  });
  const x = linearAxis('second of the run', [...run.timeline.map(({ second }) => second), run.seconds]);
  const events = (run.events ?? []).map(({ second, what }) => ({ x: second, text: what }));
  const lineOf = (name: string, colour: string, pick: (at: (typeof points)[number]) => number): Series => ({
    name,
    colour,
    points: points.map((at) => [at.second, pick(at)] as const),
  });
  const shared = { x, marks: events, room: 'final'.length };
  const finals = linearAxis(
    'final a second',
    points.map(({ final }) => final),
  );
  const times = msAxis(
    'ms',
    points.flatMap(({ p50, p99 }) => [p50, p99]),
  );
  const grain =
    width === 1
      ? 'Each second of the run.'
      : `${width} seconds to a point: the mean of final/s, the worst of p50 and p99.`;
  const says = `${row.title}, by second`;
  return {
    title: `Second by second: ${row.title}`,
    about: `${grain} Where nothing became final the lower lines have a gap.`,
    pictures: [
      plot({
        ...shared,
        says: `${says}: final payments`,
        y: finals,
        series: [lineOf('final', colourOf(0), ({ final }) => final)],
        height: 220,
      }),
      plot({
        ...shared,
        says: `${says}: latency`,
        y: times,
        series: [lineOf('p50', colourOf(2), ({ p50 }) => p50), lineOf('p99', colourOf(1), ({ p99 }) => p99)],
        height: 220,
      }),
    ],
    key: [],
  };
}

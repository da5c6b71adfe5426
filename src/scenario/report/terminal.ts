/** What a run comes to, for a terminal: what did not hold first in a reader's eye, which is last on the screen. */
import type { ExpectationRecord, Run, StepRecord } from '../run.ts';
import { count, duration, grouped, timeOfDay } from '../words.ts';
import type { Explanation } from './explain.ts';
import { endingsOf, histogramOf } from './figures.ts';

/** How a terminal shows it; a pipe gets the text as it is. */
export type Paint = (style: 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan', text: string) => string;

/** One line of the timeline, with a finding below it where something did not hold. */
export function stepLine(step: StepRecord, paint: Paint): string {
  const time = paint('dim', timeOfDay(step.startedAtMs).padEnd(9));
  if (step.type === 'say') return `\n${time}${paint('bold', step.title)}`;
  const sign = step.outcome === 'done' ? paint('green', '✓') : paint('red', '✗');
  const result = step.result === '' ? '' : paint('dim', `  ${step.result}`);
  return `${time}${sign} ${step.title}${result}`;
}

/** `[#####-----] 1,240 of 5,000 payments`. @param done of `of`. */
export function progressLine(done: number, of: number, what: string): string {
  const width = 24;
  const full = of === 0 ? width : Math.floor((width * done) / of);
  return `${' '.repeat(9)}[${'#'.repeat(full)}${'-'.repeat(width - full)}] ${grouped(done)} of ${count(of, what)}`;
}

export function summaryOf(run: Run, paint: Paint): string {
  const { engine } = run;
  const histogram = histogramOf(run);
  const endings = [...endingsOf(run)].map(([ending, n]) => `${grouped(n)} ${ending}`).join(', ');
  const held = run.expectations.filter((expectation) => expectation.held).length;
  const lines = [
    '',
    `Payments      ${endings === '' ? 'none' : endings}`,
    histogram === null
      ? null
      : `Finality      p50 ${duration(histogram.p50Ms)}, p99 ${duration(histogram.p99Ms)}, slowest ${duration(histogram.maxMs)}`,
    `Blocks        ${grouped(run.blocks.length)}`,
    `Expectations  ${held} of ${run.expectations.length} held`,
    `Engine        ${engine.kind === 'sim' ? `simulated, seed ${engine.seed}` : 'real processes'}, ${duration(engine.realMs)}`,
    engine.traceHash === null ? null : `Trace         ${engine.traceHash}`,
    engine.signatures === 'stub'
      ? paint('yellow', 'Signatures are stubbed in this story: its times say nothing about cryptography.')
      : null,
    '',
    findingOf(run, paint),
    verdictLine(run, paint),
  ];
  return lines.filter((line) => line !== null).join('\n');
}

/** Every expectation that did not hold with what was found, and what stopped the story; null where nothing is wrong. */
export function findingOf(run: Run, paint: Paint): string | null {
  const broken = run.expectations.filter(({ held }) => !held).map((one) => brokenLines(one, paint));
  const stopped = run.problem === null ? [] : [`${paint('red', 'The story stopped.')} ${run.problem}\n`];
  return broken.length + stopped.length === 0 ? null : [...broken, ...stopped].join('\n');
}

function brokenLines({ title, finding, place }: ExpectationRecord, paint: Paint): string {
  const where = place.line === 0 ? place.path : `${place.file}:${place.line}:${place.column}`;
  const said = finding === null ? '' : `${finding.replace(/^/gm, '  ')}\n`;
  return `${paint('red', '✗ Expected:')} ${title} ${paint('dim', `(${where})`)}\n${said}`;
}

function verdictLine({ verdict, story }: Run, paint: Paint): string {
  switch (verdict) {
    case 'held':
      return paint('green', `${story.title}: everything held.`);
    case 'failed':
      return paint('red', `${story.title}: an expectation did not hold.`);
    case 'stopped':
      return paint('red', `${story.title}: the story stopped.`);
  }
}

export function explanationText({ payment, hops, conclusion }: Explanation, paint: Paint): string {
  const lines = hops.map(({ afterMs, stage, what }) => {
    const time = afterMs === null ? '' : `+${duration(afterMs)}`;
    return `${paint('dim', time.padStart(9))}  ${stage.padEnd(9)}  ${what}`;
  });
  return [paint('bold', `Payment ${payment.id}`), '', ...lines, '', conclusion].join('\n');
}

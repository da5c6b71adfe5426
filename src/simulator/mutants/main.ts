/**
 * `npm run simulate:mutants`: plants each mistake of `list.ts` into the program and shows which checker sees it. Exit code 1
 * where one survives.
 *
 *   --only a,b     these mutants
 *   --minutes 3    as many as fit into so much CPU time, the cheapest first, by what was recorded
 *   --jobs 2       so many processes at once
 *   --record       writes what it saw to `record.json`
 *   --sample       also counts how many of ten other seeds catch each
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Examination, type Examined, examine } from './examine.ts';
import { MUTANTS } from './list.ts';
import type { Mutant } from './mutant.ts';

interface Sight {
  readonly checker: string;
  readonly seed: number;
  readonly cpuSeconds: number;
  /** How many of ten other seeds catch it. */
  readonly ofTen?: number;
}

/** What was seen last time: of mutants by name, of controls by scene and seed. */
interface Recorded {
  readonly mutants: { readonly [name: string]: Sight };
  readonly controls: { readonly [place: string]: number };
}

const RECORD = new URL('./record.json', import.meta.url);
const TEN = Array.from({ length: 10 }, (_, i) => 101 + i);

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    record: { type: 'boolean', default: false },
    sample: { type: 'boolean', default: false },
  },
});
process.exitCode = (await run()) ? 0 : 1;

/** @returns whether every mutant was caught. */
async function run(): Promise<boolean> {
  const record = JSON.parse(readFileSync(RECORD, 'utf8')) as Recorded;
  const chosen = chosenMutants(record);
  print(row('mutant', 'caught by', 'seed', 'CPU s', 'of 10'));
  const examination = await examine(chosen, {
    jobs: Number(values.jobs),
    first: new Map(Object.entries(record.mutants).map(([name, { seed }]) => [name, seed])),
    sample: values.sample ? TEN : [],
    onResult: (examined) => print(lineOf(examined, record)),
  });
  if (values.record) writeRecord(record, examination);
  const { results, controls } = examination;
  const survivors = results.filter(({ fall }) => fall === null);
  const seconds = results.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const control = [...controls.values()].reduce((sum, cpuSeconds) => sum + cpuSeconds, 0);
  const left = MUTANTS.length - chosen.length;
  print(`\n${results.length - survivors.length} of ${results.length} mutants caught, ${left} left out`);
  print(`CPU time ${seconds.toFixed(1)} s, and ${control.toFixed(1)} s for ${controls.size} controls without a mutant`);
  for (const { mutant, note } of survivors) print(`SURVIVED ${mutant.name}: ${mutant.mistake} ${note}`);
  return survivors.length === 0;
}

function chosenMutants(record: Recorded): Mutant[] {
  const { only, minutes } = values;
  const names = only?.split(',');
  const odd = names?.find((name) => MUTANTS.every((mutant) => mutant.name !== name));
  if (odd !== undefined) throw new Error(`no mutant is called ${odd}`);
  const chosen = MUTANTS.filter(({ name }) => names?.includes(name) ?? true);
  if (minutes === undefined) return chosen;
  const cost = ({ name }: Mutant) => record.mutants[name]?.cpuSeconds ?? Number.POSITIVE_INFINITY;
  const paid = new Set<string>();
  let left = 60 * Number(minutes);
  return chosen
    .sort((a, b) => cost(a) - cost(b))
    .filter((mutant) => {
      const control = `${mutant.scene}/${record.mutants[mutant.name]?.seed}`;
      left -= cost(mutant) + (paid.has(control) ? 0 : (record.controls[control] ?? 0));
      paid.add(control);
      return left >= 0;
    });
}

function writeRecord(record: Recorded, { results, controls }: Examination): void {
  const mutants = { ...record.mutants };
  for (const { mutant, fall, cpuSeconds, caught } of results) {
    if (fall === null) continue;
    const { checker, seed } = fall;
    const ofTen = caught ?? record.mutants[mutant.name]?.ofTen;
    mutants[mutant.name] = {
      checker,
      seed,
      cpuSeconds: rounded(cpuSeconds),
      ...(ofTen === undefined ? {} : { ofTen }),
    };
  }
  const times = Object.fromEntries([...controls].map(([place, seconds]) => [place, rounded(seconds)]));
  const known = new Set(MUTANTS.map(({ name }) => name));
  const next: Recorded = {
    mutants: Object.fromEntries(Object.entries(mutants).filter(([name]) => known.has(name))),
    controls: { ...record.controls, ...times },
  };
  writeFileSync(RECORD, `${JSON.stringify(next, null, 2)}\n`);
}

function lineOf({ mutant, fall, cpuSeconds, caught }: Examined, record: Recorded): string {
  const ofTen = caught ?? record.mutants[mutant.name]?.ofTen ?? '';
  return row(mutant.name, fall?.checker ?? 'NOBODY', String(fall?.seed ?? ''), cpuSeconds.toFixed(1), `${ofTen}`);
}

function row(mutant: string, checker: string, seed: string, seconds: string, ofTen: string): string {
  return `${mutant.padEnd(40)} ${checker.padEnd(12)} ${seed.padStart(6)} ${seconds.padStart(6)} ${ofTen.padStart(6)}`;
}

function rounded(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

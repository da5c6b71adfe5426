/**
 * `npm run bench:micro`: how long each part of a node takes for what it does, one after the other, on an otherwise idle
 * process. Exit code 1 where one of them fails, 2 for a bad flag.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { do_not_optimize, measure } from 'mitata';
import { CodedError } from '../../src/errors.ts';
import { HELP, type MicroFlags, readFlags } from './flags.ts';
import type { Benchmark, Group } from './group.ts';

/** Nanoseconds of one call. */
interface Timing {
  readonly group: string;
  readonly name: string;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly min: number;
  readonly max: number;
  readonly calls: number;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let flags: MicroFlags;
  try {
    flags = readFlags(args);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  if (flags.isHelp) {
    print(HELP);
    return 0;
  }
  const timings: Timing[] = [];
  print(line(['', 'mean', 'p50', 'p99', 'calls']));
  for (const group of flags.groups) timings.push(...(await timeGroup(group)));
  const { node, openssl } = process.versions;
  const report = { version: 1, node, openssl, cpu: os.cpus()[0]?.model ?? 'unknown', unit: 'ns', timings };
  if (flags.json !== null) await writeFile(flags.json, `${JSON.stringify(report, null, 1)}\n`);
  return 0;
}

async function timeGroup(group: Group): Promise<readonly Timing[]> {
  print(`\n${group.name}`);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tonle-micro-'));
  try {
    const { benchmarks, close } = await group.open(folder);
    try {
      const timings: Timing[] = [];
      for (const benchmark of benchmarks) {
        const timing = await time(group.name, benchmark);
        const { name, mean, p50, p99, calls } = timing;
        print(line([`  ${name}`, ...[mean, p50, p99].map(duration), String(calls)]));
        timings.push(timing);
      }
      return timings;
    } finally {
      await close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function time(group: string, { name, run, maxSamples }: Benchmark): Promise<Timing> {
  const once = () => {
    const result = run();
    do_not_optimize(result);
    return result;
  };
  const options = maxSamples === undefined ? {} : { max_samples: maxSamples };
  const { avg, p50, p99, min, max, ticks } = await measure(once, options);
  return { group, name, mean: avg, p50, p99, min, max, calls: ticks };
}

function line([name = '', ...values]: readonly string[]): string {
  return name.padEnd(76) + values.map((value) => value.padStart(11)).join('');
}

/** Three digits and a unit. */
function duration(ns: number): string {
  const units = [' ns', ' µs', ' ms', ' s'];
  let [value, unit] = [ns, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1_000, unit + 1];
  return value.toPrecision(3) + (units[unit] ?? '');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A report out of its JSON: what is not one is refused before anything is made of it. */
import { readFileSync, statSync } from 'node:fs';
import { CodedError } from '../../src/errors.ts';
import type { Report } from '../report.ts';
import { size } from './values.ts';

/** Ten minutes by second and a curve for each run of a full matrix are some 5 MB. */
const MAX_REPORT_BYTES = 64e6;

type Test = (value: unknown) => boolean;

const text: Test = (value) => typeof value === 'string';
const amount: Test = (value) => typeof value === 'number' && Number.isFinite(value);
const oneOf =
  (...all: readonly unknown[]): Test =>
  (value) =>
    all.includes(value);
const either =
  (...tests: readonly Test[]): Test =>
  (value) =>
    tests.some((test) => test(value));

/** What the fields must be that everything else is read by; rows are looked at as far as all of them are alike. */
const REPORT: Readonly<Record<string, Test>> = {
  version: oneOf(1),
  kind: oneOf('quick', 'full', 'rows'),
  startedAt: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  durationS: amount,
  commit: text,
  seed: amount,
  command: text,
  machine: record({
    cpu: text,
    cores: amount,
    memoryBytes: amount,
    kernel: text,
    versions: record({}),
    loadAverage: amount,
  }),
  limit: either(
    oneOf(null),
    record({ verificationsPerS: amount, library: text, syncedWrite: record({ p50: amount }) }),
  ),
  postgresql: either(record({ skipped: text }), record({ version: text, runs: list(record({ clients: amount })) })),
  rows: list(record({ name: text, title: text, setup: record({ validators: amount }), runs: list(record({})) })),
  failures: list(text),
  figures: list(
    record({
      what: text,
      toReach: text,
      reached: either(oneOf(null), text),
      verdict: oneOf('reached', 'aim reached', 'missed', 'not measured'),
      how: text,
    }),
  ),
};

/**
 * @param most bytes that are read.
 * @throws CodedError REPORT_NOT_FOUND, REPORT_TOO_LARGE, REPORT_INVALID.
 */
export function readReport(file: string, most = MAX_REPORT_BYTES): Report {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) throw new CodedError('REPORT_NOT_FOUND', `there is no file ${file}`);
  if (found.size > most) throw new CodedError('REPORT_TOO_LARGE', `${file} has more than ${size(most)}`);
  return reportOf(readFileSync(file, 'utf8'));
}

/** @throws CodedError REPORT_INVALID that names the field. */
export function reportOf(json: string): Report {
  const value = parsed(json);
  if (!record({})(value)) throw new CodedError('REPORT_INVALID', 'a report is an object');
  const fields = value as Readonly<Record<string, unknown>>;
  const wrong = Object.entries(REPORT).find(([name, test]) => !test(fields[name]));
  if (wrong !== undefined) throw new CodedError('REPORT_INVALID', `"${wrong[0]}" is not as bench/report.ts has it`);
  return value as Report;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new CodedError('REPORT_INVALID', 'a report is JSON, and this is not', { cause: error });
  }
}

function record(tests: Readonly<Record<string, Test>>): Test {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const fields = value as Readonly<Record<string, unknown>>;
    return Object.entries(tests).every(([name, test]) => test(fields[name]));
  };
}

function list(test: Test): Test {
  return (value) => Array.isArray(value) && value.every(test);
}

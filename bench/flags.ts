/** What `npm run bench` is told, checked: a bad flag gives one line that says what would be right. */
import { parseArgs } from 'node:util';
import { CodedError } from '../src/errors.ts';
import { SCENES } from './scenes.ts';

export const HELP = `npm run bench -- [flags]

  --quick            the figures that fit three minutes; else the whole matrix, under 40 minutes
  --row a,b          only the scenes that these rows are measured in: ${SCENES.flatMap(({ rows }) => rows).join(', ')}
  --seed 7           keys, people, payments and arrivals (2026 unless told otherwise)
  --json FILE        the report for machines
  --report FILE      the report as one HTML page
  --folder DIR       where the networks keep their data meanwhile; a temporary folder unless told otherwise
  --no-postgresql    does not measure PostgreSQL beside it
  --help             this`;

export interface Flags {
  readonly isQuick: boolean;
  /** Null for those of the quick or the full run. */
  readonly rows: readonly string[] | null;
  readonly seed: number;
  readonly json: string | null;
  readonly report: string | null;
  readonly folder: string | null;
  readonly withPostgresql: boolean;
  readonly isHelp: boolean;
}

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  row: { type: 'string' },
  seed: { type: 'string', default: '2026' },
  json: { type: 'string' },
  report: { type: 'string' },
  folder: { type: 'string' },
  'no-postgresql': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** @throws CodedError `FLAG_WRONG` with what would be right. */
export function readFlags(args: readonly string[]): Flags {
  const values = parsed(args);
  if (!/^\d{1,9}$/.test(values.seed)) throw wrong('--seed is a whole number of at most nine digits');
  return {
    isQuick: values.quick,
    rows: values.row === undefined ? null : rowsIn(values.row),
    seed: Number(values.seed),
    json: values.json ?? null,
    report: values.report ?? null,
    folder: values.folder ?? null,
    withPostgresql: !values['no-postgresql'],
    isHelp: values.help,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message : String(cause));
  }
}

function rowsIn(text: string): string[] {
  const known = SCENES.flatMap(({ rows }) => rows);
  const names = text.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw wrong(`--row ${unknown}: the rows are ${known.join(', ')}`);
  return names;
}

function wrong(message: string): CodedError {
  return new CodedError('FLAG_WRONG', `${message}; see --help`);
}

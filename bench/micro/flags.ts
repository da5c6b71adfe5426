/** What `npm run bench:micro` is told, checked: a bad flag gives one line that says what would be right. */
import { parseArgs } from 'node:util';
import { CodedError } from '../../src/errors.ts';
import type { Group } from './group.ts';
import { GROUPS } from './groups/index.ts';

const NAMES = GROUPS.map(({ name }) => name).join(', ');

export const HELP = `npm run bench:micro -- [flags]

  --only a,b         of ${NAMES}; all of them unless told otherwise
  --json FILE        the figures for machines
  --help             this`;

export interface MicroFlags {
  readonly groups: readonly Group[];
  readonly json: string | null;
  readonly isHelp: boolean;
}

const OPTIONS = {
  only: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** @throws CodedError `FLAG_WRONG` with what would be right. */
export function readFlags(args: readonly string[]): MicroFlags {
  const { only, json, help } = parsed(args);
  const names = only?.split(',') ?? GROUPS.map(({ name }) => name);
  const unknown = names.find((name) => GROUPS.every((group) => group.name !== name));
  if (unknown !== undefined) throw wrong(`--only ${unknown}: the groups are ${NAMES}`);
  return { groups: GROUPS.filter(({ name }) => names.includes(name)), json: json ?? null, isHelp: help };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message : String(cause));
  }
}

function wrong(message: string): CodedError {
  return new CodedError('FLAG_WRONG', `${message}; see --help`);
}

/** What `npm run simulate` is told, checked: a bad flag gives one line that says what would be right. */
import { parseArgs } from 'node:util';
import { CodedError } from '../../errors.ts';
import { ACTOR_KINDS, type ActorKind, FAULT_KINDS, type FaultKind } from '../faults/plan.ts';
import type { Signatures } from '../world/keyring.ts';
import { AS_PLANNED, type Changes } from './shrink.ts';

export const HELP = `npm run simulate -- [flags]

  --seeds 1..500       which seeds (1..100 unless told otherwise)
  --seed 7             one seed
  --faults a,b         only these kinds of faults and liars; none for a calm network
  --banks 4            so many banks in every seed
  --signatures real    Ed25519 instead of the stub
  --absent             who has gone down stays down until the others have done without; as many as a network can bear
  --conspiracy         only runs with one liar more than a network can bear; else every eighth seed has one besides
  --trace              prints every event
  --report <file>      writes what the faults came to as JSON, for the table of ARCHITECTURE.md
  --pin                writes the trace hashes of some seeds, for the test that compares them
  --help               this

  What a failure prints to replay it, counted in the seed's plan:
  --without 0,3        leaves out these faults
  --without-liars 0    and these liars
  --lengths 2:40,5:7   other durations of faults, in ms
  --storm 800          ends the storm so early, in ms
  --requests 16        so many requests of wallets at most
  --keep-banks 4       only the first so many banks`;

export interface Flags {
  readonly first: number;
  readonly last: number;
  readonly kinds: readonly (FaultKind | ActorKind)[] | null;
  readonly banks: number | null;
  readonly signatures: Signatures;
  readonly isConspiracy: boolean;
  readonly isAbsent: boolean;
  readonly isTraced: boolean;
  readonly isPin: boolean;
  readonly isHelp: boolean;
  readonly report: string | null;
  readonly changes: Changes;
  /** The flags that a replay has to repeat. */
  readonly repeated: readonly string[];
}

const OPTIONS = {
  seeds: { type: 'string', default: '1..100' },
  seed: { type: 'string' },
  faults: { type: 'string' },
  banks: { type: 'string' },
  signatures: { type: 'string', default: 'stub' },
  conspiracy: { type: 'boolean', default: false },
  absent: { type: 'boolean', default: false },
  trace: { type: 'boolean', default: false },
  report: { type: 'string' },
  pin: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  without: { type: 'string' },
  'without-liars': { type: 'string' },
  lengths: { type: 'string' },
  storm: { type: 'string' },
  requests: { type: 'string' },
  'keep-banks': { type: 'string' },
} as const;

/** @throws CodedError `FLAG_WRONG` with what would be right. */
export function readFlags(args: readonly string[]): Flags {
  const values = parsed(args);
  const [first, last] = seedsIn(values.seed ?? values.seeds);
  const { faults, signatures } = values;
  if (signatures !== 'stub' && signatures !== 'real') throw wrong('--signatures is stub or real');
  return {
    first,
    last,
    kinds: faults === undefined ? null : kindsIn(faults),
    banks: numberIn('banks', values.banks, 1, 9),
    signatures,
    isConspiracy: values.conspiracy,
    isAbsent: values.absent,
    isTraced: values.trace,
    isPin: values.pin,
    isHelp: values.help,
    report: values.report ?? null,
    changes: {
      faults: numbersIn('without', values.without),
      liars: numbersIn('without-liars', values['without-liars']),
      lengths: lengthsIn(values.lengths),
      stormMs: numberIn('storm', values.storm, 1, 3_600_000),
      maxRequests: numberIn('requests', values.requests, 0, 1_000_000),
      banks: numberIn('keep-banks', values['keep-banks'], 1, 9),
    },
    repeated: [
      ...(faults === undefined ? [] : [`--faults ${faults}`]),
      ...(values.banks === undefined ? [] : [`--banks ${values.banks}`]),
      ...(signatures === 'stub' ? [] : [`--signatures ${signatures}`]),
      ...(values.absent ? ['--absent'] : []),
    ],
  };
}

/** Changes as flags that say the same. */
export function flagsOf({ faults, liars, lengths, stormMs, maxRequests, banks }: Changes): string[] {
  return [
    ...(faults.length === 0 ? [] : [`--without ${faults.join()}`]),
    ...(liars.length === 0 ? [] : [`--without-liars ${liars.join()}`]),
    ...(lengths.size === 0 ? [] : [`--lengths ${[...lengths].map(([i, ms]) => `${i}:${ms}`).join()}`]),
    ...(stormMs === null ? [] : [`--storm ${stormMs}`]),
    ...(maxRequests === null ? [] : [`--requests ${maxRequests}`]),
    ...(banks === null ? [] : [`--keep-banks ${banks}`]),
  ];
}

export function isAsPlanned(changes: Changes): boolean {
  return flagsOf(changes).length === flagsOf(AS_PLANNED).length;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw wrong(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}

function seedsIn(text: string): [first: number, last: number] {
  const match = /^(\d{1,15})(?:\.\.(\d{1,15}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || first > last)
    throw wrong(`seeds are given as --seeds 1..500, one seed as --seed 7, not ${text}`);
  return [first, last];
}

function kindsIn(text: string): (FaultKind | ActorKind)[] {
  const known = [...FAULT_KINDS, ...ACTOR_KINDS];
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    const kind = known.find((each) => each === name);
    if (kind === undefined) throw wrong(`no fault is called ${name}; there are ${known.join(', ')}`);
    return kind;
  });
}

function numberIn(flag: string, text: string | undefined, low: number, high: number): number | null {
  if (text === undefined) return null;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) throw wrong(`--${flag} is a number from ${low} to ${high}, not ${text}`);
  return value;
}

function numbersIn(flag: string, text: string | undefined): number[] {
  if (text === undefined || text === '') return [];
  if (!/^\d+(,\d+)*$/.test(text)) throw wrong(`--${flag} is a list of numbers such as 0,3, not ${text}`);
  return text.split(',').map(Number);
}

function lengthsIn(text: string | undefined): Map<number, number> {
  if (text === undefined || text === '') return new Map();
  if (!/^\d+:\d+(,\d+:\d+)*$/.test(text)) throw wrong(`--lengths is a list such as 2:40,5:7, not ${text}`);
  return new Map(text.split(',').map((pair) => pair.split(':').map(Number) as [number, number]));
}

function wrong(sentence: string): CodedError {
  return new CodedError('FLAG_WRONG', `${sentence}; --help lists the flags`);
}

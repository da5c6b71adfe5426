/**
 * What all fuzz tests share: how many inputs they try, from which seed, and the law of decoders. `FUZZ_TIMES=50` makes a
 * run so many times as long, `FUZZ_SEED=7` another one; a failure names its seed.
 */
import fc from 'fast-check';
import { type CodecError, decode, encode, type Schema } from '../codec/schema.ts';
import { CodedError } from '../errors.ts';
import { Chance } from '../simulator/world/random.ts';

/** What a decoder of bytes may say of bad ones. */
export const CODEC_CODES: readonly string[] = [
  'BYTES_TOO_LONG',
  'BYTES_MALFORMED',
  'BYTES_NOT_CANONICAL',
  'FIELD_INVALID',
  'VERSION_UNKNOWN',
] satisfies readonly CodecError['code'][];

/** Inputs of one kind in a run of the suite, and the seed they come from. */
export function fuzzRuns(inputs: number): { readonly numRuns: number; readonly seed: number } {
  return { numRuns: inputs * numberFrom('FUZZ_TIMES', 1), seed: numberFrom('FUZZ_SEED', 20_261_122) };
}

/** `count` values of an arbitrary, the same in every run with the same seed. */
export function samples<T>(values: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(values, { numRuns: count, seed: fuzzRuns(1).seed });
}

/** What is wrong with how a decoder took these bytes, or null: they come back as they were, or a code refuses them. */
export function decoderProblem<T>(schema: Schema<T>, bytes: Uint8Array, maxBytes: number): string | null {
  try {
    const again = encode(schema, decode(schema, bytes, maxBytes));
    return Buffer.compare(again, bytes) === 0 ? null : 'what it decodes to encodes to other bytes';
  } catch (error) {
    return refusalProblem(error, CODEC_CODES);
  }
}

/** What is wrong with an error as the refusal of bad input, or null. */
export function refusalProblem(error: unknown, codes: readonly string[]): string | null {
  if (!(error instanceof CodedError))
    return `it threw ${error instanceof Error ? (error.stack ?? error.name) : String(error)}`;
  if (!codes.includes(error.code)) return `it refused by the unexpected code ${error.code}: ${error.message}`;
  return error.message.length < 1_000 ? null : `a message of ${error.message.length} characters`;
}

/** What is wrong with how a reader of text took it, or null. @param again writes what was read, where there is one form. */
export function readerProblem<T>(
  text: string,
  read: (text: string) => T,
  codes: readonly string[],
  again: ((value: T) => string) | null,
): string | null {
  let value: T;
  try {
    value = read(text);
  } catch (error) {
    return refusalProblem(error, codes);
  }
  const written = again === null ? text : again(value);
  return written === text ? null : `read as ${JSON.stringify(written.slice(0, 200))}`;
}

const ODD_TEXTS = [
  ...[
    '',
    ' ',
    '\n',
    '\0',
    '0',
    '-0',
    '-1',
    '00',
    '1e400',
    '0x10',
    '1_000',
    '+1',
    '.5',
    '5.',
    'NaN',
    'Infinity',
    'null',
  ],
  ...[
    'true',
    '{}',
    '[]',
    '"',
    '\\',
    '\\u0000',
    '%00',
    '%',
    '..',
    '../..',
    '__proto__',
    'constructor',
    'toString',
    '@',
    'a@b@c',
  ],
  ...[
    '\ud800',
    '\udfff',
    '\u00e9',
    'e\u0301',
    '\u202e',
    '\ufeff',
    '\u0660',
    '\uff10',
    '\u17e0',
    '\u0131',
    '\u212a',
    '\u{1f600}',
  ],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '9223372036854775807', '9223372036854775808'],
  ...['18446744073709551616', '1'.repeat(400), 'a'.repeat(5_000), '['.repeat(3_000), '{"a":'.repeat(3_000)],
];

/** A text made out of true ones: characters changed, parts cut, doubled, exchanged, and odd things put in. */
export function hostileText(seed: number, texts: readonly string[]): string {
  const chance = new Chance(seed, 'text');
  if (chance.happens(0.1)) return chance.pick(ODD_TEXTS);
  let text = chance.pick(texts);
  for (let left = chance.between(1, 3); left > 0; left--) {
    const at = chance.below(text.length + 1);
    const to = Math.min(text.length, at + chance.between(0, 12));
    const donor = chance.pick(texts);
    const from = chance.below(donor.length + 1);
    const middle = chance.pick([
      () => chance.pick(ODD_TEXTS),
      () => String.fromCharCode(chance.below(chance.pick([128, 0x10000]))),
      () => donor.slice(from, from + chance.below(60)),
      () => text.slice(at, to).toUpperCase(),
      () => text.slice(at, to).repeat(2),
      () => '',
    ])();
    text = text.slice(0, at) + middle + text.slice(chance.happens(0.5) ? at : to);
  }
  return text;
}

const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1.5, 1e21, 2 ** 53 - 1, 2 ** 53, 2 ** 63, -(2 ** 53)],
  ...[
    '',
    '0',
    '__proto__',
    '\ud800',
    'x'.repeat(200),
    [],
    [[]],
    {},
    { toString: 1 },
    { length: 2 ** 32 },
    [null],
    [''],
  ],
  JSON.parse('{"__proto__":{"polluted":true}}'),
  JSON.parse('{"constructor":{"prototype":{"polluted":true}}}'),
];

/** A JSON value made out of a true one: fields changed, exchanged, left out, added, doubled. */
export function hostileJson(seed: number, values: readonly unknown[]): unknown {
  const chance = new Chance(seed, 'json');
  if (chance.happens(0.05)) return chance.pick(ODD_VALUES);
  let value = structuredClone(chance.pick(values));
  const donors = values.flatMap(parts);
  for (let left = chance.between(1, 3); left > 0; left--) {
    const places = parts(value);
    const target = chance.below(places.length);
    let seen = 0;
    const walk = (here: unknown): unknown => {
      if (seen++ === target) return changed(chance, here, donors);
      if (Array.isArray(here)) return here.map(walk);
      if (typeof here !== 'object' || here === null) return here;
      return Object.fromEntries(Object.entries(here).map(([name, field]) => [name, walk(field)]));
    };
    value = walk(value);
  }
  return value;
}

function changed(chance: Chance, value: unknown, donors: readonly unknown[]): unknown {
  if (chance.happens(0.3)) return chance.pick(ODD_VALUES);
  if (chance.happens(0.2)) return chance.pick(donors);
  if (typeof value === 'string') return hostileText(chance.next(), [value]);
  if (typeof value === 'number') return value + chance.pick([-1, 1, 0.5, 2 ** 53]);
  if (Array.isArray(value))
    return chance.pick([[...value, ...value], value.slice(1), value.toReversed(), { ...value }]);
  if (typeof value !== 'object' || value === null) return chance.pick(donors);
  const entries = Object.entries(value);
  const odd: [string, unknown] = [chance.pick(['', '__proto__', 'constructor', 'x', 'type']), chance.pick(ODD_VALUES)];
  return chance.pick([Object.fromEntries([...entries, odd]), Object.fromEntries(entries.slice(1)), entries]);
}

function parts(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [value];
  return [value, ...Object.values(value).flatMap(parts)];
}

function numberFrom(name: string, fallback: number): number {
  const value = Number(process.env[name] ?? fallback);
  return Number.isSafeInteger(value) && value > 0 ? value : fallback;
}

/** What the language's JSON Schema is put together from: the forms of texts, and strict mappings and lists of them. */
import { MAX_TEXT_CHARS } from '../limits.ts';
import type { ProblemCode } from '../problem.ts';

/** A piece of JSON Schema draft-07. `title` completes «expected …»; `description` is what editors show. */
export interface Shape {
  readonly title: string;
  readonly description?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: boolean | Shape;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
  readonly [limit: string]: unknown;
}

const REFERENCE = '\\$\\{[^{}]+\\}';
const DECIMAL = '(?:0|[1-9]\\d*)(?:\\.\\d+)?';
const AMOUNT = `(?:${DECIMAL} [A-Z]{3}|${REFERENCE})`;
const DURATION = `${DECIMAL} (?:ms|s|min|h|day|days)`;
const COMPARED = '(?:at least |at most )?';

/** Forms of text, by name. A published schema refers to them. */
export const FORMS = {
  words: form('a text', '.', ['Lunch']),
  name: form('a name', '^[^\\s$][^\\n]*$', ['dara', 'aclb']),
  amount: form('an amount', `^${AMOUNT}$`, ['5000 KHR', '1.50 USD']),
  comparedAmount: form('an amount', `^${COMPARED}${AMOUNT}$`, ['5000 KHR', 'at least 5000 KHR']),
  signedAmount: form('a change of an amount', `^[+-]?${DECIMAL} [A-Z]{3}$`, ['+5000 KHR', '-1.50 USD']),
  duration: form('a duration', `^${DURATION}$`, ['500 ms', '10 s', '5 min', '2 h', '3 days']),
  below: form('a bound', `^below ${DURATION}$`, ['below 2 s']),
  clock: form('a time of day', '^(?:day [1-9]\\d{0,3} )?\\d{2}:\\d{2}(?::\\d{2})?$', [
    '09:30',
    '09:30:15',
    'day 2 09:30',
  ]),
  date: form('a date and a time', '^\\d{4}-\\d{2}-\\d{2} \\d{2}:\\d{2}(?::\\d{2})?$', ['2026-04-14 06:00']),
  ending: form('an ending', '^(?:final|refused [A-Z_]+|expired|pending|unreachable|any)$', [
    'final',
    'refused ALIAS_NOT_FOUND',
    'pending',
  ]),
  tally: form('a count', `^(?:all|${COMPARED}(?:\\d{1,9}|${REFERENCE}))$`, ['all', 'at most 3']),
  file: form('a file beside this one', '^[^\\n]+\\.ya?ml$', ['common/banks.yaml']),
} as const satisfies Record<string, Shape>;

/** By title: the code of a value that has not the form, and a word of help for what authors write instead. */
export const FORM_CODES: Readonly<
  Record<string, { readonly code: ProblemCode; readonly hint?: (text: string) => string | null }>
> = {
  'an amount': { code: 'SCENARIO_AMOUNT', hint: amountHint },
  'a change of an amount': { code: 'SCENARIO_AMOUNT', hint: amountHint },
  'a duration': { code: 'SCENARIO_DURATION', hint: durationHint },
  'a bound': { code: 'SCENARIO_DURATION' },
  'a time of day': { code: 'SCENARIO_TIME' },
  'a date and a time': { code: 'SCENARIO_TIME' },
};

function form(title: string, pattern: string, examples: readonly string[]): Shape {
  return { title, type: 'string', pattern, maxLength: MAX_TEXT_CHARS, examples };
}

function amountHint(text: string): string | null {
  const bare = text.replace(/(?<=\d)[,_' ](?=\d)/g, '');
  if (bare !== text) return `write it without separators: \`${bare}\``;
  if (/^[\d.]+$/.test(text)) return 'the currency is missing';
  return /^[\d.]+\s*[A-Za-z]{3}$/.test(text)
    ? `write it like \`${text.replace(/\s*([A-Za-z]{3})$/, (_, code: string) => ` ${code.toUpperCase()}`)}\``
    : null;
}

function durationHint(text: string): string | null {
  const found = /^(\d+(?:\.\d+)?)\s*(ms|s|min|h|days?)$/.exec(text);
  return found ? `write it like \`${found[1]} ${found[2]}\`` : null;
}

/** The form under a key, with what the key means. */
export function key(shape: Shape, description: string): Shape {
  return { ...shape, description };
}

/** A mapping with these keys and no others. */
export function mapping(
  title: string,
  properties: Readonly<Record<string, Shape>>,
  required: readonly string[] = [],
): Shape {
  return { title, type: 'object', properties, required, additionalProperties: false };
}

/** A mapping whose keys are the author's. */
export function named(title: string, value: Shape, description: string, example?: unknown): Shape {
  const examples = example === undefined ? {} : { examples: [example] };
  return { title, description, type: 'object', additionalProperties: value, minProperties: 1, ...examples };
}

export function listOf(items: Shape, title = `a list, each ${items.title}`): Shape {
  return { title, type: 'array', items, minItems: 1 };
}

/** @param branches in the order in which a reader should think of them. */
export function either(...branches: readonly Shape[]): Shape {
  return { title: branches.map(({ title }) => title).join(', or '), anyOf: branches };
}

export function oneOrMore(items: Shape): Shape {
  return either(items, listOf(items));
}

export function wholeNumber(low: number, high: number): Shape {
  return { title: `a whole number from ${low} to ${high}`, type: 'integer', minimum: low, maximum: high };
}

export function oneOf(...words: readonly (string | boolean)[]): Shape {
  const titles = words.filter((word) => typeof word === 'string').map((word) => `\`${word}\``);
  return { title: titles.join(' or '), enum: words };
}

export const YES_NO = oneOf('yes', 'no', true, false);

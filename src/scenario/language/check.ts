/**
 * Judges a piece of a story by its shape, with ajv, and says in words of the language what is wrong. Where a value may be of
 * several kinds, the kind that the author meant is found first, and only that one is spoken of.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Place } from '../story.ts';
import { entriesOf, type MapNode, type Node, plain } from './node.ts';
import { nearest, type Problems, shown, suggestion } from './problem.ts';
import { FORM_CODES, type Shape } from './schema/shapes.ts';
import { isLoop, STEP_SHAPES, WORDS } from './schema/steps.ts';

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  strict: true,
  allowUnionTypes: true,
  validateFormats: false,
  strictRequired: false,
});
const EXPECTED_WORD = 'expected a word such as `pay`, `expect` or `say`';
const compiled = new Map<Shape, ValidateFunction>();

/** @returns whether the value has the shape. @param what the word it stands under, for sentences. */
export function judge(shape: Shape, node: Node, what: string, problems: Problems): boolean {
  const validate = compiled.get(shape) ?? ajv.compile(shape);
  compiled.set(shape, validate);
  if (validate(plain(node))) return true;
  const errors = meant(validate.errors ?? []);
  for (const error of errors) if (!isMisspelt(error, errors)) report(error, node, what, problems);
  return false;
}

/** The word of a step: the one thing that it does. Null where it does none or several; then `problems` has it. */
function wordOf(step: Node, problems: Problems): string | null {
  if (step.kind !== 'map') {
    problems.add(
      'SCENARIO_SHAPE',
      step.place,
      `a step is ${kindOf(step)}; expected a mapping such as \`pay: { from: dara, to: sok, amount: 5000 KHR }\``,
    );
    return null;
  }
  const keys = [...step.entries.keys()];
  const words = keys.filter((word) => Object.hasOwn(WORDS, word));
  // Beside another word, `expect` is how that one ends.
  const [word, second] = words.length > 1 ? words.filter((found) => found !== 'expect') : words;
  if (word !== undefined && second === undefined) return word;
  if (second !== undefined) {
    problems.add(
      'SCENARIO_STEP',
      step.entries.get(second)?.place ?? step.place,
      `a step does one thing, and this one does both ${shown(word)} and ${shown(second)}; expected two steps`,
    );
    return null;
  }
  const unknown = entriesOf(step).find(([key]) => !['at', 'as', 'note', 'within'].includes(key));
  if (unknown) {
    const [key, { place }] = unknown;
    problems.add(
      'SCENARIO_KEY_UNKNOWN',
      place,
      `${shown(key)} is nothing a step can do${suggestion(key, Object.keys(WORDS)) || `; ${EXPECTED_WORD}`}`,
    );
  } else problems.add('SCENARIO_STEP', step.place, `this step does nothing; ${EXPECTED_WORD}`);
  return null;
}

/** Judges a step by the shape of its word alone. @returns the word, or null; then `problems` has why. */
export function judgeStep(step: Node, problems: Problems): { readonly word: string; readonly map: MapNode } | null {
  const word = wordOf(step, problems);
  const shape = word === null ? undefined : STEP_SHAPES.get(word);
  if (word === null || shape === undefined || step.kind !== 'map') return null;
  return judge(shape, step, isLoop(word) ? 'this loop' : 'this step', problems) ? { word, map: step } : null;
}

/** Of errors in which alternatives failed, those of the alternative that was meant. */
function meant(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf');
  const outermost = choices.filter((one) => !choices.some((other) => other !== one && isWithin(one, other)));
  const plainErrors = errors.filter(
    (error) => !outermost.some((choice) => error === choice || isWithin(error, choice)),
  );
  return [
    ...plainErrors,
    ...outermost.flatMap((choice) =>
      meantBranch(
        choice,
        errors.filter((error) => isWithin(error, choice)),
      ),
    ),
  ];
}

/** The branch whose kind of value this is, and which fails in the fewest ways; the choice itself where no branch is of its kind. */
function meantBranch(choice: ErrorObject, inside: readonly ErrorObject[]): readonly ErrorObject[] {
  const branches = (choice.schema as readonly Shape[]).map((_, i) =>
    inside.filter(({ schemaPath }) => schemaPath.startsWith(`${choice.schemaPath}/${i}/`)),
  );
  const ofItsKind = branches.filter(
    (branch) => !branch.some(({ keyword, instancePath }) => keyword === 'type' && instancePath === choice.instancePath),
  );
  const [best, ...others] = [...ofItsKind].sort((a, b) => a.length - b.length);
  const isText = typeof choice.data !== 'object';
  return best === undefined || (isText && others.length > 0) ? [choice] : meant(best);
}

/** Whether a key is missing because it is there with a wrong letter, which is told already. */
function isMisspelt({ keyword, instancePath, params }: ErrorObject, errors: readonly ErrorObject[]): boolean {
  const missing = keyword === 'required' ? [String(params['missingProperty'])] : [];
  const unknown = errors.filter(
    (other) => other.keyword === 'additionalProperties' && other.instancePath === instancePath,
  );
  return unknown.some((other) => nearest(String(other.params['additionalProperty']), missing) !== null);
}

function isWithin(error: ErrorObject, choice: ErrorObject): boolean {
  const isBelow =
    error.instancePath === choice.instancePath || error.instancePath.startsWith(`${choice.instancePath}/`);
  return isBelow && error.schemaPath.startsWith(`${choice.schemaPath}/`);
}

function report(error: ErrorObject, root: Node, what: string, problems: Problems): void {
  const keys = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const found = follow(root, keys);
  const word = keys.findLast((name) => !/^\d+$/.test(name)) ?? null;
  const subject = word === null ? what : shown(word);
  const shape = error.parentSchema as unknown as Shape;
  if (error.keyword === 'additionalProperties') {
    const name = String(error.params['additionalProperty']);
    const place = keyPlace(found, name);
    problems.add(
      'SCENARIO_KEY_UNKNOWN',
      place,
      `${shown(name)} is no word of ${subject}${suggestion(name, Object.keys(shape.properties ?? {}), 'it knows')}`,
    );
  } else if (error.keyword === 'required') {
    const name = String(error.params['missingProperty']);
    const missing = shape.properties?.[name];
    problems.add(
      'SCENARIO_KEY_MISSING',
      found.place,
      `${subject} lacks ${shown(name)}; expected ${missing ? expectation(missing) : shown(name)}`,
    );
  } else {
    const form = FORM_CODES[shape.title];
    const value = found.kind === 'scalar' ? found.value : null;
    const quotes =
      typeof value === 'number' && shape.type === 'string' ? 'digits that are a text stand in quotes' : null;
    const hint = value === null ? null : (form?.hint?.(String(value)) ?? quotes);
    const verb = word === null ? `${what} is` : `${shown(word)} is`;
    problems.add(
      form?.code ?? 'SCENARIO_SHAPE',
      found.place,
      `${verb} ${kindOf(found)}; expected ${expectation(shape)}${hint ? `; ${hint}` : ''}`,
    );
  }
}

/** `an amount such as `5000 KHR` or `1.50 USD``. */
function expectation({ title, type, minItems, minProperties, examples = [] }: Shape): string {
  const isFilled = (type === 'array' && Number(minItems) > 0) || (type === 'object' && Number(minProperties) > 0);
  const such =
    type === 'string' && examples.length > 0 ? ` such as ${examples.slice(0, 2).map(shown).join(' or ')}` : '';
  return `${title}${such}${isFilled && !title.startsWith('a list of steps') ? ', not empty' : ''}`;
}

function kindOf(node: Node): string {
  if (node.kind === 'list') return node.items.length === 0 ? 'an empty list' : 'a list';
  if (node.kind === 'map') return node.entries.size === 0 ? 'an empty mapping' : 'a mapping';
  if (node.kind === 'code') return 'a function';
  return node.value === null ? 'empty' : shown(node.value);
}

function follow(root: Node, keys: readonly string[]): Node {
  let node = root;
  for (const key of keys) {
    if (node.kind === 'list') node = node.items[Number(key)] ?? node;
    else if (node.kind === 'map') node = node.entries.get(key)?.node ?? node;
  }
  return node;
}

function keyPlace(node: Node, key: string): Place {
  return (node.kind === 'map' ? node.entries.get(key)?.place : undefined) ?? node.place;
}

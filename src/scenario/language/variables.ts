/**
 * `${name}` in texts: variables of the story and of loops, put in before anything is judged, so that a number stays a number
 * and every message speaks of what is really there. `${step.field}` is an output of a step, known only while the story is
 * played; it stays.
 */
import type { Place, Text } from '../story.ts';
import { MAX_TEXT_CHARS, MAX_VARIABLES } from './limits.ts';
import { at, type Entry, entriesOf, type MapNode, type Measure, type Node, type Scalar } from './node.ts';
import { type Problems, refuse, shown, suggestion } from './problem.ts';

/** What names stand for. */
export type Scope = ReadonlyMap<string, Scalar>;

const NAME = /^[A-Za-z][\w-]*$/;
const MENTION = /\$\{([^{}]*)\}/g;
/** A name may hold a variable of a loop: `${lunch-${i}.amount}`. Nobody nests deeper than this. */
const MAX_PASSES = 8;
/** Steps within a step have variables of their own loop, and are substituted when it is unrolled. */
const LATER: ReadonlySet<string> = new Set(['steps', 'together', 'variables']);

/** All variables of the documents, with what `--set` says in their places. */
export function variablesOf(
  documents: readonly MapNode[],
  set: Readonly<Record<string, string>>,
  problems: Problems,
): Scope {
  const scope = new Map<string, Scalar>();
  const places = new Map<string, Place>();
  for (const document of documents) {
    for (const [name, { place, node }] of entriesOf(at(document, 'variables'))) {
      const earlier = places.get(name);
      if (earlier)
        problems.add(
          'SCENARIO_NAME_TAKEN',
          place,
          `the variable ${shown(name)} is defined at ${earlier.file}:${earlier.line} already`,
        );
      problems.attempt(() => checkName(name, place));
      places.set(name, place);
      if (node.kind === 'scalar') scope.set(name, literal(node.value, place, problems));
    }
  }
  const [document] = documents;
  if (document && scope.size > MAX_VARIABLES)
    problems.add(
      'SCENARIO_LIMIT',
      document.place,
      `${scope.size} variables are defined; at most ${MAX_VARIABLES} are expected`,
    );
  for (const [name, text] of Object.entries(set)) {
    const place = { file: '--set', line: 0, column: 0, path: name };
    const present = scope.get(name);
    if (present === undefined)
      problems.add(
        'SCENARIO_VARIABLE',
        place,
        `the story has no variable ${shown(name)}${suggestion(name, scope.keys())}`,
      );
    else problems.attempt(() => scope.set(name, literal(sameKind(present, text, place), place, problems)));
  }
  return scope;
}

/** @throws as `refuse` where a variable cannot have this name. */
export function checkName(name: string, place: Place): void {
  if (!NAME.test(name))
    refuse(
      'SCENARIO_NAME_MALFORMED',
      place,
      `${shown(name)} is no name of a variable; expected letters, digits, - and _, a letter first`,
    );
}

/** The tree with all variables put in; outputs of steps stay as they are. */
export function substitute(node: Node, scope: Scope, measure: Measure, problems: Problems): Node {
  measure.take(node.place, 0);
  if (node.kind === 'list')
    return { ...node, items: node.items.map((item) => substitute(item, scope, measure, problems)) };
  if (node.kind === 'map') {
    const entries = new Map<string, Entry>();
    for (const [name, { place, node: inner }] of node.entries) {
      const key = String(filled(name, place, scope, problems));
      if (entries.has(key)) problems.add('SCENARIO_NAME_TAKEN', place, `the key ${shown(key)} is there twice`);
      entries.set(key, { place, node: LATER.has(name) ? inner : substitute(inner, scope, measure, problems) });
    }
    return { ...node, entries };
  }
  if (node.kind === 'code' || typeof node.value !== 'string') return node;
  return { ...node, value: filled(node.value, node.place, scope, problems) };
}

/** The parts of a text that is only whole while the story is played. */
export function textParts(text: string): Text {
  const parts: Text[number][] = [];
  let end = 0;
  for (const found of text.matchAll(MENTION)) {
    if (found.index > end) parts.push(text.slice(end, found.index));
    const [output = '', ...field] = (found[1] ?? '').split('.');
    parts.push({ output, field: field.join('.') });
    end = found.index + found[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

function filled(text: string, place: Place, scope: Scope, problems: Problems): Scalar {
  if (!text.includes('${')) return text;
  const whole = /^\$\{([^{}]*)\}$/.exec(text)?.[1];
  if (whole !== undefined && scope.has(whole)) return scope.get(whole) ?? null;
  let present = text;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = present.replace(MENTION, (mention, name: string) =>
      scope.has(name) ? String(scope.get(name)) : mention,
    );
    if (next === present) break;
    present = next;
    if (present.length > MAX_TEXT_CHARS) {
      problems.add('SCENARIO_LIMIT', place, `with its variables this text has over ${MAX_TEXT_CHARS} characters`);
      return '';
    }
  }
  for (const [mention, name = ''] of present.matchAll(MENTION)) {
    if (name.includes('.')) continue;
    problems.add(
      'SCENARIO_VARIABLE',
      place,
      `${shown(mention)} stands for nothing here${suggestion(name, scope.keys())}`,
    );
  }
  if (present.replace(MENTION, '').includes('${'))
    problems.add(
      'SCENARIO_VARIABLE',
      place,
      `${shown(present)} opens \`\${\` and does not close it; expected \`\${name}\``,
    );
  return present;
}

/** A variable is what it says and mentions no other, so that putting it in ends. */
function literal(value: Scalar, place: Place, problems: Problems): Scalar {
  if (typeof value !== 'string' || !value.includes('${')) return value;
  problems.add(
    'SCENARIO_VARIABLE',
    place,
    'a variable stands for plain text or a number; it cannot mention another one',
  );
  return '';
}

/** What `--set` says, as a value of the kind that the story has there. */
function sameKind(present: Scalar, text: string, place: Place): Scalar {
  if (text.length > MAX_TEXT_CHARS) refuse('SCENARIO_LIMIT', place, `this text has over ${MAX_TEXT_CHARS} characters`);
  if (typeof present === 'number') {
    const isNumber = /^-?\d+(?:\.\d+)?$/.test(text) && Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER;
    return isNumber
      ? Number(text)
      : refuse('SCENARIO_VARIABLE', place, `${shown(text)} is no number; expected one such as ${present}`);
  }
  if (typeof present === 'boolean') {
    if (text !== 'true' && text !== 'false')
      refuse('SCENARIO_VARIABLE', place, `${shown(text)} is neither true nor false`);
    return text === 'true';
  }
  return text;
}

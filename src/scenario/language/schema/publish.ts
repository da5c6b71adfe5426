/**
 * The schema as editors get it: the same shapes, with one difference. An editor sees a story before its variables are put
 * in, so wherever a text of some form, a number or a choice is expected, `${name}` may stand as well.
 */
import { DOCUMENT } from './document.ts';
import { EXPECTATION } from './expectations.ts';
import { FORMS, mapping, type Shape } from './shapes.ts';
import { SETTINGS, STEPS, WORDS } from './steps.ts';

const VARIABLE = { type: 'string', pattern: '\\$\\{[^{}]+\\}' };

/** Name in `definitions` of each form, by its pattern. */
const BY_PATTERN = new Map(Object.entries(FORMS).map(([name, { pattern }]) => [pattern, name]));

/** JSON Schema draft-07 of a story in YAML. */
export function publishedSchema(): object {
  const { run: _, ...words } = WORDS as Record<string, Shape>;
  const { title: __, expect, ...settings } = SETTINGS as Record<string, Shape>;
  const step = mapping('a step', {
    ...settings,
    ...words,
    expect: { ...words['expect'], anyOf: [...(words['expect']?.anyOf ?? []), expect] } as Shape,
  });
  const forms = Object.entries(FORMS).map(([name, form]) => [name, { anyOf: [form, VARIABLE] }]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...(published({ ...DOCUMENT, title: 'A Tonle scenario', required: ['steps'] }) as object),
    definitions: {
      ...Object.fromEntries(forms),
      expectation: publishedWhole(EXPECTATION),
      step: { ...(published(step) as object), anyOf: Object.keys(words).map((word) => ({ required: [word] })) },
    },
  };
}

/** The file `scenarios/tonle-scenario.schema.json`. */
export function publishedSchemaText(): string {
  return `${JSON.stringify(publishedSchema(), null, 2)}\n`;
}

/** Word, what it takes, what it means: rows of the table in `scenarios/README.md`. */
export function wordRows(): readonly (readonly [word: string, takes: string, meaning: string])[] {
  const row = (word: string, { title, description = '' }: Shape) => [word, title, description] as const;
  const beside = Object.entries(SETTINGS).map(([word, shape]) => row(`${word}:`, shape));
  const within = (word: string, shape: Shape | undefined) =>
    Object.entries(shape?.properties ?? {}).map(([inner, found]) => row(`${word}.${inner}`, found));
  const top = Object.entries(DOCUMENT.properties ?? {}).flatMap(([word, shape]) => {
    const inner = typeof shape.additionalProperties === 'object' ? shape.additionalProperties : shape;
    return [row(word, shape), ...within(word, inner)];
  });
  const steps = Object.entries(WORDS).flatMap(([word, shape]) => {
    const parts = [shape, ...(shape.anyOf ?? [])];
    return [row(`- ${word}`, shape), ...parts.flatMap((part) => within(`- ${word}`, part))];
  });
  return [...top, ...beside, ...steps];
}

function published(shape: Shape): unknown {
  if (shape.title === EXPECTATION.title) return { $ref: '#/definitions/expectation' };
  if (shape.title === STEPS.title) return { ...shape, items: { $ref: '#/definitions/step' } };
  const form = shape.pattern === undefined ? undefined : BY_PATTERN.get(shape.pattern);
  const { description, examples } = shape;
  const shownToo = {
    ...(description === undefined ? {} : { description }),
    ...(examples === undefined ? {} : { examples }),
  };
  if (form !== undefined) return { allOf: [{ $ref: `#/definitions/${form}` }], ...shownToo };
  const whole = publishedWhole(shape);
  const isScalar =
    shape.enum !== undefined || (shape.type !== 'object' && shape.type !== 'array' && shape.anyOf === undefined);
  return isScalar ? { anyOf: [whole, VARIABLE], ...shownToo } : whole;
}

function publishedWhole(shape: Shape): object {
  const inner: [string, unknown][] = Object.entries(shape).map(([keyword, value]) => [
    keyword,
    publishedKeyword(keyword, value),
  ]);
  return Object.fromEntries(inner);
}

function publishedKeyword(keyword: string, value: unknown): unknown {
  const each = (shapes: object) =>
    Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, published(shape as Shape)]));
  if (keyword === 'properties' || keyword === 'patternProperties') return each(value as object);
  if (keyword === 'anyOf') return (value as Shape[]).map(published);
  if (keyword === 'items' || (keyword === 'additionalProperties' && typeof value === 'object'))
    return published(value as Shape);
  return value;
}

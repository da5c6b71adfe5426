/**
 * Query strings are text; where a route's schema asks for a number or a truth value, exactly one spelling of it is turned
 * into that. Anything else stays text, and the schema refuses it.
 */

const MAX_DIGITS = 15;

/** @param query changed in place. @param schema of an object, as the route declares it. */
export function parseQuery(query: unknown, schema: unknown): void {
  const properties = propertiesOf(schema);
  const values = query as Record<string, unknown>;
  for (const [name, { type }] of Object.entries(properties)) {
    const text = values[name];
    if (typeof text !== 'string') continue;
    if (type === 'integer' && /^(?:0|[1-9]\d*)$/.test(text) && text.length <= MAX_DIGITS) values[name] = Number(text);
    if (type === 'boolean' && (text === 'true' || text === 'false')) values[name] = text === 'true';
  }
}

function propertiesOf(schema: unknown): Readonly<Record<string, { readonly type?: unknown }>> {
  if (typeof schema !== 'object' || schema === null || !('properties' in schema)) return {};
  return schema.properties as Readonly<Record<string, { readonly type?: unknown }>>;
}

import { isDeepStrictEqual } from 'node:util';

type Json = Record<string, unknown>;

/** Keywords of our own that say nothing to a reader, or that a standard one says. */
const OURS = new Set(['x-message', 'x-free-form', 'x-decimals', 'x-response-description']);

/**
 * Gives schemas with a title a place under components, and puts references where they stood: each shape is shown once,
 * and generated types have names.
 *
 * @throws when two different shapes have one title
 */
export function nameSchemas({ openapiObject }: { openapiObject: Json }): Json {
  markOptionalBodies(openapiObject['paths'] as Json);
  const { value, schemas } = hoistSchemas(openapiObject);
  const document = value as Json;
  return { ...document, components: { ...(document['components'] as Json), schemas } };
}

/**
 * The same of any value: a copy with references to what was found, which belongs under components.
 *
 * @throws when two different shapes have one title
 */
export function hoistSchemas(value: unknown): { value: unknown; schemas: Json } {
  const schemas: Record<string, unknown> = {};
  const copy = walk(value, (schema) => hoist(schema, schemas));
  const sorted = Object.entries(schemas).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return { value: copy, schemas: Object.fromEntries(sorted) };
}

function hoist(schema: Json, schemas: Record<string, unknown>): Json {
  const { title, type } = schema;
  if (typeof title !== 'string' || type !== 'object' || !/^[A-Z][A-Za-z0-9]*$/.test(title)) return schema;
  // What a route says about its answer, and its example, belong there and not to the shape.
  const { description: _description, examples: _examples, example: _example, ...shape } = schema;
  const known = schemas[title];
  if (known !== undefined && !isDeepStrictEqual(known, shape))
    throw new Error(`Two different schemas are called ${title}`);
  schemas[title] = shape;
  return { $ref: `#/components/schemas/${title}` };
}

/** Copies a document from its leaves up, with each schema replaced. Examples and defaults are values, not schemas. */
function walk(value: unknown, replace: (schema: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((item) => walk(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  const copy: Json = {};
  for (const [key, member] of Object.entries(value)) {
    if (OURS.has(key)) continue;
    const isValue = key === 'example' || key === 'examples' || (key === 'default' && 'type' in value);
    copy[key] = isValue ? member : walk(member, replace);
  }
  return 'type' in copy ? replace(copy) : copy;
}

interface Operation {
  requestBody?: { required?: boolean; content: Record<string, { schema?: { required?: unknown[] } }> };
}

/** A body without required fields may be left out; the generator says that every body must be there. */
function markOptionalBodies(paths: Json): void {
  for (const path of Object.values(paths) as Record<string, Operation>[]) {
    for (const { requestBody } of Object.values(path)) {
      const schema = requestBody?.content['application/json']?.schema;
      if (requestBody !== undefined && schema !== undefined) requestBody.required = (schema.required ?? []).length > 0;
    }
  }
}

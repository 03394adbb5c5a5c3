import type { TSchema } from 'typebox';

interface ParameterSchema {
  type?: string | string[];
  default?: unknown;
}

const INTEGER = /^-?(?:0|[1-9]\d{0,15})$/;
const DECIMAL = /^-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?$/;

/**
 * Turns the texts of a query into what the schema's types say, and fills in defaults. A text that is not written as its
 * type is left as text, for the schema to refuse: `1e1`, `0x10`, ` 5` and `05` are not numbers here.
 */
export function queryConverter(schema: TSchema): (values: ReadonlyMap<string, string>) => Record<string, unknown> {
  const properties = Object.entries((schema as { properties?: Record<string, ParameterSchema> }).properties ?? {});
  const types = new Map(properties.map(([name, { type }]) => [name, typeof type === 'string' ? type : 'string']));
  const defaults = properties.filter(([, property]) => property.default !== undefined);
  return (values) => {
    // Without a prototype, a parameter named __proto__ is one more unknown name.
    const query = Object.create(null) as Record<string, unknown>;
    for (const [name, property] of defaults) query[name] = property.default;
    for (const [name, value] of values) query[name] = convert(value, types.get(name));
    return query;
  };
}

function convert(text: string, type: string | undefined): unknown {
  if (type === 'integer') return INTEGER.test(text) ? Number(text) : text;
  if (type === 'number') return DECIMAL.test(text) ? Number(text) : text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

import { Type, type TObject } from 'typebox';
import { createAjv } from '../http/validator.ts';
import { Explainer } from '../http/explain.ts';
import { Shape, text, Whole } from '../http/schemas.ts';
import { pointerTo } from '../http/field.path.ts';
import type { JobType } from './job.type.ts';

/** What a user's file says of its type. */
const Description = Shape({
  name: Type.String({
    pattern: '^[a-z][a-z0-9_]{0,62}$',
    'x-message': 'must be 1 to 63 of small letters, digits and _, and begin with a letter',
  }),
  title: text(100),
  description: text(1_000),
  config: Type.Unsafe<Record<string, unknown>>({ type: 'object' }),
  concurrency: Type.Optional(Whole(1, 100)),
  timeoutMs: Type.Optional(Whole(100, 82_800_000)),
  retries: Type.Optional(Whole(0, 100)),
  keepDays: Type.Optional(Whole(1, 3_650)),
});
type Description = Type.Static<typeof Description>;

const ajv = createAjv();
const explainer = new Explainer(ajv, 'is not a member of a type');

/**
 * The type that a file describes, without what it does.
 *
 * @throws Error with what is wrong
 */
export function typeOf(json: string): Omit<JobType, 'run' | 'check'> {
  const value: unknown = JSON.parse(json);
  const faults = explainer.explain(Description, value).map(({ keys, message }) => `${keys.join('.')} ${message}`);
  if (faults.length > 0) throw new Error(faults.join('; '));
  const { name, title, description, config, concurrency, timeoutMs, retries, keepDays } = value as Description;
  const defaults = {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(retries === undefined ? {} : { retries }),
    ...(keepDays === undefined ? {} : { keepDays }),
  };
  const limit = concurrency === undefined ? {} : { concurrency };
  return { name, title, description, config: schemaOf(config), ...limit, defaults };
}

/** A config is an object without further members, each with a description, as those of Holdfast's own types are. */
function schemaOf(config: Record<string, unknown>): TObject {
  const { properties = {} } = config;
  if (config['type'] !== 'object') throw new Error('config must be a JSON Schema of the type object');
  if (typeof properties !== 'object' || properties === null) throw new Error('config.properties must be an object');
  if ((config['additionalProperties'] ?? false) !== false) throw new Error('config may not have additionalProperties');
  for (const keyword of ['$id', '$async', '$ref', '$dynamicRef']) {
    if (keyword in config) throw new Error(`config may not have ${keyword}`);
  }
  for (const [name, property] of Object.entries(properties as Record<string, { description?: unknown } | null>)) {
    if (typeof property?.description !== 'string')
      throw new Error(`config.properties${pointerTo([name])} has no description`);
  }
  const schema = { ...config, properties, additionalProperties: false };
  try {
    ajv.compile(schema);
  } catch (error) {
    throw new Error(`config is no schema: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return schema as unknown as TObject;
}

import {
  Type,
  type Static,
  type TObject,
  type TObjectOptions,
  type TProperties,
  type TSchema,
  type TUnsafe,
} from 'typebox';
import { UUID_PATTERN } from '../../kernel/ids.ts';
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from '../../kernel/page.ts';
import { NAME_PATTERN, QUANTITY_MAX } from '../../kernel/quantity.ts';

/**
 * The shapes that all routes are made of. `x-message` is what a caller is told where a pattern does not match; `title`
 * on an object makes it a named schema of the OpenAPI document.
 */

export interface SchemaOptions {
  description?: string;
  examples?: unknown[];
  default?: unknown;
  pattern?: string;
  'x-message'?: string;
}

/** An object in which an unknown field is an error. Every object of a request is made by it. */
export function Shape<Properties extends TProperties>(
  properties: Properties,
  options: TObjectOptions = {},
): TObject<Properties> {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** The value, or null. */
export function Nullable<Value extends TSchema>(schema: Value): TUnsafe<Static<Value> | null> {
  const { type, enum: words, const: word, ...rest }: JsonSchema = { ...(schema as object) };
  if (typeof type !== 'string') {
    return Type.Unsafe<Static<Value> | null>({ anyOf: [schema, { type: 'null' }] });
  }
  const choices = words ?? (word === undefined ? undefined : [word]);
  const nullable = { ...rest, type: [type, 'null'] };
  return Type.Unsafe<Static<Value> | null>(
    choices === undefined ? nullable : { ...nullable, enum: [...choices, null] },
  );
}

/** One of a few words. */
export function Word<const Words extends readonly string[]>(
  words: Words,
  options: SchemaOptions = {},
): TUnsafe<Words[number]> {
  return Type.Unsafe<Words[number]>({ type: 'string', enum: [...words], ...options });
}

/** Text of 1 to `maxLength` characters. */
export function text(maxLength: number, options: SchemaOptions = {}) {
  return Type.String({ minLength: 1, maxLength, ...options });
}

/** What people know a thing by: there is more to it than blanks. */
export function label(maxLength: number, options: SchemaOptions = {}) {
  return text(maxLength, { pattern: '\\S', 'x-message': 'must not be blank', ...options });
}

const NAME_MESSAGE = 'must be 1 to 64 of letters, digits and . _ : - and begin with a letter or a digit';

export const Sku = Type.String({
  pattern: NAME_PATTERN,
  maxLength: 64,
  description: "The product's name. Case-sensitive.",
  examples: ['SKU-1'],
  'x-message': NAME_MESSAGE,
});

export const LocationCode = Type.String({
  pattern: NAME_PATTERN,
  maxLength: 64,
  description: "The location's name. Case-sensitive.",
  examples: ['WH001'],
  'x-message': NAME_MESSAGE,
});

/** A whole number of units. */
export function Quantity(minimum: number, options: SchemaOptions = {}) {
  return Type.Integer({ minimum, maximum: QUANTITY_MAX, examples: [5], ...options });
}

/** A whole number within bounds. */
export function Whole(minimum: number, maximum: number, options: SchemaOptions = {}) {
  return Type.Integer({ minimum, maximum, ...options });
}

/** A resource's version: rises with each change. */
export const Version = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Rises with each change.',
  examples: [3],
});

export const Uuid = Type.String({
  pattern: UUID_PATTERN,
  format: 'uuid',
  description: 'An id that Holdfast gave.',
  examples: ['0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b'],
  'x-message': 'must be a UUID in lower case',
});

/** An instant, 1970 to 9999. Requests may carry any offset; answers are in UTC. */
export const Timestamp = Type.String({
  format: 'date-time',
  maxLength: 40,
  description: 'An instant (RFC 3339).',
  examples: ['2026-11-20T10:00:00.000Z'],
});

/** Money per unit: at most four decimals. */
export const UnitCost = Type.Number({
  minimum: 0,
  maximum: 1_000_000_000,
  'x-decimals': 4,
  description: "What a unit costs, in the installation's one currency: at most four decimals.",
  examples: [12.5],
});

export const Latitude = Type.Number({ minimum: -90, maximum: 90, examples: [52.52] });
export const Longitude = Type.Number({ minimum: -180, maximum: 180, examples: [13.405] });

export const ATTRIBUTES_MAX_BYTES = 16_384;
export const ATTRIBUTES_MAX_DEPTH = 10;

/** Fields of the caller's own. Numbers in them must be finite, and integers exact. */
export function FreeForm(limits: { maxBytes: number; maxDepth: number }, options: SchemaOptions = {}) {
  return Type.Unsafe<Record<string, unknown>>({ type: 'object', 'x-free-form': limits, ...options });
}

export const Attributes = FreeForm(
  { maxBytes: ATTRIBUTES_MAX_BYTES, maxDepth: ATTRIBUTES_MAX_DEPTH },
  {
    description: 'Fields of your own, up to 16 KiB of JSON and 10 levels deep.',
    examples: [{ size: 'L', colour: 'blue' }],
  },
);

/** The parameters of a list, to be spread into a querystring's Shape. Defaults are filled in before the handler runs. */
export const PageQuery = {
  limit: Type.Integer({
    minimum: 1,
    maximum: PAGE_LIMIT_MAX,
    default: PAGE_LIMIT_DEFAULT,
    description: 'How many items at most.',
  }),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 2_000, description: "The previous page's nextCursor." }),
  ),
};

/** The order of a list that shows the newest first. */
export const NewestFirst = Type.Optional(
  Word(['createdAt', '-createdAt'], {
    default: '-createdAt',
    description: 'The order; with `-` in front, descending.',
  }),
);

/** `true` or `false` in a query. */
export const Flag = Type.Boolean();

export function PageOf<Item extends TSchema>(item: Item) {
  return Shape({
    items: Type.Array(item),
    nextCursor: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Give it as cursor for the next page; null on the last one.',
    }),
  });
}

export const FieldErrorSchema = Shape({
  path: Type.String({ description: "A JSON Pointer into the body, or the parameter's name.", examples: ['/quantity'] }),
  message: Type.String({ examples: ['must be at least 1'] }),
});

/** RFC 9457. Problems carry further members of their own. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ examples: ['urn:holdfast:problem:validation_failed'] }),
    title: Type.String({ examples: ['The request is not valid'] }),
    status: Type.Integer({ examples: [400] }),
    detail: Type.String({ examples: ['/quantity must be at least 1.'] }),
    code: Type.String({ description: 'Stable: what programs look at.', examples: ['validation_failed'] }),
    instance: Type.String({
      description: 'This occurrence, by request id.',
      examples: ['urn:holdfast:request:7f3k2q-1'],
    }),
    errors: Type.Optional(Type.Array(FieldErrorSchema, { description: 'Every wrong field.' })),
  },
  { title: 'Problem', additionalProperties: true },
);

interface JsonSchema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  [keyword: string]: unknown;
}

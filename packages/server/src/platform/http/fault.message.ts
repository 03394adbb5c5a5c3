import type { ErrorObject } from 'ajv/dist/2020.js';
import { printable } from './field.path.ts';
import { freeFormFault, type FreeFormLimits } from './free.form.ts';

const FORMATS: Record<string, string> = {
  'date-time': 'must be an RFC 3339 time between 1970 and 9999, such as 2026-11-20T10:00:00Z',
  uuid: 'must be a UUID in lower case',
  uri: 'must be an absolute URL',
};

const TYPES: Record<string, string> = {
  array: 'an array',
  boolean: 'true or false',
  integer: 'an integer',
  null: 'null',
  number: 'a number',
  object: 'an object',
  string: 'text',
};

/** What is wrong with a value, in words that follow its path: "must be at least 1". */
export function faultMessage(error: ErrorObject, value: unknown): string {
  const { keyword, params, parentSchema } = error as ErrorObject<string, Record<string, unknown>>;
  const limit = Number(params['limit']);
  switch (keyword) {
    case 'type':
      return `must be ${typeNames(params['type'])}`;
    case 'enum':
      return `must be one of ${listed(params['allowedValues'])}`;
    case 'const':
      return `must be ${JSON.stringify(params['allowedValue'])}`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'exclusiveMinimum':
      return `must be more than ${limit}`;
    case 'exclusiveMaximum':
      return `must be less than ${limit}`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minItems':
      return `must have at least ${limit} ${limit === 1 ? 'item' : 'items'}`;
    case 'maxItems':
      return `must have at most ${limit} items`;
    case 'minProperties':
      return limit === 1 ? 'must name at least one field' : `must have at least ${limit} fields`;
    case 'uniqueItems':
      return 'must not repeat an item';
    case 'pattern':
      return ownMessage(parentSchema) ?? `must match ${String(params['pattern'])}`;
    case 'format':
      return ownMessage(parentSchema) ?? FORMATS[String(params['format'])] ?? `must be a ${String(params['format'])}`;
    case 'x-decimals':
      return `must have at most ${String(error.schema)} decimals`;
    case 'x-free-form':
      return freeFormFault(value, error.schema as FreeFormLimits) ?? 'is not allowed';
    default:
      return error.message === undefined ? 'is not allowed' : printable(error.message);
  }
}

function ownMessage(schema: unknown): string | null {
  const message = (schema as Record<string, unknown> | undefined)?.['x-message'];
  return typeof message === 'string' ? message : null;
}

function typeNames(types: unknown): string {
  const names = String(types)
    .split(',')
    .map((type) => TYPES[type] ?? type);
  return names.join(' or ');
}

function listed(words: unknown): string {
  return Array.isArray(words) ? words.map((word) => (word === null ? 'null' : String(word))).join(', ') : '';
}

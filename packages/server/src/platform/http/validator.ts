import { Ajv2020 } from 'ajv/dist/2020.js';
import type { FieldError } from '../../kernel/problem.ts';
import { freeFormFault, type FreeFormLimits } from './free.form.ts';
import { parseTimestamp } from './timestamp.format.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Strict, no coercion, no defaults: a value is what its caller sent, or an error. It stops at the first fault: what is
 * wrong in all is worked out only when something is (explain.ts), with a bound on the work.
 */
export function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: false, verbose: true });
  ajv.addFormat('uuid', UUID);
  ajv.addFormat('date-time', { type: 'string', validate: (text: string) => parseTimestamp(text) !== null });
  ajv.addFormat('uri', { type: 'string', validate: (text: string) => URL.canParse(text) });
  ajv.addKeyword({ keyword: 'x-message', schemaType: 'string' });
  ajv.addKeyword({
    keyword: 'x-decimals',
    type: 'number',
    schemaType: 'number',
    validate: (decimals: number, value: number) => hasAtMostDecimals(value, decimals),
  });
  ajv.addKeyword({
    keyword: 'x-free-form',
    type: 'object',
    schemaType: 'object',
    validate: (limits: FreeFormLimits, value: unknown) => freeFormFault(value, limits) === null,
  });
  return ajv;
}

/** By the shortest decimal that names the number: 0.1 + 0.2 has seventeen decimals, as its writer would see. */
function hasAtMostDecimals(value: number, decimals: number): boolean {
  const written = String(value);
  if (written.includes('e-')) return false;
  return (written.split('.')[1] ?? '').length <= decimals;
}

/** The parts of a request that have schemas, in the order in which Fastify looks at them. */
export const PARTS = ['params', 'body', 'querystring', 'headers'] as const;
export type Part = (typeof PARTS)[number];

/** What Fastify is handed when a part does not fit its schema. */
export class InvalidPart extends Error {
  readonly part: Part;
  readonly errors: FieldError[];

  constructor(part: Part, errors: FieldError[]) {
    super(`invalid ${part}`);
    this.part = part;
    this.errors = errors;
  }
}

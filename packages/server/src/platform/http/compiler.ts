import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import type { FieldError } from '../../kernel/problem.ts';
import { Explainer, type Finding } from './explain.ts';
import { pointerTo, printable } from './field.path.ts';
import { textFault } from './json.body.ts';
import { queryConverter } from './query.conversion.ts';
import { RawQuery } from './query.parser.ts';
import { createAjv, InvalidPart, type Part } from './validator.ts';

/** `true`, or a value to go on with, or what is wrong. */
type Verdict = true | { value: unknown } | { error: InvalidPart };

/** Makes the functions that Fastify runs on the parts of a request. One per server: it keeps what it compiled. */
export function createValidatorCompiler(): FastifySchemaCompiler<TSchema> {
  const ajv = createAjv();
  const body = new Explainer(ajv, 'is not a field of this request');
  const parameters = new Explainer(ajv, 'is not a parameter of this route');
  return ({ schema, httpPart }) => {
    const fits = ajv.compile(schema);
    const explain = (part: Part, value: unknown): Verdict => ({
      error: new InvalidPart(part, (part === 'body' ? body : parameters).explain(schema, value).map(inPart(part))),
    });
    if (httpPart === 'querystring') return queryValidator(schema, fits, explain);
    if (httpPart === 'params') {
      return (params: Record<string, string>): Verdict => {
        const faults = textFaults(params);
        if (faults.length > 0) return { error: new InvalidPart('params', faults) };
        return fits(params) || explain('params', params);
      };
    }
    const part = httpPart === 'headers' ? 'headers' : 'body';
    return (value: unknown): Verdict => fits(value) || explain(part, value);
  };
}

function queryValidator(
  schema: TSchema,
  fits: (value: unknown) => boolean,
  explain: (part: Part, value: unknown) => Verdict,
): (query: unknown) => Verdict {
  const convert = queryConverter(schema);
  return (query) => {
    const raw = query instanceof RawQuery ? query : new RawQuery();
    const values = convert(raw.values);
    const verdict = fits(values) ? { value: values } : explain('querystring', values);
    if (raw.errors.length === 0) return verdict;
    const more = 'error' in (verdict as object) ? (verdict as { error: InvalidPart }).error.errors : [];
    const named = new Set(raw.errors.map(({ path }) => path));
    return { error: new InvalidPart('querystring', [...raw.errors, ...more.filter(({ path }) => !named.has(path))]) };
  };
}

/** Fields of a body are named by pointer, parameters by name. */
function inPart(part: Part): (finding: Finding) => FieldError {
  if (part === 'body') return ({ keys, message }) => ({ path: pointerTo(keys), message });
  return ({ keys, message }) => ({ path: printable(keys.join('.')), message });
}

function textFaults(params: Record<string, string>): FieldError[] {
  const errors: FieldError[] = [];
  for (const [path, value] of Object.entries(params)) {
    const message = textFault(value);
    if (message !== null) errors.push({ path, message });
  }
  return errors;
}

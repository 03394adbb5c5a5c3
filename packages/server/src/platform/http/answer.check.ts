import type { FastifyReply } from 'fastify';
import type { TSchema } from 'typebox';
import { Explainer } from './explain.ts';
import { pointerTo } from './field.path.ts';
import type { HttpServer } from './http.options.ts';
import { ProblemSchema } from './schemas.ts';
import { createAjv } from './validator.ts';

/**
 * Holds every JSON answer against the schema that its route declares, and makes a 500 of one that does not fit. Tests
 * run with it: a schema that says something else than the server is found by whichever test comes by.
 */
export function checkAnswers(app: HttpServer): void {
  const ajv = createAjv();
  const explainer = new Explainer(ajv, 'is not in the schema');
  app.addHook('onSend', (request, reply, payload, done) => {
    const { schema, url, method } = request.routeOptions;
    const declared = (schema as { response?: Record<string, TSchema> } | undefined)?.response;
    if (declared === undefined || reply.statusCode === 500 || !isJson(reply, payload)) return done(null, payload);
    const own = declared[String(reply.statusCode)];
    const answer = reply.statusCode >= 400 ? ProblemSchema : own;
    const body: unknown = JSON.parse(String(payload));
    const faults = answer === undefined ? ['the status is not declared'] : faultsOf(explainer, answer, body);
    if (own !== undefined && answer === ProblemSchema) faults.push(...undeclaredCode(own, body));
    if (faults.length === 0) return done(null, payload);
    const where = `${String(method)} ${String(url)} ${reply.statusCode}`;
    done(new Error(`The answer does not fit its schema: ${where}: ${faults.join('; ')}`));
  });
}

/** Whoever calls any route may be told these: they are of the caller, or of how the server is. */
const OF_ANY_ROUTE: ReadonlySet<string> = new Set([
  'unauthorized',
  'forbidden',
  'rate_limited',
  'overloaded',
  'database_unavailable',
  'level_busy',
  'outcome_unknown',
  'shutting_down',
]);

/** What a route says that it refuses with a status is all of it. */
function undeclaredCode({ description }: { description?: string }, body: unknown): string[] {
  const { code } = body as { code: string };
  const isDeclared = description === undefined || OF_ANY_ROUTE.has(code) || description.includes(`\`${code}\``);
  return isDeclared ? [] : [`the code ${code} is not declared`];
}

function isJson(reply: FastifyReply, payload: unknown): boolean {
  const isText = typeof payload === 'string' || Buffer.isBuffer(payload);
  return isText && String(reply.getHeader('content-type')).includes('json');
}

function faultsOf(explainer: Explainer, schema: TSchema, value: unknown): string[] {
  return explainer.explain(schema, value).map(({ keys, message }) => `${pointerTo(keys)} ${message}`);
}

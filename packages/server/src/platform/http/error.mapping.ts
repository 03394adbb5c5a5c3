import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem, problems, validationFailed, type FieldError, type ProblemKind } from '../../kernel/problem.ts';
import type { HttpOptions } from './http.options.ts';
import { drainRefusedBody } from './body.drain.ts';
import { ERRORS_MAX } from './field.path.ts';
import { InvalidPart, PARTS } from './validator.ts';

const BODY_CUT_SHORT = 'The body is shorter or longer than its Content-Length says.';

/** Fastify's own errors that a caller can cause, by their code. */
const FASTIFY_ERRORS: Readonly<Record<string, (message: string) => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Problem(problems.payloadTooLarge, 'Send less at once: bulk routes take more.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new Problem(problems.unsupportedMediaType, 'Send JSON, as application/json.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => new Problem(problems.malformedJson, BODY_CUT_SHORT),
  FST_ERR_BAD_URL: () => invalidPath('must be percent-encoded UTF-8'),
  FST_ERR_MAX_PARAM_LENGTH: () => invalidPath('has a part that is too long'),
  FST_ERR_HANDLER_TIMEOUT: () => new Problem(problems.overloaded, 'It took too long. Try again.'),
  FST_ERR_NOT_FOUND: () => new Problem(problems.routeNotFound, 'Look the route up in /openapi.json.'),
};

function invalidPath(message: string): Problem {
  return validationFailed([{ path: 'path', message }]);
}

/** The only place where something thrown becomes an answer. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  options: Pick<HttpOptions, 'log' | 'translateError'>,
): FastifyReply {
  const problem = problemOf(error, request, options.translateError);
  if (problem.status === 413) drainRefusedBody(request, reply);
  if (problem.status >= 500) logFailure(error, problem, request, options.log);
  return sendProblem(problem, request, reply);
}

export function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const document = { ...problem.toJSON(), instance: instanceOf(request.id) };
  // As bytes: Fastify would add a charset to text, and JSON has none (RFC 8259, section 11).
  const body = Buffer.from(JSON.stringify(document));
  return reply.code(problem.status).headers(problem.headers).header('content-type', PROBLEM_JSON).send(body);
}

export const PROBLEM_JSON = 'application/problem+json';

export function instanceOf(requestId: string): string {
  return `urn:holdfast:request:${encodeURIComponent(requestId)}`;
}

function problemOf(error: unknown, request: FastifyRequest, translate: HttpOptions['translateError']): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InvalidPart) return validationFailed(allErrors(error, request));
  if (!(error instanceof Error)) return internal();
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const known = typeof code === 'string' ? FASTIFY_ERRORS[code] : undefined;
  if (known !== undefined) return known(error.message);
  // Of the request's own connection; one to the database is reset as well, and says so in other words.
  if (code === 'ECONNRESET' && error.message === 'aborted') return new Problem(problems.malformedJson, BODY_CUT_SHORT);
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) return clientError(statusCode);
  return translate?.(error) ?? internal();
}

/** Fastify stops at the first part that is wrong; a caller wants to see them all. */
function allErrors(first: InvalidPart, request: FastifyRequest): FieldError[] {
  const errors = [...first.errors];
  for (const part of PARTS.slice(PARTS.indexOf(first.part) + 1)) {
    const value = part === 'querystring' ? request.query : request[part];
    const verdict: unknown = request.getValidationFunction(part)?.(value ?? null);
    const failure = (verdict as { error?: unknown } | undefined)?.error;
    if (failure instanceof InvalidPart) errors.push(...failure.errors);
  }
  return errors.slice(0, ERRORS_MAX);
}

function internal(): Problem {
  return new Problem(
    problems.internal,
    'The request id leads to the reason in the log. Try again, or tell the operator.',
  );
}

/** A plugin's own refusal. */
function clientError(status: number): Problem {
  const kinds: ProblemKind[] = Object.values(problems);
  const kind = kinds.find((one) => one.status === status) ?? { ...problems.validationFailed, status };
  return new Problem(kind, 'The request was refused.');
}

function logFailure(error: unknown, problem: Problem, request: FastifyRequest, log: HttpOptions['log']): void {
  const about = { requestId: request.id, method: request.method, route: request.routeOptions.url, code: problem.code };
  if (problem.status === 500) log.error({ ...about, err: error }, 'request failed');
  // Thousands a second while the database is away, which the log has told once.
  else if (problem.status === 503) log.debug(about, 'request refused');
  else log.warn(about, 'request refused');
}

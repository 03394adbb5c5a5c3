import type { preValidationHookHandler, RouteOptions } from 'fastify';
import { validationFailed } from '../../kernel/problem.ts';
import { COMMAND_METHODS } from './route.config.ts';

/**
 * A command whose body has no required field may come without one, and one that takes no body may come with an empty
 * object: to both, no body and `{}` are the same. A route with `consumes` reads its body itself.
 */
export function bodyDefault({ method, schema }: RouteOptions): preValidationHookHandler | null {
  const { body, consumes } = (schema ?? {}) as { body?: { type?: unknown; required?: unknown[] }; consumes?: unknown };
  if (!COMMAND_METHODS.has(String(method)) || consumes !== undefined) return null;
  if (body === undefined) return refuseFields;
  return body.type === 'object' && (body.required ?? []).length === 0 ? fillIn : null;
}

const fillIn: preValidationHookHandler = (request, _reply, done) => {
  if (request.body === undefined) request.body = {};
  done();
};

const refuseFields: preValidationHookHandler = (request, _reply, done) => {
  if (request.body === undefined) request.body = {};
  const isEmpty = isObject(request.body) && Object.keys(request.body).length === 0;
  done(isEmpty ? undefined : validationFailed([{ path: '', message: 'must be empty: this route takes no fields' }]));
};

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

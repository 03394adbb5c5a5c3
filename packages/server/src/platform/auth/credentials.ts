import type { IncomingMessage } from 'node:http';
import { validationFailed } from '../../kernel/problem.ts';
import { credentialsInvalid } from './auth.problems.ts';

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * The key or token that a request carries, or null.
 *
 * @throws Problem `unauthorized` when there is something that is neither; `validation_failed` when there are several
 */
export function readCredential(request: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): string | null {
  const { authorization } = request.headers;
  const apiKey = request.headers['x-api-key'];
  if (authorization === undefined) return apiKey === undefined ? null : fromApiKey(apiKey);
  // Node keeps the first of several and says nothing; a proxy in front may have looked at the last.
  if (countOf('authorization', request.rawHeaders) > 1) throw ambiguous('must be given once');
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) throw credentialsInvalid('Authorization must be "Bearer <API key or JWT>".');
  if (apiKey !== undefined && apiKey !== token) throw ambiguous('must agree with X-Api-Key, or only one be given');
  return token;
}

function fromApiKey(apiKey: string | string[]): string {
  if (typeof apiKey === 'string' && TOKEN.test(apiKey)) return apiKey;
  throw credentialsInvalid('X-Api-Key must be one API key.');
}

function ambiguous(message: string) {
  return validationFailed([{ path: 'Authorization', message }]);
}

/** How often a header came, by its name in lower case: `headers` has the first, or all of them as one. */
export function countOf(name: string, rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index] ?? '';
    if (header.length === name.length && header.toLowerCase() === name) count += 1;
  }
  return count;
}

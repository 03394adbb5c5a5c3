import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { expandScopes, type Caller } from '../platform/auth/index.ts';
import type { HttpServer } from '../platform/http/index.ts';
import type { CallApi } from '../platform/jobs/index.ts';

const SCHEME = 'Bearer ';
/** All but what changes keys, people and settings. */
const SCOPES = expandScopes(['read', 'reserve', 'stock', 'ingest', 'notify', 'files', 'limit']);
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * Requests of jobs to the server's own API, made within the process. Each has a credential of its own for as long as it
 * lasts, which nobody else can know.
 */
export class OwnCalls {
  readonly #callers = new Map<string, Caller>();

  /** Whose request it is, where it is one of ours. */
  callerOf({ headers: { authorization } }: IncomingMessage): Caller | undefined {
    return this.#callers.size === 0 || authorization === undefined ? undefined : this.#callers.get(authorization);
  }

  make(app: () => HttpServer): CallApi {
    return async ({ runId, jobName, method, path, body, idempotencyKey, signal }) => {
      const known = METHODS.find((one) => one === method);
      if (known === undefined) throw new Error(`${JSON.stringify(method)} is no method of the API`);
      if (!path.startsWith('/')) throw new Error('a path of the API begins with /, such as /inventory/SKU-1');
      const authorization = SCHEME + randomBytes(32).toString('base64url');
      this.#callers.set(authorization, { actor: `job:${jobName}`, owner: `run:${runId}`, scopes: SCOPES });
      try {
        const answer = await app().inject({
          method: known,
          url: `/api/v1${path}`,
          headers: { authorization, ...(idempotencyKey === null ? {} : { 'idempotency-key': idempotencyKey }) },
          ...(body === undefined ? {} : { payload: body as object }),
          signal,
        });
        const isJson = answer.headers['content-type']?.includes('json') ?? false;
        return { status: answer.statusCode, body: isJson && answer.body !== '' ? answer.json() : answer.body };
      } finally {
        this.#callers.delete(authorization);
      }
    };
  }
}

import type { components } from './openapi.ts';

export interface RateLimiterOptions {
  /** Where the server is, such as `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** An API key with the scope `limit`. */
  key?: string | undefined;
  /** How long an answer is waited for, in milliseconds. Default 200: a limiter must not be what makes a service slow. */
  timeoutMs?: number | undefined;
  /** What holds while no answer comes. Default `allow`. */
  onError?: 'allow' | 'deny' | undefined;
  /** What sends requests, in place of the global `fetch`. */
  fetch?: ((request: Request) => Promise<Response>) | undefined;
}

/** A request of another service: whom it is counted for, and what rules look at. */
export type RateLimitCheck = components['schemas']['RateLimitCheck'];

type Answer = components['schemas']['RateLimitCheckAnswer'];

/** `limit` and what follows are null where no rule counts the request, or nobody could be asked. */
export interface RateLimitDecision extends Pick<
  Answer,
  'allowed' | 'limit' | 'remaining' | 'resetAt' | 'retryAfterMs' | 'rateLimit'
> {
  /** It is `onError` that decided: no answer came. */
  isGuess: boolean;
}

/** Asks Holdfast whether requests of another service may pass. */
export interface RateLimiter {
  /** Counts one request and tells whether it may pass; `cost: 0` only looks. */
  check(check: RateLimitCheck): Promise<RateLimitDecision>;
  /** Up to 1,000 at once, answered in order. */
  checkMany(checks: readonly RateLimitCheck[]): Promise<RateLimitDecision[]>;
}

const TIMEOUT_MS_DEFAULT = 200;

/**
 * A limiter for other services, by the rules of a Holdfast. Its checks never throw: when no answer comes in time,
 * `onError` decides. Nothing is tried again, since a check that was counted and not answered would be counted twice.
 *
 * @throws TypeError where `baseUrl` is no URL, or no header can carry `key`
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { onError = 'allow' } = options;
  const ask = askerOf(options);
  const guess: RateLimitDecision = {
    allowed: onError === 'allow',
    limit: null,
    remaining: null,
    resetAt: null,
    retryAfterMs: onError === 'allow' ? 0 : null,
    rateLimit: null,
    isGuess: true,
  };
  return {
    check: async (check) => {
      const answer = await ask<Answer>('/check', () => askable(check));
      return answer === null ? guess : { ...answer, isGuess: false };
    },
    checkMany: async (checks) => {
      const answer = await ask<{ results?: Answer[] }>('/check/batch', () => ({ checks: checks.map(askable) }));
      if (answer?.results === undefined) return checks.map(() => guess);
      return answer.results.map((result) => ({ ...result, isGuess: false }));
    },
  };
}

/** The headers that tell a client about a decision, for whoever passes it on. */
export function rateLimitHeaders({ limit, remaining, resetAt, retryAfterMs, allowed }: RateLimitDecision) {
  const headers: Record<string, string> = {};
  if (limit !== null) headers['X-RateLimit-Limit'] = String(limit);
  if (remaining !== null) headers['X-RateLimit-Remaining'] = String(remaining);
  if (resetAt !== null) headers['X-RateLimit-Reset'] = String(Math.ceil(Date.parse(resetAt) / 1_000));
  if (!allowed && retryAfterMs !== null) headers['Retry-After'] = String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  return headers;
}

/**
 * The check with a subject and a path that Holdfast takes. Text that is none and a path that cannot be decoded would be
 * refused, and their sender let through by `onError`: so what is wrong in it stands for itself.
 */
function askable(check: RateLimitCheck): RateLimitCheck {
  const subject = check.subject.replaceAll(/\0|\p{Cs}/gu, '\ufffd');
  if (check.path === undefined) return { ...check, subject };
  const [path = ''] = check.path.split(/[?#]/, 1);
  return { ...check, subject, path: path.split('/').map(decodable).join('/') || '/' };
}

function decodable(segment: string): string {
  try {
    decodeURIComponent(segment);
    return segment;
  } catch {
    return segment.replaceAll('%', '%25');
  }
}

/** What it gives is null where no answer came, or one that decides nothing. */
function askerOf({
  baseUrl,
  key,
  timeoutMs = TIMEOUT_MS_DEFAULT,
  fetch: send = (request) => fetch(request),
}: RateLimiterOptions) {
  const { href } = new URL(`${baseUrl.replace(/\/$/, '')}/api/v1/rate-limits`);
  const headers = new Headers({ 'content-type': 'application/json' });
  if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
  return async <Answered>(route: string, body: () => object): Promise<Answered | null> => {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await send(
        new Request(`${href}${route}`, { method: 'POST', headers, body: JSON.stringify(body()), signal }),
      );
      return response.ok ? ((await response.json()) as Answered) : null;
    } catch {
      return null;
    }
  };
}

import { expect, test } from 'vitest';
import { createRateLimiter, rateLimitHeaders, type RateLimiterOptions } from './index.ts';

const ANSWER = {
  allowed: false,
  limit: 5,
  remaining: 0,
  resetAt: '2026-11-20T12:00:00.500Z',
  retryAfterMs: 1_200,
  rateLimit: { id: '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b', name: 'login' },
};

function limiterThat(answer: (request: Request) => Promise<Response>, more: Partial<RateLimiterOptions> = {}) {
  return createRateLimiter({ baseUrl: 'http://127.0.0.1:8080', key: 'k', fetch: answer, ...more });
}

test('it asks with its key, and tells what was answered', async () => {
  const asked: unknown[] = [];
  const limiter = limiterThat(async (request) => {
    asked.push([request.method, request.url, request.headers.get('authorization'), await request.json()]);
    return Response.json(ANSWER);
  });
  const check = { subject: '203.0.113.7', method: 'POST', path: '/login' };
  expect(await limiter.check(check)).toEqual({ ...ANSWER, isGuess: false });
  expect(asked).toEqual([['POST', 'http://127.0.0.1:8080/api/v1/rate-limits/check', 'Bearer k', check]]);
});

test('a base address may be below a path, as for the client', async () => {
  const urls: string[] = [];
  const answer = (request: Request): Promise<Response> => {
    urls.push(request.url);
    return Promise.resolve(Response.json(ANSWER));
  };
  for (const baseUrl of ['https://shop.example/stock', 'https://shop.example/stock/']) {
    await limiterThat(answer, { baseUrl }).check({ subject: 'a' });
  }
  expect(urls).toEqual(Array(2).fill('https://shop.example/stock/api/v1/rate-limits/check'));
});

test.each([
  ['/login?next=/%zz#x', '/login'],
  ['?next=/', '/'],
  ['/caf%C3%A9/100%/%FF', '/caf%C3%A9/100%25/%25FF'],
])('a path is asked about however it is spelled: %s', async (path, asked) => {
  const paths: unknown[] = [];
  const limiter = limiterThat(async (request) => {
    const body = (await request.json()) as { path?: string; checks?: { path: string }[] };
    paths.push(body.path ?? body.checks?.[0]?.path);
    return Response.json({ ...ANSWER, results: [ANSWER] });
  });
  await limiter.check({ subject: 'a', path });
  await limiter.checkMany([{ subject: 'a', path }]);
  expect(paths).toEqual([asked, asked]);
});

test('a subject is asked about whatever is in it', async () => {
  const subjects: unknown[] = [];
  const limiter = limiterThat(async (request) => {
    subjects.push(((await request.json()) as { subject: string }).subject);
    return Response.json(ANSWER);
  });
  for (const subject of ['a\0b', 'a\ud83d', '😀']) await limiter.check({ subject });
  expect(subjects).toEqual(['a\ufffdb', 'a\ufffd', '😀']);
  // Of who does not heed types, too, it throws nothing.
  expect(await limiter.check({} as { subject: string })).toMatchObject({ isGuess: true });
});

test('what cannot be asked at all is said when it is made, and an answer of something else decides nothing', async () => {
  expect(() => createRateLimiter({ baseUrl: 'holdfast' })).toThrow('Invalid URL');
  expect(() => createRateLimiter({ baseUrl: 'http://127.0.0.1:8080', key: '…' })).toThrow('ByteString');
  const limiter = limiterThat(() => Promise.resolve(Response.json({ status: 'ok' })));
  expect(await limiter.checkMany([{ subject: 'a' }])).toMatchObject([{ allowed: true, isGuess: true }]);
});

test('many at once are answered in order', async () => {
  const limiter = limiterThat(() =>
    Promise.resolve(Response.json({ results: [{ ...ANSWER, allowed: true }, ANSWER] })),
  );
  const decisions = await limiter.checkMany([{ subject: 'a' }, { subject: 'b' }]);
  expect(decisions.map(({ allowed }) => allowed)).toEqual([true, false]);
});

test.each([
  ['nobody is there', () => Promise.reject(new TypeError('fetch failed'))],
  ['the answer is a refusal', () => Promise.resolve(new Response(null, { status: 401 }))],
  ['the answer is no JSON', () => Promise.resolve(new Response('oops'))],
  [
    'the answer stays away',
    (request: Request) =>
      new Promise<Response>((_resolve, reject) => {
        request.signal.addEventListener('abort', () => reject(request.signal.reason as Error));
      }),
  ],
])('%s: onError decides', async (_what, answer) => {
  const asked = { subject: 'a' };
  expect(await limiterThat(answer, { timeoutMs: 20 }).check(asked)).toMatchObject({ allowed: true, isGuess: true });
  const strict = limiterThat(answer, { timeoutMs: 20, onError: 'deny' });
  expect(await strict.check(asked)).toMatchObject({ allowed: false, isGuess: true, retryAfterMs: null });
  expect(await strict.checkMany([asked, asked])).toHaveLength(2);
});

test('a decision as headers', () => {
  expect(rateLimitHeaders({ ...ANSWER, isGuess: false })).toEqual({
    'X-RateLimit-Limit': '5',
    'X-RateLimit-Remaining': '0',
    'X-RateLimit-Reset': '1795176001',
    'Retry-After': '2',
  });
});

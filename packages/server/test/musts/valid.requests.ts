import type { TestApp } from '../app.ts';
import { until } from '../holdfast.process.ts';

/** What is there when bad requests come. */
export interface Fixture {
  pendingId: string;
  confirmedId: string;
  alertId: string;
  /** One that a new installation begins with: a token bucket that counts each address. */
  rateLimitId: string;
  /** One that calls a URL when it is asked to, and one that runs after it. */
  jobId: string;
  laterJobId: string;
  /** Of the first: it waits for tomorrow. */
  runId: string;
  /** Holdfast's own, that goes on all the time. */
  dutyJobId: string;
  /** Under which a product was made. */
  usedKey: string;
}

export const UNKNOWN_ID = '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b';

/**
 * `SKU-1` with 10 at `LOC-1` and none at `LOC-2`, a reservation of 3 that waits and one of 2 that is confirmed; a job with
 * a run that waits.
 */
export async function makeFixture({ app, server }: TestApp): Promise<Fixture> {
  const must = async (
    method: 'POST' | 'PATCH',
    url: string,
    payload: object,
    headers = {},
  ): Promise<{ id: string }> => {
    const answer = await app.inject({ method, url: `/api/v1${url}`, payload, headers });
    if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.body}`);
    return answer.json();
  };
  const usedKey = 'used-key';
  await must('POST', '/products', { sku: 'SKU-1', name: 'Mug' }, { 'idempotency-key': usedKey });
  await must('POST', '/products', { sku: 'SKU-2', name: 'Plate' });
  for (const code of ['LOC-1', 'LOC-2']) await must('POST', '/locations', { code, name: code, type: 'store' });
  await must('PATCH', '/inventory/SKU-1/locations/LOC-1', { reorderPoint: 10 });
  await must('POST', '/inventory/SKU-1/adjust', { location: 'LOC-1', type: 'add', quantity: 10 });
  const lines = (quantity: number): object[] => [{ sku: 'SKU-1', location: 'LOC-1', quantity }];
  const pending = await must('POST', '/reservations', { lines: lines(3), ttlSeconds: 86_400 });
  const confirmed = await must('POST', '/reservations', { lines: lines(2), ttlSeconds: 86_400 });
  await must('POST', `/reservations/${confirmed.id}/confirm`, {});
  const idOf = async (url: string): Promise<string> => {
    const { items } = (await app.inject({ url: `/api/v1${url}` })).json<{ items: { id: string }[] }>();
    return items[0]?.id ?? '';
  };
  const [alertId, rateLimitId] = [await idOf('/alerts'), await idOf('/rate-limits')];
  // Holdfast makes its own jobs beside its start.
  await server.jobs.queue.open();
  await until('the jobs of its own', async () => (await idOf('/jobs?system=true')) !== '');
  const job = await must('POST', '/jobs', { name: 'Call', type: 'http_request', config: hook });
  const later = await must('POST', '/jobs', {
    name: 'Then',
    type: 'http_request',
    config: hook,
    dependencies: [job.id],
  });
  const run = await must('POST', `/jobs/${job.id}/run`, { delayMs: 86_400_000 });
  const jobs = { jobId: job.id, laterJobId: later.id, runId: run.id, dutyJobId: await idOf('/jobs?type=expiry_sweep') };
  return { ...jobs, pendingId: pending.id, confirmedId: confirmed.id, alertId, rateLimitId, usedKey };
}

/** A path with names of what is there in place of its parameters. */
export const urlOf = (path: string, { pendingId }: Fixture): string =>
  path
    .replace('{sku}', 'SKU-1')
    .replace('{code}', 'LOC-1')
    .replace('{tier}', 'gold')
    .replace('{name}', 'stock.csv')
    .replace('{id}', pendingId);

const hook = { url: 'https://93.184.216.34/hooks' };
const rateLimit = { name: 'Checkout', algorithm: 'token_bucket', limit: 100, windowMs: 60_000, subject: 'api_key' };
const line = { sku: 'SKU-1', location: 'LOC-1', quantity: 1 };

/** A body for each route that takes one: nothing is wrong with it, so that one thing can be made wrong. */
export const VALID_BODIES: Readonly<Record<string, Record<string, unknown>>> = {
  'POST /api/v1/products': { sku: 'SKU-9', name: 'Bowl' },
  'POST /api/v1/products/batch': { products: [{ sku: 'SKU-9', name: 'Bowl' }] },
  'PATCH /api/v1/products/{sku}': { name: 'Cup' },
  'POST /api/v1/locations': { code: 'LOC-9', name: 'Nine', type: 'store' },
  'PATCH /api/v1/locations/{code}': { name: 'One' },
  'PATCH /api/v1/inventory/{sku}/locations/{code}': { maxLevel: 100 },
  'POST /api/v1/inventory/{sku}/adjust': { location: 'LOC-1', type: 'add', quantity: 1 },
  'POST /api/v1/adjustments': { adjustments: [{ sku: 'SKU-1', location: 'LOC-1', type: 'add', quantity: 1 }] },
  'POST /api/v1/availability': { lines: [{ sku: 'SKU-1', quantity: 1 }] },
  'POST /api/v1/inventory/{sku}/reserve': { quantity: 1 },
  'POST /api/v1/inventory/{sku}/release': { reservationId: UNKNOWN_ID },
  'POST /api/v1/reservations': { lines: [line] },
  'POST /api/v1/reservations/batch': { reservations: [{ lines: [line] }] },
  'POST /api/v1/reservations/{id}/confirm': { ship: false },
  'POST /api/v1/reservations/{id}/ship': { lines: [line] },
  'PUT /api/v1/reservations/{id}/lines': { lines: [line] },
  'POST /api/v1/reservations/{id}/cancel': { reason: 'none' },
  'POST /api/v1/reservations/{id}/extend': { ttlSeconds: 60 },
  'POST /api/v1/transfers': { from: 'LOC-1', to: 'LOC-2', lines: [{ sku: 'SKU-1', quantity: 1 }] },
  'POST /api/v1/alerts/acknowledge': { ids: [UNKNOWN_ID] },
  'POST /api/v1/api-keys': { name: 'key', scopes: ['admin'] },
  'POST /api/v1/webhooks': { url: 'https://93.184.216.34/hooks', events: ['*'] },
  'PATCH /api/v1/webhooks/{id}': { events: ['stock.changed'] },
  'POST /api/v1/webhooks/{id}/enable': { from: 'now' },
  'POST /api/v1/webhooks/{id}/replay': { from: 1 },
  'POST /api/v1/rate-limits': rateLimit,
  'POST /api/v1/rate-limits/dry-run': rateLimit,
  'PATCH /api/v1/rate-limits/{id}': { limit: 50 },
  'PUT /api/v1/rate-limit-tiers/{tier}': { subjects: ['ada'] },
  'POST /api/v1/rate-limits/check': { subject: 'ada' },
  'POST /api/v1/rate-limits/check/batch': { checks: [{ subject: 'ada' }] },
  'POST /api/v1/jobs': { name: 'Hook', type: 'http_request', config: hook },
  'PATCH /api/v1/jobs/{id}': { retries: 5 },
  'POST /api/v1/jobs/schedule-preview': { schedule: '30 2 * * *' },
  'POST /api/v1/jobs/{id}/run': { delayMs: 60_000 },
  'POST /api/v1/runs/redrive': { ids: [UNKNOWN_ID] },
  'POST /api/v1/session': { login: 'ada', password: 'three tired herons' },
  'POST /api/v1/people': { login: 'ada', name: 'Ada', scopes: ['admin'], password: 'three tired herons' },
  'PATCH /api/v1/people/{id}': { name: 'Ada' },
  'POST /api/v1/people/{id}/password': { password: 'three tired herons' },
};

/** What a query must have, of routes that are not answered without. */
export const VALID_QUERIES: Readonly<Record<string, string>> = {
  'GET /api/v1/actors': 'actors=open',
};

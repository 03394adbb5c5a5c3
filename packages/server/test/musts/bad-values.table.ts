import { WRONG_ACCESS_BODIES } from './bad-bodies.access.table.ts';
import { WRONG_JOB_BODIES } from './bad-bodies.jobs.table.ts';
import { WRONG_STOCK_BODIES } from './bad-bodies.stock.table.ts';
import { type BadRequest, text } from './bad-request.ts';
import { jobRefusals } from './job-refusals.table.ts';
import { type Fixture, UNKNOWN_ID, urlOf } from './valid.requests.ts';

const INVALID = '400 validation_failed';

const product = { sku: 'SKU-9', name: 'Bowl' };
const location = { code: 'LOC-9', name: 'Nine', type: 'store' };
const adjust = { location: 'LOC-1', type: 'add', quantity: 1 };
const line = { sku: 'SKU-1', location: 'LOC-1', quantity: 1 };
const lines = [line];
const person = { login: 'ada', name: 'Ada', scopes: ['admin'], password: 'three tired herons' };
const transfer = { from: 'LOC-1', to: 'LOC-2', lines: [{ sku: 'SKU-1', quantity: 1 }] };

/** Values of the body that its schema refuses. */
export function wrongBodies(fixture: Fixture): BadRequest[] {
  return Object.entries({ ...WRONG_STOCK_BODIES, ...WRONG_ACCESS_BODIES, ...WRONG_JOB_BODIES }).flatMap(
    ([route, wrongs]) =>
      wrongs.map(([why, body, ...paths]) => ({
        request: urlOf(route, fixture),
        why,
        body,
        answer: INVALID,
        paths,
      })),
  );
}

/** Queries that are not what they should be. */
export function wrongQueries({ rateLimitId }: Fixture): BadRequest[] {
  const invalid = (target: string, path: string): BadRequest => ({
    request: `GET /api/v1${target}`,
    why: 'query',
    answer: INVALID,
    paths: [path],
  });
  return [
    ...['0', '201', '-1', '1.5', 'ten', '', '05', '1e1', '0x10', '%2050', '99999999999999999999'].map((limit) =>
      invalid(`/products?limit=${limit}`, 'limit'),
    ),
    invalid('/products?limit=5&limit=5', 'limit'),
    invalid('/products?limit', 'limit'),
    invalid('/products?search=%00', 'search'),
    invalid('/products?search=%ff', 'search'),
    invalid('/products?search=%E0%A4', 'search'),
    invalid('/products?search=%zz', 'search'),
    invalid(`/products?search=${text(201)}`, 'search'),
    invalid('/products?archived=TRUE', 'archived'),
    invalid('/products?archived=1', 'archived'),
    invalid('/products?sort=price', 'sort'),
    invalid('/products?sort=sku,name', 'sort'),
    invalid('/reservations?sort=expiresAt', 'sort'),
    invalid('/products?__proto__=1', '__proto__'),
    invalid('/products?constructor=1', 'constructor'),
    invalid('/products?sku[]=1', 'sku[]'),
    invalid('/locations?type=shop', 'type'),
    invalid('/inventory?status=gone', 'status'),
    invalid('/inventory?location=a%20b', 'location'),
    invalid('/inventory/SKU-1?at=2026-02-30T00:00:00Z', 'at'),
    invalid('/inventory/SKU-1?at=2999-01-01T00:00:00Z', 'at'),
    invalid('/inventory/SKU-1?at=yesterday', 'at'),
    invalid('/ledger?from=2026-11-31T00:00:00Z', 'from'),
    invalid('/ledger?type=gift', 'type'),
    invalid('/ledger?to=1', 'to'),
    invalid('/reservations?status=open', 'status'),
    invalid('/reservations?expiringBefore=soon', 'expiringBefore'),
    invalid('/alerts?type=fire', 'type'),
    invalid('/audit?kind=', 'kind'),
    invalid('/inventory/SKU-1/ledger?sku=SKU-2', 'sku'),
    invalid('/actors', 'actors'),
    invalid(`/actors?actors=${'open,'.repeat(200)}open`, 'actors'),
    invalid('/webhooks?sort=url', 'sort'),
    invalid(`/webhooks/${UNKNOWN_ID}/deliveries?status=lost`, 'status'),
    invalid('/rate-limits?sort=limit', 'sort'),
    invalid('/rate-limits/stats?minutes=0', 'minutes'),
    invalid('/rate-limits/stats?minutes=181', 'minutes'),
    invalid('/rate-limits/stats?rateLimit=checkout', 'rateLimit'),
    invalid(`/rate-limits/${rateLimitId}/status`, 'subject'),
    invalid(`/rate-limits/${rateLimitId}/status?subject=%00`, 'subject'),
    invalid('/jobs?type=http%20request', 'type'),
    invalid('/jobs?enabled=yes', 'enabled'),
    invalid('/jobs?sort=nextRun', 'sort'),
    invalid('/jobs/stats?hours=0', 'hours'),
    invalid('/jobs/stats?hours=2161', 'hours'),
    invalid('/jobs/upcoming?hours=169', 'hours'),
    invalid('/jobs/upcoming?limit=1001', 'limit'),
    invalid(`/jobs/${UNKNOWN_ID}/history?status=dead`, 'status'),
    invalid('/runs?status=dead', 'status'),
    invalid('/runs?jobId=Call', 'jobId'),
    invalid(`/runs?cycleId=${UNKNOWN_ID.toUpperCase()}`, 'cycleId'),
    invalid(`/runs/${UNKNOWN_ID}/log?after=-1`, 'after'),
    invalid(`/runs/${UNKNOWN_ID}/log?limit=1001`, 'limit'),
    ...['/events', '/events/stream'].flatMap((path) => [
      ...['-1', '1.5', 'now', '9007199254740992'].map((after) => invalid(`${path}?after=${after}`, 'after')),
      invalid(`${path}?types=stock.stolen`, 'types'),
      invalid(`${path}?types=stock.changed,`, 'types'),
      invalid(`${path}?topics=product:a%20b`, 'topics'),
      invalid(`${path}?topics=${'alerts,'.repeat(200)}alerts`, 'topics'),
    ]),
    ...['-1', 'now', '1,2', '9007199254740992'].map((position) => ({
      ...invalid('/events/stream', 'Last-Event-ID'),
      headers: [['Last-Event-ID', position] as const],
    })),
  ];
}

/** Names that are not there, and states that do not allow it. */
export function refusals(fixture: Fixture): BadRequest[] {
  return [...jobRefusals(fixture), ...stockRefusals(fixture)];
}

function stockRefusals({ pendingId, confirmedId, alertId, rateLimitId, usedKey }: Fixture): BadRequest[] {
  const post = (path: string, body: unknown, answer: string, why = answer): BadRequest => ({
    request: `POST /api/v1${path}`,
    why,
    body,
    answer,
  });
  const get = (path: string, answer: string): BadRequest => ({ request: `GET /api/v1${path}`, why: answer, answer });
  const of = (changes: object): object => ({ lines: [{ ...line, ...changes }] });
  return [
    post('/products', { sku: 'SKU-1', name: 'again' }, '409 duplicate_sku'),
    post('/locations', { ...location, code: 'LOC-1' }, '409 duplicate_location'),
    { request: 'PATCH /api/v1/products/SKU-1', why: 'taken', body: { sku: 'SKU-2' }, answer: '409 duplicate_sku' },
    { request: 'DELETE /api/v1/products/SKU-1', why: 'stock', answer: '409 product_in_use' },
    { request: 'DELETE /api/v1/locations/LOC-1', why: 'stock', answer: '409 location_in_use' },
    get('/products/none', '404 product_not_found'),
    get('/locations/none', '404 location_not_found'),
    get('/inventory/none', '404 product_not_found'),
    get('/inventory/none/ledger', '404 product_not_found'),
    get('/inventory/SKU-1/locations/none', '404 location_not_found'),
    get(`/reservations/${UNKNOWN_ID}`, '404 reservation_not_found'),
    get(`/transfers/${UNKNOWN_ID}`, '404 transfer_not_found'),
    get(`/alerts/${UNKNOWN_ID}`, '404 alert_not_found'),
    get('/reservations/7', '400 validation_failed'),
    get(`/reservations/${UNKNOWN_ID.toUpperCase()}`, '400 validation_failed'),
    get('/nothing', '404 route_not_found'),
    get('/Products', '404 route_not_found'),
    { request: 'DELETE /api/v1/products/none', why: 'none', answer: '404 product_not_found' },
    { request: `DELETE /api/v1/api-keys/${UNKNOWN_ID}`, why: 'none', answer: '404 api_key_not_found' },
    post('/inventory/none/adjust', adjust, '404 product_not_found'),
    post('/inventory/SKU-1/adjust', { ...adjust, location: 'none' }, '404 location_not_found'),
    post('/inventory/SKU-1/adjust', { ...adjust, type: 'subtract', quantity: 11 }, '409 insufficient_stock'),
    post(
      '/inventory/SKU-1/adjust',
      { ...adjust, type: 'subtract', quantity: 11, force: true },
      '409 insufficient_stock',
    ),
    post('/inventory/SKU-1/adjust', { ...adjust, type: 'subtract', quantity: 6 }, '409 stock_below_promised'),
    post('/inventory/SKU-1/adjust', { ...adjust, quantity: 1_000_000_000_000 }, '409 quantity_out_of_range'),
    post('/inventory/SKU-1/adjust', { ...adjust, expectedOnHand: 9 }, '409 version_conflict'),
    post('/inventory/SKU-1/adjust', { ...adjust, expectedVersion: 999 }, '409 version_conflict'),
    post(
      '/adjustments',
      {
        atomic: true,
        adjustments: [
          { sku: 'SKU-1', ...adjust },
          { sku: 'none', ...adjust },
        ],
      },
      '409 product_not_found',
    ),
    post('/reservations', of({ quantity: 6 }), '409 insufficient_stock'),
    post('/reservations', of({ quantity: 1_000_000_000_000 }), '409 insufficient_stock'),
    post(
      '/reservations',
      { lines: [line, { ...line, quantity: 5 }] },
      '409 insufficient_stock',
      'lines of one level together',
    ),
    post('/reservations', of({ sku: 'none' }), '404 product_not_found'),
    post('/reservations', of({ location: 'none' }), '404 location_not_found'),
    post('/reservations', { ...of({ location: 'LOC-2' }), partial: true }, '409 insufficient_stock'),
    post('/inventory/SKU-2/reserve', { quantity: 1 }, '409 insufficient_stock'),
    post('/availability', { lines: [{ sku: 'none', quantity: 1 }] }, '404 product_not_found'),
    post(`/inventory/SKU-2/release`, { reservationId: pendingId }, '404 line_not_found'),
    post(`/inventory/SKU-1/release`, { reservationId: UNKNOWN_ID }, '404 reservation_not_found'),
    ...['confirm', 'ship', 'cancel', 'extend'].map((what) =>
      post(
        `/reservations/${UNKNOWN_ID}/${what}`,
        what === 'extend' ? { ttlSeconds: 5 } : {},
        '404 reservation_not_found',
      ),
    ),
    post(`/reservations/${pendingId}/ship`, {}, '409 invalid_transition'),
    post(`/reservations/${confirmedId}/ship`, of({ quantity: 3 }), '409 quantity_exceeds_open'),
    post(`/reservations/${confirmedId}/ship`, of({ sku: 'SKU-2' }), '404 line_not_found'),
    post(`/reservations/${confirmedId}/extend`, { ttlSeconds: 5 }, '409 invalid_transition'),
    {
      request: `PUT /api/v1/reservations/${confirmedId}/lines`,
      why: 'confirmed',
      body: { lines },
      answer: '409 invalid_transition',
    },
    {
      request: `PUT /api/v1/reservations/${pendingId}/lines`,
      why: 'too many',
      body: of({ quantity: 9 }),
      answer: '409 insufficient_stock',
    },
    post('/transfers', { ...transfer, from: 'none' }, '404 location_not_found'),
    post('/transfers', { ...transfer, lines: [{ sku: 'none', quantity: 1 }] }, '404 product_not_found'),
    post('/transfers', { ...transfer, lines: [{ sku: 'SKU-1', quantity: 6 }] }, '409 insufficient_stock'),
    post(`/alerts/${UNKNOWN_ID}/acknowledge`, {}, '404 alert_not_found'),
    post('/api-keys', { name: 'key', scopes: ['read'] }, '409 first_key_needs_admin'),
    post('/people', { ...person, scopes: ['read'] }, '409 first_person_needs_admin'),
    get(`/people/${UNKNOWN_ID}`, '404 person_not_found'),
    post(`/people/${UNKNOWN_ID}/password`, { password: 'three tired herons' }, '404 person_not_found'),
    { request: `DELETE /api/v1/sessions/${UNKNOWN_ID}`, why: 'none', answer: '404 session_not_found' },
    ...['', '/deliveries', '/status'].map((what) => get(`/webhooks/${UNKNOWN_ID}${what}`, '404 webhook_not_found')),
    ...['enable', 'rotate-secret', 'test'].map((what) =>
      post(`/webhooks/${UNKNOWN_ID}/${what}`, {}, '404 webhook_not_found'),
    ),
    post(`/webhooks/${UNKNOWN_ID}/replay`, { from: 1 }, '404 webhook_not_found'),
    ...['http://127.0.0.1/', 'http://[::1]/', 'http://169.254.169.254/latest', 'http://2130706433/', 'http://db/'].map(
      (url) => post('/webhooks', { url, events: ['*'] }, '400 forbidden_target', url),
    ),
    get(`/rate-limits/${UNKNOWN_ID}`, '404 rate_limit_not_found'),
    get(`/rate-limits/${UNKNOWN_ID}/status?subject=ada`, '404 rate_limit_not_found'),
    post('/rate-limits/check', { subject: 'ada', rateLimit: UNKNOWN_ID }, '404 rate_limit_not_found'),
    { request: `DELETE /api/v1/rate-limits/${UNKNOWN_ID}`, why: 'none', answer: '404 rate_limit_not_found' },
    ...[{ limit: 1_000_000_000, windowMs: 2_678_400_000 }, { algorithm: 'fixed_window' }, { adaptive: {} }].map(
      (body) => ({
        request: `PATCH /api/v1/rate-limits/${rateLimitId}`,
        why: `what does not fit the rest: ${JSON.stringify(body)}`,
        body,
        answer: INVALID,
      }),
    ),
    {
      request: `PATCH /api/v1/rate-limits/${rateLimitId}`,
      why: 'another version',
      body: { limit: 5 },
      headers: [['If-Match', '"99"']],
      answer: '412 precondition_failed',
    },
    {
      request: 'GET /api/v1/ws',
      why: 'no upgrade',
      answer: '426 upgrade_required',
    },
    {
      request: 'GET /api/v1/ws',
      why: 'a page elsewhere',
      headers: [['Origin', 'https://evil.example']],
      answer: '403 forbidden',
    },
    {
      request: 'PATCH /api/v1/products/SKU-1',
      why: 'another version',
      body: { name: 'Cup' },
      headers: [['If-Match', '"99"']],
      answer: '412 precondition_failed',
    },
    {
      request: 'PATCH /api/v1/products/SKU-1',
      why: 'no tag',
      body: { name: 'Cup' },
      headers: [['If-Match', 'one']],
      answer: '400 validation_failed',
    },
    {
      request: 'DELETE /api/v1/products/SKU-2',
      why: 'two other versions',
      headers: [['If-Match', '"98", W/"99"']],
      answer: '412 precondition_failed',
    },
    {
      request: 'POST /api/v1/products',
      why: 'key used for another body',
      body: product,
      headers: [['Idempotency-Key', usedKey]],
      answer: '422 idempotency_key_reused',
    },
    {
      request: `POST /api/v1/alerts/${alertId}/acknowledge`,
      why: 'key used on another route',
      body: {},
      headers: [['Idempotency-Key', usedKey]],
      answer: '422 idempotency_key_reused',
    },
    {
      request: 'GET /api/v1/products',
      why: 'a name of another machine',
      headers: [['Host', 'evil.example']],
      answer: '403 forbidden',
    },
    {
      request: 'POST /api/v1/products',
      why: 'a page elsewhere',
      body: product,
      headers: [['Origin', 'https://evil.example']],
      answer: '403 forbidden',
    },
    {
      request: 'POST /api/v1/products',
      why: 'a proxy',
      body: product,
      headers: [['X-Forwarded-For', '127.0.0.1']],
      answer: '403 forbidden',
    },
    {
      request: 'POST /api/v1/products',
      why: 'another proxy',
      body: product,
      headers: [['Via', '1.1 proxy']],
      answer: '403 forbidden',
    },
  ];
}

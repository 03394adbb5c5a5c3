import { type Fixture, UNKNOWN_ID } from './valid.requests.ts';

/** One request that must be refused. `body` is JSON text where JSON.stringify could not write it. */
export interface BadRequest {
  request: string;
  why: string;
  body?: unknown;
  headers?: readonly (readonly [string, string])[];
  /** Status and code. */
  answer: string;
  /** For 400 `validation_failed`: where it is wrong, in this order. */
  paths?: readonly string[];
}

const INVALID = '400 validation_failed';
const text = (length: number): string => 'x'.repeat(length);
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);
const uuids = (count: number): string[] => times(count, UNKNOWN_ID);

/** JSON that JSON.stringify would not write. */
export class JsonText {
  readonly text: string;

  constructor(written: string) {
    this.text = written;
  }
}
const json = (written: string): JsonText => new JsonText(written);

/** Each: what is wrong, the body, and where (nothing: the body as a whole). */
type Wrong = readonly [why: string, body: unknown, ...paths: string[]];

const product = { sku: 'SKU-9', name: 'Bowl' };
const location = { code: 'LOC-9', name: 'Nine', type: 'store' };
const adjust = { location: 'LOC-1', type: 'add', quantity: 1 };
const line = { sku: 'SKU-1', location: 'LOC-1', quantity: 1 };
const lines = [line];
const person = { login: 'ada', name: 'Ada', scopes: ['admin'], password: 'three tired herons' };
const transfer = { from: 'LOC-1', to: 'LOC-2', lines: [{ sku: 'SKU-1', quantity: 1 }] };

const WRONG_BODIES: Readonly<Record<string, readonly Wrong[]>> = {
  'POST /api/v1/products': [
    ['no sku', { name: 'Bowl' }, '/sku'],
    ['no name', { sku: 'SKU-9' }, '/name'],
    ['nothing at all', {}, '/sku', '/name'],
    ['an empty sku', { ...product, sku: '' }, '/sku'],
    ['a blank in the sku', { ...product, sku: 'SKU 9' }, '/sku'],
    ['a line break after the sku', { ...product, sku: 'SKU-9\n' }, '/sku'],
    ['a sku that begins with a dash', { ...product, sku: '-9' }, '/sku'],
    ['a sku of 65', { ...product, sku: text(65) }, '/sku'],
    ['a sku with a slash', { ...product, sku: 'a/b' }, '/sku'],
    ['a sku that is not ASCII', { ...product, sku: 'Größe' }, '/sku'],
    ['a number as sku', { ...product, sku: 9 }, '/sku'],
    ['null as sku', { ...product, sku: null }, '/sku'],
    ['an empty name', { ...product, name: '' }, '/name'],
    ['a name of 201', { ...product, name: text(201) }, '/name'],
    ['a list as name', { ...product, name: ['Bowl'] }, '/name'],
    ['NUL in the name', json(String.raw`{"sku":"SKU-9","name":"a\u0000b"}`), '/name'],
    ['half a surrogate pair in the name', json(String.raw`{"sku":"SKU-9","name":"\ud83d"}`), '/name'],
    ['the other half', json(String.raw`{"sku":"SKU-9","name":"\udc00 a"}`), '/name'],
    ['both halves in the wrong order', json(String.raw`{"sku":"SKU-9","name":"\udc00\ud83d"}`), '/name'],
    [
      'NUL in a key of attributes',
      json(String.raw`{"sku":"SKU-9","name":"a","attributes":{"\u0000":1}}`),
      '/attributes/␀',
    ],
    ['a description of 5,001', { ...product, description: text(5_001) }, '/description'],
    ['attributes that are a list', { ...product, attributes: [] }, '/attributes'],
    ['attributes that are text', { ...product, attributes: '{}' }, '/attributes'],
    ['attributes 11 deep', { ...product, attributes: nested(11) }, '/attributes'],
    ['attributes over 16 KiB', { ...product, attributes: { a: text(16_400) } }, '/attributes'],
    ['a number beyond all in attributes', json('{"sku":"SKU-9","name":"a","attributes":{"a":1e400}}'), '/attributes'],
    [
      'a whole number that is not exact in attributes',
      json('{"sku":"SKU-9","name":"a","attributes":{"a":9007199254740993}}'),
      '/attributes',
    ],
    ['a negative cost', { ...product, unitCost: -0.01 }, '/unitCost'],
    ['a cost above 10^9', { ...product, unitCost: 1_000_000_000.01 }, '/unitCost'],
    ['a cost with five decimals', { ...product, unitCost: 1.23456 }, '/unitCost'],
    ['a cost as text', { ...product, unitCost: '1.5' }, '/unitCost'],
    ['a cost beyond all', json('{"sku":"SKU-9","name":"a","unitCost":1e400}'), '/unitCost'],
    ['a negative reorder point', { ...product, reorderPoint: -1 }, '/reorderPoint'],
    ['half a unit', { ...product, reorderQuantity: 0.5 }, '/reorderQuantity'],
    ['a max level above 10^12', { ...product, maxLevel: 1_000_000_000_001 }, '/maxLevel'],
    ['a safety stock as text', { ...product, safetyStock: '5' }, '/safetyStock'],
    ['true as a number', { ...product, safetyStock: true }, '/safetyStock'],
  ],
  'POST /api/v1/products/batch': [
    ['no products', { products: [] }, '/products'],
    ['10,001 products', { products: times(10_001, { sku: 'a', name: 'b' }) }, '/products'],
    ['a wrong one among them', { products: [product, { sku: 'SKU-8' }] }, '/products/1/name'],
    ['one that is no object', { products: [product, 'SKU-8'] }, '/products/1'],
  ],
  'PATCH /api/v1/products/{sku}': [
    ['null as name', { name: null }, '/name'],
    ['a new sku that is none', { sku: 'a b' }, '/sku'],
    ['its version', { version: 3 }, '/version'],
  ],
  'POST /api/v1/locations': [
    ['no type', { code: 'LOC-9', name: 'Nine' }, '/type'],
    ['an unknown type', { ...location, type: 'shop' }, '/type'],
    ['a type in capitals', { ...location, type: 'STORE' }, '/type'],
    ['a latitude of 91', { ...location, lat: 91, lng: 0 }, '/lat'],
    ['a longitude of -181', { ...location, lat: 0, lng: -181 }, '/lng'],
    ['a priority of 1.5', { ...location, priority: 1.5 }, '/priority'],
    ['"true"', { ...location, active: 'true' }, '/active'],
    ['an address that is a number', { ...location, address: 5 }, '/address'],
  ],
  'PATCH /api/v1/inventory/{sku}/locations/{code}': [
    ['a negative safety stock', { safetyStock: -1 }, '/safetyStock'],
    ['a bin that is text', { bin: 'A1' }, '/bin'],
    ['a part that no bin has', { bin: { row: 'A' } }, '/bin/row'],
    ['stock', { onHand: 5 }, '/onHand'],
  ],
  'POST /api/v1/inventory/{sku}/adjust': [
    ['no quantity', { location: 'LOC-1', type: 'add' }, '/quantity'],
    ['to add nothing', { ...adjust, quantity: 0 }, '/quantity'],
    ['to add less than nothing', { ...adjust, quantity: -1 }, '/quantity'],
    ['half a unit', { ...adjust, quantity: 1.5 }, '/quantity'],
    ['a quantity as text', { ...adjust, quantity: '1' }, '/quantity'],
    ['more than 10^12', { ...adjust, quantity: 1_000_000_000_001 }, '/quantity'],
    ['a number that is not exact', json('{"location":"LOC-1","type":"add","quantity":9007199254740993}'), '/quantity'],
    ['a number beyond all', json('{"location":"LOC-1","type":"add","quantity":1e400}'), '/quantity'],
    ['the least of numbers', json('{"location":"LOC-1","type":"add","quantity":1e-400}'), '/quantity'],
    ['to set below nothing', { ...adjust, type: 'set', quantity: -1 }, '/quantity'],
    ['an unknown type', { ...adjust, type: 'take' }, '/type'],
    ['damage that adds', { ...adjust, movement: 'damage' }, '/movement'],
    ['a receipt that takes', { ...adjust, type: 'subtract', movement: 'receipt' }, '/movement'],
    ['a count that adds', { ...adjust, movement: 'count' }, '/movement'],
    ['a theft that sets', { ...adjust, type: 'set', movement: 'theft' }, '/movement'],
    ['a sale', { ...adjust, movement: 'sale' }, '/movement'],
    ['a reason of 501', { ...adjust, reason: text(501) }, '/reason'],
    ['notes of 5,001', { ...adjust, notes: text(5_001) }, '/notes'],
    ['a lot of 256', { ...adjust, lot: text(256) }, '/lot'],
    ['an empty lot', { ...adjust, lot: '' }, '/lot'],
    ['half a reference', { ...adjust, reference: { type: 'order' } }, '/reference/id'],
    ['a reference of 256', { ...adjust, reference: { type: 'order', id: text(256) } }, '/reference/id'],
    ['a negative expectation', { ...adjust, expectedOnHand: -1 }, '/expectedOnHand'],
    ['half a version', { ...adjust, expectedVersion: 1.5 }, '/expectedVersion'],
    ['"yes"', { ...adjust, force: 'yes' }, '/force'],
    ['several wrong fields', { location: 'a b', type: 'x', quantity: 'y' }, '/location', '/type', '/quantity'],
  ],
  'POST /api/v1/adjustments': [
    ['none', { adjustments: [] }, '/adjustments'],
    ['10,001', { adjustments: times(10_001, { sku: 'a', location: 'b', type: 'add', quantity: 1 }) }, '/adjustments'],
    ['1,001 at once', { atomic: true, adjustments: times(1_001, { sku: 'SKU-1', ...adjust }) }, '/adjustments'],
    [
      'a wrong one among them',
      {
        adjustments: [
          { sku: 'SKU-1', ...adjust },
          { sku: 'SKU-1', ...adjust, quantity: 0 },
        ],
      },
      '/adjustments/1/quantity',
    ],
    ['"atomic"', { adjustments: [{ sku: 'SKU-1', ...adjust }], atomic: 'atomic' }, '/atomic'],
  ],
  'POST /api/v1/availability': [
    ['no lines', { lines: [] }, '/lines'],
    ['501 lines', { lines: times(501, { sku: 'SKU-1', quantity: 1 }) }, '/lines'],
    ['a quantity of 0', { lines: [{ sku: 'SKU-1', quantity: 0 }] }, '/lines/0/quantity'],
  ],
  'POST /api/v1/inventory/{sku}/reserve': [
    ['no quantity', {}, '/quantity'],
    ['both ways to say when', { quantity: 1, ttlSeconds: 5, expiresAt: '2099-01-01T00:00:00Z' }, '/ttlSeconds'],
    ['a type that is none', { quantity: 1, type: 'web' }, '/type'],
  ],
  'POST /api/v1/inventory/{sku}/release': [
    ['no reservation', {}, '/reservationId'],
    ['an id that is none', { reservationId: '7' }, '/reservationId'],
  ],
  'POST /api/v1/reservations': [
    ['no lines', {}, '/lines'],
    ['an empty list of lines', { lines: [] }, '/lines'],
    ['1,001 lines', { lines: times(1_001, line) }, '/lines'],
    ['a line of 0', { lines: [{ ...line, quantity: 0 }] }, '/lines/0/quantity'],
    ['a line without a quantity', { lines: [{ sku: 'SKU-1' }] }, '/lines/0/quantity'],
    ['a line with a price', { lines: [{ ...line, price: 5 }] }, '/lines/0/price'],
    ['attributes of a line 11 deep', { lines: [{ ...line, attributes: nested(11) }] }, '/lines/0/attributes'],
    ['a type that is none', { lines, type: 'web' }, '/type'],
    ['an order of 256', { lines, orderId: text(256) }, '/orderId'],
    ['an order that is a number', { lines, orderId: 1042 }, '/orderId'],
    ['an empty user', { lines, userId: '' }, '/userId'],
    ['no time at all', { lines, ttlSeconds: 0 }, '/ttlSeconds'],
    ['more than 30 days', { lines, ttlSeconds: 2_592_001 }, '/ttlSeconds'],
    ['half a second', { lines, ttlSeconds: 0.5 }, '/ttlSeconds'],
    ['a day that is not', { lines, expiresAt: '2026-02-30T10:00:00Z' }, '/expiresAt'],
    ['the 29th of February of no leap year', { lines, expiresAt: '2027-02-29T10:00:00Z' }, '/expiresAt'],
    ['a month that is not', { lines, expiresAt: '2026-13-01T10:00:00Z' }, '/expiresAt'],
    ['an hour that is not', { lines, expiresAt: '2026-12-01T24:00:00Z' }, '/expiresAt'],
    ['a minute that is not', { lines, expiresAt: '2026-12-01T10:60:00Z' }, '/expiresAt'],
    ['an offset that is not', { lines, expiresAt: '2026-12-01T10:00:00+25:00' }, '/expiresAt'],
    ['a time without a zone', { lines, expiresAt: '2026-12-01T10:00:00' }, '/expiresAt'],
    ['a date alone', { lines, expiresAt: '2026-12-01' }, '/expiresAt'],
    ['a time as a number', { lines, expiresAt: 1_800_000_000 }, '/expiresAt'],
    ['a time in words', { lines, expiresAt: 'tomorrow' }, '/expiresAt'],
    ['a year of five digits', { lines, expiresAt: '+12026-12-01T10:00:00Z' }, '/expiresAt'],
    ['the past', { lines, expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    ['a far future', { lines, expiresAt: '2099-01-01T00:00:00Z' }, '/expiresAt'],
    ['both ways to say when', { lines, ttlSeconds: 5, expiresAt: '2099-01-01T00:00:00Z' }, '/ttlSeconds'],
    ['an unknown strategy', { lines, sourcing: { strategy: 'cheapest' } }, '/sourcing/strategy'],
    ['near to nothing', { lines, sourcing: { strategy: 'nearest' } }, '/sourcing/near'],
    ['near to nowhere', { lines, sourcing: { strategy: 'nearest', near: { lat: 91, lng: 0 } } }, '/sourcing/near/lat'],
    ['half a place', { lines, sourcing: { strategy: 'nearest', near: { lat: 1 } } }, '/sourcing/near/lng'],
    ['from none', { lines, sourcing: { locations: [] } }, '/sourcing/locations'],
    ['"partial"', { lines, partial: 'partial' }, '/partial'],
    ['a status', { lines, status: 'confirmed' }, '/status'],
  ],
  'POST /api/v1/reservations/batch': [
    ['none', { reservations: [] }, '/reservations'],
    ['1,001', { reservations: times(1_001, { lines }) }, '/reservations'],
    ['10,001 lines in all', { reservations: times(11, { lines: times(910, line) }) }, '/reservations'],
    ['a wrong one among them', { reservations: [{ lines }, { lines: [] }] }, '/reservations/1/lines'],
  ],
  'POST /api/v1/reservations/{id}/confirm': [['"ship"', { ship: 'ship' }, '/ship']],
  'POST /api/v1/reservations/{id}/ship': [
    ['nothing', { lines: [] }, '/lines'],
    ['0 of it', { lines: [{ ...line, quantity: 0 }] }, '/lines/0/quantity'],
    ['from nowhere', { lines: [{ sku: 'SKU-1', quantity: 1 }] }, '/lines/0/location'],
  ],
  'PUT /api/v1/reservations/{id}/lines': [
    ['no lines', {}, '/lines'],
    ['none', { lines: [] }, '/lines'],
    ['a time', { lines, ttlSeconds: 5 }, '/ttlSeconds'],
  ],
  'POST /api/v1/reservations/{id}/cancel': [['a reason of 501', { reason: text(501) }, '/reason']],
  'POST /api/v1/reservations/{id}/extend': [
    ['no time', {}, ''],
    ['both ways to say it', { ttlSeconds: 5, expiresAt: '2099-01-01T00:00:00Z' }, '/ttlSeconds'],
    ['the past', { expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    ['less than no time', { ttlSeconds: -5 }, '/ttlSeconds'],
  ],
  'POST /api/v1/transfers': [
    ['to where it is', { ...transfer, to: 'LOC-1' }, '/to'],
    ['on the way', { ...transfer, mode: 'in_transit' }, '/mode'],
    ['no lines', { ...transfer, lines: [] }, '/lines'],
    ['0 of it', { ...transfer, lines: [{ sku: 'SKU-1', quantity: 0 }] }, '/lines/0/quantity'],
    ['from a line', { ...transfer, lines: [{ ...line }] }, '/lines/0/location'],
    ['half a reference', { ...transfer, reference: { id: '7' } }, '/reference/type'],
  ],
  'POST /api/v1/alerts/acknowledge': [
    ['none', { ids: [] }, '/ids'],
    ['too many', { ids: uuids(1_001) }, '/ids'],
    ['one that is none', { ids: [UNKNOWN_ID, 'x'] }, '/ids/1'],
  ],
  'POST /api/v1/api-keys': [
    ['no scopes', { name: 'key', scopes: [] }, '/scopes'],
    ['an unknown scope', { name: 'key', scopes: ['root'] }, '/scopes/0'],
    ['a scope twice', { name: 'key', scopes: ['admin', 'admin'] }, '/scopes'],
    ['no name', { scopes: ['admin'] }, '/name'],
    ['the past', { name: 'key', scopes: ['admin'], expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    ['its own secret', { name: 'key', scopes: ['admin'], key: 'mine' }, '/key'],
  ],
  'POST /api/v1/session': [
    ['no password', { login: 'ada' }, '/password'],
    ['no login', { password: 'three tired herons' }, '/login'],
    ['objects', { login: { $ne: null }, password: { $ne: null } }, '/login', '/password'],
    ['a password without end', { login: 'ada', password: text(201) }, '/password'],
  ],
  'POST /api/v1/people': [
    ['no scopes', { ...person, scopes: [] }, '/scopes'],
    ['an unknown scope', { ...person, scopes: ['root'] }, '/scopes/0'],
    ['a login of two words', { ...person, login: 'ada l' }, '/login'],
    ['no name', { ...person, name: '' }, '/name'],
    ['a short password', { ...person, password: 'short' }, '/password'],
    ['a common password', { ...person, password: 'password1234' }, '/password'],
    ['its own hash', { ...person, passwordHash: '$argon2id$' }, '/passwordHash'],
  ],
  'PATCH /api/v1/people/{id}': [
    ['a word for a yes', { disabled: 'yes' }, '/disabled'],
    ['no scopes', { scopes: null }, '/scopes'],
    ['a password', { password: 'three tired herons' }, '/password'],
  ],
};

/** Values of the body that its schema refuses. */
export function wrongBodies({ pendingId }: Fixture): BadRequest[] {
  return Object.entries(WRONG_BODIES).flatMap(([route, wrongs]) =>
    wrongs.map(([why, body, ...paths]) => ({
      request: route.replace('{sku}', 'SKU-1').replace('{code}', 'LOC-1').replace('{id}', pendingId),
      why,
      body,
      answer: INVALID,
      paths,
    })),
  );
}

/** Queries that are not what they should be. */
export function wrongQueries(): BadRequest[] {
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
  ];
}

/** Names that are not there, and states that do not allow it. */
export function refusals({ pendingId, confirmedId, alertId, usedKey }: Fixture): BadRequest[] {
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
      why: 'two tags',
      headers: [['If-Match', '"1", "2"']],
      answer: '400 validation_failed',
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

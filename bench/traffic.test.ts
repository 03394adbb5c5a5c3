import { expect, test } from 'vitest';
import { BATCH_SIZE, createTraffic, type Session, type TrafficOrder } from './traffic.ts';

const ORDER: TrafficOrder = {
  kind: 'reserve',
  path: '/api/v1/reservations',
  expectedStatus: 201,
  spread: 'spread',
  stock: { products: 100, locations: 10 },
  apiKey: 'secret',
  isIdempotent: true,
  runNumber: 3,
};

interface Sent {
  head: string;
  body: { orderId?: string; lines?: unknown[]; reservations?: { orderId: string; lines: unknown[] }[] };
}

function send(session: Session): Sent {
  session.prepare();
  const [head = '', body = ''] = session.request.toString().split('\r\n\r\n');
  expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
  return { head, body: JSON.parse(body) as Sent['body'] };
}

test('a reserve is a whole request, with a key, an order id and a level of its own each time', () => {
  const session = createTraffic(ORDER)();
  const seen = new Set<string>();
  const levels = new Set<string>();
  for (let call = 0; call < 100; call += 1) {
    const { head, body } = send(session);
    expect(head.startsWith('POST /api/v1/reservations HTTP/1.1\r\nhost: 127.0.0.1\r\n')).toBe(true);
    expect(head).toContain('authorization: Bearer secret');
    const key = /idempotency-key: (bench-\d{12})/.exec(head)?.[1];
    seen.add(key ?? 'none').add(body.orderId ?? 'none');
    levels.add(JSON.stringify(body.lines));
  }
  expect(seen.size).toBe(200);
  expect(levels.size).toBeGreaterThan(80);
});

test('sessions and runs share no serial number', () => {
  const createSession = createTraffic({ ...ORDER, isIdempotent: false });
  const other = createTraffic({ ...ORDER, isIdempotent: false, runNumber: 4 });
  const ids = [createSession(), createSession(), other(), other()].map((session) => send(session).body.orderId);
  expect(new Set(ids).size).toBe(4);
});

test('hot is one level; a batch aims each of its reservations', () => {
  const hot = send(createTraffic({ ...ORDER, spread: 'hot' })());
  expect(hot.body.lines).toEqual([{ sku: 'SKU-00000', location: 'LOC-00', quantity: 1 }]);
  const batch = createTraffic({ ...ORDER, kind: 'batch' })();
  const { head, body } = send(batch);
  expect(head.startsWith('POST /api/v1/reservations/batch HTTP/1.1')).toBe(true);
  expect(body.reservations?.length).toBe(BATCH_SIZE);
  expect(new Set(body.reservations?.map(({ orderId }) => orderId)).size).toBe(BATCH_SIZE);
  expect(batch.complete(Buffer.from('{"succeeded":100,"failed":0}'))).toBe(BATCH_SIZE);
  expect(() => batch.complete(Buffer.from('{"succeeded":99,"failed":1}'))).toThrow('did not succeed as a whole');
});

test('a cycle reserves, then confirms and ships the id that it got, and counts once', () => {
  const session = createTraffic({ ...ORDER, kind: 'cycle' })();
  const id = '019a9f0e-7c1d-7a51-bd5c-3f1f2a7f9b10';
  expect(send(session).head).toContain('POST /api/v1/reservations HTTP');
  expect([session.expectedStatus, session.wantsBody]).toEqual([201, true]);
  expect(session.complete(Buffer.from(`{"id":"${id}","status":"pending"}`))).toBe(0);
  expect(send(session).head).toContain(`POST /api/v1/reservations/${id}/confirm HTTP`);
  expect([session.expectedStatus, session.wantsBody]).toEqual([200, false]);
  expect(session.complete(undefined)).toBe(0);
  expect(send(session).head).toContain(`POST /api/v1/reservations/${id}/ship HTTP`);
  expect(session.complete(undefined)).toBe(1);
  expect(send(session).head).toContain('POST /api/v1/reservations HTTP');
});

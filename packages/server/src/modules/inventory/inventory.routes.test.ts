import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';

let server: TestApp;
beforeAll(async () => {
  server = await startTestApp();
});
afterAll(() => server.close());

const post = async (path: string, payload: object) => {
  const answer = await server.app.inject({ method: 'POST', url: `/api/v1${path}`, payload });
  return { status: answer.statusCode, body: answer.json() };
};

test('all or none: a name that nobody has is 409 as well, and says which', async () => {
  await post('/products', { sku: 'CUP', name: 'Cup' });
  await post('/locations', { code: 'WH', name: 'Warehouse', type: 'warehouse' });
  const known = { sku: 'CUP', location: 'WH', type: 'add', quantity: 1 };
  for (const [wrong, code] of [
    [{ sku: 'NONE' }, 'product_not_found'],
    [{ location: 'NONE' }, 'location_not_found'],
  ] as const) {
    const { status, body } = await post('/adjustments', { adjustments: [known, { ...known, ...wrong }], atomic: true });
    expect([status, body.code, body.index]).toEqual([409, code, 1]);
  }
});

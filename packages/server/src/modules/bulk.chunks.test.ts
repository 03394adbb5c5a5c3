import { expect, test } from 'vitest';
import { startTestApp } from '../../test/app.ts';
import { commitInChunks } from './bulk.chunks.ts';

test('a request that breaks off after its first chunk never says that nothing was done, and a repeat goes on', async () => {
  const server = await startTestApp();
  const holder = await server.database.openClient();
  const post = async (path: string, payload: object, headers: Record<string, string> = {}) => {
    const answer = await server.app.inject({ method: 'POST', url: `/api/v1${path}`, payload, headers });
    return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
  };
  await post('/locations', { code: 'WH', name: 'Warehouse', type: 'warehouse' });
  for (const sku of ['FREE', 'BUSY']) {
    await post('/products', { sku, name: sku });
    await post(`/inventory/${sku}/adjust`, { location: 'WH', type: 'set', quantity: 10 });
  }
  const add = (sku: string) => ({ sku, location: 'WH', type: 'add', quantity: 1 });
  const adjustments = [...Array.from({ length: 500 }, () => add('FREE')), add('BUSY')];
  const key = { 'idempotency-key': 'delivery-7' };

  await holder.query('BEGIN');
  await holder.query(`SELECT FROM level JOIN product p ON p.id = product_id WHERE sku = 'BUSY' FOR UPDATE OF level`);
  const brokenOff = await post('/adjustments', { adjustments }, key);
  expect([brokenOff.status, brokenOff.body.code]).toEqual([503, 'outcome_unknown']);
  expect(brokenOff.body).toMatchObject({ succeeded: 500, failed: 0 });
  expect(brokenOff.body.results).toHaveLength(500);
  await holder.query('ROLLBACK');

  const { status, body } = await post('/adjustments', { adjustments }, key);
  expect([status, body.succeeded, body.failed]).toEqual([200, 501, 0]);
  const { rows } = await holder.query(
    'SELECT sku, on_hand FROM level JOIN product p ON p.id = product_id ORDER BY sku',
  );
  expect(rows).toEqual([
    { sku: 'BUSY', on_hand: 11 },
    { sku: 'FREE', on_hand: 510 },
  ]);
  await holder.end();
  await server.close();
});

test('a server that ends begins no further chunk, and says what was dealt with', async () => {
  const committed: number[] = [];
  const meta = { actor: 'open', requestId: 'r-1', idempotency: null, hasTimeForMore: () => committed.length < 2 };
  const commit = async (chunk: number[]) => {
    committed.push(...chunk);
    return { status: 200, body: `{"succeeded":1,"results":[{"index":${chunk[0]},"ok":true}]}` };
  };
  await expect(commitInChunks([[0], [1], [2], [3]], meta, commit)).rejects.toMatchObject({
    code: 'outcome_unknown',
    extensions: { succeeded: 2, failed: 0, results: [{ index: 0 }, { index: 1 }] },
  });
  expect(committed).toEqual([0, 1]);
  const { body } = await commitInChunks([[0]], { ...meta, hasTimeForMore: () => false }, commit);
  expect(body).toBe('{"succeeded":1,"failed":0,"results":[{"index":0,"ok":true}]}');
});

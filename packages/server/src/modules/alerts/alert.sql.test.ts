import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { planOf } from '../../../test/plans.ts';
import { alertOrder, listAlerts, type AlertFilter } from './alert.sql.ts';

let server: TestApp;

/** 20,000 alerts that are over, spread over 100 products and 20 locations; one of them an overstock. */
beforeAll(async () => {
  server = await startTestApp();
  await server.database.pool.query(`
    INSERT INTO location (code, name, type, created_at, updated_at)
    SELECT 'L' || n, 'x', 'virtual', now(), now() FROM generate_series(1, 20) n;
    INSERT INTO product (sku, name, created_at, updated_at) SELECT 'P' || n, 'x', now(), now() FROM generate_series(1, 100) n;
    INSERT INTO alert (id, type, status, product_id, location_id, value, opened_at, resolved_at)
    SELECT gen_random_uuid(), CASE n WHEN 77 THEN 'overstock' ELSE 'low_stock' END, 'resolved', p.id, l.id, 1, now(), now()
    FROM generate_series(1, 20000) n
    JOIN product p ON p.sku = 'P' || (1 + n % 100) JOIN location l ON l.code = 'L' || (2 + n % 19)`);
  const owner = await server.database.openClient();
  await owner.query('VACUUM ANALYZE alert, product, location');
  await owner.end();
});
afterAll(() => server.close());

const plan = (filter: AlertFilter) =>
  planOf(server.database, (db) => listAlerts(db, filter, alertOrder(true), { list: {}, limit: 50 }));

test.each<[AlertFilter, string]>([
  [{ location: 'L1' }, 'alert_location'],
  [{ location: 'NONE' }, 'alert_location'],
  [{ location: 'L1', status: 'resolved' }, 'alert_location'],
  [{ type: 'overstock' }, 'alert_type'],
  [{ type: 'shortage' }, 'alert_type'],
  [{ sku: 'P7' }, 'alert_product'],
  [{ sku: 'NONE' }, 'alert_product'],
  [{}, 'alert_pkey'],
])('alerts by %j are found by an index', async (filter, index) => {
  const words = await plan(filter);
  expect(words).toContain(`using ${index}`);
  expect(words).not.toContain('Seq Scan on alert');
});

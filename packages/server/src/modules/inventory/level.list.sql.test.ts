import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../platform/database/index.ts';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { planOf } from '../../../test/plans.ts';
import { listLevels } from './level.list.sql.ts';
import type { LevelQuery } from './level.schema.ts';

let server: TestApp;

/** 20,000 levels of 4,000 products at five locations, and three at a sixth; the last 20 products are out everywhere. */
beforeAll(async () => {
  server = await startTestApp();
  await server.database.pool.query(`
    INSERT INTO location (code, name, type, created_at, updated_at)
    SELECT 'L' || n, 'x', 'virtual', now(), now() FROM generate_series(1, 6) n;
    INSERT INTO product (sku, name, created_at, updated_at)
    SELECT 'P' || (10000 + n), 'x', now(), now() FROM generate_series(1, 4000) n;
    INSERT INTO level (product_id, location_id, on_hand)
    SELECT p.id, l.id, CASE WHEN p.sku > 'P13980' THEN 0 ELSE 9 END FROM product p, location l
    WHERE l.code <> 'L6' OR p.sku IN ('P11000', 'P12000', 'P13000')`);
  const owner = await server.database.openClient();
  await owner.query('VACUUM ANALYZE level, product, location');
  await owner.end();
});
afterAll(() => server.close());

const plan = (query: Partial<LevelQuery>) =>
  planOf(server.database, (kysely) => listLevels({ kysely } as Database, { limit: 50, ...query }));

test.each(['low', 'out', 'over', 'short'] as const)('what is %s is found by the index of it', async (status) => {
  const words = await plan({ status });
  expect(words).toContain(`using level_${status}`);
  expect(words).not.toContain('Seq Scan on level');
});

test('the few levels of a small location are found without a walk through all products', async () => {
  expect(await plan({ location: 'L6' })).toMatch(/using level_by_location|on level_by_location/);
  expect(await plan({ location: 'NONE' })).toContain('One-Time Filter: false');
});

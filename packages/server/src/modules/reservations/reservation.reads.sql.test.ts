import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { planOf } from '../../../test/plans.ts';
import { selectReservations } from './reservation.reads.sql.ts';

let server: TestApp;

/** 20,000 reservations that were shipped, and the three oldest, which wait to be. */
beforeAll(async () => {
  server = await startTestApp();
  await server.database.pool.query(`
    INSERT INTO reservation (id, status, type, product_ids, expires_at, created_at, confirmed_at)
    SELECT ('019a0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, CASE WHEN n <= 3 THEN 'confirmed' ELSE 'shipped' END,
      'order', '{1}', now(), now(), now()
    FROM generate_series(1, 20000) n`);
  const owner = await server.database.openClient();
  await owner.query('VACUUM ANALYZE reservation');
  await owner.end();
});
afterAll(() => server.close());

test.each([true, false])(
  'what waits to be shipped is found without a walk through all that was (%s)',
  async (descending) => {
    const order = descending ? sql`id DESC` : sql`id`;
    const page = { where: sql<boolean>`true`, order, descending, limit: 51 };
    const words = await planOf(server.database, (kysely) =>
      selectReservations('reservations', { status: 'confirmed' }, page).execute(kysely),
    );
    expect(words).toContain('reservation_confirmed');
    expect(words).not.toContain('Rows Removed by Filter');
  },
);

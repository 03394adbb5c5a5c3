import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { planOf } from '../../../test/plans.ts';
import { chooseSource, selectReservations } from './reservation.reads.sql.ts';

let server: TestApp;

/** 20,000 reservations of which all but the oldest were shipped. */
beforeAll(async () => {
  server = await startTestApp();
  await server.database.pool.query(`
    INSERT INTO reservation (id, status, type, product_ids, expires_at, created_at, expired_at)
    SELECT ('019a0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, coalesce((ARRAY['confirmed', 'cancelled', 'expired'])[n], 'shipped'),
      'order', '{1}', now(), now(), CASE WHEN n = 3 THEN now() END
    FROM generate_series(1, 20000) n`);
  const owner = await server.database.openClient();
  await owner.query('VACUUM ANALYZE reservation');
  await owner.end();
});
afterAll(() => server.close());

describe.each([
  { status: 'confirmed', source: 'reservations', index: 'reservation_confirmed' },
  { status: 'cancelled', source: 'reservations', index: 'reservation_given_back' },
  { status: 'expired', source: 'expired', index: 'reservation_given_back' },
] as const)('$status ones', ({ status, source, index }) => {
  test.each([true, false])('are found without a walk through all that was (%s)', async (descending) => {
    const order = descending ? sql`id DESC` : sql`id`;
    const page = { where: sql<boolean>`true`, order, descending, limit: 51 };
    expect(await chooseSource(server.database.kysely, { status })).toBe(source);
    const words = await planOf(server.database, (kysely) =>
      selectReservations(source, { status }, page).execute(kysely),
    );
    expect(words).toContain(index);
    expect(words).not.toContain('Rows Removed by Filter');
  });
});

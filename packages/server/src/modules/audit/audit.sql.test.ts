import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { planOf } from '../../../test/plans.ts';
import { listAudit, type AuditFilter } from './audit.sql.ts';

let server: TestApp;

/** 20,000 products that an import changed, and one that Anna archived before. */
beforeAll(async () => {
  server = await startTestApp();
  const owner = await server.database.openClient();
  await owner.query(`
    INSERT INTO journal_entry (id, at, kind, actor, subject)
    SELECT n, now(), 'product.' || CASE WHEN n = 1 THEN 'archived' ELSE 'updated' END,
      CASE WHEN n = 1 THEN 'anna' ELSE 'import' END, 'SKU'
    FROM generate_series(1, 20000) n`);
  await owner.query('VACUUM ANALYZE journal_entry');
  await owner.end();
});
afterAll(() => server.close());

test.each<AuditFilter>([{ actor: 'anna' }, { kind: 'product.archived' }])(
  'the few entries of %o are found without reading all others',
  async (filter) => {
    const words = await planOf(server.database, (kysely) => listAudit(kysely, filter, { list: {}, limit: 50 }));
    expect(words).toMatch(/rows=1\.00/);
    expect(words).not.toContain('Rows Removed by Filter');
  },
);

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from './app.ts';
import { until } from './holdfast.process.ts';

interface Listed {
  id: string;
  status: string;
  signals: string;
}

/** Two instances over one database, as behind a load balancer. */
describe('two instances', () => {
  let one: TestApp;
  let two: TestApp;

  beforeAll(async () => {
    one = await startTestApp({ duties: true });
    two = await startTestApp({ duties: true, connection: one.connection });
    await until('both hear one another', () => one.server.signals.isLive && two.server.signals.isLive);
  });
  afterAll(async () => {
    await two.close();
    await one.close();
  });

  const list = async (app: TestApp, key: string): Promise<{ status: number; items: Listed[] }> => {
    const answer = await app.app.inject({ url: '/api/v1/instances', headers: { 'x-api-key': key } });
    const items = answer.statusCode === 200 ? answer.json<{ items: Listed[] }>().items : [];
    return { status: answer.statusCode, items };
  };
  const makeKey = async (scopes: string[], as: Record<string, string> = {}): Promise<{ id: string; key: string }> => {
    const answer = await one.app.inject({
      method: 'POST',
      url: '/api/v1/api-keys',
      headers: as,
      payload: { name: 'a key', scopes },
    });
    expect(answer.statusCode).toBe(201);
    return answer.json<{ id: string; key: string }>();
  };

  test('a key that one makes closes the other, and opens it; revoked, it is refused by both within a second', async () => {
    const open = await two.app.inject({ url: '/api/v1/instances' });
    expect(open.statusCode).toBe(200);
    const admin = await makeKey(['admin']);
    const openMs = await lastUntil(async () => (await two.app.inject({ url: '/api/v1/instances' })).statusCode === 401);
    expect(openMs).toBeLessThan(1_000);
    expect((await list(two, admin.key)).status).toBe(200);

    const second = await makeKey(['admin'], { 'x-api-key': admin.key });
    expect((await list(two, second.key)).status).toBe(200);
    const revoked = await one.app.inject({
      method: 'DELETE',
      url: `/api/v1/api-keys/${second.id}`,
      headers: { 'x-api-key': admin.key },
    });
    expect(revoked.statusCode).toBe(204);
    expect((await list(one, second.key)).status).toBe(401);
    const servedMs = await lastUntil(async () => (await list(two, second.key)).status === 401);
    expect(servedMs).toBeLessThan(1_000);

    await until('both are on the list, and hear one another', async () => {
      const { items } = await list(one, admin.key);
      return items.length === 2 && items.every(({ signals }) => signals === 'postgres');
    });
    const { items } = await list(two, admin.key);
    expect(items).toMatchObject([{ status: 'up' }, { status: 'up' }]);
    expect(new Set(items.map(({ id }) => id)).size).toBe(2);

    const metrics = await two.app.inject({ url: '/metrics', headers: { 'x-api-key': admin.key } });
    expect(metrics.body).toContain('holdfast_instances{status="up"} 2');
    expect(metrics.body).toContain('holdfast_signals_live{carrier="postgres"} 1');

    await one.database.pool.query(
      "UPDATE instance SET started_at = started_at - interval '1 hour', seen_at = seen_at - interval '20 s' WHERE pid > 0",
    );
    expect((await list(one, admin.key)).items.map(({ status }) => status)).toEqual(['lost', 'lost']);
  });

  test('one that stops takes itself off the list', async () => {
    const third = await startTestApp({ duties: true, connection: one.connection });
    const count = async (): Promise<number> => (await one.database.pool.query('SELECT FROM instance')).rowCount ?? 0;
    await until('it is there', async () => (await count()) === 3);
    await third.close();
    expect(await count()).toBe(2);
  });
});

/** When it was last asked in vain whether it holds, in milliseconds from now: a slow answer is not a late change. */
async function lastUntil(holds: () => Promise<boolean>): Promise<number> {
  const startedMs = performance.now();
  for (let lastMs = 0; ;) {
    const askedMs = performance.now() - startedMs;
    if (await holds()) return lastMs;
    lastMs = askedMs;
  }
}

import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDebianPostgres, noDebianPostgres, type DebianPostgres } from './debian.postgres.ts';
import { freePort, spawnHoldfast, statusOf, until } from './holdfast.process.ts';
import { postJson } from './http.load.ts';

const WITHIN_MS = 5_000;

describe.skipIf(noDebianPostgres !== null)(
  `a database that goes away (${noDebianPostgres ?? 'Debian PostgreSQL 15'})`,
  () => {
    let postgres: DebianPostgres;
    let server: ReturnType<typeof spawnHoldfast>;
    let address: string;

    beforeAll(async () => {
      postgres = await makeDebianPostgres();
      const port = await freePort();
      address = `http://127.0.0.1:${port}`;
      server = spawnHoldfast(['--port', String(port)], { DATABASE_URL: postgres.url });
    });
    afterAll(async () => {
      await server.stop();
      await postgres.remove();
    });

    const ready = (): Promise<number> => statusOf(`${address}/health/ready`);
    const read = (): Promise<Timed> => timed(() => fetch(`${address}/api/v1/products/SHIRT`));
    let number = 0;
    const write = (): Promise<Timed> =>
      timed(() => postJson(`${address}/api/v1/products`, { sku: `SHIRT-${(number += 1)}`, name: 'Shirt' }));

    const expectRefusals = (answers: Timed[]): void => {
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 503, code: 'database_unavailable', retryAfter: '1' });
        expect(answer.ms).toBeLessThan(WITHIN_MS);
      }
    };

    const expectWellWithin5s = async (): Promise<void> => {
      const sinceMs = performance.now();
      await until('it is ready again', async () => (await ready()) === 200, WITHIN_MS);
      const answers = await Promise.all([read(), write()]);
      expect(answers.map(({ status }) => status)).toEqual([200, 201]);
      expect(performance.now() - sinceMs).toBeLessThan(WITHIN_MS);
    };

    test('one that starts after the server is waited for', async () => {
      await until('it says what it waits for', () =>
        server.log().some(({ msg }) => String(msg).startsWith('The database cannot be reached')),
      );
      await until('it listens', async () => (await ready()) === 503);
      await postgres.start();
      expect(await server.serving()).toBe(address);
      expect((await postJson(`${address}/api/v1/products`, { sku: 'SHIRT', name: 'Shirt' })).status).toBe(201);
    });

    test('stopped under load: 503 within 5 s, its reason in /health/ready, and all is well within 5 s of its return', async () => {
      let isOver = false;
      const statuses = new Set<number>();
      const load = Array.from({ length: 8 }, async () => {
        while (!isOver) for (const call of [read, write]) statuses.add((await call()).status);
      });
      // Their failures are met at the end.
      for (const loop of load) loop.catch(() => undefined);
      await postgres.stop();
      // The first to notice may be a connection that was cut.
      const reasons = async () => {
        const health = await fetch(`${address}/health/ready`);
        return health.json() as Promise<{ code?: string; reasons?: string[] }>;
      };
      await until(
        'the server knows why',
        async () => (await reasons()).reasons?.[0] === 'The database cannot be reached (ECONNREFUSED).',
        WITHIN_MS,
      );
      expect(await reasons()).toMatchObject({ code: 'not_ready', status: 503 });
      expectRefusals(await Promise.all([read(), write(), read(), write()]));
      expect(await statusOf(`${address}/health/live`)).toBe(200);
      expect(await statusOf(`${address}/metrics`)).toBe(503);
      await postgres.start();
      await expectWellWithin5s();
      isOver = true;
      await Promise.all(load);
      expect(statuses).toEqual(new Set([200, 201, 503]));
    });

    test('frozen, so that it accepts connections and answers nothing', async () => {
      await postgres.freeze();
      expectRefusals(await Promise.all([read(), write(), read(), write()]));
      await until('the server knows', async () => (await ready()) === 503, WITHIN_MS);
      expectRefusals(await Promise.all([read(), write()]));
      await postgres.thaw();
      await expectWellWithin5s();
    });

    const readings = async (): Promise<number[]> => {
      const stream = await fetch(`${address}/api/v1/events/stream`);
      await stream.body?.cancel();
      const list = await timed(() => fetch(`${address}/api/v1/events?limit=1`));
      return [stream.status, list.status, (await read()).status];
    };
    const SETTING = 'SET default_transaction_read_only = on';
    const END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'";

    test.each([
      ['ALTER SYSTEM', 'SELECT pg_reload_conf()'],
      ['ALTER DATABASE shop', END_SESSIONS],
    ])('made read-only by %s: reads go on, commands are refused within 5 s', async (alter, takesEffect) => {
      const database = postgres.url.replace(/shop$/, 'postgres');
      const set = async (...statements: string[]): Promise<void> => {
        const commands = ['SET default_transaction_read_only = off', ...statements].flatMap((sql) => ['-c', sql]);
        await postgres.run('psql', '-Xq', '-d', database, ...commands);
      };
      await set(`${alter} ${SETTING}`, takesEffect);
      await until('the server knows', async () => (await ready()) === 503, WITHIN_MS);
      const answer = await fetch(`${address}/health/ready`);
      expect(await answer.json()).toMatchObject({ reasons: ['The database is read-only: it takes no writes.'] });
      // A session that was ended may be asked once more before the server knows.
      await until('reads go on', async () => isDeepStrictEqual(await readings(), [200, 200, 200]), WITHIN_MS);
      const linesBefore = server.log().length;
      expect(await readings()).toEqual([200, 200, 200]);
      const reserve = (): Promise<Timed> =>
        timed(() => postJson(`${address}/api/v1/reservations`, { lines: [{ sku: 'SHIRT', quantity: 1 }] }));
      expectRefusals(await Promise.all([write(), write(), reserve(), reserve()]));
      expect(server.log().slice(linesBefore)).toEqual([]);
      await set(`${alter} RESET default_transaction_read_only`, 'SELECT pg_reload_conf()');
      await expectWellWithin5s();
      // Of sessions that began meanwhile none is left.
      for (let count = 0; count < 10; count += 1) expect((await write()).status).toBe(201);
    });

    test('a stop while it is away takes no longer', async () => {
      await postgres.freeze();
      const waiting = [read().catch(() => null), write().catch(() => null)];
      const sinceMs = performance.now();
      expect(await server.stop()).toEqual({ code: 0, signal: null });
      expect(performance.now() - sinceMs).toBeLessThan(10_000);
      await Promise.all(waiting);
      await postgres.thaw();
    });
  },
);

interface Timed {
  status: number;
  code: string | undefined;
  retryAfter: string | null;
  ms: number;
}

async function timed(call: () => Promise<Response>): Promise<Timed> {
  const startedMs = performance.now();
  const answer = await call();
  const { code } = (await answer.json()) as { code?: string };
  const { status, headers } = answer;
  return { status, code, retryAfter: headers.get('retry-after'), ms: performance.now() - startedMs };
}

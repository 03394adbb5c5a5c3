import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from './app.ts';
import {
  freePort,
  makeDirectory,
  runHoldfast,
  serveHoldfast,
  spawnHoldfast,
  statusOf,
  until,
  type ServingProcess,
} from './holdfast.process.ts';
import { databaseUrl, postJson } from './http.load.ts';

describe('holdfast serve, with its own PostgreSQL', () => {
  let directory: Awaited<ReturnType<typeof makeDirectory>>;
  beforeAll(async () => void (directory = await makeDirectory()));
  afterAll(() => directory.remove());

  test('answers 503 while it starts, prints one line, serves, and leaves on SIGTERM', async () => {
    const port = await freePort();
    const starting = spawnHoldfast(['--port', String(port), '--data', `${directory.path}/first`]);
    const seen = new Set<number>();
    await until('it is ready', async () => {
      const status = await statusOf(`http://127.0.0.1:${port}/health/ready`);
      seen.add(status);
      return status === 200;
    });
    expect([...seen].filter((status) => status !== 0)).toEqual([503, 200]);
    expect(await starting.serving()).toBe(`http://127.0.0.1:${port}`);
    expect(await starting.stop()).toEqual({ code: 0, signal: null });
    expect(starting.stdout()).toBe(`Holdfast serves at http://127.0.0.1:${port}\n`);
    expect(starting.log().map(({ level, msg }) => `${String(level)} ${String(msg)}`)).toContain(
      'warn There is no API key or person yet: the server is open, as admin, on loopback only, until a first one is made.',
    );
  });

  test('other routes answer 503 with Retry-After until the database is open', async () => {
    // A database that never comes: nothing else is as long in starting.
    const port = await freePort();
    const nowhere = `postgres://nobody@127.0.0.1:${await freePort()}/nothing`;
    const starting = spawnHoldfast(['--port', String(port)], { DATABASE_URL: nowhere });
    await until('it listens', async () => (await statusOf(`http://127.0.0.1:${port}/health/live`)) === 200);
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/products`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await answer.json()).toMatchObject({ code: 'database_unavailable' });
    expect(await statusOf(`http://127.0.0.1:${port}/openapi.json`)).toBe(200);
    await until('it says what it waits for', () =>
      starting.log().some(({ msg }) => String(msg).startsWith('The database cannot be reached')),
    );
    expect(await starting.stop()).toEqual({ code: 0, signal: null });
    expect(starting.stdout()).toBe('');
  });

  test('what was acknowledged is there after kill -9 of everything', async () => {
    const args = ['--port', '0', '--data', `${directory.path}/killed`];
    const first = await serveHoldfast(args);
    const created = await postJson(`${first.address}/api/v1/products`, { sku: 'KEPT', name: 'Kept' });
    expect(created.status).toBe(201);
    first.signal('SIGKILL', 'group');
    await first.ended;
    const second = await serveHoldfast(args);
    expect(await statusOf(`${second.address}/api/v1/products/KEPT`)).toBe(200);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
  });

  test('a second server on one data directory says so, and ends with 2', async () => {
    const data = `${directory.path}/twice`;
    const first = await serveHoldfast(['--port', '0', '--data', data]);
    const second = await runHoldfast(['serve', '--port', '0', '--data', data]);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain('holdfast: Another Holdfast uses the data in');
    await first.stop();
  });
});

describe('a stop', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let url: string;
  beforeAll(async () => {
    database = await createDatabase();
    url = databaseUrl(database.connection);
  });
  afterAll(() => database.drop());

  const serve = (): Promise<ServingProcess> => serveHoldfast(['--port', '0'], { DATABASE_URL: url });

  test.each(['alone', 'group'] as const)('loses no accepted request: SIGTERM to it %s', async (to) => {
    const server = await serve();
    const load = startLoad(server.address);
    await until('the load has arrived', () => load.answered() > 500);
    // Before, a busy machine may have been too slow for it.
    load.statuses.clear();
    const startedMs = performance.now();
    server.signal('SIGTERM', to);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(await load.end()).toEqual([]);
    expect([...load.statuses]).toEqual([200]);
  });

  test('the same signal again at once is npm passing it on; a later one ends it', async () => {
    const server = await serve();
    // Half a request holds the drain up.
    const headers = { 'content-type': 'application/json', 'content-length': 100 };
    const half = request(`${server.address}/api/v1/products`, { method: 'POST', headers });
    half.on('error', () => undefined);
    half.flushHeaders();
    await until('it has arrived', async () => (await statusOf(`${server.address}/health`)) === 200);
    server.signal('SIGTERM');
    server.signal('SIGTERM');
    await until('it stops', () => server.log().some(({ msg }) => String(msg).startsWith('stopping')));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    server.signal('SIGTERM');
    expect(await server.ended).toEqual({ code: 1, signal: null });
  });

  test('a client that never sends the rest of its request is cut, and the exit is still 0 within 10 s', async () => {
    const server = await serve();
    const headers = { 'content-type': 'application/json', 'content-length': 100 };
    const half = request(`${server.address}/api/v1/products`, { method: 'POST', headers });
    half.on('error', () => undefined);
    half.flushHeaders();
    await until('it has arrived', async () => (await statusOf(`${server.address}/health`)) === 200);
    const startedMs = performance.now();
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});

describe('what keeps a server from starting', () => {
  test.each([
    [['--port', '99999'], 2, 'PORT (--port) must be a whole number from 0 to 65535; it is "99999"'],
    [['--prot', '1'], 64, "error: unknown option '--prot'"],
    [['--workers', '0'], 64, 'It must be a whole number from 1 to 16.'],
    [['--database-url', 'mysql://db'], 2, 'DATABASE_URL (--database-url) must be a URL that begins with postgres://'],
  ])('%j', async (args, code, message) => {
    const ended = await runHoldfast(['serve', ...args]);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toContain('    at ');
    expect(ended.stdout).toBe('');
  });

  test('an address that is taken, and an open server that others could reach', async () => {
    const database = await createDatabase();
    const env = { DATABASE_URL: databaseUrl(database.connection) };
    const first = await serveHoldfast(['--port', '0'], env);
    const { port } = new URL(first.address);
    const second = await runHoldfast(['serve', '--port', port], env);
    expect(second).toMatchObject({ code: 2, stdout: '' });
    expect(second.stderr).toContain('Something else listens on this address already.');
    await first.stop();
    const reachable = await runHoldfast(['serve', '--port', '0', '--host', '0.0.0.0'], env);
    expect(reachable).toMatchObject({ code: 2, stdout: '' });
    expect(reachable.stderr).toContain('there is no API key or person yet: anybody would be admin.');
    await database.drop();
  });
});

/** Keeps 16 connections busy until they are refused; counts what was sent and never answered. */
function startLoad(address: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const lost: string[] = [];
  const statuses = new Set<number | undefined>();
  let answered = 0;
  const one = (): Promise<boolean> =>
    new Promise((resolve) => {
      const call = request(`${address}/api/v1/products`, { agent }, (answer) => {
        statuses.add(answer.statusCode);
        answer.on('end', () => {
          answered += 1;
          resolve(true);
        });
        answer.on('error', (error) => {
          lost.push(`in its answer: ${error.message}`);
          resolve(false);
        });
        answer.resume();
      });
      call.on('error', (error: NodeJS.ErrnoException) => {
        // Nobody accepted it.
        if (error.code !== 'ECONNREFUSED') lost.push(`${error.code} ${error.message}`);
        resolve(false);
      });
      call.end();
    });
  const loops = Array.from({ length: 16 }, async () => {
    while (await one());
  });
  return {
    answered: () => answered,
    statuses,
    /** What was lost. */
    end: async () => {
      await Promise.all(loops);
      agent.destroy();
      return lost;
    },
  };
}

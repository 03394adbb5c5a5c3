import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createDatabase } from './app.ts';
import { makeDebianPostgres, noDebianPostgres, type DebianPostgres } from './debian.postgres.ts';
import {
  freePort,
  runHoldfast,
  serveHoldfast,
  spawnWorker,
  statusOf,
  until,
  workHoldfast,
  type ServingProcess,
} from './holdfast.process.ts';
import { databaseUrl } from './http.load.ts';

interface Run {
  id: string;
  status: string;
}

describe('a worker with a port', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let server: ServingProcess;
  let env: Record<string, string>;
  let key = '';

  beforeAll(async () => {
    database = await createDatabase();
    env = { DATABASE_URL: databaseUrl(database.connection), HOLDFAST_EGRESS_ALLOW: '127.0.0.1' };
    server = await serveHoldfast(['--port', '0'], { ...env, HOLDFAST_JOB_SLOTS: '0' });
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await database.drop();
  });

  const ask = async <Body>(path: string, body?: object): Promise<Body> => {
    const headers = { 'content-type': 'application/json', ...(key === '' ? {} : { 'x-api-key': key }) };
    const sent = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await fetch(`${server.address}/api/v1${path}`, sent);
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as Body;
  };
  const start = async (type: string, config: object): Promise<Run> => {
    const job = await ask<{ id: string }>('/jobs', { name: type, type, config });
    return ask<Run>(`/jobs/${job.id}/run`, {});
  };

  test('tells its health and what it has counted, and has nothing else', async () => {
    const worker = await workHoldfast(env, ['--port', '0']);
    onTestFinished(async () => void (await worker.stop()));
    const [, address = ''] =
      /^Holdfast works on jobs, 10 at once; health and metrics at (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(
        worker.stdout(),
      ) ?? [];
    await until('it is ready', async () => (await statusOf(`${address}/health/ready`)) === 200);
    expect(await (await fetch(`${address}/health/live`)).json()).toMatchObject({ status: 'ok' });

    const { id } = await start('stock_snapshot', {});
    await until('the end of the run', async () => (await ask<Run>(`/runs/${id}`)).status === 'succeeded');
    const metrics = await fetch(`${address}/metrics`);
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=/);
    const text = await metrics.text();
    expect(text).toContain('\njob_attempts_total{type="stock_snapshot",outcome="succeeded"} 1\n');
    expect(text).toContain('\njob_attempt_duration_seconds_count{type="stock_snapshot"} 1\n');
    // Of all types: at 17 past the hour one of Holdfast's own is among them.
    expect(text).toMatch(/\njob_lateness_seconds_count [12]\n/);
    expect(text).toMatch(/\nprocess_cpu_seconds_total [\d.]+\n/);

    for (const path of ['/api/v1/products', '/api/v1/session', '/openapi.json', '/docs', '/', '/nowhere']) {
      const unknown = await fetch(address + path, { headers: { 'x-request-id': 'mine' } });
      expect([unknown.status, unknown.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
      expect(unknown.headers.get('x-request-id')).toBe('mine');
      expect(unknown.headers.get('x-content-type-options')).toBe('nosniff');
      expect(await unknown.json()).toMatchObject({
        code: 'route_not_found',
        detail: `There is no GET ${path}: this process has /health, /health/live, /health/ready and /metrics.`,
      });
    }
    const posted = await fetch(`${address}/metrics`, { method: 'POST' });
    // There is no key yet: nobody but this machine is shown them.
    const forwarded = await fetch(`${address}/metrics`, { headers: { 'x-forwarded-for': '192.0.2.1' } });
    expect(forwarded.status).toBe(403);
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
  }, 120_000);

  test('asks for a key with the scope read, from when there is one', async () => {
    key = (await ask<{ key: string }>('/api-keys', { name: 'admin', scopes: ['admin'] })).key;
    const keyOf = async (...scopes: string[]): Promise<string> =>
      (await ask<{ key: string }>('/api-keys', { name: scopes.join(), scopes })).key;
    const keys = { '': 401, nobodys: 401, [await keyOf('ingest')]: 403, [await keyOf('read')]: 200 };
    const port = await freePort();
    // An environment that the server reads, too: PORT is the server's.
    const worker = await workHoldfast({ ...env, HOLDFAST_WORK_PORT: String(port), PORT: '1' });
    onTestFinished(async () => void (await worker.stop()));
    const address = `http://127.0.0.1:${port}`;
    for (const [given, status] of Object.entries(keys)) {
      const headers = given === '' ? {} : { authorization: `Bearer ${given}` };
      expect((await fetch(`${address}/metrics`, { headers })).status).toBe(status);
    }
    await until('it is ready', async () => (await statusOf(`${address}/health/ready`)) === 200);
  }, 120_000);

  test('told to stop, it says so until its runs have ended, and is gone then', async () => {
    const target = createServer().listen(0, '127.0.0.1');
    await once(target, 'listening');
    const called = once(target, 'request') as Promise<[IncomingMessage, ServerResponse]>;
    const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`;
    const port = await freePort();
    const worker = await workHoldfast(env, ['--port', String(port)]);
    onTestFinished(async () => void (await worker.stop()));
    const { id } = await start('http_request', { url });
    const [, response] = await called;

    worker.signal('SIGTERM');
    const ready = `http://127.0.0.1:${port}/health/ready`;
    await until('it says that it stops', async () => (await statusOf(ready)) === 503);
    expect(await (await fetch(ready)).json()).toMatchObject({ reasons: ['The server is stopping.'] });
    expect(await statusOf(`http://127.0.0.1:${port}/health/live`)).toBe(200);
    // A scrape that never comes whole keeps it for half a second.
    const slow = connect(port, '127.0.0.1').on('error', () => undefined);
    await new Promise((resolve) => slow.write('GET /metrics HTTP/1.1\r\n', resolve));
    response.end('done');
    expect(await worker.ended).toEqual({ code: 0, signal: null });
    expect(worker.log().filter(({ msg }) => String(msg).startsWith('something did not end'))).toEqual([]);
    expect((await ask<Run>(`/runs/${id}`)).status).toBe('succeeded');
    target.close();
    await once(target, 'close');
  }, 120_000);

  test('without slots it is alive, never ready, and says why', async () => {
    const port = await freePort();
    const worker = await workHoldfast({ ...env, HOLDFAST_JOB_SLOTS: '0' }, ['--port', String(port)]);
    onTestFinished(async () => void (await worker.stop()));
    let reasons: unknown;
    await until('its queue is open', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`);
      expect(answer.status).toBe(503);
      ({ reasons } = (await answer.json()) as { reasons: unknown });
      return (reasons as string[]).length === 1;
    });
    expect(reasons).toEqual(['HOLDFAST_JOB_SLOTS is 0: this worker takes no runs.']);
    expect(await statusOf(`http://127.0.0.1:${port}/health/live`)).toBe(200);
  }, 120_000);

  test('that cannot take runs is not ready, whatever the database says', async () => {
    const port = await freePort();
    const worker = await workHoldfast(env, ['--port', String(port)]);
    const owner = new pg.Client(database.connection);
    await owner.connect();
    onTestFinished(async () => {
      await owner.end();
      await worker.stop();
    });
    const ready = `http://127.0.0.1:${port}/health/ready`;
    await until('it is ready', async () => (await statusOf(ready)) === 200);
    const { rows } = await owner.query<{ home: string }>(
      `SELECT quote_ident(schemaname) AS home FROM pg_tables WHERE tablename = 'job_common'`,
    );
    await owner.query(`ALTER TABLE ${rows[0]?.home}.job_common RENAME TO elsewhere`);
    await until('it knows', async () => (await statusOf(ready)) === 503);
    expect(await (await fetch(ready)).json()).toMatchObject({
      reasons: ['Runs cannot be taken, though the database answers; the log says why.'],
    });
    await owner.query(`ALTER TABLE ${rows[0]?.home}.elsewhere RENAME TO job_common`);
    await until('it is ready again', async () => (await statusOf(ready)) === 200);
  }, 120_000);

  test('that somebody has already ends with 2 and one line', async () => {
    const port = new URL(server.address).port;
    const ended = await runHoldfast(['work', '--port', port], { ...env, LOG_LEVEL: 'error' });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(
      /^holdfast: Something else listens on this address already\. Choose another port with --port, or stop it \(.*\)\.\n$/,
    );
  }, 60_000);
});

test('a worker without a port listens on none', async () => {
  const help = await runHoldfast(['work', '--help']);
  expect(help.stdout).toContain('--port, --work-port <number>');
  const database = await createDatabase();
  const worker = await workHoldfast({ DATABASE_URL: databaseUrl(database.connection) });
  onTestFinished(async () => void (await worker.stop()));
  expect(worker.stdout()).toBe('Holdfast works on jobs, 10 at once\n');
  expect(worker.log().find(({ msg }) => msg === 'working')).toMatchObject({ address: null });
  await worker.stop();
  await database.drop();
}, 60_000);

describe.skipIf(noDebianPostgres !== null)(
  `a database that goes away (${noDebianPostgres ?? 'Debian PostgreSQL 15'})`,
  () => {
    let postgres: DebianPostgres;

    beforeAll(async () => {
      postgres = await makeDebianPostgres();
      await postgres.start();
      await runHoldfast(['migrate'], { DATABASE_URL: postgres.url });
      await postgres.stop();
    }, 60_000);
    afterAll(() => postgres.remove());

    test('a worker waits for it, is not ready without it, and is ready again by itself', async () => {
      const port = await freePort();
      const address = `http://127.0.0.1:${port}`;
      const readiness = () => statusOf(`${address}/health/ready`);
      const worker = spawnWorker(['--port', String(port)], { DATABASE_URL: postgres.url });
      onTestFinished(async () => void (await worker.stop()));
      await until('it listens', async () => (await readiness()) === 503);
      expect(await statusOf(`${address}/health/live`)).toBe(200);
      expect(await statusOf(`${address}/metrics`)).toBe(503);
      expect(worker.stdout()).toBe('');

      await postgres.start();
      await until('it is ready', async () => (await readiness()) === 200);
      await postgres.stop();
      await until('it knows', async () => (await readiness()) === 503);
      const health = await fetch(`${address}/health/ready`);
      expect(await health.json()).toMatchObject({
        reasons: [expect.stringMatching(/^The database cannot be reached \(\w+\)\.$/)],
      });
      expect(await statusOf(`${address}/health/live`)).toBe(200);
      await postgres.start();
      await until('it is ready again', async () => (await readiness()) === 200);
      expect(await worker.stop()).toEqual({ code: 0, signal: null });
    }, 120_000);
  },
);

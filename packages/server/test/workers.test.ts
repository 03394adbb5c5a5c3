import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from './app.ts';
import { runHoldfast, serveHoldfast, statusOf, until, type ServingProcess } from './holdfast.process.ts';
import { databaseUrl, postJson } from './http.load.ts';

describe('holdfast serve --workers 2', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let server: ServingProcess;

  beforeAll(async () => {
    database = await createDatabase();
    server = await serveHoldfast(['--port', '0', '--workers', '2'], { DATABASE_URL: databaseUrl(database.connection) });
  });
  afterAll(async () => {
    await server.stop();
    await database.drop();
  });

  test('says once where it serves, and both serve on it', async () => {
    expect(server.stdout()).toBe(`Holdfast serves at ${server.address}\n`);
    expect((await instances(server.address)).size).toBe(2);
    expect(await workersOf(server.pid)).toHaveLength(2);
  });

  test('/metrics adds both up, whichever is asked', async () => {
    const count = async (): Promise<number> => {
      const text = await (await fetch(`${server.address}/metrics`)).text();
      const line = text
        .split('\n')
        .find((one) => one.startsWith('http_request_duration_seconds_count{') && one.includes('/health/live'));
      return Number(line?.split(' ').at(-1) ?? 0);
    };
    const before = await count();
    for (let index = 0; index < 20; index += 1) await onNewConnection(`${server.address}/health/live`);
    expect(await count()).toBe(before + 20);
    const text = await (await fetch(`${server.address}/metrics`)).text();
    expect(text).toMatch(/^nodejs_version_info\{.*\} 1$/m);
  });

  test('/metrics says once what is so of both', async () => {
    const text = await (await fetch(`${server.address}/metrics`)).text();
    const told = text.split('\n').filter((line) => /^(holdfast_signals_live|rate_limit_store_up)/.test(line));
    expect(told.toSorted()).toEqual([
      'holdfast_signals_live{carrier="nothing"} 0',
      'holdfast_signals_live{carrier="postgres"} 1',
      'holdfast_signals_live{carrier="redis"} 0',
      'rate_limit_store_up 1',
    ]);
  });

  test('kill -9 of one in load: the other goes on, and a new one comes', async () => {
    const statuses = new Map<string, number>();
    let isOver = false;
    const load = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const outcome = await onNewConnection(`${server.address}/api/v1/products`).then(
          ({ status }) => String(status),
          (error: NodeJS.ErrnoException) => error.code ?? 'error',
        );
        statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
      }
    });
    await until('the load has arrived', () => (statuses.get('200') ?? 0) > 100);
    const [first = 0, second = 0] = await workersOf(server.pid);
    process.kill(first, 'SIGKILL');
    await until('the first is gone', async () => !(await workersOf(server.pid)).includes(first));
    const since = statuses.get('200') ?? 0;
    await until('the other goes on', () => (statuses.get('200') ?? 0) > since + 100);
    await until('a new one serves', () => server.log().some(({ msg }) => msg === 'a worker serves'));
    expect(await workersOf(server.pid)).toContain(second);
    expect((await instances(server.address)).size).toBe(2);
    isOver = true;
    await Promise.all(load);
    // What the killed one had accepted, and what the kernel gave it while it died: a moment's worth, and no 503.
    const { ECONNRESET: lost = 0, '200': _served, ...others } = Object.fromEntries(statuses);
    expect(others).toEqual({});
    expect(lost).toBeLessThan(20);
  });

  test('a key that one worker revokes is refused by all within a second', async () => {
    const made = async (headers: Record<string, string>, scopes: string[]): Promise<{ id: string; key: string }> =>
      (await (await postJson(`${server.address}/api/v1/api-keys`, { name: 'a', scopes }, headers)).json()) as never;
    const admin = await made({}, ['admin']);
    const headers = { 'x-api-key': admin.key };
    await until(
      'all know the key',
      async () => (await statusesOf(`${server.address}/api/v1/products`, headers)).join() === '200',
    );
    const shop = await made(headers, ['read']);
    const asShop = { 'x-api-key': shop.key };
    expect(await statusesOf(`${server.address}/api/v1/products`, asShop)).toEqual([200]);
    await fetch(`${server.address}/api/v1/api-keys/${shop.id}`, { method: 'DELETE', headers });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await statusesOf(`${server.address}/api/v1/products`, asShop)).toEqual([401]);
  });

  test('SIGTERM to the whole group drains them all', async () => {
    expect(await statusOf(`${server.address}/health/ready`)).toBe(200);
    server.signal('SIGTERM', 'group');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.stdout()).toBe(`Holdfast serves at ${server.address}\n`);
    expect(server.log().filter(({ level }) => level === 'error' || level === 'fatal')).toHaveLength(1);
  });
});

test('workers end with a primary that is killed, and the next start finds the port free', async () => {
  const database = await createDatabase();
  const env = { DATABASE_URL: databaseUrl(database.connection) };
  const first = await serveHoldfast(['--port', '0', '--workers', '2'], env);
  const workers = await workersOf(first.pid);
  first.signal('SIGKILL');
  await until('its workers are gone', () => workers.every((pid) => !isAlive(pid)));
  const second = await serveHoldfast(['--port', new URL(first.address).port, '--workers', '2'], env);
  const third = await runHoldfast(['serve', '--port', new URL(first.address).port, '--workers', '2'], env);
  expect(third).toMatchObject({ code: 2, stdout: '' });
  expect(third.stderr).toContain('Something else listens on this address already.');
  await second.stop();
  await database.drop();
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

interface Answered {
  status: number;
  instance: string;
}

/** Each connection goes to the next worker; ids of requests begin with what a process chose at its start. */
function onNewConnection(url: string, headers: Record<string, string> = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent: new Agent({ keepAlive: false }), headers }, (answer) => {
      const id = String(answer.headers['x-request-id']);
      const { statusCode: status = 0 } = answer;
      answer.on('end', () => resolve({ status, instance: id.slice(0, id.lastIndexOf('-')) })).on('error', reject);
      answer.resume();
    });
    call.on('error', reject).end();
  });
}

async function many(url: string, headers: Record<string, string>): Promise<Answered[]> {
  return Promise.all(Array.from({ length: 24 }, () => onNewConnection(url, headers)));
}

async function instances(address: string): Promise<Set<string>> {
  return new Set((await many(`${address}/health/live`, {})).map(({ instance }) => instance));
}

async function statusesOf(url: string, headers: Record<string, string>): Promise<number[]> {
  return [...new Set((await many(url, headers)).map(({ status }) => status))];
}

async function workersOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').map(Number);
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from './app.ts';
import { runHoldfast, serveHoldfast, statusOf, type ServingProcess } from './holdfast.process.ts';
import { databaseUrl } from './http.load.ts';

interface Key {
  id: string;
  key: string;
  name: string;
  scopes: string[];
  expiresAt: string | null;
}

describe('holdfast keys, beside a running server', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let server: ServingProcess;
  let env: Record<string, string>;

  beforeAll(async () => {
    database = await createDatabase();
    env = { DATABASE_URL: databaseUrl(database.connection) };
    server = await serveHoldfast(['--port', '0'], env);
  });
  afterAll(async () => {
    await server.stop();
    await database.drop();
  });

  const keys = (...args: string[]) => runHoldfast(['keys', ...args], env);
  const statusWith = async (key: string): Promise<number> =>
    (await fetch(`${server.address}/api/v1/products`, { headers: { 'x-api-key': key } })).status;

  test('create prints the key once; the server knows it at once, and is open no longer', async () => {
    const made = await keys('create', '--name', 'ops', '--scopes', 'admin');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^hf_\w+\n$/);
    expect(await statusWith(made.stdout.trim())).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await statusOf(`${server.address}/api/v1/products`)).toBe(401);
    const listed = await keys('list');
    expect(listed.stdout).toContain('ops');
    expect(listed.stdout).not.toContain(made.stdout.trim());
  });

  test('--json answers as the API does; a revoked key is refused within a second', async () => {
    const made = await keys(
      'create',
      '--name',
      'web shop',
      '--scopes',
      'reserve,read',
      '--expires',
      '2999-01-01T00:00:00Z',
      '--json',
    );
    const key = JSON.parse(made.stdout) as Key;
    expect(key).toMatchObject({ name: 'web shop', scopes: ['reserve', 'read'], expiresAt: '2999-01-01T00:00:00.000Z' });
    expect(await statusWith(key.key)).toBe(200);
    const { items } = JSON.parse((await keys('list', '--json')).stdout) as { items: Key[] };
    expect(items.map(({ name }) => name)).toEqual(['web shop', 'ops']);
    expect(await keys('revoke', key.id)).toEqual({ code: 0, stdout: `Revoked ${key.id}.\n`, stderr: '' });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await statusWith(key.key)).toBe(401);
    expect(await keys('revoke', key.id)).toMatchObject({
      code: 1,
      stderr: `holdfast: No key in use has the id ${key.id}.\n`,
    });
  });

  test.each([
    [['create', '--name', 'a', '--scopes', 'reed'], 1, 'There is no scope reed; there are read, reserve,'],
    [['create', '--name', ' ', '--scopes', 'read'], 1, '--name must have 1 to 200 characters.'],
    [['create', '--name', 'a', '--scopes', 'read', '--expires', 'soon'], 1, '--expires must be a time in RFC 3339'],
    [
      ['create', '--name', 'a', '--scopes', 'read', '--expires', '2001-01-01T00:00:00Z'],
      1,
      '/expiresAt must be in the future.',
    ],
    [['create', '--name', 'a'], 64, "required option '--scopes <list>' not specified"],
    [['revoke', 'nonsense'], 1, '"nonsense" is no key\'s id'],
    [['frobnicate'], 64, "unknown command 'frobnicate'"],
  ])('%j is refused', async (args, code, message) => {
    const ended = await keys(...args);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(message);
  });

  test('the last admin key stays', async () => {
    const { items } = JSON.parse((await keys('list', '--json')).stdout) as { items: Key[] };
    const ended = await keys('revoke', items[0]?.id ?? '');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('Make another key with the scope admin, then revoke this one.');
  });
});

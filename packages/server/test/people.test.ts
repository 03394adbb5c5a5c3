import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from './app.ts';
import { runHoldfast, serveHoldfast, statusOf, type ServingProcess } from './holdfast.process.ts';
import { databaseUrl } from './http.load.ts';

interface Person {
  id: string;
  login: string;
  scopes: string[];
  disabledAt: string | null;
}

const PASSWORD = 'three tired herons by the canal';
const OTHER = 'nine quiet otters in the reeds';

describe('holdfast people, beside a running server', () => {
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

  const people = (args: string[], input = '') => runHoldfast(['people', ...args], env, input);
  const signIn = async (login: string, password: string) =>
    fetch(`${server.address}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ login, password }),
    });

  test('create reads the password from the pipe; the server is open no longer, and Ada signs in', async () => {
    const made = await people(
      ['create', '--login', 'ada', '--name', 'Ada', '--scopes', 'admin', '--json'],
      `${PASSWORD}\n`,
    );
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(made.stdout)).toMatchObject({ login: 'ada', name: 'Ada', scopes: ['admin'], version: 1 });
    expect(made.stdout).not.toMatch(/herons|argon2/);
    expect((await signIn('ADA', PASSWORD)).status).toBe(201);
    await expect.poll(() => statusOf(`${server.address}/api/v1/products`)).toBe(401);
  });

  test('list tells who there is', async () => {
    const listed = await people(['list']);
    expect(listed.stdout).toMatch(
      /^ID +LOGIN +SCOPES +ENABLED +LAST SIGN-IN +NAME\n[0-9a-f-]{36} +ada +admin +yes +2\d{3}-/,
    );
  });

  test('a forgotten password is set anew, which ends sessions', async () => {
    const signedIn = await signIn('ada', PASSWORD);
    const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';');
    const read = async () => (await fetch(`${server.address}/api/v1/products`, { headers: { cookie } })).status;
    expect(await read()).toBe(200);
    const set = await people(['set-password', 'ADA'], OTHER);
    expect(set).toEqual({ code: 0, stdout: 'Set the password of ada; all sessions have ended.\n', stderr: '' });
    await expect.poll(read).toBe(401);
    expect((await signIn('ada', PASSWORD)).status).toBe(401);
    expect((await signIn('ada', OTHER)).status).toBe(201);
  });

  test('disable and enable, by login or by id, but never the last admin', async () => {
    const refused = await people(['disable', 'ada']);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      'holdfast: Give another person or key the scope admin first.\n',
    ]);
    const made = await people(
      ['create', '--login', 'ben', '--name', 'Ben', '--scopes', 'stock,read', '--json'],
      PASSWORD,
    );
    const ben = JSON.parse(made.stdout) as Person;
    expect((await people(['disable', ben.id])).stdout).toBe('Disabled ben.\n');
    expect((await signIn('ben', PASSWORD)).status).toBe(401);
    const enabled = JSON.parse((await people(['enable', 'Ben', '--json'])).stdout) as Person;
    expect(enabled.disabledAt).toBeNull();
    expect((await signIn('ben', PASSWORD)).status).toBe(201);
  });

  test.each([
    [['create', '--login', 'x y', '--name', 'a', '--scopes', 'read'], PASSWORD, 1, '--login must be'],
    [['create', '--login', 'x', '--name', ' ', '--scopes', 'read'], PASSWORD, 1, '--name must have'],
    [['create', '--login', 'x', '--name', 'a', '--scopes', 'reed'], PASSWORD, 1, 'There is no scope reed'],
    [['create', '--login', 'x', '--name', 'a', '--scopes', 'read'], 'short', 1, '/password must have 12 characters'],
    [['create', '--login', 'x', '--name', 'a', '--scopes', 'read'], '', 64, 'No password was piped in'],
    [['create', '--login', 'ADA', '--name', 'a', '--scopes', 'read'], PASSWORD, 1, 'Somebody already signs in as'],
    [['create', '--login', 'x', '--name', 'a', '--scopes', 'read', '--password', PASSWORD], '', 64, 'unknown option'],
    [['set-password', 'nobody'], PASSWORD, 1, 'Nobody has the login "nobody"'],
    [['disable', '0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b'], '', 1, 'no person with the id'],
  ])('%j is refused', async (args, input, code, message) => {
    const ended = await people(args, input);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import {
  BEN,
  Browser,
  browserElsewhere,
  IDENTITY_PROVIDER,
  makePersonAs,
  signInAda,
  tokenFor,
} from './people.fixture.ts';
import { touchSession } from './session.sql.ts';

let app: TestApp;
let database: pg.Client;
let ada: Browser;
let adaId: string;

beforeAll(async () => {
  app = await startTestApp();
  database = new pg.Client(app.connection);
  await database.connect();
  ({ ada, adaId } = await signInAda(() => app));
});
afterAll(async () => {
  await database.end();
  await app.close();
});

const stranger = (): Browser => browserElsewhere(() => app);
const makePerson = (body: object): Promise<string> => makePersonAs(ada, body);
const auditOf = async (kind: string) => (await ada.ask('GET', `/audit?kind=${kind}&limit=1`)).body.items[0];

describe('the life of a session', () => {
  const idOf = async (one: Browser): Promise<string> => {
    const { items } = (await one.ask('GET', '/sessions')).body;
    return items.find(({ current }: { current: boolean }) => current).id;
  };
  const set = (id: string, change: string) => database.query(`UPDATE person_session SET ${change} WHERE id = $1`, [id]);
  /** What is remembered for a second is forgotten. */
  const forget = () => app.server.authenticator.reconsider();

  test('ends when its person signs out, and the cookie goes', async () => {
    const one = stranger();
    await one.signIn();
    const token = one.cookies.get('__Host-holdfast') ?? '';
    expect((await one.ask('DELETE', '/session')).status).toBe(204);
    expect(one.cookies.size).toBe(0);
    one.cookies.set('__Host-holdfast', token);
    expect((await one.ask('GET', '/products')).status).toBe(401);
    expect(await auditOf('person.signed_out')).toMatchObject({ subject: adaId, actor: `user:${adaId}` });
    // Again, or without any: nothing to be done.
    expect((await one.ask('DELETE', '/session')).status).toBe(204);
    expect((await stranger().ask('DELETE', '/session')).status).toBe(204);
  });

  test('moves on with use, up to fourteen days', async () => {
    const one = stranger();
    await one.signIn();
    const id = await idOf(one);
    const idleEnd = async (): Promise<number> => {
      const { rows } = await database.query<{ left: number }>(
        'SELECT extract(epoch FROM idle_ends_at - clock_timestamp())::float8 / 3600 AS left FROM person_session WHERE id = $1',
        [id],
      );
      return Math.round(rows[0]?.left ?? 0);
    };
    await set(id, "idle_ends_at = clock_timestamp() + interval '1 hour'");
    await touchSession(app.database.kysely, id);
    expect(await idleEnd()).toBe(12);
    await set(
      id,
      "idle_ends_at = clock_timestamp() + interval '1 hour', ends_at = clock_timestamp() + interval '3 hours'",
    );
    await touchSession(app.database.kysely, id);
    expect(await idleEnd()).toBe(3);
    await set(id, "idle_ends_at = clock_timestamp() - interval '1 second'");
    await touchSession(app.database.kysely, id);
    expect(await idleEnd()).toBeCloseTo(0);
    forget();
    expect((await one.ask('GET', '/products')).status).toBe(401);
  });

  test('is seen by its person, who can end it from elsewhere', async () => {
    const [here, there] = [stranger(), stranger()];
    here.headers = { ...here.headers, 'user-agent': 'Mozilla/5.0 here' };
    await Promise.all([here.signIn(), there.signIn()]);
    const { items } = (await here.ask('GET', '/sessions')).body;
    const mine = items.find(({ current }: { current: boolean }) => current);
    expect(mine).toEqual({
      id: expect.any(String),
      current: true,
      createdAt: expect.any(String),
      lastSeenAt: expect.any(String),
      expiresAt: expect.any(String),
      address: here.address,
      userAgent: 'Mozilla/5.0 here',
    });
    const other = items.find(({ address }: { address: string }) => address === there.address);
    const page = (await here.ask('GET', '/sessions?limit=1')).body;
    const rest = (await here.ask('GET', `/sessions?limit=200&cursor=${page.nextCursor}`)).body;
    expect([...page.items, ...rest.items].map(({ id }: { id: string }) => id)).toEqual(
      items.map(({ id }: { id: string }) => id),
    );

    expect((await here.ask('DELETE', `/sessions/${other.id}`)).status).toBe(204);
    expect((await there.ask('GET', '/products')).status).toBe(401);
    expect((await here.ask('DELETE', `/sessions/${other.id}`)).body.code).toBe('session_not_found');
    expect((await here.ask('DELETE', `/sessions/${mine.id}`)).status).toBe(204);
    expect(here.cookies.size).toBe(0);
  });

  test("is nobody else's to see or to end, not even an admin's", async () => {
    const login = 'private';
    await makePerson({ ...BEN, login, scopes: ['ingest'] });
    const one = stranger();
    await one.signIn(login, BEN.password);
    const id = await idOf(one);
    const seen = (await ada.ask('GET', '/sessions?limit=200')).body.items;
    expect(seen.map((session: { id: string }) => session.id)).not.toContain(id);
    expect((await ada.ask('DELETE', `/sessions/${id}`)).body.code).toBe('session_not_found');
    const { key } = (await ada.ask('POST', '/api-keys', { body: { name: 'k', scopes: ['read'] } })).body;
    const byKey = new Browser(() => app);
    byKey.headers = { 'x-api-key': key };
    expect((await byKey.ask('GET', '/sessions')).body).toEqual({ items: [], nextCursor: null });
    expect((await byKey.ask('DELETE', `/sessions/${id}`)).status).toBe(404);
    expect((await byKey.ask('GET', '/session')).body).toMatchObject({ mode: 'key', name: 'k', scopes: ['read'] });
  });

  test('fifty at once, then the oldest end; old rows go', async () => {
    const login = 'restless';
    const id = await makePerson({ ...BEN, login, scopes: ['read'] });
    await database.query(
      `INSERT INTO person_session (id, person_id, token_hash, created_at, last_seen_at, idle_ends_at, ends_at, address, network)
       SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1, sha256(n::text::bytea),
         clock_timestamp() - (CASE WHEN n <= 10 THEN 60 ELSE 1 END) * interval '1 day', clock_timestamp(),
         clock_timestamp() + interval '1 hour', clock_timestamp() + interval '1 hour', 'x', 'x'
       FROM generate_series(1, 70) AS n`,
      [id],
    );
    const one = stranger();
    await one.signIn(login, BEN.password);
    const { items } = (await one.ask('GET', '/sessions?limit=200')).body;
    expect(items).toHaveLength(50);
    expect(items[0].current).toBe(true);
    const { rows } = await database.query('SELECT count(*)::int AS count FROM person_session WHERE person_id = $1', [
      id,
    ]);
    expect(rows[0]).toEqual({ count: 61 });
  });

  test('the one that is one too many is refused at once', async () => {
    const login = 'everywhere';
    const id = await makePerson({ ...BEN, login, scopes: ['read'] });
    const oldest = stranger();
    await oldest.signIn(login, BEN.password);
    await database.query(
      `INSERT INTO person_session (id, person_id, token_hash, created_at, last_seen_at, idle_ends_at, ends_at, address, network)
       SELECT ('ffffffff-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1, sha256(('e' || n)::bytea),
         clock_timestamp(), clock_timestamp(), clock_timestamp() + interval '1 hour', clock_timestamp() + interval '1 hour', 'x', 'x'
       FROM generate_series(1, 49) AS n`,
      [id],
    );
    expect((await oldest.ask('GET', '/products')).status).toBe(200);
    await stranger().signIn(login, BEN.password);
    expect((await oldest.ask('GET', '/products')).status).toBe(401);
  });
});

describe('who am I', () => {
  test('a key has its name and its end, a token its subject and its own; neither has a session', async () => {
    const provided = await startTestApp({ connection: app.connection, env: IDENTITY_PROVIDER });
    try {
      const expiresAt = '2999-01-01T00:00:00.000Z';
      const key = (await ada.ask('POST', '/api-keys', { body: { name: 'till', scopes: ['stock'], expiresAt } })).body;
      const token = await tokenFor('shop:ada', 'reserve openid', Date.parse(expiresAt) / 1_000);
      const one = new Browser(() => provided);
      const asked = async (path: string, credential: string) =>
        (await one.ask('GET', path, { headers: { 'x-api-key': credential } })).body;
      const nobodys = { authenticated: true, personId: null, needsAdmin: false, expiresAt };
      expect(await asked('/session', key.key)).toEqual({
        ...nobodys,
        mode: 'key',
        name: 'till',
        scopes: ['stock', 'read'],
      });
      expect(await asked('/session', token)).toEqual({
        ...nobodys,
        mode: 'token',
        name: 'shop:ada',
        scopes: ['reserve', 'read'],
      });
      for (const credential of [key.key, token]) expect((await asked('/sessions', credential)).items).toEqual([]);
    } finally {
      await provided.close();
    }
  });
});

describe('two instances', () => {
  test('what ends on one has ended on the other within a second, and scopes follow', async () => {
    const second = await startTestApp({ connection: app.connection });
    try {
      const login = 'traveller';
      const id = await makePerson({ ...BEN, login, scopes: ['stock'] });
      const here = stranger();
      await here.signIn(login, BEN.password);
      const there = new Browser(() => second);
      there.cookies.set('__Host-holdfast', here.cookies.get('__Host-holdfast') ?? '');
      expect((await there.ask('GET', '/session')).body.scopes).toEqual(['stock', 'read']);
      await ada.ask('PATCH', `/people/${id}`, { body: { scopes: ['reserve'] } });
      expect((await here.ask('GET', '/session')).body.scopes).toEqual(['reserve', 'read']);
      const scopesThere = async () => (await there.ask('GET', '/session')).body.scopes;
      await expect.poll(scopesThere, { timeout: 5_000 }).toEqual(['reserve', 'read']);
      await ada.ask('PATCH', `/people/${id}`, { body: { disabled: true } });
      expect((await here.ask('GET', '/products')).status).toBe(401);
      await expect.poll(async () => (await there.ask('GET', '/products')).status, { timeout: 5_000 }).toBe(401);
      await ada.ask('PATCH', `/people/${id}`, { body: { disabled: false } });
      // Sessions that have ended do not come back.
      expect((await here.ask('GET', '/products')).status).toBe(401);
    } finally {
      await second.close();
    }
  });
});

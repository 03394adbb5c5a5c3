import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { hashApiKey } from '../../platform/auth/index.ts';
import { hashPassword } from './password.hash.ts';
import { ADA, BEN, Browser, browserElsewhere, makePersonAs } from './people.fixture.ts';

let app: TestApp;
let database: pg.Client;
let ada: Browser;
let adaId: string;
const browser = () => new Browser(() => app);

beforeAll(async () => {
  app = await startTestApp();
  database = new pg.Client(app.connection);
  await database.connect();
});
afterAll(async () => {
  await database.end();
  await app.close();
});

const stranger = (): Browser => browserElsewhere(() => app);
const makePerson = (body: object): Promise<string> => makePersonAs(ada, body);

const auditOf = async (kind: string) => (await ada.ask('GET', `/audit?kind=${kind}&limit=1`)).body.items[0];

describe('the first run', () => {
  test('the server is open and offers to make an admin, after which everything asks', async () => {
    ada = browser();
    expect((await ada.ask('GET', '/session')).body).toMatchObject({
      authenticated: true,
      mode: 'open',
      name: null,
      needsAdmin: true,
      expiresAt: null,
    });
    const weak = await ada.ask('POST', '/people', { body: { ...ADA, scopes: ['read'] } });
    expect([weak.status, weak.body.code]).toEqual([409, 'first_person_needs_admin']);

    const made = await ada.ask('POST', '/people', { body: { ...ADA, scopes: ['admin'] } });
    expect(made.status).toBe(201);
    adaId = made.body.id;
    expect((await ada.ask('GET', '/products')).status).toBe(401);
    expect((await ada.ask('GET', '/session')).body).toEqual({
      authenticated: false,
      mode: null,
      name: null,
      personId: null,
      scopes: [],
      expiresAt: null,
      needsAdmin: false,
    });

    const signedIn = await ada.signIn('ADA@shop.example');
    expect(signedIn.status).toBe(201);
    expect(signedIn.headers['set-cookie']).toMatch(
      /^__Host-holdfast=[\w-]{43}; Secure; Path=\/; HttpOnly; SameSite=Strict; Max-Age=1209600$/,
    );
    const session = (await ada.ask('GET', '/session')).body;
    expect(session).toEqual(signedIn.body);
    expect(session).toMatchObject({ authenticated: true, mode: 'person', name: ADA.name, personId: adaId });
    expect(session.scopes).toContain('stock');
    const livesMs = Date.parse(session.expiresAt) - Date.now();
    expect(Math.round(livesMs / 3_600_000)).toBe(12);
    expect((await ada.ask('GET', '/products')).status).toBe(200);
  });

  test('what is done in a session is done by its person', async () => {
    const made = await ada.ask('POST', '/products', { body: { sku: 'MUG', name: 'Mug' } });
    expect(made.status).toBe(201);
    expect((await auditOf('product.created')).actor).toBe(`user:${adaId}`);
    expect((await ada.ask('GET', `/people/${adaId}`)).body.name).toBe(ADA.name);
  });

  test('neither the password nor the token is kept, or told', async () => {
    const token = ada.cookies.get('__Host-holdfast') ?? '';
    const { rows: tables } = await database.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    let found = '';
    for (const { name } of tables) {
      const { rows } = await database.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      found += rows.map(({ row }) => row).join('\n');
    }
    expect(found).toContain(ADA.login);
    expect(found).toContain(hashApiKey(token).toString('hex'));
    expect(found).not.toContain(token);
    expect(found).not.toContain(ADA.password);
    const told = JSON.stringify([(await ada.ask('GET', '/audit')).body, (await ada.ask('GET', '/people')).body]);
    expect(told).toContain('person.signed_in');
    expect(told).not.toMatch(/argon2|scrypt|herons/);
  });
});

describe('signing in', () => {
  test('does not tell who is there: the answers are the same', async () => {
    const id = await makePerson({ ...BEN, scopes: ['read'] });
    const wrong = await stranger().signIn(BEN.login, 'nine quiet otters in the weeds');
    const unknown = await stranger().signIn('nobody', BEN.password);
    await ada.ask('PATCH', `/people/${id}`, { body: { disabled: true } });
    const disabled = await stranger().signIn(BEN.login, BEN.password);
    for (const answer of [wrong, unknown, disabled]) {
      expect(answer.status).toBe(401);
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      expect({ ...answer.body, instance: '' }).toEqual({ ...wrong.body, instance: '' });
      expect(answer.body.code).toBe('wrong_credentials');
    }
    await ada.ask('PATCH', `/people/${id}`, { body: { disabled: false } });
    expect((await stranger().signIn(' bEN ', BEN.password)).status).toBe(201);
    await ada.ask('DELETE', `/people/${id}`);
    expect((await stranger().signIn(BEN.login, BEN.password)).status).toBe(401);
  });

  test('always opens a new session, and ends the one that the browser had', async () => {
    const one = stranger();
    await one.signIn();
    const first = one.cookies.get('__Host-holdfast') ?? '';
    await one.signIn();
    const second = one.cookies.get('__Host-holdfast') ?? '';
    expect(second).not.toBe(first);
    expect((await one.ask('GET', '/products')).status).toBe(200);
    one.cookies.set('__Host-holdfast', first);
    expect((await one.ask('GET', '/products')).status).toBe(401);
  });

  test('never takes a token that somebody else has chosen', async () => {
    const planted = 'A'.repeat(43);
    const victim = stranger();
    victim.cookies.set('__Host-holdfast', planted);
    await victim.signIn();
    expect(victim.cookies.get('__Host-holdfast')).not.toBe(planted);
    const attacker = stranger();
    attacker.cookies.set('__Host-holdfast', planted);
    expect((await attacker.ask('GET', '/products')).status).toBe(401);
  });

  test('makes the hash anew with the algorithm and the parameters of today', async () => {
    const login = 'old-timer';
    const id = await makePerson({ ...BEN, login, scopes: ['read'] });
    const stored = async (): Promise<string> => {
      const { rows } = await database.query<{ hash: string }>(
        'SELECT password_hash AS hash FROM person WHERE id = $1',
        [id],
      );
      return rows[0]?.hash ?? '';
    };
    await database.query('UPDATE person SET password_hash = $2 WHERE id = $1', [
      id,
      await hashPassword(BEN.password, { id: 'scrypt' }),
    ]);
    expect((await stranger().signIn(login, 'not the password')).status).toBe(401);
    expect(await stored()).toMatch(/^\$scrypt/);
    expect((await stranger().signIn(login, BEN.password)).status).toBe(201);
    expect(await stored()).toMatch(/^\$argon2id/);
    expect((await stranger().signIn(login, BEN.password)).status).toBe(201);
  });

  test.each([
    ['no body', undefined],
    ['no password', { login: 'a' }],
    ['an empty password', { login: 'a', password: '' }],
    ['a number', { login: 'a', password: 123456789012 }],
    ['a list', { login: ['a'], password: BEN.password }],
    ['an object that a query may be made of', { login: { $ne: null }, password: { $ne: null } }],
    ['a password without end', { login: 'a', password: 'x'.repeat(201) }],
    ['NUL', { login: 'a\0', password: BEN.password }],
    ['half a character', { login: '\ud800', password: BEN.password }],
    ['more than is asked', { login: 'a', password: BEN.password, scopes: ['admin'] }],
  ])('refuses %s', async (_what, body) => {
    expect((await stranger().ask('POST', '/session', { body })).status).toBe(400);
  });

  test.each(["' OR 1=1 --", '%', '\\', '💥'.repeat(100), 'user:admin', adaLike()])(
    'knows nobody called %s',
    async (login) => {
      expect((await stranger().signIn(login, BEN.password)).status).toBe(401);
    },
  );

  test('is refused on a page that came in the clear from another machine', async () => {
    const one = stranger();
    one.headers = { host: 'stock.example:8080', origin: 'http://stock.example:8080' };
    const answer = await one.signIn();
    expect([answer.status, answer.body.code]).toEqual([403, 'insecure_connection']);
    one.headers = { host: 'stock.example', origin: 'https://stock.example' };
    expect((await one.signIn()).status).toBe(201);
  });

  test('is refused on a page of another origin: nobody is signed in as somebody else', async () => {
    const one = stranger();
    const elsewhere: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
    ];
    for (const headers of elsewhere) {
      one.headers = { host: 'stock.example', ...headers };
      const answer = await one.signIn();
      expect([answer.status, answer.body.code]).toEqual([403, 'cross_origin_request']);
    }
  });
});

/** A login that looks like one that is there, and is another: a Cyrillic letter. */
function adaLike(): string {
  return ADA.login.replace('a', 'а');
}

test('attempts are counted by how they ended', async () => {
  await stranger().signIn('nobody in particular', 'whatever it may be');
  const metrics = await app.app.inject({ url: '/metrics', headers: headersOf(ada) });
  expect(metrics.body).toMatch(/^holdfast_sign_ins_total\{outcome="signed_in"\} [1-9]/m);
  expect(metrics.body).toMatch(/^holdfast_sign_ins_total\{outcome="wrong_credentials"\} [1-9]/m);
  expect(metrics.body).not.toContain('particular');
});

function headersOf({ cookies, headers }: Browser): Record<string, string> {
  const [[name, value] = ['', '']] = cookies;
  return { ...headers, cookie: `${name}=${value}` };
}

describe('a page elsewhere, with the cookie of somebody who is signed in', () => {
  const body = { sku: 'PLANTED', name: 'x' };
  test.each<[string, Record<string, string>]>([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port or subdomain', { 'sec-fetch-site': 'same-site' }],
    ['an old browser', { origin: 'https://evil.example' }],
    ['a sandboxed frame', { origin: 'null' }],
  ])('on %s changes nothing and reads nothing', async (_where, headers) => {
    const [cookie] = ada.cookies;
    const victim = stranger();
    victim.cookies.set(...(cookie ?? ['', '']));
    victim.headers = { host: 'stock.example', ...headers };
    expect((await victim.ask('POST', '/products', { body })).body.code).toBe('cross_origin_request');
    expect((await victim.ask('GET', '/products')).body.code).toBe('cross_origin_request');
    expect((await victim.ask('GET', '/session')).status).toBe(403);
    expect((await victim.ask('DELETE', '/session')).status).toBe(403);
    expect((await ada.ask('GET', '/products/PLANTED')).status).toBe(404);
    expect((await ada.ask('GET', '/session')).body.authenticated).toBe(true);
  });

  test('cannot send what a form can send, even if its origin were hidden', async () => {
    const [cookie] = ada.cookies;
    const victim = stranger();
    victim.cookies.set(...(cookie ?? ['', '']));
    victim.headers = { host: 'stock.example' };
    const answers = [
      await victim.ask('DELETE', '/products/MUG'),
      await victim.ask('DELETE', '/session'),
      await victim.ask('POST', '/alerts/0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b/acknowledge'),
    ];
    expect(answers.map(({ body: { code } }) => code)).toEqual(Array.from({ length: 3 }, () => 'cross_origin_request'));
    expect((await ada.ask('GET', '/products/MUG')).body.archivedAt).toBeNull();
  });
});

test('a right password is no failed attempt, also where the session cannot be opened', async () => {
  await makePerson({ ...BEN, login: 'patient', scopes: ['read'] });
  const patient = stranger();
  await database.query('ALTER TABLE person_session RENAME TO elsewhere');
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 7; attempt += 1)
    statuses.push((await patient.signIn('patient', BEN.password)).status);
  await database.query('ALTER TABLE elsewhere RENAME TO person_session');
  expect(statuses).toEqual(Array(7).fill(500));
  expect((await patient.signIn('patient', BEN.password)).status).toBe(201);
});

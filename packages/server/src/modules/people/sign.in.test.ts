import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { ADA, Browser } from './people.fixture.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const browser = () => new Browser(() => app);

describe('the first run', () => {
  test('the server is open and offers to make an admin, after which everything asks', async () => {
    const ada = browser();
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
    expect(made.body).toEqual({
      id: expect.any(String),
      login: ADA.login,
      name: ADA.name,
      scopes: ['admin'],
      createdAt: expect.any(String),
      lastSignInAt: null,
      disabledAt: null,
      removedAt: null,
      version: 1,
    });
    expect((await ada.ask('GET', '/products')).status).toBe(401);
    expect((await ada.ask('GET', '/session')).body).toMatchObject({
      authenticated: false,
      mode: null,
      needsAdmin: false,
    });

    const signedIn = await ada.signIn('ADA@shop.example');
    expect(signedIn.status).toBe(201);
    expect(signedIn.headers['set-cookie']).toMatch(
      /^__Host-holdfast=[\w-]{43}; Secure; Path=\/; HttpOnly; SameSite=Strict; Max-Age=1209600$/,
    );
    const session = (await ada.ask('GET', '/session')).body;
    expect(session).toMatchObject({ authenticated: true, mode: 'person', name: ADA.name, personId: made.body.id });
    expect(session.scopes).toContain('stock');
    expect((await ada.ask('GET', '/products')).status).toBe(200);
  });
});

import { expect, test } from 'vitest';
import { startTestApp } from '../../../test/app.ts';
import { loadConfig, SETTINGS } from '../../platform/config/index.ts';
import { pause } from '../../platform/database/index.ts';
import { settingsRoutes } from './settings.routes.ts';

const ADMIN_KEY = 'an-admin-key-that-nobody-sees';

test('admins see all settings and where each comes from, readers what a page needs, and nobody a secret', async () => {
  const open = await startTestApp({ env: { HOLDFAST_CURRENCY: 'CHF', HOLDFAST_ADMIN_KEY: ADMIN_KEY, REDIS_URL: '' } });
  try {
    const ask = async (headers: Record<string, string> = {}) =>
      (await open.app.inject({ url: '/api/v1/settings', headers })).json();
    const all = await ask();
    expect(all).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      nodeVersion: process.versions.node,
      database: 'embedded',
      currency: 'CHF',
      reservationTtlSeconds: 900,
      tokens: false,
    });
    const named = (name: string) => all.settings.find((setting: { name: string }) => setting.name === name);
    expect(all.settings).toHaveLength(SETTINGS.length);
    expect(named('HOLDFAST_CURRENCY')).toMatchObject({ value: 'CHF', default: 'EUR', source: 'environment' });
    expect(named('PORT')).toMatchObject({ value: '8080', source: 'default', secret: false });
    expect(named('HOLDFAST_ADMIN_KEY')).toMatchObject({ value: null, source: 'environment', secret: true });
    expect(named('REDIS_URL')).toMatchObject({ value: null, source: 'unset', secret: true });
    expect(JSON.stringify(all)).not.toContain(ADMIN_KEY);

    const make = async (scopes: string[], headers = {}) =>
      (
        await open.app.inject({ method: 'POST', url: '/api/v1/api-keys', payload: { name: 'k', scopes }, headers })
      ).json();
    const admin = { 'x-api-key': (await make(['admin'])).key as string };
    const reader = { 'x-api-key': (await make(['read'], admin)).key as string };
    expect(await ask(reader)).toEqual({
      version: all.version,
      nodeVersion: null,
      database: null,
      currency: 'CHF',
      reservationTtlSeconds: 900,
      tokens: false,
      paused: null,
      settings: null,
    });
    await pause(open.database.kysely, 'restored');
    expect((await ask(reader)).paused).toEqual({ since: expect.stringMatching(/Z$/), because: 'restored' });

    // As a server is told that has a database elsewhere and takes tokens.
    const config = loadConfig({
      DATABASE_URL: `postgres://ada:${ADMIN_KEY}@db.example/stock`,
      HOLDFAST_JWT_SECRET: `${ADMIN_KEY}-and-longer`,
      HOLDFAST_JWT_ISSUER: 'https://id.example',
      HOLDFAST_JWT_AUDIENCE: 'holdfast',
    });
    const routes: { handler: (request: object) => Promise<object> }[] = [];
    const app = { route: (route: (typeof routes)[number]) => routes.push(route) };
    await settingsRoutes({ config, version: '1.2.3', database: open.database })(app as never);
    const elsewhere = await routes[0]?.handler({ caller: { scopes: new Set(['admin']) } });
    expect(elsewhere).toMatchObject({ version: '1.2.3', database: 'external', tokens: true });
    expect(JSON.stringify(elsewhere)).not.toContain(ADMIN_KEY);

    const files = { 'x-api-key': (await make(['files'], admin)).key as string };
    expect((await ask(files)).status).toBe(403);
  } finally {
    await open.close();
  }
});

import { expect, test } from 'vitest';
import { startTestApp } from '../../../test/app.ts';
import { SETTINGS } from '../../platform/config/index.ts';

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
    const files = { 'x-api-key': (await make(['files'], admin)).key as string };
    expect((await ask(files)).status).toBe(403);
  } finally {
    await open.close();
  }
});

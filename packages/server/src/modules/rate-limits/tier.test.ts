import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MONTH_MS, startLimitedApp, type LimitedApp } from './limits.fixture.ts';

let app: LimitedApp;
beforeAll(async () => {
  app = await startLimitedApp();
  await app.ask('PUT', '/rate-limit-tiers/gold', { body: { subjects: ['rich'] } });
});
afterEach(() => app.reset());
afterAll(() => app.close());

const tenants = { subject: 'header:x-tenant', match: { path: '/api/v1/products' } };
const asRich = { headers: { 'x-tenant': 'rich' } };

describe('a rule of a tier', () => {
  it.each([
    ['over', { schedule: { to: '2020-01-01T00:00:00Z' } }],
    ['not yet', { schedule: { from: '2099-01-01T00:00:00Z' } }],
    ['disabled', { enabled: false }],
    ['tried in shadow mode', { mode: 'shadow' }],
  ])('that is %s takes no other’s place', async (_what, fields) => {
    await app.rule({ ...tenants, limit: 1 });
    await app.rule({ ...tenants, limit: 3, tier: 'gold', ...fields });
    expect(await app.admitted(5, 'GET', '/products', asRich)).toBe(1);
  });

  it('takes the other’s place when its time has come, and gives it back after', async () => {
    await app.rule({ ...tenants, limit: 1 });
    const from = Date.now() + 3_600_000;
    const times = { from: new Date(from).toISOString(), to: new Date(from + 3_600_000).toISOString() };
    await app.rule({ ...tenants, limit: 3, tier: 'gold', schedule: times });
    const { rules } = app.test.server.rateLimits.limits;
    const standIns = (): number => rules.active.filter(({ otherTiers }) => otherTiers?.has('gold')).length;
    expect(standIns()).toBe(0);
    expect([rules.followSchedule(from - 1), standIns()]).toEqual([false, 0]);
    expect([rules.followSchedule(from), standIns()]).toEqual([true, 1]);
    expect([rules.followSchedule(from + 3_600_000), standIns()]).toEqual([true, 0]);
  });

  it('that is in shadow mode stands in for one that is, too', async () => {
    const id = await app.rule({ ...tenants, limit: 1, mode: 'shadow' });
    await app.rule({ ...tenants, limit: 3, tier: 'gold', mode: 'shadow' });
    expect(await app.admitted(5, 'GET', '/products', asRich)).toBe(5);
    const { body } = await app.ask('GET', `/rate-limits/${id}/status?subject=rich`);
    expect(body['remaining']).toBe(1);
  });
});

describe('who is named', () => {
  it('by the id of a key that took the place of another, has the numbers of its own', async () => {
    const own = await startLimitedApp();
    const make = async (name: string, headers: Record<string, string>, scopes: string[]) => {
      const { body } = await own.ask('POST', '/api-keys', { body: { name, scopes }, headers });
      return { id: String(body['id']), headers: { 'x-api-key': String(body['key']) } };
    };
    const byKey = { subject: 'api_key', match: { path: '/api/v1/locations' } };
    const admin = await make('admin', {}, ['admin']);
    const asAdmin = (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object) =>
      own.ask(method, path, { headers: admin.headers, ...(body && { body }) });
    const before = await make('shop', admin.headers, ['read']);
    await asAdmin('DELETE', `/api-keys/${before.id}`);
    const shop = await make('shop', admin.headers, ['read']);
    const rule = { name: 'keys', algorithm: 'fixed_window', windowMs: MONTH_MS, limit: 1, ...byKey };
    await asAdmin('POST', '/rate-limits', { ...rule, overrides: { [shop.id]: { limit: 3 } } });
    expect(await own.admitted(5, 'GET', '/locations', shop)).toBe(3);

    await asAdmin('POST', '/rate-limits', { ...rule, name: 'gold', limit: 7, tier: 'gold' });
    await asAdmin('PUT', '/rate-limit-tiers/gold', { subjects: [shop.id] });
    expect(await own.admitted(9, 'GET', '/locations', shop)).toBe(7);
    await own.close();
  });

  it('by an IPv6 address, is counted by its /64', async () => {
    await app.rule({ limit: 1, match: { path: '/api/v1/locations' } });
    await app.rule({ limit: 3, match: { path: '/api/v1/locations' }, tier: 'office' });
    await app.ask('PUT', '/rate-limit-tiers/office', { body: { subjects: ['2001:db8::7'] } });
    expect(await app.admitted(5, 'GET', '/locations', { remoteAddress: '2001:db8::8' })).toBe(3);
    expect(await app.admitted(5, 'GET', '/locations', { remoteAddress: '2001:db8:1::8' })).toBe(1);
  });
});

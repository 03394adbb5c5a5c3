import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp } from '../../../test/app.ts';
import { hashApiKey } from '../../platform/auth/index.ts';
import { createKeyStore, ensureAdminKey } from './index.ts';

let test: Awaited<ReturnType<typeof startTestApp>>;

beforeAll(async () => {
  test = await startTestApp();
});
afterAll(() => test.close());

const CHOSEN = 'an-operator-chose-this-one';
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
let admin = CHOSEN;

async function makeKey(payload: object): Promise<{ id: string; key: string }> {
  const made = await test.app.inject({ method: 'POST', url: '/api/v1/api-keys', headers: bearer(admin), payload });
  expect(made.statusCode).toBe(201);
  return made.json();
}

describe('the operator’s own admin key', () => {
  it('is made once by any number of instances that start at once, and ends the open server', async () => {
    expect(await createKeyStore(test.database).anyExists()).toBe(false);
    const states = await Promise.all(Array.from({ length: 5 }, () => ensureAdminKey(test.database, CHOSEN)));
    expect(states.toSorted()).toEqual(['created', 'present', 'present', 'present', 'present']);
    expect(await createKeyStore(test.database).anyExists()).toBe(true);

    const { items } = (await test.app.inject({ url: '/api/v1/api-keys', headers: bearer(CHOSEN) })).json();
    expect(items).toEqual([
      expect.objectContaining({ name: 'HOLDFAST_ADMIN_KEY', scopes: ['admin'], prefix: 'an-o', expiresAt: null }),
    ]);
    const audit = (await test.app.inject({ url: '/api/v1/audit', headers: bearer(CHOSEN) })).json();
    expect(audit.items).toEqual([
      expect.objectContaining({ kind: 'api_key.created', actor: 'system:start', subject: items[0].id }),
    ]);
    expect(audit.items[0].data).toMatchObject({ id: items[0].id, scopes: ['admin'] });
  });

  it('stays revoked when it was, and a start says so', async () => {
    const store = createKeyStore(test.database);
    const { id } = (await store.findByHash(hashApiKey(CHOSEN))) ?? { id: '' };
    const headers = bearer(CHOSEN);
    admin = (await makeKey({ name: 'another', scopes: ['admin'] })).key;
    const revoked = await test.app.inject({ method: 'DELETE', url: `/api/v1/api-keys/${id}`, headers });
    expect(revoked.statusCode).toBe(204);
    expect(await store.findByHash(hashApiKey(CHOSEN))).toBeNull();
    expect(await ensureAdminKey(test.database, CHOSEN)).toBe('unusable');
  });

  it('is none where it is somebody’s key without admin', async () => {
    const { key } = await makeKey({ name: 'reader', scopes: ['read'] });
    expect(await ensureAdminKey(test.database, key)).toBe('unusable');
  });

  it('is refused where it is too short to be safe, or no header could carry it', async () => {
    for (const length of [15, 257]) {
      await expect(ensureAdminKey(test.database, 'x'.repeat(length))).rejects.toThrow('16 to 256');
    }
    await expect(ensureAdminKey(test.database, 'with a blank in the midst')).rejects.toThrow('16 to 256');
  });
});

describe('the table of keys', () => {
  it('answers when a key ends, and notes its latest use, in whatever order uses are told', async () => {
    const store = createKeyStore(test.database);
    const expiresAt = '2999-01-01T00:00:00.000Z';
    const { id, key } = await makeKey({ name: 'till', scopes: ['stock'], expiresAt });
    expect(await store.findByHash(hashApiKey(key))).toEqual({
      id,
      scopes: ['stock'],
      expiresAtMs: Date.parse(expiresAt),
    });
    const usedMs = Date.parse('2027-01-15T08:00:00.000Z');
    for (const ms of [usedMs, usedMs - 60_000]) await store.touch(id, ms);
    const { items } = (await test.app.inject({ url: '/api/v1/api-keys', headers: bearer(admin) })).json();
    const usedThen = items.filter(
      ({ lastUsedAt }: { lastUsedAt: string }) => lastUsedAt === '2027-01-15T08:00:00.000Z',
    );
    expect(usedThen.map((one: { id: string }) => one.id)).toEqual([id]);
  });
});

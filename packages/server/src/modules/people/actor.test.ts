import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { newId } from '../../kernel/ids.ts';
import { BEN, Browser, makePersonAs, signInAda } from './people.fixture.ts';

let app: TestApp;
let ada: Browser;
let adaId: string;
beforeAll(async () => {
  app = await startTestApp();
  ({ ada, adaId } = await signInAda(() => app));
});
afterAll(() => app.close());

test('actors have names, also when they are gone; readers may know them', async () => {
  const benId = await makePersonAs(ada, { ...BEN, scopes: ['read'] });
  const reader = new Browser(() => app);
  await reader.signIn(BEN.login, BEN.password);
  const goneId = await makePersonAs(ada, { ...BEN, login: 'gone', name: 'Gone', scopes: ['read'] });
  await ada.ask('DELETE', `/people/${goneId}`);
  const key = (await ada.ask('POST', '/api-keys', { body: { name: 'web shop', scopes: ['read'] } })).body;
  await ada.ask('DELETE', `/api-keys/${key.id}`);
  const [nobody, noKey] = [newId(1_000), newId(2_000)];
  const asked = [
    [`user:${adaId}`, 'person', 'Ada Lovelace'],
    ['system:expiry', 'system', 'expiry'],
    [`user:${benId}`, 'person', 'Ben'],
    [`user:${goneId}`, 'person', 'Gone'],
    [`key:${key.id}`, 'key', 'web shop'],
    [`key:${noKey}`, 'key', null],
    [`user:${nobody}`, 'token', nobody],
    ['user:auth0|ada:1', 'token', 'auth0|ada:1'],
    ['open', 'open', null],
    ["key:' OR 1=1 --", 'key', null],
    ['', 'unknown', null],
  ];
  const list = encodeURIComponent(asked.map(([actor]) => actor).join(','));
  const answer = await reader.ask('GET', `/actors?actors=${list}`);
  expect(answer.body.items).toEqual(asked.map(([actor, kind, name]) => ({ actor, kind, name })));
});

test('at most 200 at once, and none without the scope read', async () => {
  expect((await ada.ask('GET', `/actors?actors=${'open,'.repeat(199)}open`)).body.items).toHaveLength(200);
  const many = await ada.ask('GET', `/actors?actors=${'open,'.repeat(200)}open`);
  expect([many.status, many.body.errors[0].path]).toEqual([400, 'actors']);
  expect((await ada.ask('GET', '/actors')).status).toBe(400);
  expect((await new Browser(() => app).ask('GET', '/actors?actors=open')).status).toBe(401);
});

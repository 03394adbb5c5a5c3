import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../../test/app.ts';
import { strikeOut } from './request.rules.ts';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const TOKEN = 'Bearer of-nobodys-business';

let app: TestApp;
const received: IncomingHttpHeaders[] = [];
const target = createServer((request, response) => {
  received.push(request.headers);
  // As targets do that are there to be tried against.
  if (request.url === '/echo') response.end(JSON.stringify({ headers: request.headers }));
  else response.end('{"state":"done"}');
});

beforeAll(async () => {
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  app = await startTestApp({ env: { HOLDFAST_EGRESS_ALLOW: '127.0.0.1' } });
  await app.server.jobs.queue.open();
});
afterAll(async () => {
  await app.close();
  target.closeAllConnections();
  await new Promise((resolve) => target.close(resolve));
});

async function ask(
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: object,
  headers: Record<string, string> = {},
) {
  const payload = body === undefined ? {} : { payload: body };
  const answer = await app.app.inject({ method, url: `/api/v1${path}`, headers, ...payload });
  return { status: answer.statusCode, text: answer.body, body: answer.body === '' ? null : answer.json() };
}

/** Does what there is to do, until the run is over. */
async function finished(runId: string) {
  for (;;) {
    await app.server.jobs.worker.runOnce();
    const { body } = await ask('GET', `/runs/${runId}`);
    if (body.finishedAt !== null) return body;
  }
}

it('what a job signs and signs in with is sent, is kept through a change, and is shown nowhere', async () => {
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`;
  const config = {
    url,
    signingSecret: SECRET,
    authorization: TOKEN,
    success: { json: { path: '$.state', equals: 'done' } },
  };
  const body = { name: 'Tell', type: 'http_request', config };
  const made = await ask('POST', '/jobs', body, { 'idempotency-key': 'make' });
  expect(made.status).toBe(201);
  const { id } = made.body;
  const patched = await ask('PATCH', `/jobs/${id}`, { config: { url: `${url}again` } });
  expect(patched.status).toBe(200);
  const asked = await ask('POST', `/jobs/${id}/run`, {});
  const run = await finished(asked.body.id);
  expect(run).toMatchObject({
    status: 'succeeded',
    result: { status: 200, response: '{"state":"done"}', isWhole: true },
  });
  expect(received).toMatchObject([
    { authorization: TOKEN, 'webhook-id': asked.body.id, 'webhook-signature': expect.stringMatching(/^v1,/) },
  ]);

  const seen = [made.text, patched.text, asked.text, JSON.stringify(run)];
  for (const path of [
    '/jobs',
    `/jobs/${id}`,
    `/jobs/${id}/history`,
    '/jobs/types',
    '/audit',
    '/events',
    '/jobs/stats',
  ]) {
    const answer = await ask('GET', path);
    expect(`${path} ${answer.status}`).toBe(`${path} 200`);
    seen.push(answer.text);
  }
  seen.push((await ask('POST', '/jobs', body, { 'idempotency-key': 'make' })).text);
  for (const text of seen) {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(TOKEN);
  }
  const journal = await app.database.kysely.selectFrom('journal_entry').select('data').execute();
  expect(journal.length).toBeGreaterThan(1);
  expect(JSON.stringify(journal)).not.toContain('nobodys-business');
});

it.each([
  ['succeeds', {}],
  ['fails', { status: ['404'] }],
  ['fails by what it says', { json: { path: '$.headers.authorization', equals: 'none' } }],
])('what a target says back of what it was sent is struck out, where the run %s', async (how, success) => {
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/echo`;
  const config = { url, authorization: TOKEN, success };
  const made = await ask('POST', '/jobs', { name: `Echo: ${how}`, type: 'http_request', config, retries: 0 });
  const asked = await ask('POST', `/jobs/${made.body.id}/run`, {});
  const run = await finished(asked.body.id);
  const log = await ask('GET', `/runs/${asked.body.id}/log`);
  const events = await ask('GET', '/events?topics=jobs');
  const seen = `${JSON.stringify(run)}${log.text}${events.text}`;
  expect(seen).toContain('Bearer ***');
  expect(seen).not.toContain('nobodys-business');
});

it.each([
  ['Bearer 7f3k2q', 'got Bearer 7f3k2q and 7f3k2q', 'got Bearer *** and ***'],
  ['7f3k2q', '{"token":"7f3k2q"}', '{"token":"***"}'],
  ['Digest a="b c"', String.raw`{"sent":"Digest a=\"b c\""}`, '{"sent":"Digest ***"}'],
  ['Bearer ab', 'Bearer ab, above', '***, above'],
  ['ab', 'about', 'about'],
])('of %s is struck out what it is for: %s', (authorization, text, struck) => {
  expect(strikeOut(text, { authorization })).toBe(struck);
});

it('a job for a forbidden target is refused', async () => {
  const made = await ask('POST', '/jobs', {
    name: 'No',
    type: 'http_request',
    config: { url: 'http://169.254.169.254/' },
  });
  expect(made).toMatchObject({ status: 400, body: { code: 'forbidden_target' } });
});

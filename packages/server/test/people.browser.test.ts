import { accessSync, constants } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from './app.ts';

// What a browser makes of our cookie, and of pages that would use it: the rules that we rely on are its own.

const ADA = { login: 'ada', name: 'Ada', password: 'three tired herons by the canal' };
const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? findOnPath();

function findOnPath(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

interface Seen {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
}

describe.skipIf(CHROMIUM === null)('in Chromium', () => {
  let app: TestApp;
  let port: number;
  let evil: Server;
  let evilPort: number;
  let browser: Browser;
  const seen: Seen[] = [];

  beforeAll(async () => {
    app = await startTestApp();
    await app.app.listen({ host: '127.0.0.1', port: 0 });
    ({ port } = app.app.server.address() as AddressInfo);
    app.app.server.on('request', ({ method = '', url = '', headers }) => seen.push({ method, url, headers }));
    evil = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<p>Free mugs</p>'),
    );
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    ({ port: evilPort } = evil.address() as AddressInfo);
    browser = await chromium.launch({
      executablePath: CHROMIUM ?? '',
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--host-resolver-rules=MAP *.test 127.0.0.1'],
    });
    const payload = { ...ADA, scopes: ['admin'] };
    const made = await app.app.inject({ method: 'POST', url: '/api/v1/people', payload });
    if (made.statusCode !== 201) throw new Error(made.body);
  });
  afterAll(async () => {
    await browser.close();
    evil.close();
    await app.close();
  });

  /** On a page of the server's, without the policy of its answers, which lets no script of theirs do anything. */
  async function openAt(host: string, context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`http://${host}:${port}/health/live`);
    return page;
  }

  const newContext = () => browser.newContext({ bypassCSP: true });

  /** A request by a script of the page: status and body. */
  async function ask(page: Page, method: string, path: string, body?: object) {
    const init = {
      method,
      headers: { 'x-requested-with': 'test', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    const script = `fetch(${JSON.stringify(`/api/v1${path}`)}, ${JSON.stringify(init)})
      .then(async (answer) => ({ status: answer.status, body: await answer.text() }))`;
    const heard = await page.evaluate<{ status: number; body: string }>(script);
    return {
      status: heard.status,
      body: heard.body === '' ? null : (JSON.parse(heard.body) as Record<string, unknown>),
    };
  }

  const signIn = (page: Page) => ask(page, 'POST', '/session', { login: ADA.login, password: ADA.password });

  test.each(['127.0.0.1', 'localhost', 'shop.localhost'])(
    'the __Host- cookie is kept on http://%s, hidden from scripts, and goes with signing out',
    async (host) => {
      const context = await newContext();
      const page = await openAt(host, context);
      expect((await ask(page, 'GET', '/products')).status).toBe(401);
      expect((await signIn(page)).status).toBe(201);
      const [cookie, ...others] = await context.cookies();
      expect(others).toEqual([]);
      expect(cookie).toMatchObject({
        name: '__Host-holdfast',
        domain: host,
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Strict',
      });
      expect(await page.evaluate('document.cookie')).toBe('');
      expect((await ask(page, 'GET', '/session')).body).toMatchObject({ mode: 'person', name: 'Ada' });
      expect((await ask(page, 'POST', '/products', { sku: `MUG-${host}`, name: 'Mug' })).status).toBe(201);
      // It outlives the tab.
      await page.close();
      const later = await openAt(host, context);
      expect((await ask(later, 'GET', '/products')).status).toBe(200);
      expect((await ask(later, 'DELETE', '/session')).status).toBe(204);
      expect(await context.cookies()).toEqual([]);
      expect((await ask(later, 'GET', '/products')).status).toBe(401);
      await context.close();
    },
  );

  test('from the network in the clear nobody is asked for a password', async () => {
    const context = await newContext();
    const page = await openAt('stock.test', context);
    const answer = await signIn(page);
    expect([answer.status, answer.body?.['code']]).toEqual([403, 'insecure_connection']);
    expect(await context.cookies()).toEqual([]);
    await context.close();
  });

  describe('a page elsewhere, opened by somebody who is signed in', () => {
    let context: BrowserContext;
    let own: Page;
    let reservation: string;
    beforeAll(async () => {
      context = await newContext();
      own = await openAt('127.0.0.1', context);
      await signIn(own);
      await ask(own, 'POST', '/locations', { code: 'WH', name: 'WH', type: 'store' });
      await ask(own, 'POST', '/products', { sku: 'CUP', name: 'Cup' });
      await ask(own, 'POST', '/inventory/CUP/adjust', { location: 'WH', type: 'add', quantity: 5 });
      const lines = [{ sku: 'CUP', quantity: 1 }];
      reservation = String((await ask(own, 'POST', '/reservations', { lines, ttlSeconds: 86_400 })).body?.['id']);
    });
    afterAll(() => context.close());

    const target = (path: string) => `http://127.0.0.1:${port}/api/v1${path}`;
    const status = async () => (await ask(own, 'GET', `/reservations/${reservation}`)).body?.['status'];

    /** What the page of another origin tries; what became of it, as far as it can see. */
    async function tryFrom(host: string, script: string): Promise<unknown> {
      const page = await context.newPage();
      await page.goto(`http://${host}:${evilPort}/`);
      seen.length = 0;
      const outcome = await page.evaluate(script);
      await page.close();
      return outcome;
    }

    // Another port of one machine is the same site: its requests carry the cookie, SameSite or not.
    test.each([
      ['another port', '127.0.0.1', true],
      ['another site', 'evil.test', false],
    ])('on %s cannot act by what a form could send', async (_where, host, carriesCookie) => {
      const post = `fetch('${target(`/reservations/${reservation}/cancel`)}', { method: 'POST', mode: 'no-cors', credentials: 'include' })`;
      await tryFrom(host, `${post}.then(({ type }) => type, String)`);
      const heard = seen.find(({ method }) => method === 'POST');
      expect(heard?.headers.cookie !== undefined).toBe(carriesCookie);
      expect(heard?.headers['sec-fetch-site']).toBe(carriesCookie ? 'same-site' : 'cross-site');
      expect(await status()).toBe('pending');
    });

    test.each(['127.0.0.1', 'evil.test'])('on %s cannot send a form', async (host) => {
      const page = await context.newPage();
      await page.goto(`http://${host}:${evilPort}/`);
      await Promise.all([
        page.waitForURL((url) => url.port === String(port)),
        page.evaluate(`{
          const form = document.createElement('form');
          form.method = 'POST';
          form.action = '${target(`/reservations/${reservation}/cancel`)}';
          document.body.append(form);
          form.submit();
        }`),
      ]);
      expect(await page.evaluate('document.body.textContent')).toMatch(/cross_origin_request|unauthorized|unsupported/);
      await page.close();
      expect(await status()).toBe('pending');
    });

    test.each(['127.0.0.1', 'evil.test'])('on %s gets no leave for JSON, and reads nothing', async (host) => {
      const json = `{ method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: '{}' }`;
      const sent = await tryFrom(host, `fetch('${target('/people')}', ${json}).then(() => 'sent', () => 'refused')`);
      expect(sent).toBe('refused');
      expect(seen.map(({ method }) => method)).not.toContain('POST');
      const read = `fetch('${target('/people')}', { credentials: 'include' }).then(() => 'read', () => 'refused')`;
      expect(await tryFrom(host, read)).toBe('refused');
    });

    test.each(['127.0.0.1', 'evil.test'])('on %s gets no WebSocket', async (host) => {
      const open = `new Promise((resolve) => {
        const socket = new WebSocket('ws://127.0.0.1:${port}/api/v1/ws');
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('refused');
      })`;
      expect(await tryFrom(host, open)).toBe('refused');
    });

    test.each(['127.0.0.1', 'evil.test'])('on %s cannot sign anybody out', async (host) => {
      await tryFrom(
        host,
        `fetch('${target('/session')}', { method: 'DELETE', credentials: 'include' }).then(() => 'done', () => 'refused')`,
      );
      expect((await ask(own, 'GET', '/session')).body).toMatchObject({ authenticated: true, mode: 'person' });
    });
  });
});

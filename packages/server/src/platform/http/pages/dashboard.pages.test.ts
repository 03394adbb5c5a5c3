import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../log/index.ts';
import { createMetrics } from '../../metrics/index.ts';
import { createHttpServer, HTTP_DEFAULTS, mount, type HttpServer } from '../index.ts';
import { dashboardPages } from './dashboard.pages.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const PROGRAM = { accept: '*/*' };

/** A server with the pages of a build, to which nobody is let in: pages need no key. */
async function serverOf(folder: string | null): Promise<HttpServer> {
  const app = await createHttpServer({
    config: HTTP_DEFAULTS,
    log: createLogger('silent'),
    authenticate: () => {
      throw new Error('a page asked who is there');
    },
    isReady: () => ({ ready: true, reasons: [] }),
    metrics: createMetrics({ runtime: false }),
    version: '0.0.0-test',
  });
  await mount(app, '', [dashboardPages(folder)]);
  app.route({ method: 'POST', url: '/api/v1/questions', config: { scope: 'public' }, handler: () => ({}) });
  await app.ready();
  return app;
}

describe('the built dashboard', () => {
  let folder: string;
  let app: HttpServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-pages-'));
    mkdirSync(join(folder, 'assets'));
    const files = {
      'index.html': '<!doctype html><title>Holdfast</title>',
      'pages.json': '["","inventory"]',
      '.stamp': 'of the build',
      'theme.js': 'let theme;',
      'assets/app-1a2b.js': 'let app;',
      'assets/app-1a2b.js.br': 'as Brotli',
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    app = await serverOf(folder);
  });
  afterAll(async () => {
    await app.close();
    rmSync(folder, { recursive: true });
  });

  test.each(['/', '/?theme=dark', '/inventory', '/inventory/SKU%2F1?at=2026-11-20T10:00:00.000Z'])(
    '%s is the page, for whoever asks',
    async (url) => {
      for (const headers of [BROWSER, PROGRAM, {}]) {
        const answer = await app.inject({ url, headers });
        expect(answer.statusCode).toBe(200);
        expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
        expect(answer.headers['cache-control']).toBe('no-cache');
        expect(answer.body).toContain('<title>Holdfast</title>');
      }
    },
  );

  test('a path that nobody has is a page to a browser, a problem to a program, and 404 to both', async () => {
    const page = await app.inject({ url: '/nowhere', headers: BROWSER });
    expect(page.statusCode).toBe(404);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const problem = await app.inject({ url: '/nowhere', headers: PROGRAM });
    expect(problem.statusCode).toBe(404);
    expect(problem.json()).toMatchObject({ code: 'route_not_found' });
  });

  test.each(['/api/v1/nothing', '/api', '/health/nothing', '/docs/nothing', '/assets/old-0000.js'])(
    '%s is never a page',
    async (url) => {
      const answer = await app.inject({ url, headers: BROWSER });
      expect(answer.statusCode).toBe(404);
      expect(answer.headers['content-type']).not.toContain('text/html');
    },
  );

  test.each(['GET', 'HEAD'] as const)('%s of a route that has other methods is 405, not a page', async (method) => {
    const answer = await app.inject({ method, url: '/api/v1/questions', headers: BROWSER });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'POST, OPTIONS']);
  });

  // `http://host/` and `/api/v1/products`, put together.
  test('a path of two slashes is not the first page', async () => {
    const url = '//api/v1/questions';
    const problem = await app.inject({ url, headers: PROGRAM });
    expect([problem.statusCode, problem.json().code]).toEqual([404, 'route_not_found']);
    expect((await app.inject({ url, headers: BROWSER })).statusCode).toBe(404);
  });

  test.each(['/pages.json', '/.stamp', '/assets/app-1a2b.js.map', '/assets/..%2f.stamp', '/theme.js/..%2f.stamp'])(
    '%s is not given out',
    async (url) => {
      const answer = await app.inject({ url, headers: PROGRAM });
      expect(answer.statusCode).toBeGreaterThanOrEqual(400);
      expect(answer.body).not.toContain('of the build');
    },
  );

  test('what has a hash in its name is kept for ever, and sent as it was compressed', async () => {
    const plain = await app.inject('/assets/app-1a2b.js');
    expect(plain.body).toBe('let app;');
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const small = await app.inject({ url: '/assets/app-1a2b.js', headers: { 'accept-encoding': 'gzip, br' } });
    expect(small.headers).toMatchObject({
      'content-encoding': 'br',
      'content-type': 'application/javascript; charset=utf-8',
    });
    expect(small.body).toBe('as Brotli');
  });

  test('other files are asked for again, and are not sent again while they are the same', async () => {
    const first = await app.inject('/theme.js');
    expect(first.headers['cache-control']).toBe('no-cache');
    const again = await app.inject({ url: '/theme.js', headers: { 'if-none-match': String(first.headers['etag']) } });
    expect(again.statusCode).toBe(304);
  });

  test('the policy allows nothing inline, nothing from elsewhere, and no frame', async () => {
    const { headers } = await app.inject('/');
    const policy = String(headers['content-security-policy']);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    for (const part of ["script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "default-src 'none'"]) {
      expect(policy.split('; ')).toContain(part);
    }
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
    });
  });

  test('a page is read, not written to', async () => {
    const answer = await app.inject({ method: 'POST', url: '/inventory' });
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'route_not_found' });
  });
});

test('without a build, / leads to the reference of the API', async () => {
  const app = await serverOf(null);
  const answer = await app.inject('/');
  expect(answer.statusCode).toBe(302);
  expect(answer.headers.location).toBe('/docs');
  await app.close();
});
